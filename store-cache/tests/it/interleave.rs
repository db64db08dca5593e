//! Reads between all steps of a flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{Level, Scan};

use crate::probe::Probe;
use crate::support::{append, calm, check, collect, create, flush, name, open, read, rows};

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_seen_once_at_every_step_of_a_flush() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let scan = || async { cache.scan(&name("t"), &Scan::all()).await.unwrap() };
    let mut held = vec![(scan().await, 0)];

    let first = append(&cache, "t", rows(0..3)).await.unwrap();
    assert_eq!((first.level, first.seq), (Level::Buffered, 1));
    check(&cache, "t", 0..3).await;
    held.push((scan().await, 3));

    probe.before.shut();
    probe.after.shut();
    let flushing = tokio::spawn({
        let cache = cache.clone();
        async move { flush(&cache, "t").await }
    });
    probe.before.arrived().await;
    check(&cache, "t", 0..3).await;
    let _ = append(&cache, "t", rows(3..5)).await.unwrap();
    check(&cache, "t", 0..5).await;
    held.push((scan().await, 5));

    probe.before.pass();
    probe.after.arrived().await;
    // The table has the rows now, and the cache does not know it yet.
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2]);
    check(&cache, "t", 0..5).await;
    let _ = append(&cache, "t", rows(5..6)).await.unwrap();
    check(&cache, "t", 0..6).await;
    held.push((scan().await, 6));

    probe.after.pass();
    flushing.await.unwrap().unwrap();
    check(&cache, "t", 0..6).await;
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2], "what came later is not part of that flush");
    held.push((scan().await, 6));

    let flushing = tokio::spawn({
        let cache = cache.clone();
        async move { cache.wait(&first, Level::Committed).await }
    });
    assert_eq!(flushing.await.unwrap().unwrap().level, Level::Committed);
    probe.before.pass();
    probe.after.pass();
    flush(&cache, "t").await.unwrap();
    check(&cache, "t", 0..6).await;
    assert_eq!(read(&*probe.inner, "t").await, [0, 1, 2, 3, 4, 5]);

    // Scans opened in between read what they were opened on.
    for (scan, rows) in held {
        assert_eq!(collect(scan).await, (0..rows).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_stop_a_flush() {
    let probe = Probe::new();
    let cache = open(&probe, calm()).await;
    create(&cache, "t").await;
    let _ = append(&cache, "t", rows(0..3)).await.unwrap();
    probe.after.shut();
    let flushing = tokio::spawn({
        let cache = cache.clone();
        async move { flush(&cache, "t").await }
    });
    probe.after.arrived().await;
    flushing.abort();
    assert!(flushing.await.unwrap_err().is_cancelled());
    check(&cache, "t", 0..3).await;
    probe.after.pass();
    // The next flush waits for the one under way and finds nothing left to do.
    flush(&cache, "t").await.unwrap();
    assert_eq!((probe.appends(), cache.stats().flushes), (1, 1));
    check(&cache, "t", 0..3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_beside_a_writer_see_a_prefix_of_what_it_wrote() {
    let probe = Probe::new();
    let cache = open(&probe, calm().with_flush_rows(7)).await;
    create(&cache, "t").await;
    let written = Arc::new(AtomicI64::new(0));
    let writer = tokio::spawn({
        let (cache, written) = (cache.clone(), written.clone());
        async move {
            for first in (0..600).step_by(3) {
                let _ = append(&cache, "t", rows(first..first + 3)).await.unwrap();
                written.store(first + 3, Ordering::SeqCst);
                // Flushes run in the background: they get the time for it.
                if first % 15 == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
        }
    });
    let reader = || {
        let (cache, written) = (cache.clone(), written.clone());
        tokio::spawn(async move {
            let mut reads = 0;
            loop {
                let at_least = written.load(Ordering::SeqCst);
                let seen = read(&cache, "t").await;
                assert_eq!(seen, (0..seen.len() as i64).collect::<Vec<_>>());
                assert!(seen.len() as i64 >= at_least, "{} rows after {at_least} were taken", seen.len());
                reads += 1;
                if at_least == 600 {
                    return reads;
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let readers = [reader(), reader()];
    writer.await.unwrap();
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    check(&cache, "t", 0..600).await;
    assert!(probe.appends() > 5, "{} flushes", probe.appends());
}
