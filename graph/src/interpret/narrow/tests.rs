//! What the interpreter would find is let through, whatever the types; what is told exactly is all that is let through.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, UInt8Array,
};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::context::SessionContext;
use proptest::prelude::*;
use worldstore_cypher_runtime::{Date, Map};

use super::*;
use crate::interpret::cells;

/// Columns of all kinds, with values that are hard to compare.
fn batch() -> RecordBatch {
    let floats = [
        Some(0.0),
        Some(-0.0),
        Some(f64::NAN),
        Some(2.5),
        Some(-1.0),
        Some(1e300),
        None,
        Some(9.007_199_254_740_993e15),
    ];
    let ints = [Some(0), Some(-1), Some(2), Some(3), Some((1 << 53) + 1), Some(i64::MIN), None, Some(i64::MAX)];
    let small = ints.map(|number| number.map(|number| (number % 100) as i32));
    let texts = [Some("a"), Some(""), Some("B"), Some("b"), Some("ab"), None, Some("é"), Some("0")];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("double", Arc::new(Float64Array::from(floats.to_vec()))),
        ("single", Arc::new(Float32Array::from(floats.map(|float| float.map(|float| float as f32)).to_vec()))),
        ("long", Arc::new(Int64Array::from(ints.to_vec()))),
        ("int", Arc::new(Int32Array::from(small.to_vec()))),
        (
            "byte",
            Arc::new(UInt8Array::from(small.map(|number| number.map(|number| number.unsigned_abs() as u8)).to_vec())),
        ),
        ("text", Arc::new(StringArray::from(texts.to_vec()))),
        ("bool", Arc::new(BooleanArray::from(small.map(|number| number.map(|number| number > 0)).to_vec()))),
        ("day", Arc::new(Date32Array::from(small.to_vec()))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// Values next to those of the columns, and of other types.
fn all_values() -> Vec<Value> {
    let floats =
        [0.0, -0.0, 2.5, -1.0, 2.0, f64::NAN, 1e300, f64::INFINITY, f64::NEG_INFINITY, 9.007_199_254_740_992e15];
    let ints = [0, -1, 2, 3, 1 << 53, (1 << 53) + 1, i64::MIN, i64::MAX, 47];
    let others = ["a", "", "b", "é", "0"].map(Value::from).into_iter().chain([true, false].map(Value::Bool));
    let days = [-8, 0, 2].map(|days| Value::Date(Date::from_days(days).unwrap()));
    floats.map(Value::Float).into_iter().chain(ints.map(Value::Int)).chain(others).chain(days).collect()
}

const COLUMNS: [&str; 9] = ["double", "single", "long", "int", "byte", "text", "bool", "day", "missing"];
const COMPARES: [Compares; 5] = [Compares::Eq, Compares::Lt, Compares::LtEq, Compares::Gt, Compares::GtEq];

fn conditions() -> impl Strategy<Value = Condition> {
    let names = prop::sample::select(COLUMNS.to_vec());
    let values = || prop::sample::select(all_values());
    let one = (names.clone(), prop::sample::select(COMPARES.to_vec()), values());
    let one = one.prop_map(|(name, compares, value)| Condition { property: name.into(), compares, value });
    let list = (names, prop::collection::vec(values(), 0..4));
    let list = list.prop_map(|(name, list)| Condition {
        property: name.into(),
        compares: Compares::In,
        value: Value::List(list.into_iter().collect()),
    });
    prop_oneof![3 => one, 1 => list]
}

/// Which rows a condition lets through; all if it cannot be told.
fn let_through(narrowed: &Narrowed, batch: &RecordBatch) -> Vec<bool> {
    let_through_with(&SessionContext::new(), narrowed, batch)
}

fn let_through_with(context: &SessionContext, narrowed: &Narrowed, batch: &RecordBatch) -> Vec<bool> {
    let schema = DFSchema::try_from(batch.schema()).unwrap();
    let column = |name: &str| {
        let field = batch.schema().field_with_name(name).ok().cloned()?;
        Some((Expr::Column(Column::new_unqualified(name)), field.data_type().clone()))
    };
    let Some(condition) = narrowed.condition(column) else { return vec![true; batch.num_rows()] };
    let physical = context.create_physical_expr(condition, &schema).unwrap();
    let passed = physical.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap();
    let passed = passed.as_boolean();
    (0..batch.num_rows()).map(|row| passed.is_valid(row) && passed.value(row)).collect()
}

fn properties(batch: &RecordBatch, row: usize) -> Map {
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns());
    let cells = cells.map(|(field, column)| (Arc::from(field.name().as_str()), cells::value(column, row).unwrap()));
    Map::new(cells.filter(|(_, value)| *value != Value::Null).collect())
}

proptest! {
    #[test]
    fn no_row_is_lost_by_conditions_together(places in prop::collection::vec(prop::collection::vec(conditions(), 1..3), 1..3)) {
        let batch = batch();
        let narrowed = Narrowed::to(places.iter().map(Vec::as_slice));
        let passed = let_through(&narrowed, &batch);
        for (row, passed) in passed.into_iter().enumerate() {
            let properties = properties(&batch, row);
            let fits = places.iter().any(|place| place.iter().all(|condition| condition.holds(&properties)));
            prop_assert!(passed || !fits, "row {row} of {places:?}");
        }
    }
}

#[test]
fn no_row_is_lost_by_any_condition() {
    let (batch, context) = (batch(), SessionContext::new());
    let rows: Vec<Map> = (0..batch.num_rows()).map(|row| properties(&batch, row)).collect();
    for column in COLUMNS {
        for compares in COMPARES {
            for value in all_values() {
                let condition = [Condition { property: column.into(), compares, value }];
                let narrowed = Narrowed::to(std::iter::once(condition.as_slice()));
                let passed = let_through_with(&context, &narrowed, &batch);
                for (properties, passed) in rows.iter().zip(passed) {
                    assert!(passed || !condition[0].holds(properties), "{condition:?} of {properties:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_told_rules_rows_out() {
    let batch = batch();
    for (property, compares, value, expected) in [
        ("double", Compares::Eq, Value::Int(0), vec![0, 1]),
        ("double", Compares::Lt, Value::Float(-0.0), vec![4]),
        ("long", Compares::Gt, Value::Float(9.007_199_254_740_992e15), vec![4, 7]),
        ("long", Compares::LtEq, Value::Float(2.5), vec![0, 1, 2, 5]),
        ("long", Compares::Eq, Value::Float(2.5), vec![]),
        ("int", Compares::In, Value::List([Value::Int(2), Value::Float(3.0)].into_iter().collect()), vec![2, 3]),
        ("text", Compares::GtEq, "b".into(), vec![3, 6]),
        ("missing", Compares::Eq, Value::Int(1), vec![]),
    ] {
        let condition = [Condition { property: property.into(), compares, value }];
        let passed = let_through(&Narrowed::to(std::iter::once(condition.as_slice())), &batch);
        let rows: Vec<_> = (0..batch.num_rows()).filter(|row| passed[*row]).collect();
        assert_eq!(rows, expected, "{condition:?}");
    }
}

#[test]
fn a_place_without_conditions_needs_every_row() {
    let condition = [Condition { property: "x".into(), compares: Compares::Eq, value: Value::Int(1) }];
    assert!(matches!(Narrowed::to([condition.as_slice(), &[]].into_iter()), Narrowed::No));
    assert!(matches!(Narrowed::to(std::iter::empty()), Narrowed::No));
}
