//! Entities in memory, and on any byte store a log of the batches and now and then a snapshot.

mod checkpoints;
mod config;

use std::fmt;
use std::sync::Arc;

use worldstore_core::wal::{RecordKind, Wal};
use worldstore_core::{Error, ErrorKind, Result};

use crate::batch::{Applied, Batch};
use crate::chunk::Chunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::planted::{Bug, Planted};
use crate::query::Query;
use crate::snapshot;
use crate::state::State;
use crate::storage::{Durability, Storage, StorageInfo, wire};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

pub use config::{LogConfig, SNAPSHOT_BATCHES, SNAPSHOT_BYTES};

use checkpoints::Checkpoints;

/// The kinds of records: a batch, components that were made known, and a snapshot that replaced everything.
const BATCH: u8 = 1;
const COMPONENTS: u8 = 2;
const RESTORE: u8 = 3;

/// A storage over any [`Backend`](worldstore_core::Backend) that can create objects if they are absent: a folder, S3, Redis, SFTP …
///
/// All reads are answered from memory. A batch is checked there, then becomes a record of the log, and is applied when the
/// record is as durable as the backend makes it. Every so often a snapshot is written beside the log, and the log is
/// trimmed; opening reads the newest snapshot and the records behind it.
///
/// One at a time writes: opening locks out whoever had it open. The other learns that with its next batch, which fails as
/// `Fenced`; until then it reads what it knows.
///
/// | object below the prefix | what |
/// |---|---|
/// | `log/…` | a log of `worldstore-core` ([`Wal`]) |
/// | `snapshots/{record}` | a snapshot of everything up to a record, whose number has 20 digits |
pub struct Log {
    local: Local,
    wal: Wal,
    checkpoints: Checkpoints,
    name: String,
    durability: Durability,
    /// Set once it is not known what is in the log.
    lost: bool,
    planted: Planted,
}

impl Log {
    fn open(config: LogConfig) -> Result<Self> {
        let backend = Arc::clone(&config.backend);
        let info = backend.info();
        let durability = match info.capability.durable {
            true => Durability::Durable,
            false => Durability::Volatile,
        };
        let name = format!("log({backend}, {})", config.prefix);
        // Whoever had it open writes nothing more from here on, so that snapshots and records fit together.
        let (wal, _) = Wal::open_objects(backend, config.prefix.join("log")?, config.wal.clone())?;
        let (checkpoints, newest) = Checkpoints::open(&config)?;
        let (mut local, after) = match newest {
            Some((record, mut state)) => {
                // Restoring takes a tick.
                state.tick = Tick(state.tick.0.saturating_sub(1));
                (Local::from_state(&state)?, record)
            }
            None => (Local::with_shard(config.shard)?, 0),
        };
        if config.shard != 0 && config.shard != local.shard() {
            let error = Error::invalid("what is stored is of another shard").with("shard", local.shard());
            return Err(error.with("wanted", config.shard));
        }
        let after = if config.planted.has(Bug::ReplayAll) { 0 } else { after };
        for record in wal.replay(after)? {
            let record = record?;
            replay(&mut local, record.kind.get(), &record.payload).map_err(|error| error.with("record", record.seq))?;
        }
        Ok(Self { local, wal, checkpoints, name, durability, lost: false, planted: config.planted })
    }

    /// The last record, and the last that a snapshot holds.
    pub fn records(&self) -> (u64, u64) {
        (self.wal.last(), self.checkpoints.last())
    }

    /// Writes a snapshot and trims the log.
    ///
    /// # Errors
    /// Those of the backend; nothing is lost then, the log is only longer.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.check()?;
        let state = self.local.export()?;
        if state.tick == Tick::default() {
            return Ok(());
        }
        let ahead = u64::from(self.planted.has(Bug::SnapshotAhead));
        self.checkpoints.write(self.wal.last() + ahead, &state)?;
        let through = self.checkpoints.oldest();
        if through > 0 {
            let _ = self.wal.trim(through)?;
        }
        Ok(())
    }

    /// Why the last snapshot that was due could not be written. The next batch tries again.
    pub fn trouble(&self) -> Option<&Error> {
        self.checkpoints.trouble.as_ref()
    }

    fn check(&self) -> Result<()> {
        match self.lost {
            true => Err(Error::new(ErrorKind::Poisoned, "it is not known what is in the log: open it again")),
            false => Ok(()),
        }
    }

    /// Makes a record durable, before memory follows.
    fn record(&mut self, kind: u8, payload: Vec<u8>) -> Result<()> {
        self.check()?;
        let unlogged = match kind {
            BATCH => Bug::UnloggedBatch,
            COMPONENTS => Bug::UnloggedComponents,
            _ => Bug::UnloggedRestore,
        };
        if self.planted.has(unlogged) {
            return Ok(());
        }
        let bytes = payload.len() as u64;
        // Nothing was appended if this fails.
        let appended = self.wal.append(RecordKind::new(kind)?, payload)?;
        if let Err(error) = appended.wait() {
            self.lost = true;
            return Err(match error.kind() {
                ErrorKind::Fenced => error,
                _ => Error::new(ErrorKind::OutcomeUnknown, "the record may or may not be in the log").caused_by(error),
            });
        }
        self.checkpoints.grew(bytes);
        Ok(())
    }

    /// What memory does with a record that is durable; it was looked at before, so that it can be done.
    fn follow<Value>(&mut self, done: Result<Value>) -> Result<Value> {
        if let Err(error) = done {
            self.lost = true;
            return Err(Error::unexpected("a record of the log cannot be applied").caused_by(error));
        }
        if self.checkpoints.is_due() {
            self.checkpoints.trouble = self.checkpoint().err();
        }
        done
    }
}

fn replay(local: &mut Local, kind: u8, payload: &bytes::Bytes) -> Result<()> {
    match kind {
        BATCH => local.apply(&wire::decode(payload)?).map(|_| ()),
        COMPONENTS => local.register(&wire::decode_components(payload)?),
        RESTORE => local.import(&snapshot::read_unchecked(payload, &[])?),
        other => Err(Error::unsupported("the log has a record of a later version").with("kind", other)),
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("name", &self.name).field("records", &self.records()).finish_non_exhaustive()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for Log {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("log", self.local.shard(), self.durability)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.local.components()
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        // What would be refused gets no record.
        self.local.check_components(&components.iter().collect::<Vec<_>>())?;
        let known = self.local.components()?;
        let new = |one: &Arc<ComponentType>| !known.iter().any(|known| known.is_same(one));
        let new: Vec<_> = components.iter().filter(|one| new(one)).cloned().collect();
        if new.is_empty() {
            return self.local.register(components);
        }
        self.record(COMPONENTS, wire::encode_components(&new)?)?;
        let done = self.local.register(components);
        self.follow(done)
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        self.local.check_batch(batch)?;
        self.record(BATCH, wire::encode(batch)?)?;
        let done = self.local.apply(batch);
        self.follow(done)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        self.local.alive(entities)
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.local.types(entity)
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Storage::get(&self.local, entity, component)
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        self.local.get_many(entities, component)
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        self.local.query(query)
    }

    fn tick(&self) -> Result<Tick> {
        self.local.tick()
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.local.changes(since)
    }

    fn export(&self) -> Result<State<'_>> {
        self.local.export()
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        // What memory would refuse gets no record: it would be refused whenever the log is opened.
        let restored = self.local.restored(state)?;
        self.record(RESTORE, snapshot::write(state)?)?;
        self.local.replace_by(restored);
        self.follow(Ok(()))
    }

    fn local(&self) -> Option<&Local> {
        Some(&self.local)
    }

    /// None: a change in place would not be in the log.
    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
