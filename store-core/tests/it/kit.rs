//! Every backend of this crate runs the kit and the races.

use worldstore_core::conformance::{CaseResult, run};
use worldstore_core::{Backend, Key, ListOptions, Local, Memory, Prefix, WriteOptions};

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
