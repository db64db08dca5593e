//! A source of tables whose rows have sequence numbers and ticks, as those of a world have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use async_trait::async_trait;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_core::table::{AppendOptions, CreateOptions, MemoryTables, Predicate, TableName};
use worldstore_core::{Error, Result};
use worldstore_datafusion::TablePin;
use worldstore_graph::{Moment, PinnedTable, TableSelection, TableSnapshot, TableSource};

/// A row: tick, id, name.
pub type Row = (i64, i64, &'static str);

/// See the module.
#[derive(Debug)]
pub struct Sequenced {
    tables: Arc<dyn AsyncTableBackend>,
    seq: AtomicU64,
}

fn batch(rows: &[Row], first: u64) -> RecordBatch {
    let seq = (first..).take(rows.len());
    RecordBatch::try_from_iter([
        ("tick", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))) as ArrayRef),
        ("seq", Arc::new(UInt64Array::from_iter_values(seq)) as ArrayRef),
        ("id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))) as ArrayRef),
        ("name", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.2))) as ArrayRef),
    ])
    .unwrap()
}

impl Sequenced {
    /// These tables, without rows.
    pub async fn new(names: &[&str]) -> Arc<Self> {
        let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
        for name in names {
            let schema = batch(&[], 0).schema();
            tables.create(&TableName::new(*name).unwrap(), &CreateOptions::new(schema)).await.unwrap();
        }
        Arc::new(Self { tables, seq: AtomicU64::new(0) })
    }

    /// Appends rows, and answers the sequence number of the last.
    pub async fn append(&self, table: &str, rows: &[Row]) -> u64 {
        let first = self.seq.fetch_add(rows.len() as u64, Ordering::SeqCst) + 1;
        let name = TableName::new(table).unwrap();
        let _ = self.tables.append(&name, vec![batch(rows, first)], &AppendOptions::default()).await.unwrap();
        self.seq.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TableSource for Sequenced {
    async fn tables(&self) -> Result<Vec<String>> {
        Ok(self.tables.list(&Default::default()).await?.into_iter().map(|name| name.to_string()).collect())
    }

    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let newest = self.seq.load(Ordering::SeqCst);
        let seq = match &selection.at {
            None => newest,
            Some(Moment::Sequence(seq)) => *seq,
            Some(Moment::Snapshot(name)) => match TableSnapshot::parse(name) {
                Some(TableSnapshot::Sequence(seq)) => seq,
                _ => return Err(Error::not_found("no snapshot has this name").with("snapshot", name)),
            },
            Some(other) => return Err(Error::unsupported("no such moment").with("moment", format!("{other:?}"))),
        };
        if seq > newest {
            return Err(Error::not_found("not yet"));
        }
        let mut pin = TablePin::open(Arc::clone(&self.tables), &TableName::new(&selection.table)?, None).await?;
        pin = pin.with_predicate(Predicate::le("seq", seq))?;
        if let Some(tick) = selection.as_of {
            pin = pin.with_predicate(Predicate::le("tick", tick))?;
        }
        Ok(Arc::new(pin.with_sequence(seq)))
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>> {
        let newest = self.seq.load(Ordering::SeqCst);
        let mut pins = Vec::new();
        for selection in selections {
            let at = selection.at.clone().unwrap_or(Moment::Sequence(newest));
            pins.push(self.pin(&selection.clone().with_at(at)).await?);
        }
        Ok(pins)
    }
}
