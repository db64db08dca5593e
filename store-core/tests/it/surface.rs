//! The whole surface of a store: one body of cases with one transcript for all backends, and what only some show.

pub mod cases;
pub mod play;
pub mod rigged;

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use expect_test::expect_file;
use worldstore_core::*;

use play::transcript;
use rigged::{Rig, Rigged};

fn memory() -> Store {
    Store::new(Arc::new(Memory::new()))
}

fn flat() -> Store {
    Store::new(Arc::new(Rigged::new(Rig::Sound)))
}

/// Runs `test` with a maker of empty stores on local folders.
fn with_local(test: impl Fn(&dyn Fn() -> Store)) {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    test(&|| {
        count.set(count.get() + 1);
        Store::new(Arc::new(Local::new(folder.path().join(count.get().to_string())).unwrap()))
    });
}

fn kind<Value>(result: Result<Value>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

#[test]
fn every_backend_answers_alike() {
    let common = cases::common();
    let expected = expect_file!["surface/common.txt"];
    expected.assert_eq(&transcript(&common, memory, false));
    expected.assert_eq(&transcript(&common, flat, false));
    with_local(|local| expected.assert_eq(&transcript(&common, local, false)));
}

/// A folder of a store is like a store, except for what shows where it is.
#[test]
fn below_a_folder_it_is_no_different() {
    let common = cases::common();
    let shown = |text: String| text.lines().filter(|line| !line.contains("-> in ")).collect::<Vec<_>>().join("\n");
    let below = || memory().child("deep/folder %").unwrap();
    assert_eq!(shown(transcript(&common, below, false)), shown(transcript(&common, memory, false)));
}

#[test]
fn conditions_on_versions_are_answered_alike() {
    let conditions = cases::conditions();
    let expected = expect_file!["surface/conditions.txt"];
    expected.assert_eq(&transcript(&conditions, memory, false));
    expected.assert_eq(&transcript(&conditions, flat, false));
}

/// Calls by chance, which no one thought of: three backends, one answer.
#[test]
fn calls_by_chance_are_answered_alike() {
    let (mut done, mut refused) = (0, 0);
    for seed in 0..150 {
        let case = [cases::random(seed)];
        let expected = transcript(&case, memory, false);
        assert_eq!(transcript(&case, flat, false), expected, "seed {seed}");
        if seed % 10 == 0 {
            with_local(|local| assert_eq!(transcript(&case, local, false), expected, "seed {seed}"));
        }
        let failed = expected.matches("-> failed").count();
        (done, refused) = (done + expected.lines().count() - failed, refused + failed);
    }
    assert!(done > 2_000 && refused > 1_000, "one-sided: {done} done, {refused} refused");
}

#[test]
fn trees_refuse_what_would_be_both() {
    let tree = cases::tree();
    let expected = expect_file!["surface/tree.txt"];
    expected.assert_eq(&transcript(&tree, memory, false));
    with_local(|local| expected.assert_eq(&transcript(&tree, local, false)));
}

#[test]
fn flat_names_can_be_object_and_folder() {
    let store = flat();
    store.write("a", "a").unwrap();
    store.write("a/b", "b").unwrap();
    assert!(store.is_file("a").unwrap() && store.is_folder("a").unwrap());
    assert_eq!(store.delete_folder("a", Content::Delete, Missing::Refuse).unwrap(), 1);
    assert_eq!(store.read_text("a").unwrap(), "a");
    store.write("a/b", "b").unwrap();
    store.delete("a", Missing::Refuse).unwrap();
    assert_eq!(kind(store.delete("a", Missing::Ignore)), ErrorKind::Invalid);
    assert_eq!(store.read_text("a/b").unwrap(), "b");
}

#[test]
fn what_is_not_declared_is_refused_before_any_call() {
    let backend = Arc::new(Rigged::with_capability(Rig::Sound, Capability::read_only()));
    let store = Store::new(backend.clone());
    let version = Version::new("1");
    let if_match = Condition::IfMatch(version.clone());
    let answers = [
        store.write("a", "x").map(drop),
        store.write_text("a", "x").map(drop),
        store.write_atomic("a", "x", &WriteOptions::default()).map(drop),
        store.open_writer("a", &WriteOptions::default()).map(drop),
        store.open_atomic("a", &WriteOptions::default()).map(drop),
        store.delete("a", Missing::Ignore),
        store.delete_folder("a", Content::Delete, Missing::Ignore).map(drop),
        store.copy("a", "b", &CopyOptions::default()).map(drop),
        store.copy("a", "a", &CopyOptions::default()).map(drop),
        store.rename("a", "b", &RenameOptions::default()).map(drop),
        store.settle("a", &WriteToken::new("t").unwrap()).map(drop),
        store.read("a", &ReadOptions::default().with_version(version.clone())).map(drop),
        store.read_ranges_with("a", &[], &ReadRangesOptions::default().with_version(version)).map(drop),
    ];
    for (place, answer) in answers.into_iter().enumerate() {
        assert_eq!(kind(answer), ErrorKind::Unsupported, "{place}");
    }
    assert!(Ability::ALL.iter().all(|ability| !store.supports(*ability)));

    let mut plain = Capability::read_only();
    (plain.write, plain.copy, plain.rename) = (true, true, true);
    let backend_plain = Arc::new(Rigged::with_capability(Rig::Sound, plain));
    let store = Store::new(backend_plain.clone());
    let token = WriteOptions::default().with_token(WriteToken::new("t").unwrap());
    let copy = |condition: &Condition| CopyOptions::default().with_condition(condition.clone());
    let rename = |condition: &Condition| RenameOptions::default().with_condition(condition.clone());
    let write = |condition: &Condition| WriteOptions::default().with_condition(condition.clone());
    let mut answers = vec![
        store.write_with("a", "x", &token).map(drop),
        store.delete_with("a", Missing::Ignore, &DeleteOptions::default().with_condition(if_match.clone())),
    ];
    for condition in [Condition::IfAbsent, if_match] {
        answers.push(store.write_with("a", "x", &write(&condition)).map(drop));
        answers.push(store.open_atomic("a", &write(&condition)).map(drop));
        answers.push(store.copy("a", "b", &copy(&condition)).map(drop));
        answers.push(store.rename("a", "b", &rename(&condition)).map(drop));
    }
    for (place, answer) in answers.into_iter().enumerate() {
        assert_eq!(kind(answer), ErrorKind::Unsupported, "{place}");
    }
    assert_eq!([backend.calls(), backend_plain.calls()], [[""; 0], [""; 0]]);
    assert!(store.supports(Ability::Copy) && !store.supports(Ability::CopyIfAbsent));
}

#[test]
fn calls_are_as_few_as_they_can_be() {
    let backend = Arc::new(Rigged::new(Rig::Sound));
    let store = Store::new(backend.clone());
    store.write("f/a", "abcdef").unwrap();
    assert_eq!(backend.calls(), ["write"]);
    store.read_bytes("f/a").unwrap();
    store.read_ranges("f/a", &[0..1, 2..3]).unwrap();
    store.stat("f/a").unwrap();
    store.exists("f/a").unwrap();
    assert_eq!(backend.calls(), ["read", "read_ranges", "stat", "stat"]);
    store.copy("f/a", "f/b", &CopyOptions::if_absent()).unwrap();
    store.rename("f/b", "f/c", &RenameOptions::default()).unwrap();
    assert_eq!(backend.calls(), ["copy", "rename"]);
    assert!(store.read_bytes("f/none").is_err());
    assert_eq!(backend.calls(), ["read", "list"]);
    let mut reader = store.read_seekable("f/a", &SeekOptions::default()).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    reader.seek(SeekFrom::Start(1)).unwrap();
    reader.read_exact(&mut [0; 3]).unwrap();
    assert_eq!((text.as_str(), backend.calls()), ("abcdef", vec!["stat", "read"]));
    assert_eq!(store.glob("f/*").unwrap().count(), 2);
    assert_eq!(store.glob("f/a").unwrap().count(), 1);
    assert_eq!(store.list("").count(), 2);
    assert_eq!(backend.calls(), ["list", "stat", "list"]);
    store.delete_folder("f", Content::Delete, Missing::Refuse).unwrap();
    assert_eq!(backend.calls(), ["list", "delete"]);
    let _ = (store.resolve("a").unwrap(), store.native_path("a").unwrap(), store.supports(Ability::Write));
    assert_eq!(backend.calls(), [""; 0]);
}

#[test]
fn a_container_that_vanishes_is_never_a_short_list() {
    for rig in [Rig::VanishesTold, Rig::VanishesSilently] {
        let make = || {
            let store = Store::new(Arc::new(Rigged::new(rig)));
            (0..7).for_each(|number| drop(store.write(&format!("f/{number}"), "x").unwrap()));
            store
        };
        for folder in ["", "f"] {
            let last = |entries: Entries<ObjectMeta>| entries.last().unwrap();
            assert_eq!(kind(last(make().list(folder))), ErrorKind::NotFound, "{rig:?} {folder}");
            assert_eq!(make().list(folder).count(), 4, "three objects, one error, and then the end");
        }
        assert_eq!(kind(make().glob("f/*").unwrap().last().unwrap()), ErrorKind::NotFound, "{rig:?}");
        assert_eq!(kind(make().iter_children("f").unwrap().last().unwrap()), ErrorKind::NotFound, "{rig:?}");
        assert_eq!(kind(make().folder_info("f", &FolderInfoOptions::default())), ErrorKind::NotFound, "{rig:?}");
    }
    // It is gone between two folders of one listing, none of which has a second page.
    for rig in [Rig::VanishesTold, Rig::VanishesSilently] {
        let store = Store::new(Arc::new(Rigged::new(rig)));
        store.write("f/x/1", "x").unwrap();
        store.write("f/y/1", "x").unwrap();
        let options = ListFilesOptions::default().with_max_depth(1);
        assert_eq!(kind(store.list_files("f", &options).unwrap().last().unwrap()), ErrorKind::NotFound, "{rig:?}");
    }
}

#[test]
fn an_absent_container_is_an_absent_path_and_no_answer_to_a_ping() {
    let store = Store::new(Arc::new(Rigged::new(Rig::NoContainer)));
    assert_eq!(store.list("f").count() + store.glob("f/*").unwrap().count() + store.list("").count(), 0);
    assert!(!store.exists("f").unwrap() && store.exists("").unwrap());
    assert_eq!(store.delete_folder("f", Content::Delete, Missing::Ignore).unwrap(), 0);
    store.delete("f", Missing::Ignore).unwrap();
    assert_eq!(kind(store.read_bytes("f")), ErrorKind::NotFound);
    assert_eq!(kind(store.ping()), ErrorKind::NotFound);
}

/// That one folder is emptied while another is listed is a change like any other.
#[test]
fn a_folder_that_another_empties_is_left_out() {
    let store = memory();
    ["f/a/1", "f/b/1", "f/c/1"].iter().for_each(|key| drop(store.write(key, "x").unwrap()));
    let mut listing = store.list_files("f", &ListFilesOptions::default().with_max_depth(1)).unwrap();
    assert_eq!(listing.next().unwrap().unwrap().key.as_str(), "f/a/1");
    store.delete("f/b/1", Missing::Refuse).unwrap();
    let rest: Vec<_> = listing.map(|file| file.unwrap().key.to_string()).collect();
    assert_eq!(rest, ["f/c/1"]);
}

/// A folder that another takes away while it is listed, page by page, on real backends.
#[test]
fn a_folder_deleted_between_two_pages_is_told() {
    let check = |store: &Store| {
        let options = WriteOptions::if_absent().with_durability(Durability::None);
        let count = listing::PAGE_DEFAULT + 5;
        (0..count).for_each(|number| drop(store.write_with(&format!("f/{number:05}"), "x", &options).unwrap()));
        let mut listing = store.list("f");
        assert!(listing.next().unwrap().is_ok());
        store.delete_folder("f", Content::Delete, Missing::Refuse).unwrap();
        let rest: Vec<_> = listing.collect();
        assert_eq!(rest.len(), listing::PAGE_DEFAULT);
        assert_eq!(
            rest.into_iter().last().unwrap().map(drop).unwrap_err().message(),
            "folder vanished while it was listed"
        );
    };
    check(&memory());
    with_local(|local| check(&local()));
}

#[test]
fn a_reader_of_a_backend_without_versions_notices_what_can_be_noticed() {
    let mut plain = Capability::read_only();
    plain.write = true;
    let store = Store::new(Arc::new(Rigged::with_capability(Rig::Sound, plain)));
    for new in ["new, of 12 b", "a longer one than before"] {
        store.write_with("a", "old and long", &WriteOptions::default()).unwrap();
        let mut reader = store.read_seekable("a", &SeekOptions::default().with_read_ahead_bytes(4)).unwrap();
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).unwrap();
        store.write_with("a", new, &WriteOptions::default()).unwrap();
        let error = reader.read(&mut bytes).unwrap_err();
        let inside = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).unwrap();
        assert_eq!(inside.kind(), ErrorKind::ConditionFailed, "{new}");
    }
}

#[test]
fn a_folder_is_as_new_as_its_newest_object() {
    let check = |store: &Store| {
        let times: Vec<_> = ["f/a", "f/b", "f/c/d"].map(|key| store.write(key, "x").unwrap().modified).to_vec();
        let info = store.folder_info("f", &FolderInfoOptions::default()).unwrap();
        assert!(info.newest.is_some());
        assert_eq!(info.newest, times.into_iter().max().unwrap());
        let other = store.folder_info("", &FolderInfoOptions::default().with_max_depth(0)).unwrap();
        assert_eq!((other.files, other.newest), (0, None));
    };
    check(&memory());
    with_local(|local| check(&local()));
}

#[test]
fn native_paths_of_local_folders_are_files() {
    with_local(|local| {
        let store = local().child("in side").unwrap();
        store.write("a %20#?", "here").unwrap();
        let path = store.native_path("a %20#?").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "here");
        assert_eq!(store.to_key(&path).unwrap(), "a %20#?");
        assert_eq!(store.resolve("a %20#?").unwrap().native_path, path);
        assert!(std::path::Path::new(&store.native_path("").unwrap()).is_dir());
    });
}

#[test]
fn lost_answers_are_settled() {
    let store = Store::new(Arc::new(Rigged::new(Rig::LostAnswers))).child("f").unwrap();
    let token = WriteToken::new("mine").unwrap();
    let options = WriteOptions::if_absent().with_token(token.clone());
    let error = store.write_with("a", "x", &options).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::OutcomeUnknown, Retry::AfterReadBack));
    assert!(matches!(store.settle("a", &token).unwrap(), Settled::Applied(meta) if meta.key.as_str() == "a"));
    // A second attempt that does not look first would take its own write for another's.
    assert_eq!(kind(store.write_with("a", "x", &options)), ErrorKind::AlreadyExists);
    assert_eq!(store.settle("none", &token).unwrap(), Settled::Absent);
}

#[test]
fn short_bodies_are_told() {
    let store = Store::new(Arc::new(Rigged::new(Rig::ShortBodies)));
    store.write("a", "abcdef").unwrap();
    let error = store.read_bytes("a").unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later));
    let mut reader = store.read_seekable("a", &SeekOptions::default()).unwrap();
    assert!(reader.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_reader_stays_with_the_state_that_it_opened() {
    let check = |store: &Store| {
        store.write("a", "old and long").unwrap();
        let mut reader = store.read_seekable("a", &SeekOptions::default().with_read_ahead_bytes(4)).unwrap();
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).unwrap();
        store.write_with("a", "new, not old", &WriteOptions::default()).unwrap();
        let error = reader.read(&mut bytes).unwrap_err();
        let inside = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).unwrap();
        assert_eq!(inside.kind(), ErrorKind::ConditionFailed);
        // What is here already is still there.
        reader.seek(SeekFrom::Start(1)).unwrap();
        reader.read_exact(&mut bytes[..3]).unwrap();
        assert_eq!(&bytes[..3], b"ld ");
        store.close();
        reader.seek(SeekFrom::Start(9)).unwrap();
        let error = reader.read(&mut bytes).unwrap_err();
        assert_eq!(error.get_ref().unwrap().downcast_ref::<Error>().unwrap().kind(), ErrorKind::Poisoned);
    };
    check(&memory());
    with_local(|local| check(&local()));
}

#[test]
fn writers_take_what_the_standard_library_gives() {
    let check = |store: &Store| {
        let mut writer = store.open_atomic("a", &WriteOptions::if_absent()).unwrap();
        let mut expected = Vec::new();
        for line in 0..40_000 {
            writeln!(writer, "line {line}").unwrap();
            writeln!(expected, "line {line}").unwrap();
        }
        writer.flush().unwrap();
        writer.write("the end").unwrap();
        std::io::copy(&mut &b", really"[..], &mut writer).unwrap();
        assert!(!store.exists("a").unwrap());
        expected.extend_from_slice(b"the end, really");
        let meta = writer.commit().unwrap();
        assert_eq!((meta.key.as_str(), meta.size), ("a", expected.len() as u64));
        assert_eq!(store.read_bytes("a").unwrap(), expected);
    };
    check(&memory());
    check(&memory().child("f").unwrap());
    with_local(|local| check(&local()));
}

#[test]
fn a_writer_that_failed_can_only_be_aborted() {
    let store = Store::new(Arc::new(Rigged::new(Rig::FullDisk)));
    let mut writer = store.open_atomic("a", &WriteOptions::default()).unwrap();
    assert_eq!(kind(writer.write("x")), ErrorKind::StorageFull);
    assert_eq!(kind(writer.write("y")), ErrorKind::Poisoned);
    assert_eq!(kind(writer.commit()), ErrorKind::Poisoned);
    let mut writer = store.open_atomic("a", &WriteOptions::default()).unwrap();
    writer.write_all(b"gathered, and refused when it goes on").unwrap();
    assert_eq!(writer.flush().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    writer.abort().unwrap();

    let store = memory();
    let mut writer = store.open_atomic("a", &WriteOptions::default()).unwrap();
    writer.write("x").unwrap();
    let clone = store.clone();
    store.close();
    assert_eq!(kind(writer.write("y")), ErrorKind::Poisoned);
    assert_eq!(kind(writer.commit()), ErrorKind::Poisoned);
    assert_eq!(kind(clone.read_bytes("a")), ErrorKind::Poisoned);
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let store = memory();
    store.write("f/a", "x").unwrap();
    let told = |result: Result<()>| result.unwrap_err().to_string();
    assert_eq!(
        told(store.delete_folder("f", Content::Keep, Missing::Refuse).map(drop)),
        "condition failed: folder is not empty, operation: delete folder, key: f, backend: memory"
    );
    assert_eq!(
        told(store.delete("f", Missing::Ignore)),
        "invalid: key is a folder, operation: delete, key: f, backend: memory"
    );
    assert_eq!(
        told(store.write("", "x").map(drop)),
        "invalid: the root of a store is a folder that always exists, key: \"\""
    );
    assert_eq!(
        told(store.glob("f/**a").map(drop)),
        "invalid: `**` is not a whole segment, pattern: \"f/**a\", position: 3"
    );
    store.close();
    assert_eq!(told(store.ping()), "poisoned: store was closed, open it again, backend: memory");
}
