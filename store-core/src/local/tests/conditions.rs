//! Local files: conditions, tokens, and what fails after a name was given.

use super::*;

/// Each object gets a stamp of its own: a clock that was set back makes no version twice.
#[test]
fn stamps_go_on_where_the_clock_was() {
    let Place { root, local, .. } = &place();
    put(local, "a", "same");
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    for lock in fs::read_dir(root.join(STAGING).join("locks")).unwrap() {
        fs::File::open(lock.unwrap().path()).unwrap().set_modified(ahead).unwrap();
    }
    let mut last = ahead;
    for round in 0..10 {
        let modified = put(local, "a", "same").modified.unwrap();
        assert!(modified > last, "round {round}");
        last = modified;
        let renamed = local.rename(&key("a"), &key(&format!("b{round}")), &RenameOptions::default()).unwrap();
        let meta = renamed.applied(&key("b"), &Condition::None).unwrap();
        assert_ne!(meta.modified.unwrap(), modified, "a rename is a change of its own");
        let _ = local.delete(&[meta.key], &DeleteOptions::default()).unwrap();
    }
}

fn token(text: &str) -> WriteToken {
    WriteToken::new(text).unwrap()
}

fn settle(local: &Local, name: &str, text: &str) -> Settled {
    local.settle(&key(name), &token(text), &SettleOptions::default()).unwrap()
}

/// Lets every sync of names fail while `change` runs.
fn with_failing_sync<Value>(change: impl FnOnce() -> Value) -> Value {
    SYNC_FAILS.set(true);
    let value = change();
    SYNC_FAILS.set(false);
    value
}

/// The name is given and the object visible: an error would claim that nothing has changed.
#[test]
fn a_failure_after_publication_is_an_unknown_outcome() {
    let Place { root, local, .. } = &place();
    put(local, "a", "old");
    let options = WriteOptions::default().with_token(token("t"));
    let written = with_failing_sync(|| local.write(&key("a"), Bytes::from_static(b"new"), &options));
    assert_eq!(written.unwrap(), Outcome::Unknown);
    assert_eq!(get(local, "a").unwrap(), "new");
    assert!(matches!(settle(local, "a", "t"), Settled::Applied(_)));
    let copied = with_failing_sync(|| local.copy(&key("a"), &key("b"), &CopyOptions::if_absent()));
    assert_eq!(copied.unwrap(), Outcome::Unknown);
    let renamed = with_failing_sync(|| local.rename(&key("a"), &key("c"), &RenameOptions::default()));
    assert_eq!(renamed.unwrap(), Outcome::Unknown);
    assert_eq!(names(local), ["b", "c"]);
    let mut writer = local.open_writer(&key("d"), &WriteOptions::if_absent()).unwrap();
    writer.write(Bytes::from_static(b"whole")).unwrap();
    assert_eq!(with_failing_sync(|| writer.commit()).unwrap(), Outcome::Unknown);
    assert_eq!(get(local, "d").unwrap(), "whole");
    assert_eq!(staged(root), Vec::<PathBuf>::new());
}

/// One sync serves all neighbours of a folder; its failure is told for each that is gone, and for no other.
#[test]
fn a_delete_that_may_come_back_is_not_told_as_deleted() {
    let Place { local, .. } = &place();
    for name in ["f/a", "f/b", "g/a"] {
        put(local, name, "x");
    }
    let list = ["f/a", "f/none", "f/b", "none", "g/a"].map(key);
    let answers = with_failing_sync(|| local.delete(&list, &DeleteOptions::default())).unwrap();
    let unknown =
        |answer: &Deleted| matches!(answer, Deleted::Failed(error) if error.kind() == ErrorKind::OutcomeUnknown);
    let missing = |answer: &Deleted| matches!(answer, Deleted::Missing);
    let [one, two, three, four, five] = &answers[..] else { panic!("{answers:?}") };
    assert!(unknown(one) && missing(two) && unknown(three) && missing(four) && unknown(five), "{answers:?}");
    assert_eq!(names(local), Vec::<String>::new());
}

#[test]
fn without_durability_no_name_is_synced() {
    let Place { local, .. } = &place();
    let options = WriteOptions::default().with_durability(Durability::None);
    let written = with_failing_sync(|| local.write(&key("a"), Bytes::new(), &options));
    assert!(matches!(written.unwrap(), Outcome::Applied(_)));
}

/// The token is kept with the file, by whoever opens the folder later.
#[test]
fn tokens_outlive_the_backend() {
    let Place { root, local, .. } = &place();
    let long = "x".repeat(128);
    let options = WriteOptions::default().with_token(token(&long));
    let written = local.write(&key("a"), Bytes::from_static(b"x"), &options).unwrap();
    let meta = written.applied(&key("a"), &Condition::None).unwrap();
    let again = Local::open(root).unwrap();
    assert_eq!(settle(&again, "a", &long), Settled::Applied(meta.clone()));
    assert_eq!(settle(&again, "a", &long[1..]), Settled::Other(meta));
    // An attribute of the same name that cannot be one of ours.
    let file = fs::File::open(root.join("a")).unwrap();
    rustix::fs::fsetxattr(&file, "user.worldstore.token", &[b'x'; 500], rustix::fs::XattrFlags::empty()).unwrap();
    assert!(matches!(settle(&again, "a", &long), Settled::Other(_)));
}

/// What a file system cannot do is declared, and refused before anything is staged.
#[test]
fn a_file_system_without_locks_or_attributes_refuses() {
    let Place { root, local, .. } = &place();
    let version = put(local, "a", "x").version.unwrap();
    let mut poor = RootFolder::open(OsVfs::open(root).unwrap()).unwrap();
    poor.limit_for_test(abilities::Abilities::NONE);
    let poor = Local { root: Arc::new(poor), walks: Walks::new() };
    let capability = poor.info().capability;
    assert!(!capability.write_if_match && !capability.delete_if_match && !capability.write_tokens);
    assert!(!capability.copy_if_match && !capability.rename_if_match && capability.write_if_absent);
    let condition = Condition::IfMatch(version);
    let unsupported = |result: Result<Outcome>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported);
    let options = WriteOptions::default().with_condition(condition.clone());
    unsupported(poor.write(&key("a"), Bytes::new(), &options));
    unsupported(poor.write(&key("a"), Bytes::new(), &WriteOptions::default().with_token(token("t"))));
    unsupported(poor.copy(&key("a"), &key("a"), &CopyOptions::default().with_condition(condition.clone())));
    unsupported(poor.rename(&key("a"), &key("b"), &RenameOptions::default().with_condition(condition.clone())));
    let deleted = poor.delete(&[key("a")], &DeleteOptions::default().with_condition(condition));
    assert_eq!(deleted.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(poor.open_writer(&key("a"), &options).unwrap_err().kind(), ErrorKind::Unsupported);
    // Everything else goes on, without locks.
    put(&poor, "a", "y");
    assert_eq!(get(&poor, "a").unwrap(), "y");
    assert_eq!(staged(root), Vec::<PathBuf>::new());
}

/// Who removes the staging folder under a running backend loses what is staged and nothing else.
#[test]
fn a_staging_folder_that_was_removed_is_made_again() {
    let Place { root, local, .. } = &place();
    let before = put(local, "a", "1").version.unwrap();
    fs::remove_dir_all(root.join(STAGING)).unwrap();
    put(local, "a", "2");
    let options = WriteOptions::default().with_condition(Condition::IfMatch(before));
    assert_eq!(local.write(&key("a"), Bytes::new(), &options).unwrap(), Outcome::Rejected);
    assert_eq!(get(local, "a").unwrap(), "2");
}

/// What another program changes in a file in place shows in its version.
#[test]
fn a_foreign_change_is_another_version() {
    let Place { root, local, .. } = &place();
    let version = put(local, "a", "one").version.unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(root.join("a")).unwrap();
    std::io::Write::write_all(&mut file, b"two").unwrap();
    let options = WriteOptions::default().with_condition(Condition::IfMatch(version));
    assert_eq!(local.write(&key("a"), Bytes::new(), &options).unwrap(), Outcome::Rejected);
    assert_eq!(get(local, "a").unwrap(), "two");
}

/// A crash may leave a file under both names of a rename, of which the system says that there is nothing to rename.
#[test]
fn a_rename_to_a_second_name_of_the_object_takes_the_first_away() {
    let Place { root, local, .. } = &place();
    put(local, "f/a", "x");
    put(local, "g/other", "x");
    fs::hard_link(root.join("f/a"), root.join("g/b")).unwrap();
    let renamed = local.rename(&key("f/a"), &key("g/b"), &RenameOptions::if_absent()).unwrap();
    assert_eq!(renamed, Outcome::Rejected);
    let renamed = local.rename(&key("f/a"), &key("g/b"), &RenameOptions::default()).unwrap();
    let meta = renamed.applied(&key("g/b"), &Condition::None).unwrap();
    assert_eq!(names(local), ["g/b", "g/other"]);
    assert_eq!(local.stat(&key("g/b"), &StatOptions::default()).unwrap(), meta);
}
