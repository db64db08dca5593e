//! Every backend of this crate runs the kit and the races.

use std::sync::Arc;

use worldstore_core::conformance::{CaseResult, Need, race, run};
use worldstore_core::{Backend, Key, ListOptions, Local, Memory, Prefix, WriteOptions};

use crate::objects::staged;

fn below() -> Prefix {
    Prefix::new("kit").unwrap()
}

#[test]
fn memory_conforms() {
    let memory = Arc::new(Memory::new());
    let report = run(&*memory, &below()).into_result().unwrap();
    assert!(report.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "it declares everything");
    let report = race(memory.clone(), &below()).into_result().unwrap();
    assert_eq!(report.cases.len(), 6);
    assert!(memory.list(&Prefix::root(), &ListOptions::default()).unwrap().objects.is_empty());
}

#[test]
fn local_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(Local::new(folder.path()).unwrap());
    let report = run(&*local, &below()).into_result().unwrap();
    let skipped: Vec<_> = report.cases.iter().filter(|case| !matches!(case.result, CaseResult::Passed)).collect();
    assert!(skipped.iter().all(|case| matches!(case.result, CaseResult::Skipped(Need::WriteIfMatch))), "{report}");
    assert_eq!(skipped.len(), 5);
    assert_eq!(staged(folder.path()), 0);
}

#[test]
fn local_keeps_races() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(Local::new(folder.path()).unwrap());
    let report = race(local.clone(), &below()).into_result().unwrap();
    assert_eq!(report.cases.len(), 5, "all but the one with if-match: {report}");
    assert!(local.list(&Prefix::root(), &ListOptions::default()).unwrap().objects.is_empty());
    assert_eq!(staged(folder.path()), 0);
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
