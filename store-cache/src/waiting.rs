//! What a log holds that is not published yet, told without opening it for writing.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::TableName;
use worldstore_core::wal::Record;
use worldstore_core::{Error, ErrorKind, Result};

use crate::record::{APPEND, direct_kind, fresh_kind, read_append, read_direct, read_fresh};

/// Appends in a log that no manifest holds yet: the next writer takes them over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Waiting {
    /// Records of the log, those of older appends included.
    pub records: u64,
    /// Appends that wait; one over several tables is one.
    pub appends: u64,
    /// The sequence number of the last of them; none if none waits.
    pub last_seq: Option<u64>,
    /// Rows that wait, by table.
    pub tables: BTreeMap<TableName, u64>,
}

impl Waiting {
    /// Reads the records of a cache's log, from the first on. Appends above the sequence number `published` wait. Memory
    /// holds one record at a time.
    ///
    /// # Errors
    /// Those of reading the records; `Corrupt` for one that is not of a cache.
    pub fn read(records: impl IntoIterator<Item = Result<Record>>, published: u64) -> Result<Self> {
        let (mut waiting, fresh, direct) = (Self::default(), fresh_kind()?, direct_kind()?);
        for record in records {
            let record = record?;
            let number = record.seq;
            waiting.records += 1;
            let taken = match record.kind {
                APPEND => waiting.append(record, published),
                kind if kind == fresh => read_fresh(record.payload).map(|table| waiting.forget(&table)),
                // Its rows are in the table, or in a record of their own.
                kind if kind == direct => read_direct(record.payload).map(drop),
                kind => Err(Error::new(ErrorKind::Corrupt, "the log holds a record that is not of a cache")
                    .with("kind", kind.get())),
            };
            taken.map_err(|error| error.with("record", number))?;
        }
        Ok(waiting)
    }

    /// All rows that wait.
    pub fn rows(&self) -> u64 {
        self.tables.values().sum()
    }

    /// What came before belongs to an older table of that name.
    fn forget(&mut self, table: &TableName) {
        self.tables.remove(table);
    }

    fn append(&mut self, record: Record, published: u64) -> Result<()> {
        let append = read_append(record.payload)?;
        if append.seq <= published {
            return Ok(());
        }
        self.appends += 1;
        self.last_seq = self.last_seq.max(Some(append.seq));
        for part in &append.parts {
            let rows: usize = part.batches()?.iter().map(RecordBatch::num_rows).sum();
            *self.tables.entry(part.table.clone()).or_default() += rows as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
