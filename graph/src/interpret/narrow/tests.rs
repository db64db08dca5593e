//! What the interpreter would find is let through, whatever the types; what is told exactly is all that is let through.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampSecondArray, UInt8Array,
};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::context::SessionContext;
use proptest::prelude::*;
use worldstore_cypher_runtime::{Comparison, Date, DateTime, LocalDateTime, Map, Zone, compare, equals};

use super::*;
use crate::interpret::cells;

/// Some times, of which this is the unit in microseconds.
fn moments(unit: i64) -> Vec<Option<i64>> {
    let micros =
        [Some(0), Some(-1), Some(1_500_000), Some(2_000_000), Some(-2_000_000), None, Some(1_500_001), Some(1)];
    micros.map(|micros| micros.map(|micros: i64| micros.div_euclid(unit))).to_vec()
}

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
        ("second", Arc::new(TimestampSecondArray::from(moments(1_000_000)))),
        ("micro", Arc::new(TimestampMicrosecondArray::from(moments(1)))),
        ("zoned", Arc::new(TimestampMillisecondArray::from(moments(1_000)).with_timezone("+02:00"))),
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
    let nanos = [0, -1_000, 1, 1_500_000_000, 2_000_000_000, 1_000_000_000_000_000_000_000_000];
    let local = nanos.into_iter().filter_map(|nanos| LocalDateTime::from_nanos(nanos).ok()).map(Value::LocalDateTime);
    let zoned = nanos.into_iter().zip(["+02:00", "Z", "+05:00"].into_iter().cycle());
    let zoned = zoned.filter_map(|(nanos, zone)| DateTime::from_nanos(nanos, Zone::parse(zone).unwrap()).ok());
    let times = local.chain(zoned.map(|time| Value::DateTime(Arc::new(time))));
    let numbers = floats.map(Value::Float).into_iter().chain(ints.map(Value::Int));
    numbers.chain(others).chain(days).chain(times).collect()
}

const COLUMNS: [&str; 12] =
    ["double", "single", "long", "int", "byte", "text", "bool", "day", "second", "micro", "zoned", "missing"];
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

/// Demands of each form.
fn demands() -> impl Strategy<Value = Demand> {
    let one = prop_oneof![conditions().prop_map(Demand::Holds), conditions().prop_map(Demand::Fails)];
    one.prop_recursive(2, 8, 3, |inner| {
        let way = prop::collection::vec(inner, 1..3);
        prop::collection::vec(way, 1..3).prop_map(Demand::Any)
    })
}

/// Whether properties are as it is demanded.
fn are(demand: &Demand, properties: &Map) -> bool {
    match demand {
        Demand::Holds(one) => one.holds(properties),
        Demand::Fails(one) => fails(one, properties),
        Demand::Any(ways) => ways.iter().any(|way| way.iter().all(|one| are(one, properties))),
        _ => false,
    }
}

fn fails(one: &Condition, properties: &Map) -> bool {
    let Some(value) = properties.get(&one.property) else { return false };
    match (one.compares, &one.value) {
        (Compares::Eq, other) => equals(value, other) == Some(false),
        (Compares::In, Value::List(list)) => list.iter().all(|item| equals(value, item) == Some(false)),
        (_, other) => match compare(value, other) {
            Comparison::Ordered(_) => !one.holds(properties),
            Comparison::Never => true,
            Comparison::Unknown => false,
        },
    }
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
    fn no_row_is_lost_by_demands_together(places in prop::collection::vec(prop::collection::vec(demands(), 1..3), 1..3)) {
        let batch = batch();
        let narrowed = Narrowed::to(places.iter().map(Vec::as_slice));
        let passed = let_through(&narrowed, &batch);
        for (row, passed) in passed.into_iter().enumerate() {
            let properties = properties(&batch, row);
            let fits = places.iter().any(|place| place.iter().all(|demand| are(demand, &properties)));
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
                let condition = Condition { property: column.into(), compares, value };
                for demand in [Demand::Holds(condition.clone()), Demand::Fails(condition)] {
                    let narrowed = Narrowed::to(std::iter::once(std::slice::from_ref(&demand)));
                    let passed = let_through_with(&context, &narrowed, &batch);
                    for (properties, passed) in rows.iter().zip(passed) {
                        assert!(passed || !are(&demand, properties), "{demand:?} of {properties:?}");
                    }
                }
            }
        }
    }
}

fn told(demand: &Demand, batch: &RecordBatch) -> Vec<usize> {
    let passed = let_through(&Narrowed::to(std::iter::once(std::slice::from_ref(demand))), batch);
    (0..batch.num_rows()).filter(|row| passed[*row]).collect()
}

#[test]
fn what_is_told_rules_rows_out() {
    let batch = batch();
    let list = |items: [Value; 2]| Value::List(items.into_iter().collect());
    let local = |nanos| Value::LocalDateTime(LocalDateTime::from_nanos(nanos).unwrap());
    let zoned =
        |nanos, zone| Value::DateTime(Arc::new(DateTime::from_nanos(nanos, Zone::parse(zone).unwrap()).unwrap()));
    let condition = |property: &str, compares, value| Condition { property: property.into(), compares, value };
    for (property, compares, value, holds, fails) in [
        ("double", Compares::Eq, Value::Int(0), vec![0, 1], None),
        ("double", Compares::Lt, Value::Float(-0.0), vec![4], None),
        ("long", Compares::Gt, Value::Float(9.007_199_254_740_992e15), vec![4, 7], Some(vec![0, 1, 2, 3, 5])),
        ("long", Compares::LtEq, Value::Float(2.5), vec![0, 1, 2, 5], Some(vec![3, 4, 7])),
        ("long", Compares::Eq, Value::Float(2.5), vec![], None),
        ("long", Compares::Eq, Value::Int(2), vec![2], Some(vec![0, 1, 3, 4, 5, 7])),
        ("int", Compares::In, list([Value::Int(2), Value::Float(3.0)]), vec![2, 3], None),
        ("int", Compares::In, list([Value::Int(2), Value::Int(3)]), vec![2, 3], Some(vec![0, 1, 4, 5, 7])),
        ("text", Compares::GtEq, "b".into(), vec![3, 6], Some(vec![0, 1, 2, 4, 7])),
        ("bool", Compares::Eq, Value::Bool(true), vec![2, 3, 4, 7], Some(vec![0, 1, 5])),
        ("missing", Compares::Eq, Value::Int(1), vec![], Some(vec![])),
        ("second", Compares::Lt, local(1_500_000_000), vec![0, 1, 2, 4, 6, 7], Some(vec![3])),
        ("second", Compares::Eq, local(1_500_000_000), vec![], None),
        ("micro", Compares::LtEq, local(1_500_000_001), vec![0, 1, 2, 4, 7], Some(vec![3, 6])),
        ("micro", Compares::Eq, local(1_500_000_000), vec![2], None),
        // One in another zone, of the same moment, is behind it or before it.
        ("zoned", Compares::Lt, zoned(0, "Z"), vec![0, 1, 4, 7], Some(vec![0, 2, 3, 6, 7])),
        ("zoned", Compares::GtEq, zoned(1_999_000_000, "Z"), vec![3], Some(vec![0, 1, 2, 4, 6, 7])),
    ] {
        let condition = condition(property, compares, value);
        let told_of = |demand: &Demand| told(demand, &batch);
        assert_eq!(told_of(&Demand::Holds(condition.clone())), holds, "{condition:?}");
        let fails = fails.unwrap_or_else(|| (0..batch.num_rows()).collect());
        assert_eq!(told_of(&Demand::Fails(condition.clone())), fails, "not {condition:?}");
    }
    let either = Demand::Any(vec![
        vec![Demand::Holds(condition("long", Compares::Gt, Value::Int(2)))],
        vec![Demand::Fails(condition("text", Compares::Lt, "b".into()))],
    ]);
    assert_eq!(told(&either, &batch), [3, 4, 6, 7]);
}

#[test]
fn a_place_without_demands_needs_every_row() {
    let condition = Condition { property: "x".into(), compares: Compares::Eq, value: Value::Int(1) };
    let demand = [Demand::Holds(condition)];
    assert!(matches!(Narrowed::to([demand.as_slice(), &[]].into_iter()), Narrowed::No));
    assert!(matches!(Narrowed::to(std::iter::empty()), Narrowed::No));
}
