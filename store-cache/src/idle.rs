//! The background: rows older than the idle time, and what is due again after a failure.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use worldstore_core::table::TableName;

use crate::cache::Shared;
use crate::flush;
use crate::publication::publish;
use crate::state::{State, TableState, lock};

/// Starts the background; it ends with the cache.
pub(crate) fn spawn(shared: &Arc<Shared>, idle: Duration) {
    shared.runtime.spawn(run(Arc::downgrade(shared), idle));
}

async fn run(cache: Weak<Shared>, idle: Duration) {
    // Looking at least so often lets the task notice that the cache is gone.
    let longest = idle.min(Duration::from_secs(1));
    while let Some(shared) = cache.upgrade() {
        // In tasks of their own: a table whose store hangs keeps no other waiting.
        flush::spawn(&shared, due(&shared, idle));
        if lock(&shared.state).is_publication_due()
            && let Err(error) = publish(&shared).await
        {
            tracing::warn!(target: "worldstore", %error, "publication failed, it is tried again");
        }
        let now = Instant::now();
        let wake = next_deadline(&shared, idle).map_or(now + longest, |next| next.clamp(now, now + longest));
        drop(shared);
        sleep_until(wake).await;
    }
}

fn due(shared: &Shared, idle: Duration) -> Vec<TableName> {
    let now = Instant::now();
    let mut state = lock(&shared.state);
    state.settle();
    if let Some(journal) = &mut state.journal {
        // What the log had no room for; why it has none still, the journal keeps.
        let _ = journal.log_again();
    }
    if state.fenced.is_some() {
        return Vec::new();
    }
    let mut due = Vec::new();
    for (name, table) in &mut state.tables {
        if !table.scheduled && deadline(table, idle).is_some_and(|deadline| deadline <= now) {
            table.scheduled = true;
            due.push(name.clone());
        }
    }
    due
}

fn next_deadline(shared: &Shared, idle: Duration) -> Option<Instant> {
    let state = lock(&shared.state);
    let tables = state.tables.values().filter(|table| !table.scheduled);
    let retry = state.publication.failure.as_ref().map(|(_, _, retry_at)| *retry_at);
    tables.filter_map(|table| deadline(table, idle)).chain(retry).min()
}

/// When the table is to be flushed: by the age of its oldest row, but after a failure not before its pause is over.
fn deadline(table: &TableState, idle: Duration) -> Option<Instant> {
    let oldest = table.oldest()?;
    match &table.failure {
        Some(failure) if failure.fatal => None,
        Some(failure) => Some(failure.retry_at),
        None => oldest.checked_add(idle),
    }
}

impl State {
    fn is_publication_due(&self) -> bool {
        let is_waiting = self.publication.failure.as_ref().is_some_and(|(_, _, retry_at)| *retry_at > Instant::now());
        self.publication.is_due && self.fenced.is_none() && !is_waiting
    }
}
