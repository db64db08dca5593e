//! Steps of a history.

use std::sync::Arc;

use proptest::prelude::*;
use worldstore::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use worldstore::world::{MergeConflict, Resolution};
use worldstore::{Error, Result};

/// The tables of a history.
pub const TABLES: [&str; 2] = ["a", "b"];

/// An entity, whether it is active, and its component.
pub type Row = (u64, bool, Option<i64>);

/// A step. Runs are counted from the first, and begin again behind the last.
#[derive(Debug, Clone)]
pub enum Op {
    Define { table: usize },
    Append { run: usize, tick: i64, table: usize, rows: Vec<Row> },
    Tick { run: usize, tick: i64, rows: [Vec<Row>; 2], ended: Option<u64> },
    Fork { run: usize, tick: i64 },
    CreateRun,
    Drop { run: usize },
    Merge { ours: usize, theirs: usize, tick: i64, rule: u8 },
    Diff { one: usize, other: usize, tick: i64 },
    Replay { run: usize, from: i64, to: i64 },
    Look { run: usize, tick: i64, seq: u64, entity: u64 },
    Flush,
    Compact { table: usize },
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_u64..5, prop::bool::weighted(0.75), prop::option::of(0_i64..3)), 0..4)
}

/// A step. Some of them are refused: that is an answer too.
pub fn op() -> impl Strategy<Value = Op> {
    let (run, tick, table) = (0_usize..6, -2_i64..8, 0_usize..2);
    prop_oneof![
        6 => (run.clone(), tick.clone(), table.clone(), rows())
            .prop_map(|(run, tick, table, rows)| Op::Append { run, tick, table, rows }),
        4 => (run.clone(), tick.clone(), [rows(), rows()], prop::option::weighted(0.3, 0_u64..5))
            .prop_map(|(run, tick, rows, ended)| Op::Tick { run, tick, rows, ended }),
        3 => (run.clone(), tick.clone()).prop_map(|(run, tick)| Op::Fork { run, tick }),
        1 => Just(Op::CreateRun),
        1 => run.clone().prop_map(|run| Op::Drop { run }),
        3 => (run.clone(), run.clone(), tick.clone(), 0_u8..6)
            .prop_map(|(ours, theirs, tick, rule)| Op::Merge { ours, theirs, tick: tick + 6, rule }),
        2 => (run.clone(), run.clone(), tick.clone()).prop_map(|(one, other, tick)| Op::Diff { one, other, tick }),
        2 => (run.clone(), tick.clone(), tick.clone()).prop_map(|(run, from, to)| Op::Replay { run, from, to }),
        3 => (run, tick, 0_u64..20, 0_u64..5).prop_map(|(run, tick, seq, entity)| Op::Look { run, tick, seq, entity }),
        1 => Just(Op::Flush),
        1 => table.clone().prop_map(|table| Op::Compact { table }),
        1 => table.prop_map(|table| Op::Define { table }),
    ]
}

/// Rows as a world takes them.
pub fn batch(rows: &[Row]) -> RecordBatch {
    let entity: ArrayRef = Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.0)));
    let active: ArrayRef = Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.1))));
    let x: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.2)));
    RecordBatch::try_from_iter_with_nullable([("entity", entity, false), ("active", active, false), ("x", x, true)])
        .unwrap()
}

/// What a rule of this number answers.
pub fn resolve(rule: u8, conflict: &MergeConflict) -> Result<Resolution> {
    Ok(match rule {
        0 => Resolution::Ours,
        1 => Resolution::Theirs,
        2 => Resolution::Base,
        3 => Resolution::End,
        4 => conflict.theirs.clone().map_or(Resolution::End, Resolution::Row),
        _ => return Err(Error::invalid("the rule knows nothing").with("entity", conflict.entity)),
    })
}
