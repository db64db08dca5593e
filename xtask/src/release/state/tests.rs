//! Releases that break off and go on.

use super::*;
use crate::failure::Failure;

fn progress() -> Progress {
    Progress {
        from: "0.1.0".to_owned(),
        to: "0.1.1".to_owned(),
        commit: "abc".to_owned(),
        date: "2026-11-21".to_owned(),
        done: Vec::new(),
        published: Vec::new(),
    }
}

#[test]
fn there_is_none_then_one_then_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::new(&folder.path().join("release"));
    assert_eq!(state.read().unwrap(), None);
    state.write(&progress()).unwrap();
    assert_eq!(state.read().unwrap(), Some(progress()));
    state.remove().unwrap();
    state.remove().unwrap();
    assert_eq!(state.read().unwrap(), None);
}

#[test]
fn what_is_done_is_not_done_again_and_what_failed_is() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::new(folder.path());
    let mut progress = progress();
    progress.step(&state, "first", |_| Ok(())).unwrap();
    progress.step(&state, "second", |_| Err(Failure::new("no room"))).unwrap_err();
    // Another process goes on.
    let mut resumed = state.read().unwrap().unwrap();
    assert_eq!(resumed.done, ["first"]);
    resumed.step(&state, "first", |_| panic!("a second time")).unwrap();
    resumed.step(&state, "second", |_| Ok(())).unwrap();
    assert_eq!(state.read().unwrap().unwrap().done, ["first", "second"]);
}

#[test]
fn publication_goes_on_behind_what_the_registry_has() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::new(folder.path());
    let order = ["a", "b", "c"].map(str::to_owned);
    let refused = |name: &str| if name == "b" { Err(Failure::new("too many new crates")) } else { Ok(()) };
    progress().publish(&state, &order, refused).unwrap_err();
    let mut asked = Vec::new();
    let mut resumed = state.read().unwrap().unwrap();
    assert_eq!(resumed.published, ["a"]);
    resumed
        .publish(&state, &order, |name| {
            asked.push(name.to_owned());
            Ok(())
        })
        .unwrap();
    assert_eq!(asked, ["b", "c"]);
    assert_eq!(state.read().unwrap().unwrap().published, ["a", "b", "c"]);
}

#[test]
fn a_damaged_state_is_told_and_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("state.json"), "{").unwrap();
    assert!(State::new(folder.path()).read().unwrap_err().to_string().contains("state.json"));
}
