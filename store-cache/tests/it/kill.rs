//! Processes that are killed at random, with a real folder under the log: a child appends, and tells what was acknowledged.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use worldstore_async::AsyncWal;
use worldstore_cache::TableCache;
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::WalOptions;

use crate::probe::Probe;
use crate::support::{calm, create, name, read, rows};

/// Where the child finds its folder.
const FOLDER: &str = "WORLDSTORE_CACHE_KILL_FOLDER";
const CYCLES: u64 = 100;

/// A cache over tables that live as long as the process: all that outlives it is in the log.
async fn open(folder: &std::path::Path) -> (Arc<Probe>, TableCache) {
    let probe = Probe::new();
    for table in ["a", "b"] {
        create(&*probe.inner, table).await;
    }
    let vfs = OsVfs::open(folder).unwrap();
    let options = WalOptions::new().with_segment_bytes(64 << 10);
    let (log, _) = AsyncWal::open(&vfs, "log", options).await.unwrap();
    let builder = TableCache::builder(probe.clone()).with_config(calm()).with_log(log);
    (probe.clone(), builder.open().await.unwrap().0)
}

/// Not a test by itself: what the child does.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (_, cache) = open(folder.as_ref()).await;
    let first = read(&cache, "a").await.last().map_or(0, |last| last + 1);
    for step in first.. {
        let parts = vec![(name("a"), vec![rows([step])]), (name("b"), vec![rows([step])])];
        let _ = cache.append_all(parts).await.unwrap();
        println!("acknowledged {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = -1;
    for cycle in 0..CYCLES {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let told = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
            told.max().unwrap_or(-1)
        });
        tokio::time::sleep(Duration::from_millis(20 + cycle * 37 % 80)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = acknowledged.max(reader.join().unwrap());
        if cycle % 10 == 9 {
            let (_probe, cache) = open(folder.path()).await;
            let (a, b) = (read(&cache, "a").await, read(&cache, "b").await);
            assert!(a.len() as i64 > acknowledged, "{acknowledged} was acknowledged, and {} rows are left", a.len());
            assert_eq!(a, (0..a.len() as i64).collect::<Vec<_>>());
            assert_eq!(a, b, "steps are whole");
        }
    }
    assert!(acknowledged > 0, "no child came to acknowledge anything");
}
