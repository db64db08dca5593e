//! The kit and its races on the backends of the core, with many rounds; versions that are never used twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use worldstore_core::conformance::{CaseResult, Race, race_rounds, run};
use worldstore_core::{
    Backend, Condition, CopyOptions, DeleteOptions, Durability, Key, Local, Memory, Outcome, Prefix, RenameOptions,
    Version, WriteOptions,
};

const ROUNDS: usize = 300;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn local() -> (tempfile::TempDir, Arc<Local>) {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    (folder, Arc::new(local))
}

/// Passes the kit without a case skipped, for both declare everything.
fn conforms(backend: &dyn Backend) {
    let report = run(backend, &Prefix::new("kit").unwrap()).into_result().unwrap();
    assert!(report.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "{report}");
}

fn races(backend: Arc<dyn Backend>) {
    let report = race_rounds(backend, &Prefix::new("races").unwrap(), ROUNDS).into_result().unwrap();
    assert_eq!(report.cases.len(), Race::ALL.len(), "{report}");
}

#[test]
fn memory_conforms() {
    conforms(&Memory::new());
}

#[test]
fn local_conforms() {
    let (_folder, local) = local();
    conforms(&*local);
}

#[test]
fn memory_has_one_winner() {
    races(Arc::new(Memory::new()));
}

#[test]
fn local_has_one_winner() {
    let (_folder, local) = local();
    races(local);
}

/// Every state that a change has led to, by its version.
#[derive(Debug, Default)]
struct States {
    by_version: Mutex<HashMap<(Key, Version), String>>,
}

impl States {
    fn note(&self, outcome: Outcome, change: &str) {
        let Outcome::Applied(meta) = outcome else { panic!("{change}: {outcome:?}") };
        let before = self.by_version.lock().unwrap().insert((meta.key, meta.version.unwrap()), change.to_owned());
        assert_eq!(before, None, "the version was used before {change}");
    }
}

/// Writes, overwrites, deletes, copies and renames of equally long objects, as fast as it goes: clock ticks and inodes
/// are shared by many states.
fn storm(backend: &dyn Backend, states: &States, worker: usize, rounds: usize) {
    let options = WriteOptions::default().with_durability(Durability::None);
    let (a, b) = (key(&format!("{worker}/a")), key(&format!("{worker}/b")));
    for round in 0..rounds {
        let change = |what: &str| format!("{what} by {worker} in round {round}");
        states.note(backend.write(&a, Bytes::from_static(b"same"), &options).unwrap(), &change("write"));
        states.note(backend.write(&a, Bytes::from_static(b"same"), &options).unwrap(), &change("overwrite"));
        let copy = CopyOptions::default().with_durability(Durability::None);
        states.note(backend.copy(&a, &b, &copy).unwrap(), &change("copy"));
        let rename = RenameOptions::default().with_durability(Durability::None);
        states.note(backend.rename(&a, &b, &rename).unwrap(), &change("rename"));
        states.note(backend.rename(&b, &a, &rename).unwrap(), &change("rename back"));
        if round % 4 == 0 {
            let _ = backend.delete(std::slice::from_ref(&a), &DeleteOptions::default()).unwrap();
        }
    }
}

fn versions_are_unique(backend: &dyn Backend) {
    let states = States::default();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let states = &states;
            scope.spawn(move || storm(backend, states, worker, ROUNDS));
        }
    });
    assert_eq!(states.by_version.into_inner().unwrap().len(), 4 * ROUNDS * 5);
}

#[test]
fn memory_never_uses_a_version_twice() {
    versions_are_unique(&Memory::new());
}

#[test]
fn local_never_uses_a_version_twice() {
    let (_folder, local) = local();
    versions_are_unique(&*local);
}

/// Two backends on one folder in one process exclude each other as two processes do.
#[test]
fn two_backends_on_one_folder_have_one_winner() {
    let (folder, one) = local();
    let other = Arc::new(Local::open(folder.path()).unwrap());
    let counter = key("counter");
    let options = WriteOptions::default().with_durability(Durability::None);
    let _ = one.write(&counter, "0".into(), &options).unwrap();
    std::thread::scope(|scope| {
        for racer in 0..8 {
            let backend: &dyn Backend = if racer % 2 == 0 { &*one } else { &*other };
            let (counter, options) = (&counter, &options);
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    while !add_one(backend, counter, options) {}
                }
            });
        }
    });
    let total = one.read(&counter, &Default::default()).unwrap().body.next().unwrap().unwrap();
    assert_eq!(total, (8 * ROUNDS).to_string().as_bytes());
}

fn add_one(backend: &dyn Backend, counter: &Key, options: &WriteOptions) -> bool {
    let reply = backend.read(counter, &Default::default()).unwrap();
    let body = reply.body.map(Result::unwrap).collect::<Vec<_>>().concat();
    let next = std::str::from_utf8(&body).unwrap().parse::<usize>().unwrap() + 1;
    let options = options.clone().with_condition(Condition::IfMatch(reply.meta.version.unwrap()));
    matches!(backend.write(counter, next.to_string().into(), &options).unwrap(), Outcome::Applied(_))
}
