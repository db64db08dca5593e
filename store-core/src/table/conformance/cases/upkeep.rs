//! Columns that change, compaction, expiry, removal.

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

use super::super::rows::{KINDS, batch, kinds_batch, kinds_schema, numbers, numbers_schema};
use super::super::step::{At, Case, Needs, Step};
use super::{all, append, case, create, describe, read};
use crate::error::Result;
use crate::table::maintenance::ColumnChange;
use crate::table::ops::AppendOptions;
use crate::table::predicate::Predicate;
use crate::table::scan::Scan;

pub(super) fn cases() -> Result<Vec<Case>> {
    Ok(vec![
        case("add_columns", add_columns()?),
        case("rename_column", rename_column()?),
        case("columns_refused", columns_refused()?),
        case("compact", compact()?),
        case("compact_and_drop", compact_and_drop()?),
        Case { name: "compact_keeps_marks", needs: Needs::Watermarks, steps: compact_keeps_marks()? },
        case("expire", expire()?),
        case("expire_compacted", expire_compacted()?),
        case("remove", remove()?),
    ])
}

fn add(table: &'static str, fields: &[(&str, DataType)]) -> Step {
    let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect();
    Step::Evolve { table, change: ColumnChange::Add(fields) }
}

fn rename(table: &'static str, from: &str, to: &str) -> Step {
    Step::Evolve { table, change: ColumnChange::Rename { from: from.to_owned(), to: to.to_owned() } }
}

fn pack(table: &'static str) -> Step {
    Step::Compact { table, drop: None }
}

fn forget(keep: usize, retain: &[usize], dry_run: bool) -> Step {
    Step::Expire { table: "t", keep, retain: retain.to_vec(), dry_run }
}

/// Rows of `numbers_schema` with further columns.
fn wide(number: &str, rows: &[(i64, Option<i64>, Option<&str>)]) -> Result<RecordBatch> {
    let schema = Schema::new(vec![
        Field::new(number, DataType::Int64, false),
        Field::new("more", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.2).collect::<StringArray>()),
    ];
    batch(&Arc::new(schema), columns)
}

fn add_columns() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", numbers_schema()),
        append("t", vec![numbers(0..3)?]),
        add("t", &[("more", DataType::Int64), ("text", DataType::Utf8)]),
        describe("t"),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(1) },
        Step::Describe { table: "t", at: At::Commit(1) },
        append("t", vec![numbers([9])?]),
        append("t", vec![wide("n", &[(3, Some(30), Some("c")), (4, None, None)])?]),
        all("t"),
        read("t", Scan::all().with_predicate(Predicate::eq("more", 30_i64))),
        read("t", Scan::all().with_predicate(Predicate::IsNull("more".into()))),
        read("t", Scan::all().with_columns(["text", "n"]).with_predicate(Predicate::ge("n", 2_i64))),
        Step::Reopen,
        describe("t"),
        all("t"),
        add("t", &[("late", DataType::Boolean)]),
        all("t"),
        Step::History { table: "t" },
    ])
}

fn rename_column() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", numbers_schema()),
        append("t", vec![numbers(0..3)?]),
        rename("t", "n", "number"),
        describe("t"),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(1) },
        append("t", vec![numbers([9])?]),
        read("t", Scan::all().with_columns(["n"])),
        add("t", &[("more", DataType::Int64), ("text", DataType::Utf8)]),
        append("t", vec![wide("number", &[(7, Some(1), None)])?]),
        read("t", Scan::all().with_predicate(Predicate::ge("number", 2_i64))),
        Step::Reopen,
        all("t"),
        // The old name is free again, and names another column now.
        add("t", &[("n", DataType::Int64)]),
        all("t"),
        read("t", Scan::all().with_predicate(Predicate::IsNotNull("n".into()))),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(1) },
    ])
}

fn columns_refused() -> Result<Vec<Step>> {
    let strict = ColumnChange::Add(vec![Field::new("more", DataType::Int64, false)]);
    Ok(vec![
        create("t", kinds_schema()),
        append("t", vec![kinds_batch(&KINDS)?]),
        Step::Evolve { table: "t", change: strict },
        Step::Evolve { table: "t", change: ColumnChange::Add(vec![]) },
        add("t", &[("id", DataType::Int64)]),
        add("t", &[("more", DataType::Int64), ("more", DataType::Utf8)]),
        rename("t", "missing", "more"),
        rename("t", "id", "u"),
        rename("t", "id", "id"),
        add("missing", &[("more", DataType::Int64)]),
        rename("missing", "id", "more"),
        describe("t"),
        all("t"),
        Step::History { table: "t" },
    ])
}

fn compact() -> Result<Vec<Step>> {
    let mut steps = vec![create("t", numbers_schema()), pack("t")];
    for commit in 0..6_i64 {
        steps.push(append("t", vec![numbers(commit * 10..commit * 10 + 5)?]));
    }
    steps.extend([
        pack("t"),
        describe("t"),
        all("t"),
        read("t", Scan::all().with_predicate(Predicate::ge("n", 31_i64))),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(3) },
        append("t", vec![numbers([100])?]),
        all("t"),
        Step::Reopen,
        pack("t"),
        all("t"),
        add("t", &[("more", DataType::Int64), ("text", DataType::Utf8)]),
        append("t", vec![wide("n", &[(101, Some(1), None)])?]),
        pack("t"),
        all("t"),
        describe("t"),
        pack("missing"),
    ]);
    Ok(steps)
}

fn compact_and_drop() -> Result<Vec<Step>> {
    let drop = |predicate| Step::Compact { table: "t", drop: Some(predicate) };
    Ok(vec![
        create("t", kinds_schema()),
        append("t", vec![kinds_batch(&KINDS[..4])?]),
        append("t", vec![kinds_batch(&KINDS[4..])?]),
        // A row for which it is unknown stays.
        drop(Predicate::ge("u", 1_u64)),
        describe("t"),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(2) },
        drop(Predicate::eq("missing", 1_i64)),
        drop(Predicate::eq("id", 1_000_000_i64)),
        all("t"),
        drop(Predicate::And(vec![])),
        all("t"),
        describe("t"),
        append("t", vec![kinds_batch(&KINDS[..2])?]),
        all("t"),
    ])
}

/// Watermark and epoch are as they were: a repeated append is refused after a compaction too.
fn compact_keeps_marks() -> Result<Vec<Step>> {
    let once = |expected, next, row| -> Result<Step> {
        let options = AppendOptions::exactly_once(expected, next).with_epoch(3);
        Ok(Step::Append { table: "t", batches: vec![numbers([row])?], options })
    };
    Ok(vec![
        create("t", numbers_schema()),
        once(0, 1, 1)?,
        once(1, 2, 2)?,
        pack("t"),
        describe("t"),
        once(1, 2, 2)?,
        rename("t", "n", "number"),
        describe("t"),
        rename("t", "number", "n"),
        once(1, 2, 2)?,
        Step::Compact { table: "t", drop: Some(Predicate::eq("n", 1_i64)) },
        once(2, 3, 3)?,
        Step::Append { table: "t", batches: vec![], options: AppendOptions::exactly_once(3, 4).with_epoch(2) },
        describe("t"),
        all("t"),
    ])
}

fn expire() -> Result<Vec<Step>> {
    let mut steps = vec![create("t", numbers_schema())];
    for commit in 0..5_i64 {
        steps.push(append("t", vec![numbers([commit])?]));
    }
    let at = |commit| Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(commit) };
    steps.extend([
        forget(0, &[], false),
        forget(3, &[1], true),
        at(2),
        forget(3, &[1], false),
        at(1),
        at(2),
        Step::Describe { table: "t", at: At::Commit(2) },
        at(3),
        at(4),
        all("t"),
        Step::History { table: "t" },
        forget(3, &[1], false),
        Step::Reopen,
        at(2),
        at(1),
        append("t", vec![numbers([5])?]),
        forget(100, &[], false),
        forget(1, &[], false),
        at(5),
        all("t"),
        Step::History { table: "t" },
        append("t", vec![numbers([6])?]),
        all("t"),
        Step::Expire { table: "missing", keep: 1, retain: vec![], dry_run: false },
    ]);
    Ok(steps)
}

fn expire_compacted() -> Result<Vec<Step>> {
    let mut steps = vec![create("t", numbers_schema())];
    for commit in 0..4_i64 {
        steps.push(append("t", vec![numbers(commit * 10..commit * 10 + 3)?]));
    }
    steps.extend([
        pack("t"),
        forget(1, &[2], false),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(2) },
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(3) },
        append("t", vec![numbers([99])?]),
        Step::Reopen,
        all("t"),
        forget(1, &[], false),
        all("t"),
        Step::Scan { table: "t", scan: Scan::all(), at: At::Commit(2) },
    ]);
    Ok(steps)
}

fn remove() -> Result<Vec<Step>> {
    let gone = || Step::Remove { table: "t" };
    Ok(vec![
        gone(),
        create("t", numbers_schema()),
        create("other", numbers_schema()),
        append("t", vec![numbers(0..3)?]),
        append("other", vec![numbers(5..8)?]),
        gone(),
        Step::List,
        describe("t"),
        all("t"),
        append("t", vec![numbers([1])?]),
        Step::History { table: "t" },
        gone(),
        Step::Reopen,
        Step::List,
        all("t"),
        create("t", kinds_schema()),
        describe("t"),
        append("t", vec![kinds_batch(&KINDS[..3])?]),
        all("t"),
        all("other"),
        Step::History { table: "t" },
    ])
}
