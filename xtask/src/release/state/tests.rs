//! Releases that break off and go on.

use super::*;
use crate::release::git::tests::repository;
use crate::release::version::Version;

/// A repository, and a state of it that is kept elsewhere.
fn place() -> (tempfile::TempDir, tempfile::TempDir, State) {
    let (root, folder) = (repository(), tempfile::tempdir().unwrap());
    let state = State::new(&folder.path().join("release"), root.path());
    (root, folder, state)
}

fn progress(state: &State) -> Progress {
    Progress {
        from: "0.1.0".to_owned(),
        to: "0.1.1".to_owned(),
        commit: "abc".to_owned(),
        date: "2026-11-21".to_owned(),
        tree: state.tree().unwrap(),
        done: Vec::new(),
        published: Vec::new(),
    }
}

#[test]
fn there_is_none_then_one_then_none() {
    let (_root, _folder, state) = place();
    assert_eq!(state.read().unwrap(), None);
    state.write(&progress(&state)).unwrap();
    assert_eq!(state.read().unwrap(), Some(progress(&state)));
    state.remove().unwrap();
    state.remove().unwrap();
    assert_eq!(state.read().unwrap(), None);
}

#[test]
fn what_is_done_is_not_done_again_and_what_failed_is() {
    let (_root, _folder, state) = place();
    let mut progress = progress(&state);
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
fn a_tree_that_somebody_changed_is_not_released() {
    let (root, _folder, state) = place();
    let file = root.path().join("a.txt");
    let mut progress = progress(&state);
    let version = |_: &mut Progress| -> Result<()> { std::fs::write(&file, "0.1.1").during("writing") };
    progress.change(&state, "versions", version).unwrap();
    let mut resumed = state.read().unwrap().unwrap();
    resumed.step(&state, "api", |_| Ok(())).unwrap();

    // Undone, edited, with something more: each is another tree.
    for (name, text) in [("a.txt", "one"), ("a.txt", "0.1.1 and more"), ("b.txt", "new")] {
        std::fs::write(root.path().join(name), text).unwrap();
        let failure = resumed.step(&state, "archives", |_| panic!("of another tree")).unwrap_err().to_string();
        assert!(failure.contains("after the step `api`") && failure.contains("--restart"), "{failure}");
        std::fs::write(&file, "0.1.1").unwrap();
    }
    std::fs::remove_file(root.path().join("b.txt")).unwrap();
    let edit = |_: &mut Progress| -> Result<()> { std::fs::write(&file, "meanwhile").during("writing") };
    resumed.step(&state, "archives", edit).unwrap_err();
    std::fs::write(&file, "0.1.1").unwrap();
    resumed.step(&state, "archives", |_| Ok(())).unwrap();
    resumed.step(&state, "commit", |_| git::commit(root.path(), Version(0, 1, 1))).unwrap();
    assert_eq!(state.read().unwrap().unwrap().done, ["versions", "api", "archives", "commit"]);
}

#[test]
fn publication_goes_on_behind_what_the_registry_has() {
    let (_root, _folder, state) = place();
    let order = ["a", "b", "c"].map(str::to_owned);
    let refused = |name: &str| if name == "b" { Err(Failure::new("too many new crates")) } else { Ok(()) };
    progress(&state).publish(&state, &order, refused).unwrap_err();
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
    assert!(State::new(folder.path(), folder.path()).read().unwrap_err().to_string().contains("state.json"));
}
