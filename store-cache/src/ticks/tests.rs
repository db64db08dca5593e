//! What is left out has no row that is asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt64Array};
use proptest::prelude::*;
use worldstore_core::table::{CompareOp, Predicate, Scalar};

use super::Ticks;

fn batch(ticks: &[Option<i64>]) -> RecordBatch {
    let entities: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..ticks.len() as u64));
    let ticks: ArrayRef = Arc::new(Int64Array::from_iter(ticks.iter().copied()));
    RecordBatch::try_from_iter_with_nullable([("entity", entities, false), ("tick", ticks, true)]).unwrap()
}

fn tick() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -2_i64..3, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn rows() -> impl Strategy<Value = Vec<Option<i64>>> {
    let known = prop::collection::vec(tick().prop_map(Some), 1..4);
    let null = prop::collection::vec(prop::option::of(tick()), 1..4);
    prop_oneof![4 => known, 1 => null]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let op = prop::sample::select(vec![Eq, NotEq, Lt, LtEq, Gt, GtEq]);
    let value = prop_oneof![
        6 => tick().prop_map(|tick| ("tick", Scalar::Int(tick))),
        1 => (0_u64..3).prop_map(|tick| ("tick", Scalar::UInt(tick))),
        1 => Just(("tick", Scalar::UInt(u64::MAX))),
        1 => (0.0..2.0).prop_map(|tick| ("tick", Scalar::Float(tick))),
        2 => (0_u64..3).prop_map(|entity| ("entity", Scalar::UInt(entity))),
    ];
    let leaf = prop_oneof![
        8 => (value, op).prop_map(|((column, value), op)| Predicate::compare(column, op, value)),
        1 => Just(Predicate::IsNull("tick".to_owned())),
        1 => Just(Predicate::IsNotNull("tick".to_owned())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_row_that_is_asked_for_is_left_out(parts in prop::collection::vec(rows(), 1..3), predicate in predicate()) {
        let batches: Vec<_> = parts.iter().map(|ticks| batch(ticks)).collect();
        if !Ticks::of_rows(&batches).meets(Ticks::of_predicate(&predicate)) {
            for batch in &batches {
                prop_assert_eq!(predicate.evaluate(batch).unwrap().true_count(), 0, "{:?} of {:?}", predicate, batch);
            }
        }
    }
}

#[test]
fn what_is_asked_of_a_world_leaves_other_ticks_out() {
    let stretch = Predicate::And(vec![Predicate::eq("run", "a"), Predicate::le("tick", 9_i64)]);
    let asked = Predicate::And(vec![
        stretch,
        Predicate::And(vec![Predicate::eq("active", true), Predicate::eq("tick", 7_i64)]),
    ]);
    let meets = |ticks: &[Option<i64>]| Ticks::of_rows(&[batch(ticks)]).meets(Ticks::of_predicate(&asked));
    assert!(meets(&[Some(7)]) && meets(&[Some(6), Some(8)]) && meets(&[Some(1), None]));
    assert!(!meets(&[Some(6), Some(5)]) && !meets(&[Some(8)]));
    assert!(Ticks::of_rows(&[batch(&[Some(8)])]).meets(Ticks::ALL));
}
