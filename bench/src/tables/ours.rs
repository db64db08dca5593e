//! Worlds of ours, in each format and at each durability.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use tokio::runtime::Runtime;
use worldstore::cache::Durability;
use worldstore::core::table::{FlushOptions, Predicate, Scan, base};
use worldstore::world::CompactWorldOptions;
use worldstore::{CacheConfig, LogPlace, Run, TableFormat, World, WorldOptions};

use crate::Failure;

use super::data::{RUN, Rows, Seen, TABLE, WORLD};
use super::subject::{Appends, Read, Step, Subject};

/// How a world is opened.
#[derive(Debug, Clone)]
pub struct Kind {
    pub name: &'static str,
    pub format: TableFormat,
    pub cache: CacheConfig,
    pub log: LogPlace,
    /// Whether each append is committed to the table, and published, before the next.
    pub commits: bool,
}

impl Kind {
    /// With the options that a world has by itself: an append is durable in the log when it returns.
    pub fn durable(name: &'static str, format: TableFormat) -> Self {
        Self { name, format, cache: CacheConfig::default(), log: LogPlace::Auto, commits: false }
    }

    /// An append is in memory when it returns, and its record on the way to the log.
    pub fn buffered(name: &'static str, format: TableFormat) -> Self {
        let cache = CacheConfig::default().with_durability(Durability::Buffered);
        Self { cache, ..Self::durable(name, format) }
    }

    /// Without a log: an append is in memory when it returns.
    pub fn unlogged(name: &'static str, format: TableFormat) -> Self {
        Self { log: LogPlace::None, ..Self::durable(name, format) }
    }

    /// Sets when it flushes.
    pub fn with_cache(self, cache: CacheConfig) -> Self {
        Self { cache, ..self }
    }

    /// Every append is committed before it returns.
    pub fn committing(self) -> Self {
        Self { commits: true, ..self }
    }

    /// Makes a world of this kind.
    pub async fn create(&self, folder: &Path) -> Result<(World, Run), Failure> {
        let options = WorldOptions::default().with_format(self.format).with_name(WORLD).with_cache(self.cache);
        let folder = folder.to_str().ok_or("the folder's name is not UTF-8")?;
        let world = World::create(folder, &options.with_log(self.log.clone())).await?;
        let run = world.run(RUN).await?;
        Ok((world, run))
    }
}

/// The worlds of most rows.
pub fn durable() -> [Kind; 2] {
    [Kind::durable("worldstore, Lance", TableFormat::Lance), Kind::durable("worldstore, Iceberg", TableFormat::Iceberg)]
}

/// A world as a subject.
pub struct Ours {
    runtime: Rc<Runtime>,
    kind: Kind,
    open: Option<(World, Run)>,
}

impl Ours {
    /// Nothing is made yet.
    pub fn new(runtime: &Rc<Runtime>, kind: Kind) -> Self {
        Self { runtime: Rc::clone(runtime), kind, open: None }
    }

    /// The world that was started.
    pub fn opened(&self) -> Result<&(World, Run), Failure> {
        self.open.as_ref().ok_or_else(|| "the world is not open".into())
    }

    fn append_one(&self, rows: Rows) -> Result<f64, Failure> {
        let (world, run) = self.opened()?;
        // A run takes tick by tick.
        let ticks: Vec<_> = (0..rows.ticks as i64)
            .map(|tick| Ok((rows.first + tick, Rows::tick(rows.entities, rows.first + tick).components()?)))
            .collect::<Result<_, Failure>>()?;
        let start = Instant::now();
        self.runtime.block_on(async {
            for (tick, rows) in &ticks {
                let _ = run.append(*tick, TABLE, rows).await?;
            }
            match self.kind.commits {
                true => world.flush().await,
                false => Ok(()),
            }
        })?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Rows of a tick that are active, as every store of ticks is asked for them; or all.
pub fn scan(tick: Option<i64>) -> Scan {
    let all = Scan::all().with_predicate(Predicate::eq(base::ACTIVE, true));
    tick.map_or(all.clone(), |tick| all.with_predicate(Predicate::eq(base::TICK, tick)))
}

impl Subject for Ours {
    fn name(&self) -> &str {
        self.kind.name
    }

    fn start(&mut self, folder: &Path) -> Result<(), Failure> {
        self.open = Some(self.runtime.block_on(self.kind.create(folder))?);
        Ok(())
    }

    fn step(&mut self, entities: u64, tick: i64) -> Result<Step, Failure> {
        let append = self.append_one(Rows::tick(entities, tick))?;
        let Read { seconds, seen } = self.read(Some(tick))?;
        Ok(Step { append, read: seconds, seen })
    }

    fn append(&mut self, work: &Appends) -> Result<Vec<f64>, Failure> {
        let (start, mut seconds) = (Instant::now(), Vec::with_capacity(work.parts as usize));
        for part in 0..work.parts {
            if start.elapsed() > work.limit {
                break;
            }
            let first = work.first + (part * work.ticks) as i64;
            seconds.push(self.append_one(Rows { entities: work.entities, first, ticks: work.ticks })?);
        }
        Ok(seconds)
    }

    fn read(&mut self, tick: Option<i64>) -> Result<Read, Failure> {
        let (_, run) = self.opened()?;
        let start = Instant::now();
        let batches = self.runtime.block_on(run.now().collect(TABLE, &scan(tick)))?;
        Ok(Read { seconds: start.elapsed().as_secs_f64(), seen: Seen::of(&batches)? })
    }

    fn flush(&mut self) -> Result<f64, Failure> {
        let (world, _) = self.opened()?;
        let start = Instant::now();
        self.runtime.block_on(world.table_backend().flush(&FlushOptions::default()))?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn compact(&mut self) -> Result<f64, Failure> {
        let (world, _) = self.opened()?;
        let start = Instant::now();
        self.runtime.block_on(world.compact(&CompactWorldOptions::default()))?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn stop(&mut self) -> Result<(), Failure> {
        let Some((world, _)) = self.open.take() else { return Ok(()) };
        Ok(self.runtime.block_on(world.shutdown())?)
    }
}
