//! Commits that failed when they were written, and show once the database is opened again.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::TryStreamExt;
use sqlx::error::DatabaseError;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::Memory;
use worldstore_core::table::{AppendOptions, CreateOptions, DescribeOptions, Scan};

use super::*;
use crate::config::IcebergConfig;
use crate::error::is_hidden;
use crate::tables::IcebergTables;

/// A database of which one commit fails, and is not seen until it is opened again.
#[derive(Debug)]
struct Late {
    inner: Sqlite,
    fails: AtomicBool,
    hidden: Mutex<Option<(String, String)>>,
}

impl Late {
    async fn open_again(&self, table: &TableName) {
        let (old, new) = self.hidden.lock().unwrap().take().unwrap();
        let done = self.inner.change(table, Step::Swap { old: &old, new: &new }, None).await.unwrap();
        assert!(matches!(done, Done::Yes));
    }
}

#[async_trait]
impl Database for Late {
    async fn exists(&self) -> Result<bool> {
        self.inner.exists().await
    }

    async fn make(&self) -> Result<()> {
        self.inner.make().await
    }

    async fn pointer(&self, table: Named<'_>) -> Result<Option<Option<String>>> {
        self.inner.pointer(table).await
    }

    async fn settled(&self, table: &TableName) -> Result<Option<Option<String>>> {
        self.inner.settled(table).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.inner.list().await
    }

    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Done> {
        if !self.fails.swap(false, Ordering::SeqCst) {
            return self.inner.change(table, step, epoch).await;
        }
        let ends = step.before().zip(step.after());
        *self.hidden.lock().unwrap() = ends.map(|(old, new)| (old.to_owned(), new.to_owned()));
        Ok(Done::Hidden(Error::new(ErrorKind::Unavailable, "the catalog's file cannot be accessed")))
    }

    async fn raise(&self, epoch: i64) -> Result<u64> {
        self.inner.raise(epoch).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test]
async fn nothing_is_deleted_of_a_commit_that_may_show_later() {
    let late = Arc::new(Late { inner: Sqlite::new(None), fails: AtomicBool::new(false), hidden: Mutex::default() });
    let database: Arc<dyn Database> = late.clone();
    let backend: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
    let config = IcebergConfig::new(CatalogLocation::Memory, "test://root");
    let tables = IcebergTables::with_catalog(backend, config, Arc::new(SqlCatalog { database }));
    let table = TableName::new("items").unwrap();
    let rows = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]).unwrap();
    tables.create(&table, &CreateOptions::new(rows.schema())).await.unwrap();

    late.fails.store(true, Ordering::SeqCst);
    let once = AppendOptions::exactly_once(0, 1);
    let error = tables.append(&table, vec![rows.clone()], &once).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
    assert_eq!(tables.describe(&table, &DescribeOptions::default()).await.unwrap().watermark, 0);

    late.open_again(&table).await;
    let info = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.version, info.watermark, info.rows), (1, 1, 2));
    let found = tables.scan(&table, &Scan::all()).await.unwrap();
    assert_eq!(found.batches.try_collect::<Vec<RecordBatch>>().await.unwrap(), [rows]);
}

/// An error of SQLite with this code.
#[derive(Debug)]
struct Coded(i32);

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.0)
    }
}

impl std::error::Error for Coded {}

impl DatabaseError for Coded {
    fn message(&self) -> &str {
        "none"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.to_string().into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> sqlx::error::ErrorKind {
        sqlx::error::ErrorKind::Other
    }
}

#[test]
fn only_errors_of_the_file_hide_a_commit() {
    let hides = |code: i32| is_hidden(&sqlx::Error::Database(Box::new(Coded(code))));
    // Of a file in general, of its sync and of its end; locked twice, and full.
    assert_eq!([10, 1034, 1546, 5, 517, 13].map(hides), [true, true, true, false, false, false]);
    assert!(!is_hidden(&sqlx::Error::WorkerCrashed));
}
