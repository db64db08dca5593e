//! Limits: an error, never a shorter answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{Scan, TableScan};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_datafusion::{
    Limit, LimitExceeded, PinnedTable, RowCount, SqlOptions, SqlSession, TableSelection, TableSource,
};

use crate::fixture::{error, limited, rows};

#[tokio::test]
async fn too_many_rows_are_an_error() {
    let session = limited(SqlOptions::default().with_rows_max(2)).await;
    let refused = error(&session, "select * from cars").await;
    assert_eq!((refused.kind(), LimitExceeded::find(&refused)), (ErrorKind::Invalid, Some(Limit::Rows)));
    assert!(refused.to_string().contains("limit_rows: 2"), "{refused}");
    assert_eq!(rows(&session, "select entity from cars limit 2").await.unwrap().len(), 2);
}

#[tokio::test]
async fn too_much_memory_is_an_error() {
    let session = limited(SqlOptions::default().with_memory_bytes_max(64 * 1024)).await;
    let refused = error(&session, "select value from generate_series(1, 200000) order by value % 1000").await;
    assert_eq!(LimitExceeded::find(&refused), Some(Limit::Memory), "{refused:?}");
    assert!(refused.to_string().contains("limit_bytes: 65536"), "{refused}");
    assert_eq!(rows(&session, "select count(*) from cars").await.unwrap(), ["3"]);
}

/// A table of so many batches of one row each, then an error or no end.
#[derive(Debug, Clone)]
struct Endless {
    batches: usize,
    then: Then,
    /// Scans that are open.
    open: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Wait,
    Fail,
    Panic,
}

impl Endless {
    fn new(batches: usize, then: Then) -> Self {
        Self { batches, then, open: Arc::default() }
    }

    fn session(&self) -> SqlSession {
        SqlSession::new(Arc::new(self.clone()))
    }
}

/// Counts as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn one() -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap()
}

#[async_trait]
impl TableSource for Endless {
    async fn tables(&self) -> Result<Vec<String>> {
        Ok(vec!["t".to_owned()])
    }

    async fn pin(&self, _selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        Ok(Arc::new(self.clone()))
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>> {
        Ok(selections.iter().map(|_| Arc::new(self.clone()) as _).collect())
    }
}

#[async_trait]
impl PinnedTable for Endless {
    fn schema(&self) -> SchemaRef {
        one().schema()
    }

    fn rows(&self) -> RowCount {
        RowCount::Unknown
    }

    async fn scan(&self, _scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let (open, then) = (Open(self.open.clone()), self.then);
        let last = stream::once(async move {
            let _open = open;
            match then {
                Then::Wait => std::future::pending().await,
                Then::Fail => Err(Error::new(ErrorKind::Corrupt, "a file is short").with("file", "7.lance")),
                Then::Panic => panic!("a table that breaks"),
            }
        });
        let batches = stream::iter(vec![one(); self.batches]).map(Ok).chain(last);
        Ok(TableScan::new(one().schema(), 1, 0, batches.boxed()))
    }
}

#[tokio::test]
async fn too_much_time_is_an_error() {
    let table = Endless::new(3, Then::Wait);
    let session = table.session().with_options(SqlOptions::default().with_time_max(Duration::from_millis(50)));
    let refused = error(&session, "select n from t").await;
    assert_eq!((refused.kind(), LimitExceeded::find(&refused)), (ErrorKind::Invalid, Some(Limit::Time)));
    assert!(refused.to_string().contains("limit_seconds: 0.05"), "{refused}");
}

#[tokio::test]
async fn a_dropped_query_is_ended() {
    let table = Endless::new(3, Then::Wait);
    let mut answer = table.session().sql("select n from t").await.unwrap();
    assert_eq!(answer.batches.next().await.unwrap().unwrap().num_rows(), 1);
    assert_eq!(table.open.load(Ordering::SeqCst), 1);
    drop(answer);
    while table.open.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_error_of_a_table_ends_the_rows_and_keeps_its_kind() {
    let mut answer = Endless::new(2, Then::Fail).session().sql("select n from t").await.unwrap();
    let mut good = 0;
    let failed = loop {
        match answer.batches.next().await.unwrap() {
            Ok(batch) => good += batch.num_rows(),
            Err(error) => break error,
        }
    };
    assert_eq!((good, failed.to_string().as_str()), (2, "corrupt: a file is short, file: 7.lance"));
    assert!(answer.batches.next().await.is_none());
}

#[tokio::test]
async fn a_table_that_breaks_is_no_end_of_rows() {
    let failed = error(&Endless::new(1, Then::Panic).session(), "select n from t").await;
    assert_eq!(failed.kind(), ErrorKind::Unexpected, "{failed}");
}
