//! The background flusher: rows older than the idle time, and flushes that are due again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use worldstore_core::table::TableName;

use crate::cache::Shared;
use crate::flush::flush;
use crate::state::{TableState, lock};

/// Starts the flusher; it ends with the cache.
pub(crate) fn spawn(shared: &Arc<Shared>, idle: Duration) {
    shared.runtime.spawn(run(Arc::downgrade(shared), idle));
}

async fn run(cache: Weak<Shared>, idle: Duration) {
    // Looking at least so often lets the task notice that the cache is gone.
    let longest = idle.min(Duration::from_secs(1));
    while let Some(shared) = cache.upgrade() {
        for name in due(&shared, idle) {
            if let Err(error) = flush(&shared, &name).await {
                tracing::warn!(table = %name, %error, "idle flush failed, rows stay buffered");
            }
        }
        let wake = next_deadline(&shared, idle).min(Instant::now() + longest);
        drop(shared);
        sleep_until(wake).await;
    }
}

fn due(shared: &Shared, idle: Duration) -> Vec<TableName> {
    let now = Instant::now();
    let state = lock(&shared.state);
    let is_due = |table: &TableState| deadline(table, idle).is_some_and(|deadline| deadline <= now);
    state.tables.iter().filter(|(_, table)| is_due(table)).map(|(name, _)| name.clone()).collect()
}

fn next_deadline(shared: &Shared, idle: Duration) -> Instant {
    let state = lock(&shared.state);
    let earliest = state.tables.values().filter_map(|table| deadline(table, idle)).min();
    earliest.unwrap_or_else(|| Instant::now() + idle)
}

/// When the table is to be flushed: by the age of its oldest row, but after a failure not before its pause is over.
fn deadline(table: &TableState, idle: Duration) -> Option<Instant> {
    let aged = table.oldest()? + idle;
    match &table.failure {
        Some(failure) if failure.fatal => None,
        Some(failure) => Some(failure.retry_at),
        None => Some(aged),
    }
}
