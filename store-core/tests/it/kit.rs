//! Every backend of this crate runs the kit and the races.

use std::sync::Arc;
use std::time::Duration;

use worldstore_core::conformance::{CaseResult, Kills, reopen, run, victim};
use worldstore_core::{Backend, Key, ListOptions, Local, Memory, Prefix, Result, WriteOptions};

fn below() -> Prefix {
    Prefix::new("kit").unwrap()
}

/// What both declare, both answer alike.
#[test]
fn memory_and_local_give_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let memory = run(&Memory::new(), &below());
    let local = run(&Local::new(folder.path()).unwrap(), &below());
    let mut compared = 0;
    for (memory, local) in memory.cases.iter().zip(&local.cases) {
        if let CaseResult::Passed = local.result {
            assert_eq!(memory.transcript, local.transcript, "{}", memory.case);
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn the_kit_leaves_the_rest_of_a_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    let mine = Key::new("kit-neighbour/mine").unwrap();
    let _ = local.write(&mine, "mine".into(), &WriteOptions::default()).unwrap();
    let before = local.list(&Prefix::root(), &ListOptions::default()).unwrap().objects;
    run(&local, &below()).into_result().unwrap();
    assert_eq!(local.list(&Prefix::root(), &ListOptions::default()).unwrap().objects, before);
}

fn open(place: &str) -> Result<Arc<Local>> {
    Ok(Arc::new(Local::open(place)?))
}

#[test]
fn local_objects_outlive_what_opened_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let report = reopen(|| open(place), &below()).unwrap().into_result().unwrap();
    assert_eq!(report.cases.len(), 4, "{report}");
}

#[test]
fn local_objects_outlive_their_process() {
    let folder = tempfile::tempdir().unwrap();
    let kills = Kills { victim: "kit::is_killed", count: 20, step: Duration::from_micros(1_700) };
    kills.survive(folder.path().to_str().unwrap(), open).unwrap();
}

/// The other process.
#[test]
fn is_killed() {
    victim(open).unwrap();
}

#[test]
fn what_a_killed_process_has_lost_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let kills = Kills { victim: "kit::is_killed", count: 1, step: Duration::ZERO };
    let survive = |spoil: &dyn Fn(&Local)| {
        let place = tempfile::tempdir_in(folder.path()).unwrap();
        let spoiled = |place: &str| open(place).inspect(|local| spoil(local));
        kills.survive(place.path().to_str().unwrap(), spoiled).unwrap_err().message().to_owned()
    };
    let write = |local: &Local, name: &str, body: &'static str| {
        let _ = local.write(&Key::new(name).unwrap(), body.into(), &WriteOptions::default()).unwrap();
    };
    assert_eq!(survive(&|local| write(local, "small", "0")), "a change that was acknowledged is lost");
    assert_eq!(survive(&|local| write(local, "large", "half")), "an object is of no round, or half there");
    assert_eq!(survive(&|local| write(local, "half", "half")), "other objects are there");
}
