//! Threads that really race, on memory, on local files, and over faults of a seed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::{add, folder};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::manifest::*;
use crate::wrap::{Class, FaultBackend, FaultOptions, Odds};
use crate::{Local, Memory};

const THREADS: usize = 8;

/// What the threads were told.
#[derive(Debug, Default)]
struct Told {
    acknowledged: Vec<(u64, String)>,
    unclear: BTreeSet<String>,
}

fn options() -> ManifestOptions {
    ManifestOptions::default().with_pause_max(std::time::Duration::from_millis(2))
}

/// Publishes, takes over again when it is fenced, and reads before it tries again what was not acknowledged.
fn publish_all(backend: &Arc<dyn Backend>, thread: usize, rounds: usize, told: &Mutex<Told>) {
    let manifests = loop {
        if let Ok(manifests) = Manifests::open(Arc::clone(backend), folder(), options()) {
            break manifests;
        }
    };
    let mut writer = None;
    for round in 0..rounds {
        let id = format!("{thread}-{round}");
        loop {
            let Some(owner) = &writer else {
                writer = manifests.writer().ok();
                continue;
            };
            let error = match add(owner, &id) {
                Ok(stored) => break told.lock().unwrap().acknowledged.push((stored.number, id)),
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::Unavailable => continue,
                ErrorKind::Fenced => writer = None,
                ErrorKind::OutcomeUnknown => {}
                _ => panic!("{error:?}"),
            }
            // What a fenced one has not published cannot arrive any more: its number is taken.
            let is_absent = |latest: Arc<Stored>| {
                latest.properties.get("log").is_none_or(|log| log.split(' ').all(|other| other != id))
            };
            if error.kind() != ErrorKind::Fenced || !manifests.latest().is_ok_and(is_absent) {
                told.lock().unwrap().unclear.insert(id);
                break;
            }
        }
    }
}

/// All race through handles of their own.
fn race(backends: Vec<Arc<dyn Backend>>, quiet: &Arc<dyn Backend>, rounds: usize) -> Told {
    drop(Manifests::open_or_create(Arc::clone(quiet), folder(), options()).unwrap());
    let told = Mutex::default();
    std::thread::scope(|scope| {
        for (thread, backend) in backends.iter().enumerate() {
            let told = &told;
            scope.spawn(move || publish_all(backend, thread, rounds, told));
        }
    });
    let told: Told = told.into_inner().unwrap();
    let manifests = Manifests::open(Arc::clone(quiet), folder(), options()).unwrap();
    manifests.verify().unwrap();
    let log = super::log(&manifests);
    let once: BTreeSet<_> = log.split_whitespace().map(str::to_owned).collect();
    assert_eq!(log.split_whitespace().count(), once.len(), "published twice");
    let acknowledged: BTreeSet<_> = told.acknowledged.iter().map(|(_, id)| id.clone()).collect();
    assert!(acknowledged.is_subset(&once), "acknowledged and lost");
    assert!(once.iter().all(|id| acknowledged.contains(id) || told.unclear.contains(id)));
    assert_eq!(told.acknowledged.len() + told.unclear.len(), backends.len() * rounds);
    let numbers: BTreeSet<_> = told.acknowledged.iter().map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), told.acknowledged.len(), "a number has two winners");
    assert!(told.unclear.is_disjoint(&acknowledged));
    told
}

/// Whoever was not acknowledged over a good way has found its id in the chain.
fn expect_clear(told: &Told, quiet: &Arc<dyn Backend>) {
    let log = super::log(&super::open(quiet));
    assert!(told.unclear.iter().all(|id| log.split(' ').any(|other| other == id)));
    assert!(told.acknowledged.len() > told.unclear.len(), "{told:?}");
}

#[test]
fn threads_race_on_memory() {
    let memory: Arc<dyn Backend> = Arc::new(Memory::new());
    expect_clear(&race(vec![Arc::clone(&memory); THREADS], &memory, 50), &memory);
}

#[test]
fn threads_race_on_local_files() {
    let root = tempfile::tempdir().unwrap();
    let open = |_| Arc::new(Local::new(root.path()).unwrap()) as Arc<dyn Backend>;
    expect_clear(&race((0..4).map(open).collect(), &open(4), 15), &open(5));
}

#[test]
fn threads_race_over_faults() {
    for seed in 0..10 {
        let memory: Arc<dyn Backend> = Arc::new(Memory::new());
        let odds = Odds::default().with_error(0.03).with_lost_reply(0.1).with_short_read(0.03);
        let faults = FaultOptions::new(seed).everywhere(odds).with(Class::Write, odds.with_error(0.05));
        Manifests::create(Arc::clone(&memory), folder(), ManifestOptions::default()).unwrap();
        let faulty = |_| Arc::new(FaultBackend::new(Arc::clone(&memory), faults)) as Arc<dyn Backend>;
        let told = race((0..THREADS).map(faulty).collect(), &memory, 10);
        assert!(told.acknowledged.len() > told.unclear.len(), "{told:?}");
    }
}

/// Clones of one writer share its epoch: each attempt that loses is made anew on the winner.
#[test]
fn clones_of_a_writer_lose_nothing() {
    let memory = super::backend();
    let writer = super::open(&memory).writer().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let writer = writer.clone();
            scope.spawn(move || (0..30).for_each(|round| drop(add(&writer, &format!("{thread}-{round}")).unwrap())));
        }
    });
    let log = super::log(writer.manifests());
    assert_eq!(log.split_whitespace().collect::<BTreeSet<_>>().len(), THREADS * 30);
    assert_eq!(log.split_whitespace().count(), THREADS * 30);
    assert_eq!(writer.manifests().latest().unwrap().number as usize, 2 + THREADS * 30);
}
