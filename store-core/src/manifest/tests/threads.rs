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

/// All publish through one epoch, with a handle each for the first half of them, and take over now and then.
fn race(backends: Vec<Arc<dyn Backend>>, quiet: &Arc<dyn Backend>, rounds: usize, is_faulty: bool) {
    let options = || ManifestOptions::default().with_pause_max(std::time::Duration::from_millis(2));
    while Manifests::open_or_create(Arc::clone(&backends[0]), folder(), options()).is_err() {}
    let (acknowledged, unclear) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        for (thread, backend) in backends.iter().enumerate() {
            let (acknowledged, unclear) = (&acknowledged, &unclear);
            scope.spawn(move || {
                let manifests = loop {
                    if let Ok(manifests) = Manifests::open(Arc::clone(backend), folder(), options()) {
                        break manifests;
                    }
                };
                let mut writer = None;
                for round in 0..rounds {
                    let id = format!("{thread}-{round}");
                    // Until it is acknowledged, or nobody knows.
                    loop {
                        let Some(owner) = &writer else {
                            writer = manifests.writer().ok();
                            continue;
                        };
                        match add(owner, &id) {
                            Ok(stored) => break acknowledged.lock().unwrap().push((stored.number, id)),
                            // Read before going on.
                            Err(error) if matches!(error.kind(), ErrorKind::Fenced | ErrorKind::OutcomeUnknown) => {
                                if error.kind() == ErrorKind::Fenced {
                                    writer = None;
                                }
                                unclear.lock().unwrap().insert(id.clone());
                                let latest = manifests.latest().ok();
                                let Some(latest) = latest else { break };
                                let log = latest.properties.get("log").map_or("", |log| log);
                                // A fenced one cannot arrive any more: its number is taken.
                                if error.kind() != ErrorKind::Fenced || log.split(' ').any(|other| other == id) {
                                    break;
                                }
                                unclear.lock().unwrap().remove(&id);
                            }
                            Err(error) if error.kind() == ErrorKind::Unavailable => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
            });
        }
    });
    let manifests = Manifests::open(Arc::clone(quiet), folder(), options()).unwrap();
    manifests.verify().unwrap();
    let latest = manifests.latest().unwrap();
    let log: Vec<_> = latest.properties["log"].split_whitespace().map(str::to_owned).collect();
    let once: BTreeSet<_> = log.iter().cloned().collect();
    assert_eq!(log.len(), once.len(), "published twice");
    let (acknowledged, unclear) = (acknowledged.into_inner().unwrap(), unclear.into_inner().unwrap());
    assert!(acknowledged.iter().all(|(_, id)| once.contains(id)), "acknowledged and lost");
    assert_eq!(acknowledged.len() + unclear.len(), backends.len() * rounds);
    assert!(once.iter().all(|id| unclear.contains(id) || acknowledged.iter().any(|(_, other)| other == id)));
    let numbers: BTreeSet<_> = acknowledged.iter().map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), acknowledged.len(), "a number has two winners");
    assert!(acknowledged.len() > unclear.len(), "{} to {}", acknowledged.len(), unclear.len());
    if !is_faulty {
        assert!(unclear.iter().all(|id| once.contains(id)), "nothing is unclear to those who read");
    }
}

#[test]
fn threads_race_on_memory() {
    let memory: Arc<dyn Backend> = Arc::new(Memory::new());
    race(vec![Arc::clone(&memory); THREADS], &memory, 50, false);
}

#[test]
fn threads_race_on_local_files() {
    let root = tempfile::tempdir().unwrap();
    let open = |_| Arc::new(Local::new(root.path()).unwrap()) as Arc<dyn Backend>;
    race((0..4).map(open).collect(), &open(4), 15, false);
}

#[test]
fn threads_race_over_faults() {
    for seed in 0..10 {
        let memory: Arc<dyn Backend> = Arc::new(Memory::new());
        let odds = Odds::default().with_error(0.03).with_lost_reply(0.1).with_short_read(0.03);
        let faults = FaultOptions::new(seed).everywhere(odds).with(Class::Write, odds.with_error(0.05));
        Manifests::create(Arc::clone(&memory), folder(), ManifestOptions::default()).unwrap();
        let faulty = |_| Arc::new(FaultBackend::new(Arc::clone(&memory), faults)) as Arc<dyn Backend>;
        race((0..THREADS).map(faulty).collect(), &memory, 10, true);
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
