//! Ticks that tell who wrote them, so that each is known again from its rows, whole or not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use worldstore::arrow::array::{AsArray, RecordBatch, UInt64Array};
use worldstore::arrow::datatypes::{Int64Type, UInt64Type};
use worldstore::core::table::Scan;
use worldstore::world::TickReceipt;
use worldstore::{Result, Run, World};

use super::random::Random;

/// Tables over which ticks go.
pub const TABLES: u64 = 8;

pub fn table(number: u64) -> String {
    format!("t{number}")
}

/// Who wrote a tick, and which of its own it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub cycle: u64,
    pub writer: u64,
    /// Dense from 0.
    pub number: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.cycle, self.writer, self.number)
    }
}

impl Id {
    fn random(self, more: &[u64]) -> Random {
        Random::of(&[&[self.cycle, self.writer, self.number], more].concat())
    }

    /// How many rows the tick has in each of its tables.
    pub fn shape(self) -> BTreeMap<u64, u64> {
        let mut random = self.random(&[]);
        let several = 1 + random.below(TABLES);
        (0..several).map(|_| (random.below(TABLES), 1 + random.below(3))).collect()
    }

    /// A number that only this row has, of 63 bits: Iceberg has no more.
    fn mark(self, table: u64, index: u64) -> u64 {
        self.random(&[table, index]).number() >> 1
    }

    fn rows(self, table: u64, rows: u64) -> RecordBatch {
        let column = |each: &dyn Fn(u64) -> u64| Arc::new(UInt64Array::from_iter_values((0..rows).map(each))) as _;
        RecordBatch::try_from_iter([
            ("entity", column(&|index| 100 * self.writer + 3 * (self.number % 10) + index)),
            ("cycle", column(&|_| self.cycle)),
            ("writer", column(&|_| self.writer)),
            ("number", column(&|_| self.number)),
            ("index", column(&|index| index)),
            ("mark", column(&|index| self.mark(table, index))),
        ])
        .unwrap()
    }

    /// Writes the tick.
    pub async fn commit(self, run: &Run) -> Result<TickReceipt> {
        let mut tick = run.tick(self.number as i64);
        for (number, rows) in self.shape() {
            tick = tick.append(&table(number), &self.rows(number, rows))?;
        }
        tick.commit().await
    }
}

/// A row that was read, and is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub id: Id,
    pub seq: u64,
    pub table: u64,
    pub index: u64,
}

/// Reads all rows of a world.
pub async fn read(world: &World) -> Result<Vec<Row>> {
    let now = world.run("main").await?.now();
    let columns = ["cycle", "writer", "number", "index", "mark", "seq", "tick"];
    let mut found = Vec::new();
    for name in world.tables().await? {
        let table = name.as_str().strip_prefix('t').unwrap().parse().unwrap();
        for batch in now.collect(name.as_str(), &Scan::all().with_columns(columns)).await? {
            let column = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>().values();
            let [cycle, writer, number, index, mark, seq] =
                ["cycle", "writer", "number", "index", "mark", "seq"].map(column);
            let tick = batch.column_by_name("tick").unwrap().as_primitive::<Int64Type>().values();
            for row in 0..batch.num_rows() {
                let id = Id { cycle: cycle[row], writer: writer[row], number: number[row] };
                assert_eq!(
                    mark[row],
                    id.mark(table, index[row]),
                    "a row of {id} in table {table} is not as it was written"
                );
                assert_eq!(tick[row], id.number as i64, "a row of {id} in table {table}");
                found.push(Row { id, seq: seq[row], table, index: index[row] });
            }
        }
    }
    Ok(found)
}
