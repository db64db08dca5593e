//! Names across a crash.

use std::collections::{BTreeMap, BTreeSet};

use super::{content, empty_file, images, outcomes, text, tree};
use crate::vfs::sim::{Choice, Effect, Fault, FaultKind, Operation, SimFolder, SimVfs};
use crate::vfs::{File, Folder, Kind, Vfs};

fn file(folder: &SimFolder, name: &str, content: &str) {
    let file = folder.create(name).unwrap();
    file.write_at(content.as_bytes(), 0).unwrap();
    file.sync_all().unwrap();
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> rustix::io::Errno {
    rustix::io::Errno::from_io_error(&result.unwrap_err()).unwrap()
}

#[test]
fn a_synced_file_has_no_name_before_its_folder_is_synced() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "synced");
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[]), map(&[("a", "synced")])]));
    root.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[("a", "synced")])]));
}

#[test]
fn a_name_does_not_make_bytes_durable() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    root.create("a").unwrap().write_at(b"xy", 0).unwrap();
    root.sync().unwrap();
    let found = outcomes(&vfs);
    assert!(found.contains(&map(&[("a", "")])) && found.contains(&map(&[("a", "\0\0")])), "empty, or zeros");
    assert!(found.contains(&map(&[("a", "x")])) && found.contains(&map(&[("a", "xy")])), "short, or whole");
    assert!(!found.contains(&map(&[])));
}

#[test]
fn a_rename_replaces_at_once_or_not_at_all() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "old");
    file(&root, "b", "new");
    root.sync().unwrap();
    let old = root.stat("a").unwrap().id;
    root.rename("b", &root, "a").unwrap();
    assert_ne!(root.stat("a").unwrap().id, old);
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[("a", "old"), ("b", "new")]), map(&[("a", "new")])]));
    root.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[("a", "new")])]));
}

#[test]
fn a_move_between_folders_may_be_halved_and_loses_nothing() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    root.make_folder("from").unwrap();
    root.make_folder("to").unwrap();
    let (from, to) = (root.open_folder("from").unwrap(), root.open_folder("to").unwrap());
    file(&from, "a", "x");
    [&root, &from, &to].into_iter().for_each(|folder| folder.sync().unwrap());
    from.rename("a", &to, "b").unwrap();
    let (stays, both, moved) = (map(&[("from/a", "x")]), map(&[("from/a", "x"), ("to/b", "x")]), map(&[("to/b", "x")]));
    assert_eq!(outcomes(&vfs), BTreeSet::from([stays, both.clone(), moved.clone()]));
    assert!(images(&vfs).any(|image| image.effects.has(Effect::MoveHalved)));
    to.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([both, moved.clone()]));
    from.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([moved]));
}

#[test]
fn a_name_that_is_durably_gone_is_durably_elsewhere() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    root.make_folder("to").unwrap();
    let to = root.open_folder("to").unwrap();
    file(&root, "a", "x");
    root.sync().unwrap();
    root.rename("a", &to, "b").unwrap();
    root.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[("to/b", "x")])]));
}

#[test]
fn changes_of_one_name_survive_in_order() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "1");
    root.sync().unwrap();
    root.rename("a", &root, "b").unwrap();
    file(&root, "a", "2");
    let (first, second, third) = (map(&[("a", "1")]), map(&[("b", "1")]), map(&[("a", "2"), ("b", "1")]));
    assert_eq!(outcomes(&vfs), BTreeSet::from([first, second, third]), "never the second without the rename");
}

#[test]
fn changes_of_different_names_survive_independently() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "");
    file(&root, "b", "");
    assert_eq!(outcomes(&vfs).len(), 4);
}

#[test]
fn a_removed_file_may_be_there_again_with_its_durable_bytes() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "x");
    root.sync().unwrap();
    root.remove("a").unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[]), map(&[("a", "x")])]));
    root.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[])]));
}

#[test]
fn a_new_folder_takes_what_is_in_it_along() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    root.make_folder("f").unwrap();
    let folder = root.open_folder("f").unwrap();
    file(&folder, "a", "x");
    folder.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[]), map(&[("f/a", "x")])]));
}

#[test]
fn a_failed_sync_of_a_folder_leaves_its_names_uncertain_for_ever() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "x");
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder));
    root.sync().unwrap_err();
    file(&root, "b", "y");
    root.sync().unwrap();
    assert_eq!(outcomes(&vfs), BTreeSet::from([map(&[("b", "y")]), map(&[("a", "x"), ("b", "y")])]));
}

#[test]
fn a_link_is_a_second_name_of_one_file() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "x");
    root.link("a", &root, "b").unwrap();
    root.sync().unwrap();
    assert_eq!(root.stat("b").unwrap().links, 2);
    let after = vfs.image(Choice::Nothing).vfs.root().unwrap();
    assert_eq!(after.stat("a").unwrap().id, after.stat("b").unwrap().id);
    assert_eq!(after.stat("a").unwrap().links, 2);
    after.remove("a").unwrap();
    assert_eq!(text(&after, "b").as_deref(), Some("x"));
}

#[test]
fn names_that_cannot_be_are_refused_as_by_a_system() {
    use rustix::io::Errno;
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    file(&root, "a", "");
    file(&root, "b", "");
    root.make_folder("f").unwrap();
    root.make_folder("g").unwrap();
    let folder = root.open_folder("f").unwrap();
    file(&folder, "in", "");
    assert_eq!(errno(root.create("a")), Errno::EXIST);
    assert_eq!(errno(root.create(&"n".repeat(256))), Errno::NAMETOOLONG);
    assert_eq!(errno(root.make_folder("a")), Errno::EXIST);
    assert_eq!(errno(root.open("no")), Errno::NOENT);
    assert_eq!(errno(root.open("a/b")), Errno::NOTDIR);
    assert_eq!(errno(root.open_folder("a")), Errno::NOTDIR);
    assert_eq!(errno(root.open_writable("f")), Errno::ISDIR);
    assert_eq!(errno(root.remove("f")), Errno::ISDIR);
    assert_eq!(errno(root.remove_folder("a")), Errno::NOTDIR);
    assert_eq!(errno(root.remove_folder("f")), Errno::NOTEMPTY);
    assert_eq!(errno(root.rename("a", &root, "f")), Errno::ISDIR);
    assert_eq!(errno(root.rename_no_replace("a", &root, "b")), Errno::EXIST);
    assert_eq!(errno(root.rename("no", &root, "c")), Errno::NOENT);
    assert_eq!(errno(root.link("a", &root, "b")), Errno::EXIST);
    assert_eq!(errno(root.rename("f", &folder, "self")), Errno::INVAL);
    assert_eq!(errno(root.rename("a", &SimVfs::new().root().unwrap(), "a")), Errno::XDEV);
    let gone = root.open_folder("g").unwrap();
    root.remove_folder("g").unwrap();
    assert_eq!(errno(gone.create("x")), Errno::NOENT);
    assert_eq!(gone.stat_self().unwrap().links, 0);
    assert_eq!(root.open("f").unwrap().stat().unwrap().kind, Kind::Folder);
    assert_eq!(root.stat("f/in").unwrap().kind, Kind::File);
}

#[test]
fn an_open_file_outlives_its_name_and_its_number_is_given_again() {
    let vfs = SimVfs::new();
    let held = empty_file(&vfs, "a");
    held.write_at(b"x", 0).unwrap();
    let root = vfs.root().unwrap();
    root.remove("a").unwrap();
    assert_eq!(held.stat().unwrap().links, 0);
    let id = held.stat().unwrap().id;
    file(&root, "b", "");
    assert_ne!(root.stat("b").unwrap().id, id);
    drop(held);
    file(&root, "c", "");
    assert_eq!(root.stat("c").unwrap().id, id, "as real systems do");
    let image = vfs.image(Choice::Nothing).vfs.root().unwrap();
    assert!(content(&image, "a").is_some());
    let unnamed = root.create_unnamed().unwrap();
    unnamed.write_at(b"x", 0).unwrap();
    assert_eq!(unnamed.stat().unwrap().links, 0);
    assert_eq!(tree(&vfs).len(), 2);
}

#[test]
fn locks_exclude_handles_and_go_with_a_crash() {
    let vfs = SimVfs::new();
    let first = empty_file(&vfs, "a");
    let root = vfs.root().unwrap();
    let second = root.open_writable("a").unwrap();
    assert!(first.try_lock().unwrap() && first.try_lock().unwrap());
    assert!(!second.try_lock().unwrap());
    let image = vfs.image(Choice::Nothing).vfs;
    assert!(image.root().unwrap().open_writable("a").unwrap().try_lock().unwrap());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| second.lock());
        first.unlock().unwrap();
        waiter.join().unwrap().unwrap();
    });
    assert!(!first.try_lock().unwrap());
    drop(second);
    assert!(first.try_lock().unwrap());

    assert!(root.try_lock().unwrap());
    assert!(!vfs.root().unwrap().try_lock().unwrap());
    drop(root);
    assert!(vfs.root().unwrap().try_lock().unwrap());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| vfs.root().and_then(|root| root.open_writable("a")).and_then(|file| file.lock()));
        while vfs.calls(Operation::Lock) < 10 {
            std::thread::yield_now();
        }
        vfs.crash();
        assert_eq!(errno(waiter.join().unwrap()), rustix::io::Errno::IO, "who waits learns of the crash");
    });
}
