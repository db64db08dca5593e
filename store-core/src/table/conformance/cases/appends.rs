//! Creating, appending, listing, versions, shutting down.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::super::rows::{KINDS, Kinds, batch, kinds_batch, kinds_schema, numbers, numbers_schema};
use super::super::rows::{world_batch, world_schema};
use super::super::step::{At, Case, Needs, Step};
use super::{all, append, case, create, describe, keep, read};
use crate::error::Result;
use crate::table::predicate::Predicate;
use crate::table::scan::Scan;

pub(super) fn cases() -> Result<Vec<Case>> {
    Ok(vec![
        creating()?,
        appending()?,
        case("append_nothing", append_nothing()?),
        case("append_refused", append_refused()?),
        case("unknown", unknown()?),
        case("versions", versions()?),
        case("listing", listing()),
        case("pinned_scan", pinned_scan()?),
        case("second_handle", second_handle()?),
        case("shutdown", shutdown()?),
        large_unsigned()?,
    ])
}

fn creating() -> Result<Case> {
    let other = Arc::new(Schema::new(vec![Field::new("n", DataType::Utf8, false)]));
    let nullable = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let steps = vec![
        create("t", numbers_schema()),
        describe("t"),
        all("t"),
        create("t", numbers_schema()),
        create("t", other.clone()),
        keep("t", numbers_schema()),
        keep("t", other),
        keep("t", nullable),
        keep("t", world_schema()?),
        keep("fresh", kinds_schema()),
        describe("fresh"),
        all("fresh"),
        append("t", vec![numbers([1])?]),
        keep("t", numbers_schema()),
        create("t", numbers_schema()),
        all("t"),
    ];
    Ok(case("create", steps))
}

fn appending() -> Result<Case> {
    let steps = vec![
        create("kinds", kinds_schema()),
        append("kinds", vec![kinds_batch(&KINDS[..4])?]),
        append("kinds", vec![kinds_batch(&KINDS[4..6])?, kinds_batch(&[])?, kinds_batch(&KINDS[6..])?]),
        all("kinds"),
        describe("kinds"),
        create("world", world_schema()?),
        append("world", vec![world_batch(3, &[("w", "r", 1, 1), ("w", "r", 2, 1)])?]),
        all("world"),
        create("many", numbers_schema()),
        append("many", (0..40).map(|part| numbers(part * 500..(part + 1) * 500)).collect::<Result<_>>()?),
        // The same rows again: an append without watermark is not recognised, and must not be.
        append("many", vec![numbers(0..500)?]),
        all("many"),
        describe("many"),
        append("many", vec![numbers(0..400)?.slice(100, 50)]),
        describe("many"),
        read("many", Scan::all().with_predicate(Predicate::le("n", 120_i64))),
    ];
    Ok(case("append", steps))
}

fn append_nothing() -> Result<Vec<Step>> {
    let other = RecordBatch::new_empty(kinds_schema());
    Ok(vec![
        create("t", numbers_schema()),
        append("t", vec![]),
        append("t", vec![numbers([])?]),
        append("t", vec![numbers([])?, numbers([])?]),
        append("t", vec![other.clone()]),
        describe("t"),
        append("t", vec![numbers([1])?]),
        append("t", vec![]),
        append("t", vec![numbers([])?]),
        append("t", vec![numbers([])?, other]),
        all("t"),
        Step::History { table: "t" },
    ])
}

fn append_refused() -> Result<Vec<Step>> {
    let pair = |first: &str, second: &str, null: bool| -> Result<RecordBatch> {
        let fields = vec![Field::new(first, DataType::Int64, null), Field::new(second, DataType::Int64, false)];
        let column = || -> ArrayRef { Arc::new(Int64Array::from(vec![7, 8])) };
        batch(&Arc::new(Schema::new(fields)), vec![column(), column()])
    };
    let good = pair("a", "b", false)?;
    let short = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
    let short = batch(&short, vec![Arc::new(Int64Array::from(vec![7, 8]))])?;
    let wrong = [pair("b", "a", false)?, pair("a", "c", false)?, pair("a", "b", true)?, short, numbers([1])?];
    let mut steps = vec![create("t", good.schema()), append("t", vec![good.clone()]), describe("t")];
    for wrong in wrong {
        steps.push(append("t", vec![wrong.clone()]));
        steps.push(append("t", vec![good.clone(), wrong]));
        steps.push(describe("t"));
    }
    steps.extend([all("t"), Step::History { table: "t" }, append("t", vec![good]), all("t")]);
    Ok(steps)
}

fn unknown() -> Result<Vec<Step>> {
    Ok(vec![
        describe("missing"),
        all("missing"),
        append("missing", vec![numbers([1])?]),
        append("missing", vec![]),
        Step::History { table: "missing" },
        Step::List,
        create("t", numbers_schema()),
        append("t", vec![numbers([1])?]),
        Step::Describe { table: "t", at: At::Missing },
        Step::Scan { table: "t", scan: Scan::all(), at: At::Missing },
        read("t", Scan::all().with_columns(["m"])),
        read("t", Scan::all().with_columns(["n", "N"])),
        read("t", Scan::all().with_predicate(Predicate::eq("m", 1_i64))),
        read("t", Scan::all().with_predicate(Predicate::IsNull("m".into()))),
        read("t", Scan::all().with_predicate(Predicate::eq("n", "one"))),
        read("t", Scan::all().with_predicate(Predicate::eq("n", true))),
        all("t"),
        Step::List,
    ])
}

fn versions() -> Result<Vec<Step>> {
    let mut steps = vec![create("t", numbers_schema())];
    for commit in 0..5_i64 {
        steps.push(append("t", vec![numbers(commit * 10..commit * 10 + commit + 1)?]));
    }
    for commit in [0, 1, 3, 5] {
        let at = At::Commit(commit);
        let odd = Predicate::ge("n", 1_i64);
        steps.push(Step::Describe { table: "t", at });
        steps.push(Step::Scan { table: "t", scan: Scan::all(), at });
        steps.push(Step::Scan { table: "t", scan: Scan::all().with_predicate(odd).with_limit(3), at });
        steps.push(Step::Scan { table: "t", scan: Scan::all().with_columns([""; 0]), at });
    }
    steps.extend([all("t"), describe("t"), Step::History { table: "t" }]);
    Ok(steps)
}

fn listing() -> Vec<Step> {
    let mut steps = vec![Step::List];
    for table in ["b", "a_1", "a", "Z", "_x", "b1", "a10"] {
        steps.extend([create(table, numbers_schema()), Step::List]);
    }
    steps
}

fn pinned_scan() -> Result<Vec<Step>> {
    let across =
        |scan: Scan, rows| -> Result<Step> { Ok(Step::ScanAcross { table: "t", scan, batches: vec![numbers(rows)?] }) };
    Ok(vec![
        create("t", numbers_schema()),
        across(Scan::all(), 0..3)?,
        across(Scan::all(), 3..6)?,
        across(Scan::all().with_columns([""; 0]), 6..9)?,
        across(Scan::all().with_predicate(Predicate::ge("n", 2_i64)), 9..12)?,
        all("t"),
    ])
}

fn second_handle() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", kinds_schema()),
        append("t", vec![kinds_batch(&KINDS)?]),
        Step::Reopen,
        Step::List,
        describe("t"),
        all("t"),
        Step::Describe { table: "t", at: At::Commit(0) },
        append("t", vec![kinds_batch(&KINDS[..1])?]),
        all("t"),
        Step::History { table: "t" },
    ])
}

fn shutdown() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", numbers_schema()),
        append("t", vec![numbers(0..3)?]),
        Step::Flush,
        append("t", vec![numbers(3..6)?]),
        Step::Shutdown,
        append("t", vec![numbers([9])?]),
        all("t"),
        describe("t"),
        Step::List,
        Step::History { table: "t" },
        Step::Shutdown,
        append("t", vec![numbers([9])?]),
        all("t"),
    ])
}

fn large_unsigned() -> Result<Case> {
    let row = |id, u| Kinds { id, u: Some(u), ..KINDS[5] };
    let rows = [row(0, u64::MAX), row(1, u64::MAX - 1), row(2, 1 << 63), row(3, i64::MAX as u64), row(4, 0), KINDS[5]];
    let mut steps = vec![create("t", kinds_schema()), append("t", vec![kinds_batch(&rows)?]), all("t")];
    for constant in [u64::MAX, u64::MAX - 1, 1 << 63, 0] {
        steps.extend([
            read("t", Scan::all().with_predicate(Predicate::eq("u", constant))),
            read("t", Scan::all().with_predicate(Predicate::ge("u", constant))),
            read("t", Scan::all().with_predicate(Predicate::Not(Box::new(Predicate::le("u", constant))))),
        ]);
    }
    Ok(Case { name: "large_unsigned", needs: Needs::LargeUnsigned, steps })
}
