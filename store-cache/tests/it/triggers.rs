//! When the cache flushes, and when it does not call the tables at all.

use std::time::{Duration, Instant};

use worldstore_cache::CacheConfig;
use worldstore_core::ErrorKind;
use worldstore_core::table::Level;

use crate::probe::Probe;
use crate::support::{append, calm, check, create, eventually, flush, open, read, rows, wide_rows};

#[tokio::test]
async fn a_buffered_append_calls_nothing() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let before = probe.calls();
    for number in 0..100 {
        let receipt = append(&cache, "t", rows([number])).await.unwrap();
        assert_eq!((receipt.level, receipt.seq), (Level::Buffered, number as u64 + 1));
    }
    assert_eq!(probe.calls(), before);
    flush(&cache, "t").await.unwrap();
    assert_eq!(probe.appends(), 1, "a hundred appends, one commit");
    flush(&cache, "t").await.unwrap();
    assert_eq!(probe.appends(), 1, "nothing left to commit");
    check(&cache, "t", 0..100).await;
}

#[tokio::test]
async fn rows_trigger() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_flush_rows(10)).await;
    create(&cache, "t").await;
    create(&cache, "other").await;
    let _ = append(&cache, "other", rows(0..9)).await.unwrap();
    assert_eq!(append(&cache, "t", rows(0..9)).await.unwrap().level, Level::Buffered);
    assert_eq!(probe.appends(), 0);
    let _ = append(&cache, "t", rows(9..10)).await.unwrap();
    eventually("a flush", || cache.stats().flushes == 1).await;
    assert_eq!(read(&*probe.inner, "t").await, (0..10).collect::<Vec<_>>());
    assert_eq!(read(&*probe.inner, "other").await, [0; 0], "other tables have triggers of their own");
}

#[tokio::test]
async fn bytes_trigger() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_flush_mb(1)).await;
    create(&cache, "t").await;
    assert_eq!(append(&cache, "t", wide_rows(0..1, 600_000)).await.unwrap().level, Level::Buffered);
    assert!((600_000..700_000).contains(&cache.stats().buffered_bytes));
    let _ = append(&cache, "t", wide_rows(1..2, 600_000)).await.unwrap();
    eventually("a flush", || cache.stats().buffered_bytes == 0).await;
    assert_eq!(probe.appends(), 1);
}

#[tokio::test]
async fn bytes_of_all_tables_trigger() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_global_mb(32)).await;
    create(&cache, "a").await;
    create(&cache, "b").await;
    let _ = append(&cache, "a", wide_rows(0..1, 18_000_000)).await.unwrap();
    assert_eq!(probe.appends(), 0);
    let _ = append(&cache, "b", wide_rows(1..2, 18_000_000)).await.unwrap();
    eventually("a flush of every table", || cache.stats().buffered_rows == 0).await;
    assert_eq!(probe.appends(), 2);
}

#[tokio::test]
async fn a_slice_counts_its_rows_and_holds_no_more() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_global_mb(32)).await;
    create(&cache, "t").await;
    let whole = wide_rows(0..128, 64 << 10);
    for row in 0..128 {
        let _ = append(&cache, "t", whole.slice(row, 1)).await.unwrap();
    }
    assert_eq!((probe.appends(), cache.stats().buffered_rows), (0, 128));
    assert!((8 << 20..9 << 20).contains(&cache.stats().buffered_bytes), "{}", cache.stats().buffered_bytes);
    check(&cache, "t", 0..128).await;
}

#[tokio::test]
async fn an_append_beyond_every_bound_is_flushed_at_once() {
    let probe = Probe::new();
    let config = calm().with_flush_rows(2).with_flush_mb(1).with_global_mb(32);
    let cache = open(&probe, config).await;
    create(&cache, "t").await;
    let receipt = append(&cache, "t", wide_rows(0..5, 8_000_000)).await.unwrap();
    eventually("a flush", || cache.stats().flushes == 1).await;
    assert_eq!((receipt.rows, probe.appends()), (5, 1));
    check(&cache, "t", 0..5).await;

    // While flushes fail, one append may go past the bound; the next is refused and not taken.
    probe.set_away(true);
    assert_eq!(append(&cache, "t", wide_rows(5..10, 8_000_000)).await.unwrap().level, Level::Buffered);
    let error = append(&cache, "t", rows([10])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    check(&cache, "t", 0..10).await;
    probe.set_away(false);
    let _ = append(&cache, "t", rows([10])).await.unwrap();
    check(&cache, "t", 0..11).await;
    flush(&cache, "t").await.unwrap();
    assert_eq!(read(&*probe.inner, "t").await, (0..11).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_commit_takes_a_part_of_memory() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_global_mb(192)).await;
    create(&cache, "t").await;
    for number in 0..60 {
        let _ = append(&cache, "t", wide_rows(number..number + 1, 1 << 20)).await.unwrap();
    }
    assert_eq!(probe.appends(), 0);
    flush(&cache, "t").await.unwrap();
    assert_eq!(probe.appends(), 3, "an eighth of 192 MiB each, less than 24 appends");
    check(&cache, "t", 0..60).await;
    assert_eq!((cache.stats().flushed_rows, cache.stats().buffered_rows), (60, 0));
}

#[tokio::test]
async fn age_triggers_for_an_idle_writer() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_idle_sec(0.2)).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    let taken = Instant::now();
    while probe.appends() == 0 && taken.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(taken.elapsed() >= Duration::from_millis(190), "too early: {:?}", taken.elapsed());
    assert!(taken.elapsed() < Duration::from_secs(5), "too late: {:?}", taken.elapsed());
    flush(&cache, "t").await.unwrap();
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2]);
}

#[tokio::test]
async fn age_triggers_for_a_steady_writer() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_idle_sec(0.15)).await;
    create(&cache, "t").await;
    // No pause between two appends is as long as the idle time.
    for number in 0..100 {
        let _ = append(&cache, "t", rows([number])).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(probe.appends() >= 3, "{} flushes in a second", probe.appends());
    check(&cache, "t", 0..100).await;
}

#[tokio::test]
async fn triggers_of_zero_too_little_memory_and_other_units_are_refused() {
    let refused = [
        (calm().with_flush_rows(0), "flush_rows", "at least 1"),
        (calm().with_flush_mb(0), "flush_mb", "from 1 to 16777216"),
        (calm().with_flush_mb(512 << 20), "flush_mb", "from 1 to 16777216"),
        (calm().with_global_mb(0), "global_mb", "from 32 to 16777216"),
        (calm().with_global_mb(31), "global_mb", "from 32 to 16777216"),
        (calm().with_global_mb(usize::MAX), "global_mb", "from 32 to 16777216"),
        (calm().with_direct_mb(32 << 20), "direct_mb", "from 0 to 16777216"),
        (calm().with_idle_sec(0.0), "idle_sec", "from 0.001 to 31536000"),
        (calm().with_idle_sec(-1.0), "idle_sec", "from 0.001 to 31536000"),
        (calm().with_idle_sec(f64::NAN), "idle_sec", "from 0.001 to 31536000"),
        (calm().with_idle_sec(f64::INFINITY), "idle_sec", "from 0.001 to 31536000"),
        (calm().with_idle_sec(i64::MAX as f64), "idle_sec", "from 0.001 to 31536000"),
    ];
    for (config, setting, bound) in refused {
        let error = worldstore_cache::TableCache::open(Probe::new(), config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{config:?}");
        assert!(error.message().ends_with(bound), "{error}");
        assert!(error.context().any(|named| named == ("setting", setting)), "{error}");
    }
    let longest = calm().with_idle_sec(CacheConfig::IDLE_SEC_MOST).with_flush_mb(CacheConfig::MB_MOST);
    let cache = open(&Probe::new(), longest).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    check(&cache, "t", 0..3).await;
}
