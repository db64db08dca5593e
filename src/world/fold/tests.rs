//! Folding: order does not matter, memory stays near the live entities.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, DictionaryArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::Int8Type;
use worldstore_core::ErrorKind;

use super::{CHUNKS_MAX, Ended, Newest, SLACK_ROWS, pick, pieces};

type Row = (u64, i64, u64, bool);

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 4] = [
        ("entity", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.0)))),
        ("tick", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("seq", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2)))),
        ("active", Arc::new(BooleanArray::from(rows.iter().map(|row| row.3).collect::<Vec<_>>()))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn fold(ended: Ended, batches: &[&[Row]]) -> Vec<Row> {
    let mut newest = Newest::new(batch(&[]).schema(), ended);
    batches.iter().for_each(|rows| newest.take(batch(rows), |_| true).unwrap());
    let sorted = newest.sorted();
    let all = batches.concat();
    let found = |(entity, chunk, row): &(u64, usize, usize)| {
        let base = super::Base::of(&sorted.chunks[*chunk]).unwrap();
        let found = (base.entity.value(*row), base.tick.value(*row), base.seq.value(*row), base.active.value(*row));
        assert!(found.0 == *entity && all.contains(&found));
        found
    };
    sorted.order.iter().map(found).collect()
}

#[test]
fn an_older_row_that_comes_later_does_not_bring_an_ended_entity_back() {
    let (older, newer): (&[Row], &[Row]) = (&[(7, 1, 1, true), (8, 1, 1, true)], &[(7, 2, 2, false)]);
    for order in [[older, newer], [newer, older]] {
        assert_eq!(fold(Ended::Hide, &order), [(8, 1, 1, true)]);
        assert_eq!(fold(Ended::Show, &order), [(7, 2, 2, false), (8, 1, 1, true)]);
    }
}

#[test]
fn tick_comes_before_seq_and_seq_before_position() {
    assert_eq!(fold(Ended::Hide, &[&[(1, 2, 1, true)], &[(1, 1, 9, true)]]), [(1, 2, 1, true)]);
    assert_eq!(fold(Ended::Hide, &[&[(1, 2, 4, true)], &[(1, 2, 3, false)]]), [(1, 2, 4, true)]);
    assert_eq!(fold(Ended::Hide, &[&[(1, 2, 3, true), (1, 2, 3, false)]]), []);
    assert_eq!(fold(Ended::Hide, &[&[(1, 2, 3, false), (1, 2, 3, true)]]), [(1, 2, 3, true)]);
}

#[test]
fn memory_stays_near_the_live_entities() {
    let mut newest = Newest::new(batch(&[]).schema(), Ended::Hide);
    let mut held_max = 0;
    for tick in 0..400 {
        let alive: Vec<Row> = (0..1_000).map(|entity| (entity, tick, tick as u64, true)).collect();
        let dead: Vec<Row> = (0..1_000).map(|entity| (1_000 + entity, tick, tick as u64, tick % 2 == 0)).collect();
        newest.take(batch(&alive), |_| true).unwrap();
        newest.take(batch(&dead), |_| true).unwrap();
        newest.end_window();
        held_max = held_max.max(newest.rows_held());
    }
    assert!(held_max <= 2 * 2_000 + SLACK_ROWS + 1_000, "{held_max}");
    assert_eq!(newest.entities().count(), 1_000);
    let sorted = newest.sorted();
    assert!(sorted.order.iter().enumerate().all(|(position, (entity, ..))| position as u64 == *entity));
    let rows = sorted.rows(0..1_000).unwrap();
    let base = super::Base::of(&rows).unwrap();
    assert!((0..1_000).all(|row| base.tick.value(row) == 399 && base.entity.value(row) == row as u64));
}

#[test]
fn many_small_batches_are_put_together() {
    let mut newest = Newest::new(batch(&[]).schema(), Ended::Hide);
    for tick in 0..3_000 {
        newest.take(batch(&[(tick as u64 % 700, tick, 1, tick % 7 != 0)]), |_| true).unwrap();
    }
    assert!(newest.chunks().len() <= super::CHUNKS_MAX, "{}", newest.chunks().len());
    let expected = |entity: i64| (0..3_000).rev().find(|tick| tick % 700 == entity).filter(|tick| tick % 7 != 0);
    let sorted = newest.sorted();
    assert_eq!(sorted.order.len(), (0..700).filter_map(expected).count());
    for (entity, chunk, row) in &sorted.order {
        let base = super::Base::of(&sorted.chunks[*chunk]).unwrap();
        assert_eq!((base.entity.value(*row), Some(base.tick.value(*row))), (*entity, expected(*entity as i64)));
    }
}

#[test]
fn rows_beyond_the_bound_are_refused_and_outdated_ones_do_not_count() {
    let mut newest = Newest::new(batch(&[]).schema(), Ended::Hide).with_bytes_max(64 << 10);
    for tick in 0..200 {
        let alive: Vec<Row> = (0..500).map(|entity| (entity, tick, tick as u64, true)).collect();
        newest.take(batch(&alive), |_| true).unwrap();
    }
    let many: Vec<Row> = (0..20_000).map(|entity| (entity, 200, 200, true)).collect();
    let error = newest.take(batch(&many), |_| true).unwrap_err();
    assert_eq!(error.kind(), worldstore_core::ErrorKind::Unsupported, "{error}");
}

#[test]
fn of_entities_that_ended_those_that_did_lately_are_kept() {
    let mut newest = Newest::new(batch(&[]).schema(), Ended::Hide).with_ended_from(Some(5));
    newest.take(batch(&[(1, 3, 1, true), (2, 3, 1, true), (3, 3, 1, true)]), |_| true).unwrap();
    newest.take(batch(&[(1, 4, 2, false)]), |_| true).unwrap();
    newest.end_window();
    newest.take(batch(&[(2, 5, 3, false)]), |_| true).unwrap();
    newest.end_window();
    assert_eq!(newest.places.len(), 2, "what ended before is forgotten");
    assert_eq!(newest.sorted().order.iter().map(|(entity, ..)| *entity).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn rows_that_are_put_into_several_batches_are_the_same() {
    let fold = |piece_rows: usize| {
        let mut newest = Newest { piece_rows, ..Newest::new(batch(&[]).schema(), Ended::Hide) };
        for tick in 0..3_000 {
            newest.take(batch(&[(tick as u64 % 300, tick, 1, tick % 7 != 0)]), |_| true).unwrap();
            assert!(newest.chunks().len() <= CHUNKS_MAX, "{}", newest.chunks().len());
        }
        let largest = newest.chunks().iter().map(RecordBatch::num_rows).max();
        let sorted = newest.sorted();
        (largest, sorted.rows(0..sorted.order.len()).unwrap())
    };
    let ((_, whole), (largest, apart)) = (fold(usize::MAX), fold(64));
    assert_eq!(largest, Some(64));
    assert_eq!(apart, whole);
}

#[test]
fn more_than_a_column_holds_is_put_into_several_batches() {
    let words = |first: usize| -> RecordBatch {
        let words: Vec<String> = (first..first + 100).map(|number| format!("word {number}")).collect();
        let column: DictionaryArray<Int8Type> = words.iter().map(String::as_str).collect();
        RecordBatch::try_from_iter([("word", Arc::new(column) as ArrayRef)]).unwrap()
    };
    // Keys of 8 bits are enough for each, and not for both.
    let (chunks, schema) = ([words(0), words(100)], words(0).schema());
    let indices: Vec<_> = (0..200).map(|row| (row / 100, row % 100)).collect();
    let error = pick(&chunks, &indices, &schema).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.context().any(|named| named == ("column", "word")), "{error}");
    assert_eq!(pieces(&chunks, &indices, &schema, indices.len()).unwrap(), chunks);
}
