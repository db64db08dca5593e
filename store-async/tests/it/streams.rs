//! One GiB through each bridge, both ways, in little memory; and producers that stop when nobody listens any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use worldstore_async::{AsyncBackend, AsyncBackendAdapter, SyncBackendAdapter};
use worldstore_core::{Backend, Key, Outcome, ReadOptions, WriteOptions};

use crate::generated::{CHUNK, Generated, Traffic, chunk, is_chunk};

fn key() -> Key {
    Key::new("a").unwrap()
}

/// Waits until a counter no longer moves, and returns it.
fn settled(counter: &AtomicU64) -> u64 {
    let mut last = counter.load(Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let now = counter.load(Ordering::SeqCst);
        if now == last {
            return now;
        }
        last = now;
    }
}

fn wait_for(counter: &AtomicU64, value: u64) {
    while counter.load(Ordering::SeqCst) < value {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn both_bridges(chunks: u64) -> (AsyncBackendAdapter, Arc<Traffic>) {
    let generated = Generated::new(chunks);
    let traffic = Arc::clone(&generated.traffic);
    let adapted = SyncBackendAdapter::new(Arc::new(generated));
    (AsyncBackendAdapter::new(Arc::new(adapted)).unwrap(), traffic)
}

#[test]
fn dropping_a_body_stops_its_producer() {
    let (backend, traffic) = both_bridges(1 << 20);
    let mut body = backend.read(&key(), &ReadOptions::default()).unwrap().body;
    for number in 0..3 {
        assert!(is_chunk(&body.next().unwrap().unwrap(), number));
    }
    // Three are taken, one waits, one is in hand, and a bridge below may have begun another.
    assert!(settled(&traffic.produced) <= 6);
    drop(body);
    wait_for(&traffic.bodies_dropped, 1);
    assert!(settled(&traffic.produced) <= 7);
}

#[tokio::test]
async fn dropping_a_stream_stops_its_producer() {
    let generated = Generated::new(1 << 20);
    let traffic = Arc::clone(&generated.traffic);
    let backend = SyncBackendAdapter::new(Arc::new(generated));
    let mut body = backend.read(&key(), &ReadOptions::default()).await.unwrap().body;
    assert!(is_chunk(&body.next().await.unwrap().unwrap(), 0));
    drop(body);
    wait_for(&traffic.bodies_dropped, 1);
    assert_eq!(settled(&traffic.produced), 1);
}

#[test]
fn a_read_that_is_dropped_before_its_turn_never_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let generated = Generated::new(10);
        let traffic = Arc::clone(&generated.traffic);
        let backend = SyncBackendAdapter::new(Arc::new(generated));
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let taken = tokio::task::spawn_blocking(move || wait.recv());
        assert!(backend.read(&key(), &ReadOptions::default()).now_or_never().is_none());
        drop(release);
        assert!(taken.await.unwrap().is_err());
        // The only thread is done with whatever waited before this.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert_eq!(traffic.produced.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn dropping_a_writer_reaches_the_backend() {
    let (backend, traffic) = both_bridges(0);
    let mut writer = backend.open_writer(&key(), &WriteOptions::default()).unwrap();
    writer.write(chunk(0)).unwrap();
    drop(writer);
    wait_for(&traffic.writers_dropped, 1);
    assert_eq!(traffic.consumed.load(Ordering::SeqCst), 1);
}

/// One GiB.
const CHUNKS: u64 = (1 << 30) / CHUNK;

#[cfg(target_os = "linux")]
mod gibibyte {
    use std::io::Write;

    use super::*;

    /// Resident growth allowed.
    const GROWTH_KIB_MAX: u64 = 64 << 10;
    const CHILD: &str = "WORLDSTORE_TEST_STREAM_CHILD";

    /// Runs the transfer in a process of its own, so that no other test counts, and checks how far its memory grew.
    fn measured(test: &str, transfer: impl FnOnce()) {
        if std::env::var_os(CHILD).is_some() {
            let before = resident_kib("VmRSS:");
            transfer();
            let growth = resident_kib("VmHWM:").saturating_sub(before);
            assert!(growth < GROWTH_KIB_MAX, "grew by {growth} KiB");
            std::io::stderr().write_all(format!("{test}: grew by {growth} KiB\n").as_bytes()).unwrap();
            return;
        }
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("streams::gibibyte::{test}"), "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && told.contains("grew by"), "{told}");
        std::io::stderr().write_all(&child.stderr).unwrap();
    }

    fn resident_kib(field: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn read_sync(backend: &dyn Backend) {
        let reply = backend.read(&key(), &ReadOptions::default()).unwrap();
        let mut chunks = 0;
        for bytes in reply.body {
            assert!(is_chunk(&bytes.unwrap(), chunks));
            chunks += 1;
        }
        assert_eq!(chunks, CHUNKS);
    }

    fn write_sync(backend: &dyn Backend) {
        let mut writer = backend.open_writer(&key(), &WriteOptions::default()).unwrap();
        (0..CHUNKS).for_each(|number| writer.write(chunk(number)).unwrap());
        let Outcome::Applied(meta) = writer.commit().unwrap() else { panic!("not applied") };
        assert_eq!(meta.size, 1 << 30);
    }

    async fn read_async(backend: &dyn AsyncBackend) {
        let mut body = backend.read(&key(), &ReadOptions::default()).await.unwrap().body;
        let mut chunks = 0;
        while let Some(bytes) = body.next().await {
            assert!(is_chunk(&bytes.unwrap(), chunks));
            chunks += 1;
        }
        assert_eq!(chunks, CHUNKS);
    }

    async fn write_async(backend: &dyn AsyncBackend) {
        let mut writer = backend.open_writer(&key(), &WriteOptions::default()).await.unwrap();
        for number in 0..CHUNKS {
            writer.write(chunk(number)).await.unwrap();
        }
        let Outcome::Applied(meta) = writer.commit().await.unwrap() else { panic!("not applied") };
        assert_eq!(meta.size, 1 << 30);
    }

    fn block_on(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
    }

    #[test]
    fn async_from_sync() {
        let backend = SyncBackendAdapter::new(Arc::new(Generated::new(CHUNKS)));
        measured("async_from_sync", || {
            block_on(async {
                read_async(&backend).await;
                write_async(&backend).await;
            });
        });
    }

    #[test]
    fn sync_from_async() {
        measured("sync_from_async", || {
            let (backend, _) = both_bridges(CHUNKS);
            read_sync(&backend);
            write_sync(&backend);
        });
    }

    #[test]
    fn async_from_sync_from_async() {
        measured("async_from_sync_from_async", || {
            let (backend, _) = both_bridges(CHUNKS);
            let backend = SyncBackendAdapter::new(Arc::new(backend));
            block_on(async {
                read_async(&backend).await;
                write_async(&backend).await;
            });
        });
    }
}
