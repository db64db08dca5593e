//! Spans as text, and what can be told from them: never that a row is not there that is.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, UInt64Array};
use arrow::record_batch::RecordBatch;
use worldstore_core::ErrorKind;
use worldstore_core::table::{CompareOp, Predicate, base};

use super::{COLUMNS, SPANS_KEY, Span, Spans, can_be, end_of, of_column, parse_columns, print_columns};

fn batch(ticks: Vec<Option<i64>>, entities: Vec<u64>) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] =
        [(base::TICK, Arc::new(Int64Array::from(ticks))), (base::ENTITY, Arc::new(UInt64Array::from(entities)))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[test]
fn rows_have_the_span_of_their_values() {
    let rows =
        [batch(vec![Some(3), Some(-1)], vec![u64::MAX, 7]), batch(vec![Some(9)], vec![8]), batch(vec![], vec![])];
    assert_eq!(of_column(&rows, base::TICK), Some(Span { least: -1, greatest: 9 }));
    assert_eq!(of_column(&rows, base::ENTITY), Some(Span { least: 7, greatest: u64::MAX.into() }));
    assert_eq!(of_column(&rows, base::SEQ), None, "no such column");
    assert_eq!(of_column(&[batch(vec![Some(1), None], vec![1, 2])], base::TICK), None, "null is in no span");
    assert_eq!(of_column(&rows[2..], base::TICK), None, "no rows");
}

#[test]
fn text_is_read_as_it_was_written() {
    let columns = parse_columns("2=-5..18446744073709551615,7=1..1").unwrap();
    assert_eq!(print_columns(&columns), "2=-5..18446744073709551615,7=1..1");
    let text = "0123456789abcdef:2=1..2;fedcba9876543210:2=3..4,3=0..0";
    assert_eq!(Spans::parse(text).unwrap().print(), text);
    for broken in ["", "a", "a:", "a:2", "a:2=1", "a:2=1..", "a:2=1..2;", "a:b=1..2"] {
        let config = HashMap::from([(SPANS_KEY.to_owned(), broken.to_owned())]);
        assert_eq!(Spans::of(&config).unwrap_err().kind(), ErrorKind::Corrupt, "{broken:?}");
    }
    assert_eq!(end_of("data/000111000aaabbbbccccddddeeee.lance"), "aabbbbccccddddeeee"[2..].to_owned());
    assert_eq!((end_of("é.lance"), end_of("")), ("é", ""));
}

/// Every predicate over two columns, so deep.
fn predicates(depth: usize) -> Vec<Predicate> {
    let ops = [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];
    let mut all: Vec<_> =
        ops.into_iter().flat_map(|op| (0..5_i64).map(move |at| Predicate::compare(base::TICK, op, at))).collect();
    all.push(Predicate::eq(base::ENTITY, 2_u64));
    all.push(Predicate::IsNull(base::TICK.to_owned()));
    all.push(Predicate::IsNotNull(base::TICK.to_owned()));
    for _ in 0..depth {
        let some: Vec<_> = all.iter().step_by(5).cloned().collect();
        let pairs: Vec<_> = some.iter().flat_map(|a| some.iter().map(move |b| vec![a.clone(), b.clone()])).collect();
        all.extend(pairs.iter().cloned().map(Predicate::And));
        all.extend(pairs.into_iter().map(Predicate::Or));
        all.extend([Predicate::And(vec![]), Predicate::Or(vec![])]);
        all = all.iter().cloned().chain(all.iter().map(|inner| Predicate::Not(Box::new(inner.clone())))).collect();
    }
    all
}

#[test]
fn no_file_is_left_out_that_has_a_row() {
    let (mut kept, mut left_out) = (0, 0);
    for predicate in predicates(2) {
        for (least, greatest) in [(0, 4), (1, 3), (2, 2), (3, 4)] {
            let rows = batch((least..=greatest).map(Some).collect(), vec![2; (greatest - least + 1) as usize]);
            let span = |column: &str| {
                COLUMNS.contains(&column).then(|| of_column(std::slice::from_ref(&rows), column)).flatten()
            };
            let answers = predicate.evaluate(&rows).unwrap();
            let [is_true, is_false] = [true, false].map(|wanted| answers.iter().any(|answer| answer == Some(wanted)));
            assert!(can_be(&predicate, true, &span) || !is_true, "{predicate:?} of {least}..={greatest}");
            assert!(can_be(&predicate, false, &span) || !is_false, "{predicate:?} of {least}..={greatest}");
            *(if can_be(&predicate, true, &span) { &mut kept } else { &mut left_out }) += 1;
        }
    }
    assert!(kept > 1_000 && left_out > 1_000, "{kept} kept, {left_out} left out");
}
