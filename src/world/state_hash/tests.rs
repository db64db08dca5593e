//! Hashes: known values, and what does not change them.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::Int8Type;
use worldstore_core::table::{CompactOptions, TableName};

use super::DOMAIN;
use crate::world::testing::{Bed, rows, rows_with_active, world};
use crate::world::{History, TableOptions};

fn text(column: ArrayRef) -> RecordBatch {
    let entities: ArrayRef = Arc::new(UInt64Array::from_iter_values(1..=column.len() as u64));
    RecordBatch::try_from_iter_with_nullable([("entity", entities, false), ("name", column, true)]).unwrap()
}

#[tokio::test]
async fn the_empty_state_is_the_domain_and_its_end() {
    let run = world().await.run("main").await.unwrap();
    let expected = blake3::hash(&[DOMAIN, &[0]].concat());
    assert_eq!(run.now().state_hash().await.unwrap().as_bytes(), expected.as_bytes());
    let _ = run.append(1, "a", &rows_with_active(&[(1, false, None)])).await.unwrap();
    let hash = run.now().state_hash().await.unwrap();
    assert_eq!(hash.as_bytes(), expected.as_bytes(), "a table without active entities adds nothing");
    assert_eq!(hash.to_string(), "5d42dcba8d2d015f0ca1fcdff5572cde8b08c6cd5d953428729539ee97c7e4b8");
}

#[tokio::test]
async fn the_bytes_are_those_of_the_book() {
    let run = world().await.run("main").await.unwrap();
    let tick = run.tick(3).append("t", &rows(&[(2, None), (1, Some(5))])).unwrap();
    let _ = tick.append("s", &text(Arc::new(StringArray::from(vec!["one"])))).unwrap().commit().await.unwrap();
    let one = 1_u64.to_le_bytes();
    let (two, five) = (2_u64.to_le_bytes(), 5_i64.to_le_bytes());
    let bytes = [
        DOMAIN,
        &[1],
        &one,
        b"s",
        &one,
        &4_u64.to_le_bytes(),
        b"name",
        &[0x50],
        &[2],
        &one,
        &[1],
        &3_u64.to_le_bytes(),
        b"one",
        &[1],
        &one,
        b"t",
        &one,
        &one,
        b"x",
        &[0x18],
        &[2],
        &one,
        &[1],
        &five,
        &[2],
        &two,
        &[0],
        &[0],
    ];
    let hash = run.now().state_hash().await.unwrap();
    assert_eq!(hash.as_bytes(), blake3::hash(&bytes.concat()).as_bytes());
    assert_eq!(hash.to_string(), "ebad235256d633abdaf85209445864696915172febcba47f1d911418ea7528fb");
}

#[tokio::test]
async fn order_batches_names_ticks_and_compaction_do_not_matter() {
    let mut hashes = Vec::new();
    let one = world().await;
    let run = one.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows(&[(1, Some(1)), (2, Some(2)), (3, None)])).await.unwrap();
    hashes.push(run.now().state_hash().await.unwrap());
    let other = Bed::new("other").await.open().await;
    other.define_table("a", &TableOptions::default().with_history(History::Changes)).await.unwrap();
    let run = other.create_run("another").await.unwrap();
    let _ = run.append(4, "a", &rows(&[(3, None), (9, Some(9))])).await.unwrap();
    other.flush().await.unwrap();
    let _ = run.append(5, "a", &rows(&[(3, None), (2, Some(0))])).await.unwrap();
    let _ = run.append(6, "a", &rows(&[(2, Some(2)), (1, Some(1)), (3, None)])).await.unwrap();
    hashes.push(run.now().state_hash().await.unwrap());
    other.table_backend().compact(&TableName::new("a").unwrap(), &CompactOptions::default()).await.unwrap();
    hashes.push(run.now().state_hash().await.unwrap());
    hashes.push(run.fork("fork", 6).await.unwrap().now().state_hash().await.unwrap());
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
    assert_ne!(run.as_of(5).state_hash().await.unwrap(), hashes[0]);
}

#[tokio::test]
async fn dictionaries_are_their_values_and_every_value_counts() {
    let run = world().await.run("main").await.unwrap();
    let dictionary: DictionaryArray<Int8Type> = ["p", "q", "p"].into_iter().collect();
    let _ = run.append(1, "a", &text(Arc::new(dictionary))).await.unwrap();
    let as_dictionary = run.now().state_hash().await.unwrap();
    let mut hashes = vec![as_dictionary];
    for names in [vec!["p", "q", "p"], vec!["p", "p", "q"], vec!["p", "q"], vec!["p", "q", ""]] {
        let run = world().await.run("main").await.unwrap();
        let _ = run.append(1, "a", &text(Arc::new(StringArray::from(names)))).await.unwrap();
        hashes.push(run.now().state_hash().await.unwrap());
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(std::collections::BTreeSet::from_iter(hashes).len(), 4);
}
