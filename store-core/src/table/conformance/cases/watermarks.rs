//! Appends that happen exactly once.

use super::super::rows::{kinds_schema, numbers, numbers_schema};
use super::super::step::{At, Case, Needs, Step};
use super::{all, append, create, describe};
use crate::error::Result;
use crate::table::ops::AppendOptions;
use crate::table::scan::Scan;
use arrow::record_batch::RecordBatch;

pub(super) fn cases() -> Result<Vec<Case>> {
    Ok(vec![case("exactly_once", exactly_once()?), case("exactly_once_refused", refused()?), case("epochs", epochs()?)])
}

fn case(name: &'static str, steps: Vec<Step>) -> Case {
    Case { name, needs: Needs::Watermarks, steps }
}

fn once(expected: u64, next: u64, batches: Vec<RecordBatch>) -> Step {
    Step::Append { table: "t", batches, options: AppendOptions::exactly_once(expected, next) }
}

fn exactly_once() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", numbers_schema()),
        describe("t"),
        once(0, 3, vec![numbers(0..3)?]),
        describe("t"),
        once(0, 3, vec![numbers(0..3)?]),
        all("t"),
        // A commit without watermark keeps it.
        append("t", vec![numbers([100])?]),
        describe("t"),
        once(0, 3, vec![numbers(0..3)?]),
        once(3, 4, vec![numbers([3])?]),
        // No rows, but a step: a commit of its own.
        once(4, 9, vec![]),
        once(9, 10, vec![numbers([])?]),
        once(9, 10, vec![]),
        describe("t"),
        once(10, u64::MAX, vec![numbers(10..12)?]),
        once(10, u64::MAX, vec![numbers(10..12)?]),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(1) },
        Step::Describe { table: "t", at: At::Commit(2) },
        Step::History { table: "t" },
        Step::Reopen,
        once(10, u64::MAX, vec![numbers(10..12)?]),
        describe("t"),
        all("t"),
    ])
}

fn refused() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", numbers_schema()),
        // A gap, a step back, a step on the spot, a step back from where the table stands.
        once(1, 2, vec![numbers([1])?]),
        once(0, 0, vec![numbers([1])?]),
        once(5, 4, vec![numbers([1])?]),
        describe("t"),
        once(0, 5, vec![numbers(0..5)?]),
        once(6, 7, vec![numbers([1])?]),
        once(4, 6, vec![numbers([1])?]),
        once(5, 5, vec![numbers([1])?]),
        once(5, 0, vec![numbers([1])?]),
        once(5, 6, vec![RecordBatch::new_empty(kinds_schema())]),
        all("t"),
        Step::History { table: "t" },
        once(5, 6, vec![numbers([5])?]),
        all("t"),
        Step::Append { table: "missing", batches: vec![numbers([1])?], options: AppendOptions::exactly_once(0, 1) },
        Step::List,
        Step::Shutdown,
        once(6, 7, vec![numbers([6])?]),
        describe("t"),
    ])
}

/// A writer that was overtaken appends nothing, whatever it says of the watermark.
fn epochs() -> Result<Vec<Step>> {
    let by = |epoch, options: AppendOptions, row| -> Result<Step> {
        Ok(Step::Append { table: "t", batches: vec![numbers([row])?], options: options.with_epoch(epoch) })
    };
    Ok(vec![
        create("t", numbers_schema()),
        by(0, AppendOptions::default(), 1)?,
        by(2, AppendOptions::exactly_once(0, 1), 2)?,
        describe("t"),
        by(1, AppendOptions::exactly_once(1, 2), 3)?,
        by(1, AppendOptions::default(), 3)?,
        describe("t"),
        // Whoever gives no epoch is not refused, and takes nothing over.
        append("t", vec![numbers([4])?]),
        by(2, AppendOptions::exactly_once(1, 2), 5)?,
        Step::Reopen,
        describe("t"),
        by(1, AppendOptions::exactly_once(2, 3), 6)?,
        by(7, AppendOptions::exactly_once(1, 2), 6)?,
        describe("t"),
        by(2, AppendOptions::exactly_once(2, 3), 6)?,
        by(u64::MAX, AppendOptions::exactly_once(3, 4), 7)?,
        by(u64::MAX - 1, AppendOptions::exactly_once(4, 5), 8)?,
        all("t"),
        describe("t"),
        Step::Describe { table: "t", at: At::Commit(2) },
    ])
}
