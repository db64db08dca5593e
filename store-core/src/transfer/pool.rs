//! A bounded number of threads for one call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Works on all items with at most `concurrency` threads, which end before this returns. Results are in the order of
/// the items; once `stops` holds of one, no further item is begun, and its result is none.
pub(super) fn run<Item: Sync, Value: Send>(
    items: &[Item],
    concurrency: usize,
    work: impl Fn(&Item) -> Value + Sync,
    stops: impl Fn(&Value) -> bool + Sync,
) -> Vec<Option<Value>> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut done = Vec::new();
        while !stopped.load(Ordering::Acquire) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let value = work(item);
            if stops(&value) {
                stopped.store(true, Ordering::Release);
            }
            done.push((index, value));
        }
        done
    };
    let mut results: Vec<Option<Value>> = items.iter().map(|_| None).collect();
    let mut keep = |done: Vec<(usize, Value)>| {
        for (index, value) in done {
            results[index] = Some(value);
        }
    };
    let threads = concurrency.max(1).min(items.len());
    if threads <= 1 {
        keep(worker());
        return results;
    }
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            match worker.join() {
                Ok(done) => keep(done),
                // A panic of the backend is the caller's, as if there were no threads.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    results
}
