//! What spans decide is what the rows say.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use proptest::prelude::*;
use worldstore_core::table::{CompareOp, Predicate, Scalar};

use super::Spans;

fn batch(rows: &[(String, u64, i64, bool)]) -> RecordBatch {
    let columns: [(&str, ArrayRef, bool); 6] = [
        ("world", Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "w"))), false),
        ("run", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))), false),
        ("entity", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1))), false),
        ("tick", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))), false),
        ("active", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.3)))), false),
        ("seq", Arc::new(UInt64Array::from_iter(rows.iter().map(|row| (row.2 != 0).then_some(row.1)))), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "aa", "ab", "ba"]).prop_map(str::to_owned)
}

fn rows() -> impl Strategy<Value = Vec<(String, u64, i64, bool)>> {
    let several = prop::collection::vec((text(), 0_u64..3, -1_i64..2, any::<bool>()), 1..5);
    let one = (text(), 0_u64..3, -1_i64..2, any::<bool>(), 1_usize..4)
        .prop_map(|(text, entity, tick, active, count)| vec![(text, entity, tick, active); count]);
    prop_oneof![several, one]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::NotEq,
        CompareOp::Lt,
        CompareOp::LtEq,
        CompareOp::Gt,
        CompareOp::GtEq,
    ]);
    let constant = prop_oneof![
        text().prop_map(|text| ("run", Scalar::Text(text))),
        text().prop_map(|text| ("world", Scalar::Text(text))),
        (0_u64..3).prop_map(|entity| ("entity", Scalar::UInt(entity))),
        (-1_i64..3).prop_map(|entity| ("entity", Scalar::Int(entity))),
        (-1_i64..3).prop_map(|tick| ("tick", Scalar::Int(tick))),
        (0_u64..3).prop_map(|seq| ("seq", Scalar::UInt(seq))),
        (0.0..2.0).prop_map(|tick| ("tick", Scalar::Float(tick))),
        any::<bool>().prop_map(|active| ("active", Scalar::Bool(active))),
    ];
    let leaf = prop_oneof![
        4 => (constant, op).prop_map(|((column, value), op)| Predicate::compare(column, op, value)),
        1 => prop::sample::select(vec!["tick", "seq"]).prop_map(|column| Predicate::IsNull(column.to_owned())),
        1 => prop::sample::select(vec!["tick", "seq"]).prop_map(|column| Predicate::IsNotNull(column.to_owned())),
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
    fn what_is_decided_is_what_the_rows_say(parts in prop::collection::vec(rows(), 1..3), predicate in predicate()) {
        let batches: Vec<_> = parts.iter().map(|rows| batch(rows)).collect();
        if let Some(decided) = Spans::default().decide(&predicate, &batches) {
            for batch in &batches {
                let rows = predicate.evaluate(batch).unwrap();
                prop_assert!(rows.iter().all(|row| row.unwrap_or(false) == decided), "{predicate:?} of {batch:?}");
            }
        }
    }
}

#[test]
fn a_tick_of_a_run_is_decided_without_its_rows() {
    let batches = [batch(&[("a".to_owned(), 1, 7, true), ("a".to_owned(), 2, 7, true)])];
    let all = |tick: i64| {
        Predicate::And(vec![
            Predicate::eq("world", "w"),
            Predicate::eq("run", "a"),
            Predicate::eq("tick", tick),
            Predicate::eq("active", true),
        ])
    };
    assert_eq!(Spans::default().decide(&all(7), &batches), Some(true));
    assert_eq!(Spans::default().decide(&all(8), &batches), Some(false));
    assert_eq!(Spans::default().decide(&Predicate::eq("entity", 1_u64), &batches), None);
}

#[test]
fn other_columns_are_not_decided() {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let batches = [RecordBatch::try_from_iter([("x", column)]).unwrap()];
    assert_eq!(Spans::default().decide(&Predicate::eq("x", 1.0), &batches), None);
    assert_eq!(Spans::default().decide(&Predicate::IsNull("x".to_owned()), &batches), None);
}
