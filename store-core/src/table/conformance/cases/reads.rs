//! Reading: projection, predicates, segments, limits.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};

use super::super::rows::{KINDS, batch, kinds_batch, kinds_schema, numbers, numbers_schema};
use super::super::rows::{world_batch, world_schema};
use super::super::step::{Case, Step};
use super::{append, case, create, read};
use crate::error::Result;
use crate::table::predicate::{CompareOp, Predicate, Scalar};
use crate::table::scan::{Scan, Segment};

const OPS: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];

pub(super) fn cases() -> Result<Vec<Case>> {
    Ok(vec![
        case("projection", projection()?),
        case("column_names", column_names()?),
        case("comparisons", comparisons()?),
        case("logic", logic()?),
        case("segments", segments()?),
        case("limits", limits()?),
    ])
}

/// A table with all kinds in two commits.
fn kinds() -> Result<Vec<Step>> {
    Ok(vec![
        create("t", kinds_schema()),
        append("t", vec![kinds_batch(&KINDS[..6])?]),
        append("t", vec![kinds_batch(&KINDS[6..])?]),
    ])
}

fn projection() -> Result<Vec<Step>> {
    let mut steps = kinds()?;
    let orders: [&[&str]; 6] =
        [&["id"], &["at", "id"], &["b", "t", "f", "u", "i"], &["f", "id", "at", "b", "u", "t", "i"], &["t"], &[]];
    for columns in orders {
        let scan = Scan::all().with_columns(columns.iter().copied());
        steps.push(read("t", scan.clone()));
        // The filter looks at columns that are not read.
        steps.push(read("t", scan.clone().with_predicate(Predicate::ge("i", 0_i64))));
        steps.push(read("t", scan.clone().with_predicate(Predicate::eq("t", "no such text"))));
        steps.push(read("t", scan.clone().with_limit(4)));
        steps.push(read("t", scan.with_predicate(Predicate::IsNotNull("u".into())).with_limit(2)));
    }
    Ok(steps)
}

fn column_names() -> Result<Vec<Step>> {
    let names = ["Upper", "upper", "select", "with space", "count", "1st", "it's", "\u{fc}ber"];
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let column = |start: usize| -> ArrayRef { Arc::new(Int64Array::from(vec![start as i64, 100 + start as i64])) };
    let columns = (0..names.len()).map(column).collect();
    let mut steps = vec![create("t", schema.clone()), append("t", vec![batch(&schema, columns)?])];
    steps.push(read("t", Scan::all()));
    for name in names {
        steps.push(read("t", Scan::all().with_columns([name]).with_predicate(Predicate::ge(name, 100_i64))));
    }
    Ok(steps)
}

/// Constants that each column is compared with: of its own type and of those that compare with it.
fn constants() -> Vec<(&'static str, Vec<Scalar>)> {
    let int = [i64::MIN, -1, 0, 5, (1 << 53) + 1, i64::MAX].map(Scalar::Int);
    let unsigned = [0, 5, (1 << 53) + 1, i64::MAX as u64, 1 << 63, u64::MAX].map(Scalar::UInt);
    let float = [f64::NEG_INFINITY, -0.5, -0.0, 0.0, 1.5, 5.0, f64::INFINITY, f64::NAN].map(Scalar::Float);
    let numbers: Vec<Scalar> = int.into_iter().chain(unsigned).chain(float).collect();
    let text = ["", "A", "a", "it's \"5%\" of _\\", "\u{e4}\u{1F30D}", "%"].map(Scalar::from);
    let time = [0, -1, 1_700_000_000_000_000, 253_402_300_799_999_999].map(Scalar::TimestampMicros);
    vec![
        ("i", numbers.clone()),
        ("u", numbers.clone()),
        ("f", numbers),
        ("t", text.to_vec()),
        ("b", vec![Scalar::Bool(true), Scalar::Bool(false)]),
        ("at", time.to_vec()),
    ]
}

fn comparisons() -> Result<Vec<Step>> {
    let mut steps = kinds()?;
    for (column, constants) in constants() {
        for constant in constants {
            for op in OPS {
                let holds = Predicate::compare(column, op, constant.clone());
                steps.push(read("t", Scan::all().with_columns(["id"]).with_predicate(holds)));
            }
        }
    }
    Ok(steps)
}

fn logic() -> Result<Vec<Step>> {
    let eq = |column: &str, value: i64| Predicate::eq(column, value);
    let not = |inner: Predicate| Predicate::Not(Box::new(inner));
    let columns = ["id", "i", "u", "f", "t", "b", "at"];
    let mut predicates = vec![
        Predicate::And(vec![]),
        Predicate::Or(vec![]),
        not(Predicate::And(vec![])),
        not(Predicate::Or(vec![])),
        Predicate::And(vec![eq("i", 5), eq("u", 5)]),
        Predicate::Or(vec![eq("i", 5), eq("u", 5)]),
        not(Predicate::And(vec![eq("i", 5), eq("u", 5)])),
        not(Predicate::Or(vec![eq("i", 5), eq("u", 5)])),
        not(not(eq("i", 5))),
        // Unknown or true is true, unknown and false is false; not unknown is unknown.
        Predicate::Or(vec![eq("i", 5), Predicate::IsNull("i".into())]),
        Predicate::And(vec![not(eq("i", 5)), Predicate::IsNull("i".into())]),
        not(Predicate::And(vec![eq("i", 5), Predicate::IsNotNull("i".into())])),
        Predicate::Or(vec![Predicate::And(vec![]), eq("i", 5)]),
        Predicate::And(vec![Predicate::Or(vec![]), eq("i", 5)]),
        // A constant that no value of the column has, on both sides of null.
        not(Predicate::eq("i", u64::MAX)),
        not(Predicate::eq("u", -1_i64)),
        Predicate::Or(vec![Predicate::eq("u", -1_i64), Predicate::eq("t", "a")]),
        Predicate::And(vec![Predicate::ge("u", -1_i64), Predicate::eq("b", true)]),
    ];
    for column in columns {
        predicates.push(Predicate::IsNull(column.into()));
        predicates.push(Predicate::IsNotNull(column.into()));
        predicates.push(not(Predicate::IsNull(column.into())));
    }
    for (column, constants) in constants() {
        predicates.extend(constants.into_iter().map(|constant| not(Predicate::eq(column, constant))));
    }
    let mut steps = kinds()?;
    for predicate in predicates {
        let scan = Scan::all().with_predicate(predicate);
        steps.push(read("t", scan.clone().with_columns(["id"])));
        steps.push(read("t", scan.with_columns([""; 0])));
    }
    Ok(steps)
}

fn segments() -> Result<Vec<Step>> {
    let rows: Vec<(&str, &str, u64, i64)> =
        vec![("w", "a", 1, 0), ("w", "a", 2, 1), ("w", "b", 1, 1), ("x", "a", 1, 2)];
    let later = [("w", "a", 1, 2), ("w", "a", 2, -1), ("w", "b", 1, 3), ("x", "it's", 1, 2)];
    let run = |world: &str, run: &str| Segment::run(world, run);
    let lists = [
        vec![],
        vec![run("w", "a")],
        vec![run("w", "A")],
        vec![run("x", "it's")],
        vec![run("w", "a").with_ticks(1..=2)],
        vec![run("w", "a").with_ticks(std::ops::RangeInclusive::new(2, 1))],
        vec![run("w", "a").with_ticks(i64::MIN..=0)],
        vec![run("w", "a").with_seq_max(1)],
        vec![run("w", "a").with_ticks(0..=2).with_seq_max(1), run("w", "b")],
        vec![run("w", "a").with_seq_max(0)],
        vec![run("w", "a").with_seq_max(u64::MAX)],
        // A row in two stretches is read once.
        vec![run("w", "a").with_ticks(0..=1), run("w", "a").with_ticks(1..=2)],
        vec![run("w", "a"), run("w", "b"), run("x", "a"), run("nowhere", "a")],
    ];
    let mut steps = vec![
        create("t", world_schema()?),
        append("t", vec![world_batch(1, &rows)?]),
        append("t", vec![world_batch(2, &later)?]),
    ];
    for list in lists {
        let scan = Scan::all().with_segments(list);
        steps.push(read("t", scan.clone()));
        steps.push(read("t", scan.clone().with_columns(["hp", "entity"])));
        steps.push(read("t", scan.clone().with_columns([""; 0])));
        steps.push(read("t", scan.with_predicate(Predicate::IsNotNull("hp".into())).with_limit(1)));
    }
    steps.push(create("plain", numbers_schema()));
    steps.push(read("plain", Scan::all().with_segments(vec![run("w", "a")])));
    steps.push(read("plain", Scan::all().with_segments(vec![])));
    Ok(steps)
}

fn limits() -> Result<Vec<Step>> {
    let mut steps = vec![create("t", numbers_schema())];
    for part in 0..4 {
        steps.push(append(
            "t",
            vec![numbers(part * 100..part * 100 + 60)?, numbers(part * 100 + 60..part * 100 + 100)?],
        ));
    }
    for limit in [0, 1, 59, 60, 61, 399, 400, 401, usize::MAX] {
        let scan = Scan::all().with_limit(limit);
        steps.push(read("t", scan.clone()));
        steps.push(read("t", scan.clone().with_predicate(Predicate::ge("n", 150_i64))));
        steps.push(read("t", scan.clone().with_predicate(Predicate::eq("n", 399_i64))));
        steps.push(read("t", scan.clone().with_columns([""; 0])));
        steps.push(read("t", scan.with_columns([""; 0]).with_predicate(Predicate::ge("n", 150_i64))));
    }
    Ok(steps)
}
