//! Single failures, and exactly what they are answered with.

use std::sync::Arc;

use worldstore_core::vfs::sim::{Choice, Fault, FaultKind, Operation, SimOptions, SimVfs};
use worldstore_core::wrap::{Dice, ManualClock, RetryBackend, RetryOptions};
use worldstore_core::{
    Backend, CopyOptions, DeleteOptions, Deleted, Durability, ErrorKind, Key, ListOptions, Local, Outcome, Prefix,
    ReadOptions, RenameOptions, Result, SettleOptions, Settled, WriteOptions, WriteToken,
};

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn write(local: &Local<SimVfs>, name: &str, body: &'static str) -> Result<Outcome> {
    local.write(&key(name), body.into(), &WriteOptions::default())
}

fn get(local: &Local<SimVfs>, name: &str) -> Option<String> {
    match local.read(&key(name), &ReadOptions::default()) {
        Ok(reply) => {
            Some(String::from_utf8(reply.body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()).unwrap())
        }
        Err(error) if error.is_not_found() => None,
        Err(error) => panic!("{error}"),
    }
}

fn names(local: &Local<SimVfs>) -> Vec<String> {
    let page = local.list(&Prefix::root(), &ListOptions::default()).unwrap();
    page.objects.iter().map(|meta| meta.key.to_string()).collect()
}

/// A store with an object, whose folders and locks are there.
fn place() -> (SimVfs, Local<SimVfs>) {
    let vfs = SimVfs::new();
    let local = Local::on(vfs.clone()).unwrap();
    for name in ["a", "f/a"] {
        assert!(matches!(write(&local, name, "old").unwrap(), Outcome::Applied(_)));
    }
    (vfs, local)
}

/// Makes the next call of a kind fail.
fn fail(vfs: &SimVfs, operation: Operation, kind: FaultKind) -> worldstore_core::vfs::sim::Activation {
    vfs.inject(Fault::new(kind).on(operation))
}

fn is_unknown(outcome: &Result<Outcome>) -> bool {
    matches!(outcome, Ok(Outcome::Unknown))
}

#[test]
fn without_a_sync_of_its_bytes_nothing_is_published() {
    for kind in [FaultKind::Io, FaultKind::IoAfter, FaultKind::NoSpace] {
        let (vfs, local) = place();
        let failed = fail(&vfs, Operation::SyncAll, kind);
        let error = write(&local, "a", "new").unwrap_err();
        assert_eq!((failed.count(), error.kind() == ErrorKind::StorageFull), (1, kind == FaultKind::NoSpace));
        assert_eq!(get(&local, "a").unwrap(), "old");
        let failed = fail(&vfs, Operation::SyncAll, kind);
        assert!(local.copy(&key("a"), &key("b"), &CopyOptions::default()).is_err());
        assert_eq!((failed.count(), get(&local, "b")), (1, None));
        let failed = fail(&vfs, Operation::SyncAll, kind);
        assert!(local.rename(&key("a"), &key("b"), &RenameOptions::default()).is_err());
        assert_eq!((failed.count(), names(&local)), (1, vec!["a".to_owned(), "f/a".to_owned()]));
    }
}

/// The name is given and the object visible: an error would claim that nothing has changed.
#[test]
fn without_a_sync_of_its_name_the_outcome_is_unknown() {
    let (vfs, local) = place();
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    assert!(is_unknown(&write(&local, "f/a", "new")));
    assert_eq!(get(&local, "f/a").unwrap(), "new");
    assert_eq!(get(&Local::on(vfs.image(Choice::Nothing).vfs).unwrap(), "f/a").unwrap(), "old");
    assert_eq!(get(&Local::on(vfs.image(Choice::Everything).vfs).unwrap(), "f/a").unwrap(), "new");
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    assert!(is_unknown(&local.copy(&key("a"), &key("b"), &CopyOptions::default())));
    // A rename syncs the new name first, and the old one then.
    for call in [1, 2] {
        let (vfs, local) = place();
        let failed = vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder).at(call));
        assert!(is_unknown(&local.rename(&key("f/a"), &key("c"), &RenameOptions::default())), "call {call}");
        assert_eq!((failed.count(), get(&local, "c").as_deref(), get(&local, "f/a")), (1, Some("old"), None));
    }
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    let answers = local.delete(&[key("a"), key("none")], &DeleteOptions::default()).unwrap();
    let [Deleted::Failed(error), Deleted::Missing] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((error.kind(), get(&local, "a")), (ErrorKind::OutcomeUnknown, None));
}

/// Its token is there, and may be gone after a power cut.
#[test]
fn an_unknown_write_is_not_settled_by_its_token() {
    let (vfs, local) = place();
    let token = WriteToken::new("t").unwrap();
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    let options = WriteOptions::default().with_token(token.clone());
    assert!(is_unknown(&local.write(&key("a"), "new".into(), &options)));
    let settle = |local: &Local<SimVfs>| local.settle(&key("a"), &token, &SettleOptions::default());
    assert_eq!(settle(&local).unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert!(matches!(settle(&Local::on(vfs.image(Choice::Nothing).vfs).unwrap()).unwrap(), Settled::Other(_)));
    assert!(matches!(local.write(&key("a"), "newer".into(), &options).unwrap(), Outcome::Applied(_)));
    assert!(matches!(settle(&local).unwrap(), Settled::Applied(_)));
    let mut writer = local.open_writer(&key("d"), &WriteOptions::if_absent()).unwrap();
    writer.write("whole".into()).unwrap();
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    assert!(is_unknown(&writer.commit()));
    assert_eq!(get(&local, "d").unwrap(), "whole");
}

/// What a failed sync leaves open stays open when the call is made again.
#[test]
fn a_retry_acknowledges_nothing_whose_name_may_be_lost() {
    let (vfs, local) = place();
    let options = RetryOptions::default();
    let backend = RetryBackend::with_clock(Arc::new(local), options, Arc::new(ManualClock::new()), Dice::new(1));
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    let outcome = backend.write(&key("f/b"), "new".into(), &WriteOptions::if_absent());
    assert!(is_unknown(&outcome), "{outcome:?}");
    assert_eq!(get(&Local::on(vfs.image(Choice::Nothing).vfs).unwrap(), "f/b"), None);
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    for attempt in [1, 2] {
        let answers = backend.delete(&[key("a"), key("none")], &DeleteOptions::default()).unwrap();
        let [Deleted::Failed(error), Deleted::Missing] = &answers[..] else { panic!("{attempt}: {answers:?}") };
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    }
    assert_eq!(get(&Local::on(vfs.image(Choice::Nothing).vfs).unwrap(), "a").unwrap(), "old");
    // A change that lasts ends the doubt.
    assert!(matches!(backend.write(&key("a"), "x".into(), &WriteOptions::default()).unwrap(), Outcome::Applied(_)));
    let answers = backend.delete(&[key("a")], &DeleteOptions::default()).unwrap();
    assert!(matches!(answers[..], [Deleted::Deleted]), "{answers:?}");
}

/// One sync serves all neighbours of a folder; its failure is told for each that is gone, and for no other.
#[test]
fn a_delete_that_may_come_back_is_not_told_as_deleted() {
    let (vfs, local) = place();
    for name in ["f/b", "g/a"] {
        assert!(matches!(write(&local, name, "x").unwrap(), Outcome::Applied(_)));
    }
    let _ = vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder).from_then_on());
    let list = ["f/a", "f/none", "f/b", "none", "g/a"].map(key);
    let answers = local.delete(&list, &DeleteOptions::default()).unwrap();
    let unknown =
        |answer: &Deleted| matches!(answer, Deleted::Failed(error) if error.kind() == ErrorKind::OutcomeUnknown);
    let missing = |answer: &Deleted| matches!(answer, Deleted::Missing);
    let [one, two, three, four, five] = &answers[..] else { panic!("{answers:?}") };
    assert!(unknown(one) && missing(two) && unknown(three) && missing(four) && unknown(five), "{answers:?}");
    assert_eq!(names(&local), ["a"]);
}

#[test]
fn without_durability_nothing_is_synced() {
    let (vfs, local) = place();
    let counts = || [Operation::SyncData, Operation::SyncAll, Operation::SyncFolder].map(|one| vfs.calls(one));
    let before = counts();
    let options = WriteOptions::default().with_durability(Durability::None);
    assert!(matches!(local.write(&key("new/a"), "x".into(), &options).unwrap(), Outcome::Applied(_)));
    assert_eq!(counts(), before);
}

/// A disk may do what it answers with an error.
#[test]
fn what_may_have_happened_is_not_an_error() {
    let (vfs, local) = place();
    let _ = fail(&vfs, Operation::Rename, FaultKind::IoAfter);
    assert!(is_unknown(&write(&local, "a", "new")));
    assert_eq!(get(&local, "a").unwrap(), "new");
    let _ = fail(&vfs, Operation::Rename, FaultKind::Io);
    assert!(write(&local, "a", "newer").is_err());
    assert_eq!(get(&local, "a").unwrap(), "new");
    let _ = fail(&vfs, Operation::Rename, FaultKind::IoAfter);
    assert!(is_unknown(&local.rename(&key("a"), &key("b"), &RenameOptions::default())));
    assert_eq!((get(&local, "a"), get(&local, "b").as_deref()), (None, Some("new")));
    let _ = fail(&vfs, Operation::Remove, FaultKind::IoAfter);
    let answers = local.delete(&[key("b")], &DeleteOptions::default()).unwrap();
    assert!(matches!(&answers[..], [Deleted::Failed(error)] if error.kind() == ErrorKind::OutcomeUnknown));
    let _ = fail(&vfs, Operation::Remove, FaultKind::Io);
    let answers = local.delete(&[key("f/a")], &DeleteOptions::default()).unwrap();
    assert!(matches!(&answers[..], [Deleted::Failed(error)] if error.kind() != ErrorKind::OutcomeUnknown));
    assert_eq!(get(&local, "f/a").unwrap(), "old");
}

/// The next one that needs the folder makes a new one, whose name can be kept.
#[test]
fn a_new_folder_whose_name_is_not_synced_goes_again() {
    let (vfs, local) = place();
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    assert!(write(&local, "new/a", "x").is_err());
    assert!(matches!(write(&local, "new/b", "x").unwrap(), Outcome::Applied(_)));
    let after = Local::on(vfs.image(Choice::Nothing).vfs).unwrap();
    assert_eq!(names(&after), ["a", "f/a", "new/b"]);
}

/// A folder that another has made proves nothing.
#[test]
fn a_folder_that_is_there_is_synced_before_it_is_trusted() {
    use worldstore_core::vfs::{Folder, Vfs};
    let (vfs, local) = place();
    let _ =
        local.write(&key("n/m/loose"), "x".into(), &WriteOptions::default().with_durability(Durability::None)).unwrap();
    let root = vfs.root().unwrap();
    root.make_folder("other").unwrap();
    for name in ["n/m/a", "n/b", "other/a"] {
        assert!(matches!(write(&local, name, "x").unwrap(), Outcome::Applied(_)));
    }
    let synced = vfs.calls(Operation::SyncFolder);
    assert!(matches!(write(&local, "n/m/a", "y").unwrap(), Outcome::Applied(_)));
    assert_eq!(vfs.calls(Operation::SyncFolder), synced + 1, "what is known is not synced again");
    let after = Local::on(vfs.image(Choice::Nothing).vfs).unwrap();
    assert_eq!(names(&after), ["a", "f/a", "n/b", "n/m/a", "n/m/loose", "other/a"]);
    assert_eq!(get(&after, "n/m/loose").unwrap(), "", "its name is in a folder that was synced, its bytes were not");
    // If that fails, none of the names that were to be synced is trusted any more.
    root.make_folder("third").unwrap();
    root.make_folder("fourth").unwrap();
    let _ = fail(&vfs, Operation::SyncFolder, FaultKind::Io);
    assert!(write(&local, "third/a", "x").is_err());
    for name in ["third/a", "fourth/a"] {
        assert_eq!(write(&local, name, "x").unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(get(&local, name), None);
    }
    assert!(matches!(write(&local, "fifth/a", "x").unwrap(), Outcome::Applied(_)));
}

/// Room ends in the middle of an object: it is not published, and its room comes back.
#[test]
fn a_full_disk_leaves_the_old_object_and_no_rest() {
    let vfs = SimVfs::with_options(&SimOptions::default().with_capacity(10_000));
    let local = Local::on(vfs.clone()).unwrap();
    assert!(matches!(write(&local, "a", "old").unwrap(), Outcome::Applied(_)));
    let used = vfs.used();
    for _ in 0..3 {
        let mut writer = local.open_writer(&key("a"), &WriteOptions::default()).unwrap();
        writer.write(vec![1; 6_000].into()).unwrap();
        assert_eq!(writer.write(vec![1; 6_000].into()).unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(writer.commit().unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!((get(&local, "a").as_deref(), vfs.used()), (Some("old"), used));
    }
    assert!(matches!(write(&local, "a", "new").unwrap(), Outcome::Applied(_)));
}

/// A system may take a part of what it is given.
#[test]
fn short_writes_are_continued() {
    let (vfs, local) = place();
    let failed = vfs.inject(Fault::new(FaultKind::Short(1)).on(Operation::Write).from_then_on());
    assert!(matches!(write(&local, "a", "in many pieces").unwrap(), Outcome::Applied(_)));
    assert_eq!(failed.count(), 14);
    assert_eq!(get(&local, "a").unwrap(), "in many pieces");
    assert!(matches!(local.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap(), Outcome::Applied(_)));
    assert_eq!(get(&local, "b").unwrap(), "in many pieces");
}
