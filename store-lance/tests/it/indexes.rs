//! Indexes and spans: that they find all rows and no others, and that reads stay small as tables grow.

use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::{AsyncBackend, CountingBackend, Counts};
use worldstore_core::table::*;
use worldstore_lance::{LanceConfig, LanceTables, WhenIndexed};

use crate::support::{
    cells, counting, create, create_world, indexing, memory, name, once, open, rows, scan, world_rows,
};

/// Rows of each append.
const ENTITIES: u64 = 500;

/// Appends a tick. Its entities are its own: so a read of one entity returns one row, however many ticks there are.
async fn append_tick(tables: &LanceTables, tick: i64) {
    let first = tick as u64 * ENTITIES;
    let batch = world_rows(tick, tick as u64 + 1, first..first + ENTITIES);
    let options = AppendOptions::exactly_once(tick as u64, tick as u64 + 1).with_epoch(7);
    let _ = tables.append(&name("t"), vec![batch], &options).await.unwrap();
}

fn tick_is(tick: i64) -> Scan {
    Scan::all().with_segments(vec![Segment::run("w", "r").with_ticks(tick..=tick)])
}

fn entity_is(entity: u64) -> Scan {
    Scan::all().with_predicate(Predicate::eq(base::ENTITY, entity))
}

/// What a read costs once a read of the same kind has filled the caches.
async fn warm(backend: &Arc<CountingBackend>, first: &Scan, read: &Scan) -> Counts {
    let tables = indexing(backend.clone());
    cells(&tables, first).await.unwrap();
    let before = backend.counts();
    assert_eq!(cells(&tables, read).await.unwrap().len(), 1);
    backend.counts() - before
}

/// What a read costs through a handle that has nothing in its caches but the table's newest version.
async fn cold(backend: &Arc<CountingBackend>, read: &Scan, rows: usize) -> Counts {
    let tables = indexing(backend.clone());
    tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    let before = backend.counts();
    let batches: Vec<RecordBatch> = scan(&tables, read).await.batches.try_collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
    backend.counts() - before
}

fn requests(counts: Counts) -> u64 {
    counts.stats + counts.reads + counts.range_reads + counts.lists
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_a_tick_and_of_an_entity_stay_small_as_ticks_grow() {
    for compacts in [false, true] {
        let backend = counting();
        let tables = indexing(backend.clone());
        create_world(&tables).await;
        let (mut early, mut late) = (Vec::new(), Vec::new());
        for tick in 0..200 {
            append_tick(&tables, tick).await;
            if compacts && tick % 50 == 5 {
                tables.compact(&name("t"), &CompactOptions::default()).await.unwrap();
            }
            if let Some(costs) =
                [(9, &mut early), (199, &mut late)].into_iter().find_map(|(at, costs)| (at == tick).then_some(costs))
            {
                costs.push(cold(&backend, &tick_is(tick), ENTITIES as usize).await);
                costs.push(cold(&backend, &tick_is(3), ENTITIES as usize).await);
                costs.push(cold(&backend, &entity_is(3 * ENTITIES + 7), 1).await);
                costs.push(cold(&backend, &entity_is(tick as u64 * ENTITIES + 7), 1).await);
                costs.push(warm(&backend, &entity_is(3 * ENTITIES + 7), &entity_is(2 * ENTITIES + 9)).await);
            }
        }
        println!("compacts: {compacts}\n10 ticks: {early:#?}\n200 ticks: {late:#?}");
        for (early, late) in early.iter().zip(&late) {
            // The indexes of the early table are less than a page, and of one segment each; a second is read in full.
            let is_indexed = compacts && requests(*early) > 8;
            let (more, times) = if is_indexed { (14, 3) } else { (3, 1) };
            assert!(
                requests(*late) <= requests(*early) + more,
                "{} requests, then {}",
                requests(*early),
                requests(*late)
            );
            assert!(
                late.bytes_read <= early.bytes_read * times + 8_192,
                "{} bytes, then {}",
                early.bytes_read,
                late.bytes_read
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_indexed_and_compacted_answers_from_the_index() {
    let backend = counting();
    let tables = indexing(backend.clone());
    create_world(&tables).await;
    for tick in 0..40 {
        append_tick(&tables, tick).await;
    }
    let by_hand = LanceConfig::default().with_indexed(WhenIndexed::Asked);
    let unindexed = LanceTables::open(backend.clone(), by_hand).unwrap();
    unindexed.compact(&name("t"), &CompactOptions::default()).await.unwrap();
    // One file, whose spans tell nothing.
    let before = warm(&backend, &entity_is(3_100), &entity_is(3_007)).await;
    let done = tables.index(&name("t")).await.unwrap();
    assert_eq!(done.columns, [base::ENTITY, base::TICK, base::RUN]);
    let after = warm(&backend, &entity_is(3_100), &entity_is(3_007)).await;
    println!("without index {before:?}\nwith index {after:?}");
    assert!(4 * after.bytes_read < before.bytes_read, "{before:?} without, {after:?} with indexes");
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.version, info.watermark, info.epoch, info.rows), (done.version, 40, 7, 40 * ENTITIES));
    let again = tables.index(&name("t")).await.unwrap();
    assert_eq!((again.version, again.columns), (done.version, vec![]), "nothing to do makes no version");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_predicate_finds_the_same_rows_with_and_without_indexes() {
    let backend = memory();
    let tables = indexing(backend.clone());
    create_world(&tables).await;
    let mut all = Vec::new();
    for tick in 0..24_u64 {
        let batch = world_rows(tick as i64, tick + 1, (0..20).map(|entity| entity * (tick % 5 + 1)));
        all.push(batch.clone());
        let _ = once(&tables, tick, tick + 1, batch).await.unwrap();
        // In the end: fragments in several segments of the indexes, in none, and compacted.
        match tick {
            4 | 9 | 10 | 18 => drop(tables.index(&name("t")).await.unwrap()),
            12 | 20 => drop(tables.compact(&name("t"), &CompactOptions::default()).await.unwrap()),
            _ => {}
        }
    }
    let all = concat_batches(&all[0].schema(), &all).unwrap();
    let entities = [0_u64, 3, 8, 95, 96, u64::MAX].map(|entity| Predicate::eq(base::ENTITY, entity));
    let ticks = [-1_i64, 0, 11, 12, 23, 24].into_iter().flat_map(|tick| {
        [Predicate::eq(base::TICK, tick), Predicate::ge(base::TICK, tick), Predicate::le(base::TICK, tick)]
    });
    let runs = ["r", "s"].map(|run| Predicate::eq(base::RUN, run));
    let seqs = [5_u64, 22].map(|seq| Predicate::le(base::SEQ, seq));
    let single: Vec<_> = entities.into_iter().chain(ticks).chain(runs).chain(seqs).collect();
    let mut predicates = single.clone();
    for (number, a) in single.iter().enumerate() {
        let b = &single[(number * 7 + 3) % single.len()];
        predicates.push(Predicate::And(vec![a.clone(), b.clone()]));
        predicates.push(Predicate::Or(vec![a.clone(), b.clone()]));
        predicates.push(Predicate::Not(Box::new(a.clone())));
        predicates.push(Predicate::And(vec![Predicate::Not(Box::new(a.clone())), b.clone()]));
    }
    for predicate in predicates {
        let stays = predicate.evaluate(&all).unwrap();
        let expected = arrow::compute::filter_record_batch(&all, &stays).unwrap().num_rows();
        let found = cells(&tables, &Scan::all().with_predicate(predicate.clone())).await.unwrap();
        assert_eq!(found.len(), expected, "{predicate:?}");
        let count = scan(&tables, &Scan::all().with_predicate(predicate.clone()).with_columns([""; 0])).await;
        let counted: Vec<RecordBatch> = count.batches.try_collect().await.unwrap();
        assert_eq!(counted.iter().map(RecordBatch::num_rows).sum::<usize>(), expected, "count of {predicate:?}");
        let limited = cells(&tables, &Scan::all().with_predicate(predicate.clone()).with_limit(7)).await.unwrap();
        assert_eq!(limited.len(), expected.min(7), "limit of {predicate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_and_spans_follow_renamed_columns_and_dropped_rows() {
    let tables = indexing(memory());
    create_world(&tables).await;
    for tick in 0..6 {
        append_tick(&tables, tick).await;
    }
    tables.index(&name("t")).await.unwrap();
    let old = CompactOptions::default().with_drop(Predicate::le(base::TICK, 1_i64));
    assert_eq!(tables.compact(&name("t"), &old).await.unwrap().dropped_rows, 2 * ENTITIES);
    assert_eq!(cells(&tables, &tick_is(1)).await.unwrap(), []);
    assert_eq!(cells(&tables, &entity_is(1_003)).await.unwrap(), [(2, 1_003)]);
    tables.evolve(&name("t"), &EvolveOptions::rename(base::TICK, "then")).await.unwrap();
    let then = Scan::all().with_predicate(Predicate::eq("then", 3_i64)).with_columns(["then"]);
    let count = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    assert_eq!(count(scan(&tables, &then).await.batches.try_collect().await.unwrap()), ENTITIES as usize);
    // A new column of the old name has other values: null in all rows that are there.
    let field = arrow::datatypes::Field::new(base::TICK, arrow::datatypes::DataType::Int64, true);
    tables.evolve(&name("t"), &EvolveOptions::add(vec![field])).await.unwrap();
    let none = Scan::all().with_predicate(Predicate::IsNull(base::TICK.to_owned())).with_columns(["then"]);
    assert_eq!(count(scan(&tables, &none).await.batches.try_collect().await.unwrap()), 4 * ENTITIES as usize);
    assert_eq!(count(scan(&tables, &then).await.batches.try_collect().await.unwrap()), ENTITIES as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_without_base_columns_get_no_index() {
    let tables = indexing(memory());
    create(&tables).await;
    let _ = once(&tables, 0, 1, rows(0..50)).await.unwrap();
    let done = tables.index(&name("t")).await.unwrap();
    assert_eq!((done.version, done.columns), (2, vec![]));
}

/// Many small appends, a thousand if every call is tested: the newest tick is read as if they had been compacted.
#[tokio::test(flavor = "multi_thread")]
async fn many_small_appends_do_not_slow_the_read_of_a_tick() {
    let backend = counting();
    let tables = open(backend.clone());
    create_world(&tables).await;
    let ticks = if std::env::var_os("WORLDSTORE_TEST_EVERY_CALL").is_some() { 1_000 } else { 200 };
    for tick in 0..ticks {
        let _ = once(&tables, tick, tick + 1, world_rows(tick as i64, tick + 1, 0..3)).await.unwrap();
    }
    let small = cold(&backend, &tick_is(ticks as i64 - 1), 3).await;
    let whole = cold(&backend, &Scan::all(), 3 * ticks as usize).await;
    tables.compact(&name("t"), &CompactOptions::default()).await.unwrap();
    let compacted = cold(&backend, &tick_is(ticks as i64 - 1), 3).await;
    let packed = cold(&backend, &Scan::all(), 3 * ticks as usize).await;
    println!("tick: {small:?}, compacted {compacted:?}\nall: {whole:?}, compacted {packed:?}");
    assert!(requests(small) <= 2 * requests(compacted), "{small:?} {compacted:?}");
    assert!(small.bytes_read <= 2 * compacted.bytes_read + 4_096, "{small:?} {compacted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_read_with_their_own_indexes() {
    let backend: Arc<dyn AsyncBackend> = memory();
    let tables = indexing(backend.clone());
    create_world(&tables).await;
    for tick in 0..4 {
        append_tick(&tables, tick).await;
    }
    let before = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap().version;
    tables.compact(&name("t"), &CompactOptions::default()).await.unwrap();
    append_tick(&tables, 4).await;
    let fresh = indexing(backend);
    for (read, many) in [(tick_is(4), 0), (tick_is(2), ENTITIES), (entity_is(1_501), 1)] {
        assert_eq!(cells(&fresh, &read.with_version(before)).await.unwrap().len() as u64, many);
    }
    assert_eq!(cells(&fresh, &tick_is(4)).await.unwrap().len() as u64, ENTITIES);
}

/// Lance keeps what it knows of a version by its number.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_made_anew_is_not_read_by_the_indexes_of_the_one_before() {
    // So many that reading them costs more than an index, and spread over all files.
    const MANY: u64 = 5_000;
    let tables = indexing(memory());
    create_world(&tables).await;
    for seq in 1..=6 {
        let _ = once(&tables, seq - 1, seq, world_rows(seq as i64, seq, 0..MANY)).await.unwrap();
    }
    tables.index(&name("t")).await.unwrap();
    assert_eq!(cells(&tables, &entity_is(1_003)).await.unwrap().len(), 6);
    let version = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap().version;
    tables.remove(&name("t"), &RemoveTableOptions::default()).await.unwrap();

    create_world(&tables).await;
    for seq in 1.. {
        let _ = once(&tables, seq - 1, seq, world_rows(seq as i64, seq, 1..MANY + 1)).await.unwrap();
        let found = cells(&tables, &entity_is(1_003)).await.unwrap();
        assert_eq!(found, (1..=seq as i64).map(|tick| (tick, 1_003)).collect::<Vec<_>>(), "at {seq}");
        if tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap().version > version + 1 {
            break;
        }
    }
}
