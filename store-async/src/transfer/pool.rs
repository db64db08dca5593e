//! A bounded number of requests under way for one call.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::stream;

/// Does `work` for each of `count` items, at most `concurrency` at once. Results are in the order of the items; once
/// `stops` holds of one, no further item is begun, and its result is none.
pub(super) async fn run<Value, Work: Future<Output = Value>>(
    count: usize,
    concurrency: usize,
    work: impl Fn(usize) -> Work,
    stops: impl Fn(&Value) -> bool,
) -> Vec<Option<Value>> {
    let stopped = AtomicBool::new(false);
    let mut results: Vec<Option<Value>> = (0..count).map(|_| None).collect();
    let one = |index: usize| {
        let (work, stops, stopped) = (&work, &stops, &stopped);
        async move {
            if stopped.load(Ordering::Acquire) {
                return (index, None);
            }
            let value = work(index).await;
            if stops(&value) {
                stopped.store(true, Ordering::Release);
            }
            (index, Some(value))
        }
    };
    let mut done = stream::iter(0..count).map(one).buffer_unordered(concurrency.max(1));
    while let Some((index, value)) = done.next().await {
        results[index] = value;
    }
    drop(done);
    results
}
