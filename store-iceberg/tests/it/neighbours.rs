//! What other programs and other hosts do to the tables beside appending: clocks that differ, upkeep, and new columns.

use arrow::datatypes::{DataType, Field};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;

use crate::foreign::{metadata, put, shared};
use crate::{ids, open, rows};

#[tokio::test]
async fn what_changes_under_a_clock_that_is_behind_stays_readable() {
    let (fixture, table, pool) = shared().await;
    let mut ahead = serde_json::to_value(metadata(&fixture, &pool).await).unwrap();
    let time = ahead["last-updated-ms"].as_i64().unwrap() + 600_000;
    ahead["last-updated-ms"] = time.into();
    put(&fixture, &pool, &ahead).await;
    let expired = fixture.tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert_eq!(expired.versions, [1]);
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    assert_eq!(ids(&fresh, &table, &Scan::all()).await, [0, 1]);
    assert!(metadata(&fixture, &pool).await.last_updated_ms() >= time);

    // A snapshot has a time that is ahead, too, and stands in the logs with it.
    let _ = fresh.append(&table, vec![rows([2])], &AppendOptions::exactly_once(20, 30)).await.unwrap();
    let column = EvolveOptions::add(vec![Field::new("new", DataType::Int64, true)]);
    assert_eq!(fresh.evolve(&table, &column).await.unwrap().schema.fields().len(), 4);
    assert_eq!(fresh.expire(&table, &ExpireOptions::default()).await.unwrap().versions, [2, 3]);
    let after = metadata(&fixture, &pool).await;
    assert!(after.history().iter().all(|entry| entry.timestamp_ms >= time), "{:?}", after.history());
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    assert_eq!(ids(&fresh, &table, &Scan::all()).await, [0, 1, 2]);
}
