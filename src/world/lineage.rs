//! Runs and where they come from: one small document per run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, RwLockReadGuard};
use worldstore_async::AsyncBackend;
use worldstore_core::table::Segment;
use worldstore_core::{Error, ErrorKind, Result};

use super::changes::lock;
use super::{MAIN_RUN, check_name, document};

const FOLDER: &str = "runs";
/// The longest chain of forks that is followed.
const FORKS_MAX: usize = 1_000;

/// A run of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInfo {
    /// Its name.
    pub name: String,
    /// The run that it was forked from, and the last tick that they share.
    pub parent: Option<(String, i64)>,
    /// Whether it is there, or on its way out.
    pub state: RunState,
}

/// Whether a run is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It can be read and written.
    #[default]
    Live,
    /// It was dropped, and not all of its rows are gone yet: dropping it again goes on.
    Dropping,
}

impl RunState {
    fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// The document of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunRecord {
    name: String,
    parent: Option<Fork>,
    #[serde(default, skip_serializing_if = "RunState::is_live")]
    state: RunState,
}

/// Where a run left another. Rows of the parent that came after the fork are not part of it, whatever their tick.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fork {
    pub run: String,
    pub tick: i64,
    pub seq: u64,
}

impl RunRecord {
    pub fn root(name: &str) -> Self {
        Self { name: name.to_owned(), parent: None, state: RunState::Live }
    }

    pub async fn create(&self, backend: &Arc<dyn AsyncBackend>) -> Result<()> {
        document::create(backend, &key(&self.name), self).await
    }
}

fn key(run: &str) -> String {
    format!("{FOLDER}/{run}.json")
}

/// The stretches of history that a run is made of, its own first.
#[derive(Debug, Clone)]
pub(super) struct Lineage {
    /// The first tick that the run itself may write.
    pub first_tick: i64,
    /// How often runs of this name had been dropped in this process when it was opened.
    pub drops: u64,
    segments: Vec<Segment>,
}

impl Lineage {
    /// All stretches, also those without a tick.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The stretches up to a tick.
    pub fn until(&self, tick: i64) -> Vec<Segment> {
        let cut = |segment: &Segment| {
            let (start, end) = (*segment.ticks.start(), *segment.ticks.end());
            segment.clone().with_ticks(start..=end.min(tick))
        };
        self.segments.iter().map(cut).filter(|segment| !segment.ticks.is_empty()).collect()
    }
}

/// The runs of a world.
#[derive(Debug)]
pub(super) struct Runs {
    backend: Arc<dyn AsyncBackend>,
    world: String,
    /// Appends and forks hold it shared, a drop marks its run while it holds it alone: so no row and no fork comes after
    /// the mark.
    gate: RwLock<()>,
    /// How often a run of each name was dropped since the world was opened.
    drops: Mutex<HashMap<String, u64>>,
    /// Held while a run is dropped, from its mark until its name is free.
    pub removing: tokio::sync::Mutex<()>,
}

impl Runs {
    pub fn new(backend: Arc<dyn AsyncBackend>, world: String) -> Self {
        Self { backend, world, gate: RwLock::default(), drops: Mutex::default(), removing: Default::default() }
    }

    /// Keeps a run from being dropped while the guard lives.
    pub async fn hold(&self, name: &str, drops: u64) -> Result<RwLockReadGuard<'_, ()>> {
        let guard = self.gate.read().await;
        self.expect_there(name, drops).map(|()| guard)
    }

    /// Checks that a handle is not one of a run that was dropped since: another may have its name. It waits for nothing, so
    /// that whoever [holds](Self::hold) a run may read it.
    pub fn expect_there(&self, name: &str, drops: u64) -> Result<()> {
        match self.drops_of(name) == drops {
            true => Ok(()),
            false => Err(Error::not_found("the run was dropped").with("run", name)),
        }
    }

    fn drops_of(&self, name: &str) -> u64 {
        lock(&self.drops).get(name).copied().unwrap_or(0)
    }

    /// Marks a run as dropped. From then on it cannot be opened, read, written or forked.
    pub async fn mark(&self, name: &str) -> Result<()> {
        let _alone = self.gate.write().await;
        let mut record = self.read(name).await?;
        let runs = self.list().await?;
        let forks = runs.iter().filter(|run| run.parent.as_ref().is_some_and(|(parent, _)| parent == name));
        let forks: Vec<&str> = forks.map(|run| run.name.as_str()).collect();
        if !forks.is_empty() {
            return Err(Error::new(ErrorKind::ConditionFailed, "other runs are forked from this one, drop them first")
                .with("run", name)
                .with("forks", forks.join(" ")));
        }
        record.state = RunState::Dropping;
        // The handles first: a caller who goes away from here on may have left the mark behind, and a run that is marked
        // takes no more rows.
        let drops = self.drops_of(name);
        lock(&self.drops).insert(name.to_owned(), drops + 1);
        let marked = document::replace(&self.backend, &key(name), &record).await;
        if marked.as_ref().is_err_and(|error| error.kind() != ErrorKind::OutcomeUnknown) {
            lock(&self.drops).insert(name.to_owned(), drops);
        }
        marked
    }

    /// Removes the document of a run: its name is free.
    pub async fn forget(&self, name: &str) -> Result<()> {
        document::remove(&self.backend, &key(name)).await
    }

    pub async fn create(&self, name: &str, parent: Option<Fork>) -> Result<()> {
        check_name("run", name)?;
        let record = RunRecord { name: name.to_owned(), parent, state: RunState::Live };
        record.create(&self.backend).await.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::AlreadyExists, "there is a run of that name").with("run", name)
            }
            _ => error,
        })
    }

    /// Follows a run to its root.
    pub async fn lineage(&self, name: &str) -> Result<Lineage> {
        let drops = {
            // Not in the middle of a mark: its count and its document belong together.
            let _unmarked = self.gate.read().await;
            self.drops_of(name)
        };
        let mut record = self.read(name).await?;
        if record.state == RunState::Dropping {
            let message = "the run was dropped and is not gone yet, drop it again";
            return Err(Error::not_found(message).with("run", name));
        }
        let mut first_tick = None;
        let (mut end, mut seq_max) = (i64::MAX, None);
        let mut segments = Vec::new();
        loop {
            let start = record.parent.as_ref().map_or(i64::MIN, |fork| fork.tick.saturating_add(1));
            first_tick.get_or_insert(start);
            let mut segment = Segment::run(&self.world, &record.name).with_ticks(start..=end);
            segment.seq_max = seq_max;
            segments.push(segment);
            let Some(fork) = record.parent else { break };
            if segments.len() > FORKS_MAX {
                return Err(Error::new(ErrorKind::Corrupt, "run has too many ancestors").with("run", name));
            }
            end = end.min(fork.tick);
            seq_max = Some(fork.seq);
            record = self.read(&fork.run).await?;
        }
        Ok(Lineage { first_tick: first_tick.unwrap_or(i64::MIN), drops, segments })
    }

    pub async fn list(&self) -> Result<Vec<RunInfo>> {
        let mut runs = Vec::new();
        for name in document::names(&self.backend, FOLDER).await? {
            let record = match self.read(&name).await {
                // It was dropped since it was listed.
                Err(error) if error.is_not_found() => continue,
                read => read?,
            };
            let parent = record.parent.map(|fork| (fork.run, fork.tick));
            runs.push(RunInfo { name: record.name, parent, state: record.state });
        }
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(runs)
    }

    /// What is wrong with the documents of the runs, by key.
    pub async fn problems(&self) -> Result<Vec<(String, Error)>> {
        let mut names = document::names(&self.backend, FOLDER).await?;
        names.sort_unstable();
        let mut problems = Vec::new();
        if !names.iter().any(|name| name == MAIN_RUN) {
            problems.push((key(MAIN_RUN), Error::not_found("the main run is missing")));
        }
        for name in names {
            if let Err(error) = self.verify(&name).await {
                problems.push((key(&name), error));
            }
        }
        Ok(problems)
    }

    /// Reads the document of a run that was listed, and looks whether the run is there that it was forked from.
    async fn verify(&self, name: &str) -> Result<()> {
        let record = match self.read(name).await {
            // It was dropped since it was listed.
            Err(error) if error.is_not_found() => return Ok(()),
            read => read?,
        };
        if record.name != name {
            return Err(Error::new(ErrorKind::Corrupt, "the document is that of another run").with("run", record.name));
        }
        let Some(fork) = record.parent else { return Ok(()) };
        match self.read(&fork.run).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
                let message = "the run that this one was forked from is missing";
                Err(Error::new(ErrorKind::Corrupt, message).with("parent", &fork.run).caused_by(error))
            }
            // What is wrong with that one is told of itself.
            _ => Ok(()),
        }
    }

    async fn read(&self, name: &str) -> Result<RunRecord> {
        check_name("run", name)?;
        document::read(&self.backend, &key(name)).await.map_err(|error| match error.is_not_found() {
            true => Error::not_found("no such run").with("run", name),
            false => error,
        })
    }
}
