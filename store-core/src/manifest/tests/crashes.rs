//! Power cuts and failing disks at every call: what was acknowledged is there, once and whole, and work goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{add_with, block_keys, folder};
use crate::Local;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::*;
use crate::planted::{Bug, Planted};
use crate::vfs::sim::{Explorer, Fault, FaultKind, Operation, Random, SimVfs};

/// What was promised.
#[derive(Debug, Clone, Default)]
struct Promised {
    /// There is a chain.
    created: bool,
    /// Ids that were acknowledged as published.
    acknowledged: BTreeSet<String>,
    /// Ids that may be published.
    tried: BTreeSet<String>,
    /// Tags that stand, and whose release was not tried.
    tags: BTreeMap<String, u64>,
    /// How often the check has run.
    checks: u64,
}

fn open(vfs: &SimVfs, seed: u64, attempts: u32, planted: Planted) -> Result<Manifests> {
    let backend: Arc<dyn Backend> = Arc::new(Local::on(vfs.clone())?);
    let mut options = ManifestOptions::default().with_seed(seed).with_clock(Arc::new(ManualWallClock::new(1_000)));
    options.planted = planted;
    options.settle_attempts = 3;
    options.blocks.attempts = attempts;
    Manifests::open_or_create(backend, folder(), options)
}

fn publish(writer: &Writer, promised: &mut Promised, id: String, content: u64) -> Result<()> {
    promised.tried.insert(id.clone());
    let content = writer.manifests().blocks()?.put(format!("content {content}"))?;
    add_with(writer, &id, "e", &content)?;
    promised.acknowledged.insert(id);
    Ok(())
}

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Puts one of a few contents and publishes it.
    Publish(u64),
    /// Another store of blocks puts a content, fails to sync a folder, and gives up: what it leaves can be seen, and may
    /// not be durable.
    Hasty(u64),
    Tag,
    Release,
    Expire(u64),
    Collect,
}

/// Whether there is a hasty one: it heals the disk, which a disk that is made to fail is not to be.
#[derive(Debug, Clone, Copy)]
enum Hasty {
    Never,
    Sometimes,
}

impl Step {
    fn by_chance(random: &mut Random) -> Self {
        match random.below(9) {
            0 => Self::Tag,
            1 => Self::Release,
            2 => Self::Expire(1 + random.below(2)),
            3 | 4 => Self::Collect,
            5 => Self::Hasty(random.below(3)),
            _ => Self::Publish(random.below(3)),
        }
    }
}

/// Takes steps until something fails.
fn work(vfs: &SimVfs, random: &mut Random, promised: &mut Promised, steps: &[Step], planted: Planted) -> Result<()> {
    let manifests = open(vfs, 1, 5, planted)?;
    promised.created = true;
    let writer = manifests.writer()?;
    for (round, step) in steps.iter().enumerate() {
        match *step {
            Step::Publish(content) => publish(&writer, promised, format!("{round}"), content)?,
            Step::Hasty(content) => {
                let hasty = open(vfs, 2, 1, planted)?;
                vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder).at(1 + random.below(4)));
                drop(hasty.inner.blocks.put(format!("content {content}")));
                vfs.heal();
            }
            Step::Tag => {
                let number = manifests.latest()?.number;
                manifests.tag(&format!("t{round}"), number)?;
                promised.tags.insert(format!("t{round}"), number);
            }
            Step::Release => {
                if let Some((name, _)) = promised.tags.pop_first() {
                    manifests.release(&name)?;
                }
            }
            Step::Expire(keep) => drop(manifests.expire(&ExpireOptions::default().with_keep_last(keep))?),
            Step::Collect => drop(manifests.collect(&CollectOptions::default())?),
        }
    }
    Ok(())
}

fn steps_by_chance(vfs: &SimVfs, random: &mut Random, promised: &mut Promised, hasty: Hasty) -> Result<()> {
    let steps = (0..4).map(|_| match (Step::by_chance(random), hasty) {
        (Step::Hasty(content), Hasty::Never) => Step::Publish(content),
        (step, _) => step,
    });
    let steps: Vec<_> = steps.collect();
    work(vfs, random, promised, &steps, Planted::default())
}

/// Looks at everything, and goes on.
fn check(vfs: &SimVfs, promised: &mut Promised) -> Result<(), String> {
    let text = |error: Error| format!("{error:?}");
    if vfs.has_crashed() {
        return Ok(());
    }
    promised.checks += 1;
    let backend: Arc<dyn Backend> = Arc::new(Local::on(vfs.clone()).map_err(text)?);
    match Manifests::open(backend, folder(), ManifestOptions::default()) {
        Ok(manifests) => look(&manifests, promised)?,
        Err(error) if error.is_not_found() && !promised.created => {}
        Err(error) => return Err(text(error)),
    }
    match go_on(vfs, promised) {
        Ok(()) => Ok(()),
        // Its own power cut, which is looked at next.
        Err(_) if vfs.has_crashed() => Ok(()),
        Err(error) => Err(text(error)),
    }
}

fn look(manifests: &Manifests, promised: &Promised) -> Result<(), String> {
    let text = |error: Error| format!("{error:?}");
    manifests.verify().map_err(text)?;
    let latest = manifests.latest().map_err(text)?;
    let log: Vec<_> = latest.properties.get("log").map_or("", |log| log).split_whitespace().collect();
    let once: BTreeSet<_> = log.iter().map(|id| (*id).to_owned()).collect();
    if log.len() != once.len() || !once.is_superset(&promised.acknowledged) || !once.is_subset(&promised.tried) {
        return Err(format!("published is {log:?}, and promised {promised:?}"));
    }
    for (name, number) in &promised.tags {
        match latest.pins.get(name) {
            Some(pin) if pin.number == *number => {}
            pin => return Err(format!("tag {name} of {number} is {pin:?}")),
        }
    }
    for number in manifests.list().map_err(text)? {
        for block in manifests.at(number).map_err(text)?.blocks() {
            manifests.inner.blocks.block(block).map_err(text)?;
        }
    }
    Ok(())
}

/// Takes over, publishes, and clears away everything that is not needed.
fn go_on(vfs: &SimVfs, promised: &mut Promised) -> Result<()> {
    let manifests = open(vfs, 100 + promised.checks, 5, Planted::default())?;
    promised.created = true;
    let writer = manifests.writer()?;
    publish(&writer, promised, format!("after-{}", promised.checks), 9)?;
    // That is much work, and not done for every image.
    if !vfs.used().is_multiple_of(8) {
        return Ok(());
    }
    manifests.expire(&ExpireOptions::default().with_keep_last(1))?;
    (0..2).try_for_each(|_| manifests.collect(&CollectOptions::default()).map(drop))?;
    let mut used = BTreeSet::new();
    for number in manifests.list()? {
        let stored = manifests.at(number)?;
        used.extend(stored.blocks().map(|block| manifests.inner.blocks.key(block).unwrap().to_string()));
    }
    match block_keys(&manifests) {
        keys if keys.iter().eq(&used) => Ok(()),
        keys => Err(Error::unexpected("blocks are not those that are used").with("keys", format!("{keys:?} {used:?}"))),
    }
}

fn explorer(test: &str, images: u64) -> Explorer {
    Explorer::new(format!("manifest::tests::crashes::{test}"), images)
}

#[test]
fn power_cuts_at_every_call() {
    let run = |vfs: &SimVfs, random: &mut Random, promised: &mut Promised| {
        drop(steps_by_chance(vfs, random, promised, Hasty::Sometimes));
    };
    let report = explorer("power_cuts_at_every_call", 7_000).explore(run, check).unwrap();
    assert!(report.second_images() > 0, "{report:?}");
}

#[test]
fn failing_disks_at_every_call() {
    let run = |vfs: &SimVfs, random: &mut Random, promised: &mut Promised| {
        // An error that is clear is a promise too: nothing is published.
        if let Err(error) = steps_by_chance(vfs, random, promised, Hasty::Never)
            && !matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Fenced)
        {
            let acknowledged = &promised.acknowledged;
            promised.tried.retain(|id| acknowledged.contains(id));
        }
    };
    let report = explorer("failing_disks_at_every_call", 3_000).explore_faults(run, check).unwrap();
    assert!(report.faults().1 > 0, "{report:?}");
}

/// A planted bug must be found.
fn finds(bug: Bug, steps: &[Step]) {
    let planted = Planted::from(bug);
    let run = |vfs: &SimVfs, random: &mut Random, promised: &mut Promised| {
        drop(work(vfs, random, promised, steps, planted));
    };
    let failure = Explorer::fixed("manifest::tests::crashes", 600).catch(bug, run, check);
    let failure = failure.unwrap_or_else(|report| panic!("{bug} is not found: {report:?}"));
    eprintln!("{bug} found after {} images: {}", failure.images(), failure.message().lines().next().unwrap());
    // Without the bug, nothing is wrong with the same work.
    let run = |vfs: &SimVfs, random: &mut Random, promised: &mut Promised| {
        drop(work(vfs, random, promised, steps, Planted::default()));
    };
    Explorer::fixed("manifest::tests::crashes", 100).explore(run, check).unwrap();
}

macro_rules! finds {
    ($($name:ident: $bug:ident by $($step:ident $(($argument:literal))?),*;)*) => {$(
        #[test]
        fn $name() {
            finds(Bug::$bug, &[$(Step::$step$(($argument))?),*]);
        }
    )*};
}

finds! {
    finds_that_a_manifest_that_is_seen_is_taken_for_durable: SeenIsDurable by Publish(0);
    finds_that_a_block_that_is_seen_is_taken_for_durable: SeenIsDeduplicated by Hasty(0), Publish(0);
    finds_that_blocks_are_not_durable: BlocksNotDurable by Publish(0), Publish(1);
    finds_that_manifests_are_removed_before_the_floor_is_raised: ExpireBeforeFloor by Publish(0), Publish(1), Expire(1);
    finds_that_a_collection_ignores_pins: CollectIgnoresPins by Publish(0), Tag, Publish(1), Expire(1), Collect, Collect;
}
