//! Runs and where they come from: one small document per run, written once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldstore_async::AsyncBackend;
use worldstore_core::table::Segment;
use worldstore_core::{Error, ErrorKind, Key, ListOptions, Prefix, Result};

use super::{check_name, document};

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
}

/// The document of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunRecord {
    name: String,
    parent: Option<Fork>,
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
        Self { name: name.to_owned(), parent: None }
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
    segments: Vec<Segment>,
}

impl Lineage {
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
}

impl Runs {
    pub fn new(backend: Arc<dyn AsyncBackend>, world: String) -> Self {
        Self { backend, world }
    }

    pub async fn create(&self, name: &str, parent: Option<Fork>) -> Result<()> {
        check_name("run", name)?;
        let record = RunRecord { name: name.to_owned(), parent };
        record.create(&self.backend).await.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::AlreadyExists, "there is a run of that name").with("run", name)
            }
            _ => error,
        })
    }

    /// Follows a run to its root.
    pub async fn lineage(&self, name: &str) -> Result<Lineage> {
        let mut record = self.read(name).await?;
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
        Ok(Lineage { first_tick: first_tick.unwrap_or(i64::MIN), segments })
    }

    pub async fn list(&self) -> Result<Vec<RunInfo>> {
        let folder = Prefix::new(FOLDER)?;
        let mut options = ListOptions::default().one_level();
        let mut runs = Vec::new();
        loop {
            let page = self.backend.list(&folder, &options).await?;
            for name in page.objects.iter().filter_map(|object| run_of(&object.key)) {
                let record = self.read(name).await?;
                runs.push(RunInfo { name: record.name, parent: record.parent.map(|fork| (fork.run, fork.tick)) });
            }
            match page.next {
                Some(token) => options = options.with_token(token),
                None => break,
            }
        }
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(runs)
    }

    async fn read(&self, name: &str) -> Result<RunRecord> {
        check_name("run", name)?;
        document::read(&self.backend, &key(name)).await.map_err(|error| match error.is_not_found() {
            true => Error::not_found("no such run").with("run", name),
            false => error,
        })
    }
}

fn run_of(key: &Key) -> Option<&str> {
    key.name().strip_suffix(".json")
}
