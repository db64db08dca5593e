//! Publication: which cut can be published, and one publisher at a time.

use std::sync::Arc;

use tokio::time::Instant;
use worldstore_async::trace::traced;
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::Shared;
use crate::journal::again;
use crate::publish::{Cut, CutTable};
use crate::retry;
use crate::state::{State, TableState, Version, lock};
use crate::trace;

/// What is known of publication.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    /// The newest cut that was published, and the number of its manifest.
    pub last: Option<(Cut, u64)>,
    pub count: u64,
    pub failed: u64,
    /// Why the last attempt failed, how many did in a row, and when the next is due.
    pub failure: Option<(Arc<Error>, u32, Instant)>,
    /// True if something may have moved since the last one.
    pub is_due: bool,
}

/// Publishes the newest cut unless it is published. Others who come meanwhile find it done.
///
/// # Errors
/// Those of the publisher.
pub(crate) async fn publish(shared: &Arc<Shared>) -> Result<()> {
    if shared.publisher.is_none() {
        return Ok(());
    }
    let task = shared.runtime.spawn(run(Arc::clone(shared)));
    task.await.map_err(|source| Error::unexpected("publication task failed").caused_by(source))?
}

async fn run(shared: Arc<Shared>) -> Result<()> {
    let Some(publisher) = &shared.publisher else { return Ok(()) };
    let _one_at_a_time = shared.publishing.lock().await;
    let cut = {
        let mut state = lock(&shared.state);
        state.check_fence()?;
        state.publication.is_due = false;
        let cut = state.cut();
        let last = state.publication.last.as_ref().map(|(cut, _)| cut);
        match cut.filter(|cut| Some(cut) != last) {
            Some(cut) => cut,
            None => return Ok(()),
        }
    };
    let published = traced(trace::publish(cut.seq, cut.tables.len()), publisher.publish(&cut)).await;
    let mut state = lock(&shared.state);
    match published {
        Ok(number) => {
            state.published(cut, number);
            Ok(())
        }
        Err(error) => Err(state.not_published(error)),
    }
}

impl State {
    /// The newest state of all tables that has every append up to one wholly, and none after it.
    pub fn cut(&self) -> Option<Cut> {
        let mut seq = self.committed();
        // A commit takes several appends at once. Where the cut falls into one, it has to come before it; which may be
        // inside of a commit of another table.
        loop {
            let before = seq;
            for table in self.tables.values() {
                seq =
                    table.versions.iter().filter(|version| version.cuts(seq)).fold(seq, |_, version| version.first - 1);
            }
            if seq == before {
                break;
            }
        }
        let tables = self.tables.iter().map(|(name, table)| {
            let Version { version, watermark, rows, schema, .. } = table.version_at(seq)?.clone();
            Some(CutTable { name: name.clone(), version, watermark, rows, schema })
        });
        Some(Cut { seq, tables: tables.collect::<Option<_>>()? })
    }

    fn published(&mut self, cut: Cut, number: u64) {
        self.publication.count += 1;
        self.publication.failure = None;
        for table in self.tables.values_mut() {
            let kept = table.versions.iter().rposition(|version| version.watermark <= cut.seq).unwrap_or(0);
            table.versions.drain(..kept);
        }
        self.publication.last = Some((cut, number));
    }

    fn not_published(&mut self, error: Error) -> Error {
        let error = Arc::new(error);
        self.publication.failed += 1;
        if error.kind() == ErrorKind::Fenced {
            self.fenced.get_or_insert(Arc::clone(&error));
        }
        let count = self.publication.failure.as_ref().map_or(0, |(_, count, _)| *count).saturating_add(1);
        self.publication.failure = Some((Arc::clone(&error), count, Instant::now() + retry::pause(count)));
        self.publication.is_due = true;
        again(&error)
    }
}

impl Version {
    /// True if a cut at `seq` would have some of its appends and not others.
    fn cuts(&self, seq: u64) -> bool {
        self.first <= seq && seq < self.watermark
    }
}

impl TableState {
    /// The newest version that holds nothing after `seq`.
    fn version_at(&self, seq: u64) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.watermark <= seq)
    }
}
