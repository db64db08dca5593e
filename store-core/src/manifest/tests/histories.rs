//! Random histories: writers, collectors, expiry, pins and readers, in any order, over a good or a bad network.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::turns::{Turns, play};
use super::unruly::{Fired, Network, Unruly};
use super::{block_keys, entry};
use crate::error::{ErrorKind, Result};
use crate::manifest::*;
use crate::planted::{Bug, Planted};
use crate::wrap::Dice;
use crate::{Memory, Prefix};

/// What the actors have been told.
#[derive(Debug, Default)]
struct Told {
    /// Ids that were acknowledged, with the number and the commit under which.
    acknowledged: BTreeMap<String, (u64, String)>,
    /// Ids of which nobody knows.
    unclear: BTreeSet<String>,
    /// Ids that were said not to be published.
    refused: BTreeSet<String>,
}

struct History {
    seed: u64,
    network: Arc<Network>,
    clock: Arc<ManualWallClock>,
    planted: Planted,
    told: Mutex<Told>,
}

impl History {
    fn open(&self, turns: Option<(Arc<Turns>, usize)>) -> Manifests {
        let actor = turns.as_ref().map_or(99, |(_, actor)| *actor as u64);
        let backend = Arc::new(Unruly { network: Arc::clone(&self.network), turns });
        let mut options = ManifestOptions::default().with_seed(self.seed * 1000 + actor).with_clock(self.clock.clone());
        options.planted = self.planted;
        Manifests::new(backend, Prefix::new("w").unwrap(), options).unwrap()
    }

    /// The same objects, over a good network and without bugs.
    fn quiet(&self, seed: u64) -> Self {
        let network = Network::new(self.network.inner_backend(), None, Arc::default());
        let (clock, planted, told) = (Arc::clone(&self.clock), Planted::default(), Mutex::default());
        Self { seed, network, clock, planted, told }
    }

    /// Puts, publishes, takes over again when fenced.
    fn writer(&self, turns: Arc<Turns>, actor: usize, rounds: usize) {
        let (manifests, dice) = (self.open(Some((turns, actor))), Dice::new(self.seed ^ actor as u64));
        let mut writer = None;
        for round in 0..rounds {
            if writer.is_none() || dice.hits(0.15) {
                writer = manifests.writer().ok();
            }
            let Some(owner) = &writer else { continue };
            let id = format!("{actor}-{round}");
            let published = match dice.hits(0.2) {
                true => self.go_back(&manifests, owner, &dice, &id),
                false => self.publish(&manifests, owner, &dice, &id),
            };
            let mut told = self.told.lock().unwrap();
            match published {
                Ok(stored) => {
                    assert_eq!(stored.epoch, owner.epoch());
                    let old = told.acknowledged.insert(id, (stored.number, stored.commit.to_string()));
                    assert_eq!(old, None);
                }
                Err(error) => {
                    match error.kind() {
                        ErrorKind::Fenced | ErrorKind::OutcomeUnknown => told.unclear.insert(id),
                        ErrorKind::Conflict | ErrorKind::Unavailable => told.refused.insert(id),
                        ErrorKind::NotFound => told.refused.insert(id),
                        _ => panic!("{error:?}"),
                    };
                    if error.kind() == ErrorKind::Fenced {
                        writer = None;
                    }
                }
            }
        }
    }

    /// Sets one of a few entries to one of a few contents, or removes it, and adds the id to the list of all.
    fn publish(&self, manifests: &Manifests, writer: &Writer, dice: &Dice, id: &str) -> Result<Arc<Stored>> {
        let name = format!("e{}", dice.below(3));
        let bytes = format!("content {}", dice.below(4));
        let removes = dice.hits(0.3);
        let blocks = if dice.hits(0.3) { manifests.blocks()? } else { manifests.inner.blocks.clone() };
        let mut content = blocks.put(bytes.clone())?;
        for _ in 0..3 {
            let published = writer.publish(|draft| {
                match removes {
                    true => drop(draft.remove(&name)),
                    false => drop(draft.put(entry(&name, &content))),
                }
                let log = draft.properties.entry("log".into()).or_default();
                log.push_str(id);
                log.push(' ');
                Ok(())
            });
            match published {
                Err(error) if error.kind() == ErrorKind::Conflict => content = blocks.put(bytes.clone())?,
                published => return published,
            }
        }
        writer.publish(|draft| {
            drop(draft.remove(&name));
            let log = draft.properties.entry("log".into()).or_default();
            log.push_str(id);
            log.push(' ');
            Ok(())
        })
    }

    /// Publishes the entries of an older manifest once more, as they were.
    fn go_back(&self, manifests: &Manifests, writer: &Writer, dice: &Dice, id: &str) -> Result<Arc<Stored>> {
        let numbers = manifests.list()?;
        let older = manifests.at(numbers[dice.below(numbers.len() as u64) as usize])?;
        writer.publish(|draft| {
            let names: Vec<_> = draft.entries().map(|entry| entry.name.clone()).collect();
            names.iter().for_each(|name| drop(draft.remove(name)));
            older.entries.iter().for_each(|entry| drop(draft.put(entry.clone())));
            let log = draft.properties.entry("log".into()).or_default();
            log.push_str(id);
            log.push(' ');
            Ok(())
        })
    }

    fn collector(&self, turns: Arc<Turns>, actor: usize, rounds: usize) {
        let manifests = self.open(Some((turns, actor)));
        (0..rounds).for_each(|_| drop(unharmed(manifests.collect(&CollectOptions::default()))));
    }

    fn expirer(&self, turns: Arc<Turns>, actor: usize, rounds: usize) {
        let (manifests, dice) = (self.open(Some((turns, actor))), Dice::new(self.seed ^ actor as u64));
        for _ in 0..rounds {
            let options = ExpireOptions::default().with_keep_last(1 + dice.below(2));
            drop(unharmed(manifests.expire(&options)));
        }
    }

    /// Pins what it reads, and reads it to the end.
    fn reader(&self, turns: Arc<Turns>, actor: usize, rounds: usize) {
        let manifests = self.open(Some((turns, actor)));
        let mut last = 0;
        for round in 0..rounds {
            let Some(latest) = unharmed(manifests.latest()) else { continue };
            assert!(latest.number >= last, "the newest goes back from {last} to {}", latest.number);
            last = latest.number;
            let name = format!("{actor}-{round}");
            let Some(_) = unharmed(manifests.tag(&name, latest.number)) else { continue };
            for _ in 0..3 {
                if let Some(stored) = whole(manifests.at(latest.number)) {
                    assert_eq!(stored, *latest);
                }
                for block in latest.blocks() {
                    whole(manifests.inner.blocks.block(block));
                }
            }
            unharmed(manifests.release(&name));
        }
    }

    /// What must hold when all is over.
    fn check(&self) {
        self.network.settle();
        let manifests = self.quiet(self.seed).open(None);
        manifests.verify().unwrap();
        for number in manifests.list().unwrap() {
            manifests.at(number).unwrap().blocks().for_each(|block| drop(manifests.inner.blocks.block(block).unwrap()));
        }
        self.check_log(&manifests.latest().unwrap());
        // Nothing that is not referred to survives two collections.
        let pins: Vec<_> = manifests.latest().unwrap().pins.keys().cloned().collect();
        pins.iter().for_each(|name| assert!(manifests.release(name).unwrap()));
        manifests.expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
        (0..2).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
        let (mut kept, mut used) = (block_keys(&manifests), BTreeSet::new());
        used.extend(manifests.list().unwrap().into_iter().flat_map(|number| {
            let stored = manifests.at(number).unwrap();
            stored.blocks().map(|block| manifests.inner.blocks.key(block).unwrap().to_string()).collect::<Vec<_>>()
        }));
        kept.sort();
        assert_eq!(kept, used.into_iter().collect::<Vec<_>>());
    }

    fn check_log(&self, latest: &Stored) {
        let told = self.told.lock().unwrap();
        let log: Vec<_> = latest.properties.get("log").map_or("", |log| log).split_whitespace().collect();
        let once: BTreeSet<_> = log.iter().copied().collect();
        assert_eq!(log.len(), once.len(), "published twice: {log:?}");
        for id in told.acknowledged.keys() {
            assert!(once.contains(id.as_str()), "{id} was acknowledged and is lost: {log:?}");
        }
        for id in &told.refused {
            assert!(!once.contains(id.as_str()), "{id} was refused and is there: {log:?}");
        }
        let numbers: BTreeSet<_> = told.acknowledged.values().map(|(number, _)| number).collect();
        assert_eq!(numbers.len(), told.acknowledged.len(), "a number has two winners");
    }
}

/// The value, or none for errors that a bad network explains, or that others were first.
fn unharmed<Value>(result: Result<Value>) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let kind = error.kind();
            let explained =
                [ErrorKind::Unavailable, ErrorKind::OutcomeUnknown, ErrorKind::Conflict, ErrorKind::NotFound];
            assert!(explained.contains(&kind), "{error:?}");
            None
        }
    }
}

/// As [`unharmed`], of what must be there.
fn whole<Value>(result: Result<Value>) -> Option<Value> {
    assert!(!result.as_ref().is_err_and(|error| error.is_not_found()), "{:?}", result.err());
    unharmed(result)
}

/// Plays one history. Panics if anything is wrong with it.
fn history(seed: u64, faults: bool, planted: Planted, fired: &Arc<Fired>) -> usize {
    let network = Network::new(Arc::new(Memory::new()), faults.then_some(!seed), Arc::clone(fired));
    let clock = Arc::new(ManualWallClock::new(1_000));
    let history = History { seed, network, clock, planted, told: Mutex::default() };
    history.quiet(seed + 500).open(None).begin().unwrap();
    let run = &history;
    play(
        seed,
        vec![
            Box::new(|turns, actor| run.writer(turns, actor, 8)),
            Box::new(|turns, actor| run.writer(turns, actor, 8)),
            Box::new(|turns, actor| run.collector(turns, actor, 5)),
            Box::new(|turns, actor| run.collector(turns, actor, 5)),
            Box::new(|turns, actor| run.expirer(turns, actor, 6)),
            Box::new(|turns, actor| run.reader(turns, actor, 3)),
        ],
    );
    history.check();
    history.told.lock().unwrap().acknowledged.len()
}

/// Plays many, `HISTORIES` of them or 400. A failure names its seed: `SEED=… cargo test …` plays it alone.
fn histories(first: u64, faults: bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let only = number("SEED");
    let seeds = first..first + number("HISTORIES").unwrap_or(400);
    let fired = Arc::default();
    let (mut acknowledged, mut played) = (0, 0);
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        let run = catch_unwind(AssertUnwindSafe(|| history(seed, faults, Planted::default(), &fired)));
        acknowledged += run.unwrap_or_else(|_| panic!("SEED={seed} fails"));
        played += 1;
    }
    assert!(
        acknowledged > 4 * played || only.is_some(),
        "{acknowledged} of {played} histories: hardly anything was done"
    );
    if faults && only.is_none() {
        assert!(fired.all().iter().all(|count| *count > played as u64), "{:?}", fired.all());
    }
}

#[test]
fn histories_over_a_good_network() {
    histories(0, false);
}

#[test]
fn histories_over_a_bad_network() {
    histories(1_000_000, true);
}

/// The first seed at which a planted bug is found.
fn found(bug: Bug, faults: bool) -> Option<u64> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let planted = Planted::default().with(bug);
    let caught =
        |seed: &u64| catch_unwind(AssertUnwindSafe(|| history(*seed, faults, planted, &Arc::default()))).is_err();
    let found = (20_000..20_400).find(caught);
    std::panic::set_hook(hook);
    found
}

macro_rules! finds {
    ($($name:ident: $bug:ident, $faults:literal;)*) => {$(
        #[test]
        fn $name() {
            let seed = found(Bug::$bug, $faults).expect("the bug is not found");
            eprintln!("{:?} found after {} histories", Bug::$bug, seed - 20_000 + 1);
        }
    )*};
}

finds! {
    finds_exists_taken_as_foreign: ExistsIsForeign, true;
    finds_unknown_taken_as_failure: UnknownIsFailed, true;
    finds_a_fence_that_expiry_removes: CollectDeletesFence, false;
    finds_an_epoch_that_is_ignored: IgnoreEpoch, false;
    finds_that_blocks_are_not_looked_at_again: IgnoreCondemned, false;
    finds_a_collection_that_ignores_pins: CollectIgnoresPins, false;
    finds_a_collection_that_ignores_older_manifests: CollectIgnoresOlder, false;
    finds_a_collection_that_takes_the_young: CollectTakesYoung, false;
    finds_a_collection_that_does_not_say_that_it_begins: CollectBeforeCondemned, false;
    finds_an_expiry_that_ignores_pins: ExpireIgnoresPins, false;
}
