//! Rows of a world table as changes of an input.

use std::fmt;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};
use worldstore_zset::{Builder, Cache, Changes, Engine, Row, Stream};

use crate::world::Tick;

/// A table of a world that flows into a circuit: every row that is appended is inserted, with weight 1.
///
/// Fields of the row type are found by name among all columns of the table, `entity`, `tick`, `active`, `seq` and `run`
/// included; columns without a field are left out. For the newest row of each entity, as [`View`](crate::View)s of states
/// have it, let the rows go through `top_k(name, 1, |row| row.entity, |row| (Desc(row.tick), Desc(row.seq)))`, and a filter
/// by `active`.
pub struct Feed {
    table: TableName,
    insert: Insert,
    /// How many rows have come in.
    seen: Cache<((), i64)>,
}

/// Adds rows to the changes of an input.
type Insert = Box<dyn Fn(Changes, &RecordBatch) -> Result<Changes> + Send + Sync>;

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Feed {
    /// Adds an input for a table to a circuit, and gives its stream. With the input come two operators, named `…_rows` and
    /// `…_seen`: they count what has come in, so that rows which come too late are noticed.
    ///
    /// # Errors
    /// `Invalid` if the table cannot have this name.
    pub fn new<'b, T: Row>(builder: &'b Builder, name: &str, table: &str) -> Result<(Self, Stream<'b, T>)> {
        let table = TableName::new(table)?;
        let (input, rows) = builder.input::<T>(name);
        let seen = rows.count(&format!("{name}_rows"), |_| ()).cache(&format!("{name}_seen"));
        let of_table = table.clone();
        let insert: Insert = Box::new(move |changes, batch| {
            let rows: Vec<T> = serde_arrow::from_record_batch(batch).map_err(|error| {
                let error = Error::invalid("rows of the table are not of the type of the input").caused_by(error);
                error.with("table", &of_table)
            })?;
            Ok(changes.insert(&input, rows))
        });
        Ok((Self { table, insert, seen }, rows))
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Adds the rows that a tick has for this table.
    pub(super) fn insert(&self, mut changes: Changes, tick: &Tick) -> Result<Changes> {
        for (_, batches) in tick.tables.iter().filter(|(table, _)| *table == self.table) {
            for batch in batches {
                changes = (self.insert)(changes, batch)?;
            }
        }
        Ok(changes)
    }

    /// How many rows have come in.
    pub(super) fn seen(&self, engine: &mut Engine) -> Result<u64> {
        let counts = engine.read(&self.seen)?.all()?;
        Ok(counts.into_iter().map(|((_, count), _)| u64::try_from(count).unwrap_or(0)).sum())
    }
}
