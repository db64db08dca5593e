//! Relations between values: they must agree with each other.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;

use super::{Comparison, List, Map, Value, compare, equals};
use crate::testing::{node, relationship, value};

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Numbers around the places where integers and floats differ, texts, temporal values, and lists and maps of them.
fn any_value() -> impl Strategy<Value = Value> {
    let ints = prop_oneof![any::<i64>(), -3..3i64, Just(i64::MAX), Just(i64::MIN), Just(1 << 53), Just((1 << 53) + 1)];
    let floats = prop_oneof![
        any::<f64>(),
        (-6..6i64).prop_map(|int| int as f64 / 2.0),
        Just(f64::NAN),
        Just(-0.0),
        Just(9_007_199_254_740_993.0),
        Just(9_223_372_036_854_775_808.0),
        Just(f64::NEG_INFINITY),
    ];
    let temporal = prop_oneof![
        Just("date('2020-02-29')"),
        Just("datetime('2020-02-29T12:00+01:00')"),
        Just("datetime('2020-02-29T11:00Z')"),
        Just("time('12:00+01:00')"),
        Just("time('11:00Z')"),
        Just("localtime('12:00')"),
        Just("localdatetime('2020-02-29')"),
        Just("duration('P1M')"),
        Just("duration('P30DT37746S')"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        ints.prop_map(Value::Int),
        floats.prop_map(Value::Float),
        "[ab]{0,2}".prop_map(Value::from),
        temporal.prop_map(value),
        (0..3u64).prop_map(|id| node(id, &["A"], &[]).into()),
        (0..3u64).prop_map(|id| relationship(id, 0, 1, &[]).into()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|entries| {
                entries.into_iter().map(|(name, value)| (name.as_str().into(), value)).collect::<Map>().into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn order_is_total_and_agrees_with_equality_and_hashes(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(a.cmp(&a), Ordering::Equal);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        prop_assert!(a != b || hash(&a) == hash(&b), "{} and {} have different hashes", a, b);
        prop_assert!(!(a <= b && b <= c) || a <= c, "{} {} {}", a, b, c);
    }

    #[test]
    fn what_is_equal_is_equivalent(a in any_value(), b in any_value()) {
        prop_assert_eq!(equals(&a, &b), equals(&b, &a));
        match equals(&a, &b) {
            Some(true) => prop_assert!(a == b, "{} = {}", a, b),
            // NaN is equivalent to itself only.
            Some(false) => prop_assert!(a != b || a.to_string().contains("NaN"), "{} <> {}", a, b),
            None => prop_assert!([&a, &b].iter().any(|one| one.to_string().contains("null"))),
        }
    }

    #[test]
    fn what_is_less_is_ordered_so(a in any_value(), b in any_value()) {
        if let Comparison::Ordered(ordering) = compare(&a, &b) {
            prop_assert_eq!(ordering, a.cmp(&b));
        }
    }
}

#[test]
fn integers_and_floats_compare_exactly() {
    let (int, float) = (Value::Int((1 << 53) + 1), Value::Float(9_007_199_254_740_992.0));
    assert_eq!(compare(&int, &float), Comparison::Ordered(Ordering::Greater));
    assert_eq!(equals(&Value::Int(i64::MAX), &Value::Float(9_223_372_036_854_775_808.0)), Some(false));
    assert_eq!(equals(&Value::Int(1), &Value::Float(1.0)), Some(true));
    assert_eq!(compare(&Value::Int(1), &Value::Float(1.5)), Comparison::Ordered(Ordering::Less));
    assert_eq!(compare(&Value::Int(-1), &Value::Float(-1.5)), Comparison::Ordered(Ordering::Greater));
}

#[test]
fn types_have_their_place_in_the_order() {
    let order = "[{a: 'map'}, n, r, ['list'], p, datetime(), localdatetime(), date(), time(), localtime(), \
                 duration('P1D'), 'text', false, true, -1, 1.5, 2, 1.0 / 0.0, 0.0 / 0.0, null]";
    let Value::List(sorted) = value(order) else { panic!("a list") };
    let mut shuffled: Vec<Value> = sorted.iter().rev().cloned().collect();
    shuffled.sort();
    assert_eq!(Value::from(shuffled).to_string(), Value::from(sorted).to_string());
}

#[test]
fn values_print_as_the_tck_writes_them() {
    let values =
        "[n, r, p, 'it\\'s', 1.0, -0.5, 1e21, 1e-9, {a: null, b: [true]}, date('0999-01-02'), duration('PT0S')]";
    let wanted = "[(:Person:Admin {name: 'Ann'}), [:KNOWS {since: 2001}], \
                  <(:Person:Admin {name: 'Ann'})-[:KNOWS {since: 2001}]->()>, 'it\\'s', 1.0, -0.5, 1.0E21, 1.0E-9, \
                  {a: null, b: [true]}, '0999-01-02', 'PT0S']";
    assert_eq!(value(values).to_string(), wanted);
}

#[test]
fn sizes_and_depths_are_known() {
    assert_eq!(size_of::<Value>(), 24);
    let flat = List::new(vec![Value::Int(1); 10]);
    assert_eq!((flat.bytes(), flat.depth()), (240, 1));
    let nested = List::new(vec![flat.clone().into(), Map::default().into()]);
    assert_eq!((nested.bytes(), nested.depth()), (240 + 2 * 24, 2));
    assert!(Value::from("abc").bytes() >= 27);
}
