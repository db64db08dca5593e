//! Memory: what is appended three times the budget of a cache never takes more than the budget and a fifth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use worldstore_async::AsyncWal;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{CacheConfig, Durability, TableCache};
use worldstore_core::table::ShutdownOptions;
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::WalOptions;

use crate::probe::Probe;
use crate::support::{append, calm, create, wide_rows};

/// The system's memory, with a count of what is held and of the most that was.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static MEMORY: Counting = Counting;

#[allow(unsafe_code, reason = "every call is handed on as it came")]
// SAFETY: the system's allocator keeps the contract; counting changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}

const TASK: &str = "WORLDSTORE_CACHE_MEMORY";
const MIB: usize = 1 << 20;
/// Bytes of an append: 128 rows of 2 KiB.
const APPEND_BYTES: usize = 256 << 10;

/// In a process of its own, with such a budget in mebibytes: other tests take memory too.
fn child(kind: &str, budget: usize) {
    let child = std::env::current_exe().unwrap();
    let mut child = Command::new(child);
    child.args(["--exact", "memory::as_a_child", "--nocapture"]).env(TASK, format!("{kind} {budget}"));
    let output = child.output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("most: "), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    print!("{told}");
}

#[test]
fn rows_without_a_log_stay_within_the_budget() {
    child("free", 128);
    child("free", CacheConfig::GLOBAL_MB_LEAST);
}

#[test]
fn rows_in_a_log_stay_within_the_budget() {
    child("logged", 128);
    child("logged", CacheConfig::GLOBAL_MB_LEAST);
}

/// Not a test of its own: what children do. Without a task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_a_child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (kind, budget_mb) = task.split_once(' ').unwrap();
    let budget_mb: usize = budget_mb.parse().unwrap();
    let (probe, folder) = (Probe::new(), tempfile::tempdir().unwrap());
    probe.set_forgetful();
    // The only trigger is the budget of all tables.
    let config = calm().with_global_mb(budget_mb).with_flush_mb(8 * budget_mb).with_durability(Durability::Buffered);
    let mut builder = TableCache::builder(probe.clone()).with_config(config);
    if kind == "logged" {
        let queue_bytes = (budget_mb * MIB / 32) as u64;
        let options = WalOptions::new().with_queue_bytes(queue_bytes).with_segment_bytes(8 << 20);
        let (log, _) = AsyncWal::open(&OsVfs::open(folder.path()).unwrap(), "log", options).await.unwrap();
        builder = builder.with_log(log);
    }
    let (cache, _) = builder.open().await.unwrap();
    let tables = ["a", "b", "c", "d"];
    for table in tables {
        create(&cache, table).await;
    }
    let before = HELD.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    for number in 0..3 * budget_mb * MIB / APPEND_BYTES {
        let batch = wide_rows(number as i64 * 128..(number as i64 + 1) * 128, 2 << 10);
        let _ = append(&cache, tables[number % tables.len()], batch).await.unwrap();
    }
    let most = MOST.load(Ordering::SeqCst) - before;
    println!("most: {} KiB of {} KiB", most >> 10, budget_mb << 10);
    assert!(most > budget_mb * MIB / 2, "{most} bytes: the budget was not used");
    assert!(most <= budget_mb * MIB * 6 / 5, "{most} bytes are more than the budget and a fifth");
    cache.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(cache.stats().flushed_rows, 3 * (budget_mb * MIB / APPEND_BYTES) as u64 * 128);
}
