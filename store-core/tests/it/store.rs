//! The kernel on both backends, at their root and below a folder of it: it must make no difference.

use std::sync::Arc;

use worldstore_core::{
    Backend, Condition, CopyOptions, Durability, Error, ErrorKind, ListOptions, Local, Memory, Missing, ObjectMeta,
    Outcome, ReadOptions, ReadRange, RenameOptions, Result, Store, Version, WriteOptions,
};

use crate::objects::key;

#[test]
fn what_is_written_is_read() {
    for_each_store(|store, _| {
        let written = store.write("folder/a", "hello").unwrap();
        assert_eq!((written.key.as_str(), written.size), ("folder/a", 5));
        assert_eq!(store.read_text("folder/a").unwrap(), "hello");
        assert_eq!(store.read_bytes("folder/a").unwrap(), "hello");
        assert_eq!(store.stat("folder/a").unwrap(), written);
        assert_eq!(store.read("folder/a", &ReadOptions::default()).unwrap().meta, written);
        assert_eq!(store.read_ranges("folder/a", &[3..5, 0..1]).unwrap(), ["lo", "h"]);
        let part = store.read("folder/a", &ReadOptions::default().with_range(ReadRange::Last(2))).unwrap();
        assert_eq!(part.range, 3..5);
        assert_eq!(part.body.collect::<Result<Vec<_>>>().unwrap().concat(), b"lo");
        assert!(store.exists("folder/a").unwrap());
        assert!(store.exists("folder").unwrap());
        assert!(!store.is_file("folder").unwrap(), "a folder is no object");
        store.write("binary", vec![0xff, 0xfe]).unwrap();
        assert_eq!(kind(store.read_text("binary")), ErrorKind::Invalid);
        store.check().unwrap();
    });
}

#[test]
fn nothing_is_overwritten_unless_asked_for() {
    for_each_store(|store, _| {
        store.write("a", "old").unwrap();
        store.write("b", "b").unwrap();
        assert_eq!(kind(store.write("a", "new")), ErrorKind::AlreadyExists);
        assert_eq!(kind(store.copy("b", "a", &CopyOptions::if_absent())), ErrorKind::AlreadyExists);
        assert_eq!(kind(store.rename("b", "a", &RenameOptions::if_absent())), ErrorKind::AlreadyExists);
        assert_eq!(store.read_text("a").unwrap(), "old");
        assert_eq!(store.read_text("b").unwrap(), "b");
        store.write_with("a", "new", &WriteOptions::default()).unwrap();
        assert_eq!(store.read_text("a").unwrap(), "new");
    });
}

#[test]
fn copies_and_renames() {
    for_each_store(|store, _| {
        store.write("a", "a").unwrap();
        let copied = store.copy("a", "folder/b", &CopyOptions::default()).unwrap();
        assert_eq!(copied.key.as_str(), "folder/b");
        let renamed = store.rename("a", "c", &RenameOptions::if_absent()).unwrap();
        assert_eq!(renamed.key.as_str(), "c");
        assert_eq!(listed(store, ""), ["c", "folder/b"]);
        assert_eq!(store.read_text("c").unwrap(), "a");
    });
}

/// It must survive that its new name is removed as the old one.
#[test]
fn an_object_that_is_renamed_to_its_own_name_stays() {
    for_each_store(|store, backend| {
        let written = store.write("a", "a").unwrap();
        let mut conditions = vec![(Condition::None, true), (Condition::IfAbsent, true)];
        if backend.info().capability.rename_if_match {
            conditions.push((Condition::IfMatch(written.version.clone().unwrap()), true));
            conditions.push((Condition::IfMatch(Version::new("another")), false));
        }
        for (condition, holds) in conditions {
            let renamed = store.rename("a", "a", &RenameOptions::default().with_condition(condition.clone()));
            assert_eq!(renamed.is_ok(), holds, "{condition:?}: {renamed:?}");
            assert_eq!(store.stat("a").unwrap(), written, "{condition:?}");
            assert_eq!(store.read_text("a").unwrap(), "a", "{condition:?}");
        }
    });
}

#[test]
fn wrong_keys_are_refused_and_reach_nothing() {
    let long = "x".repeat(worldstore_core::key::KEY_BYTES_MAX + 1);
    let wrong = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\0", "a\n", &long];
    for_each_store(|store, backend| {
        store.write("a", "a").unwrap();
        let before = everything(backend);
        for name in wrong {
            let none = (CopyOptions::default(), RenameOptions::default());
            let answers = [
                store.read(name, &ReadOptions::default()).map(drop),
                store.read_bytes(name).map(drop),
                store.read_text(name).map(drop),
                store.read_ranges(name, &[]).map(drop),
                store.stat(name).map(drop),
                store.write(name, "x").map(drop),
                store.open_writer(name, &WriteOptions::default()).map(drop),
                store.delete(name, Missing::Ignore),
                store.copy(name, "b", &none.0).map(drop),
                store.copy("a", name, &none.0).map(drop),
                store.rename(name, "b", &none.1).map(drop),
                store.rename("a", name, &none.1).map(drop),
            ];
            for (place, answer) in answers.into_iter().enumerate() {
                assert_eq!(kind(answer), ErrorKind::Invalid, "{place}: {name:?}");
            }
            if !name.is_empty() {
                assert_eq!(kind(store.exists(name)), ErrorKind::Invalid, "{name:?}");
                assert_eq!(kind(store.list_page(name, &ListOptions::default())), ErrorKind::Invalid, "{name:?}");
                let first = store.list(name).next().unwrap();
                assert_eq!(kind(first), ErrorKind::Invalid, "{name:?}");
            }
            assert_eq!(kind(store.child(name)), ErrorKind::Invalid, "{name:?}");
        }
        assert_eq!(everything(backend), before);
    });
}

#[test]
fn missing_objects_are_told() {
    for_each_store(|store, _| {
        store.write("folder/a", "a").unwrap();
        for name in ["none", "none/none", "folder/none", "folder/a/below"] {
            let answers = [
                store.read(name, &ReadOptions::default()).map(drop),
                store.read_bytes(name).map(drop),
                store.read_ranges(name, &[]).map(drop),
                store.stat(name).map(drop),
                store.delete(name, Missing::Refuse),
                store.copy(name, "b", &CopyOptions::default()).map(drop),
                store.rename(name, "b", &RenameOptions::default()).map(drop),
            ];
            for (place, answer) in answers.into_iter().enumerate() {
                assert!(answer.as_ref().is_err_and(Error::is_not_found), "{place}: {name}: {answer:?}");
            }
            assert!(!store.exists(name).unwrap(), "{name}");
            store.delete(name, Missing::Ignore).unwrap();
            let below = store.list(name).filter(|object| object.as_ref().is_ok_and(|meta| meta.key != key("folder/a")));
            assert_eq!(below.count(), 0, "{name}");
        }
        assert_eq!(listed(store, ""), ["folder/a"]);
        store.delete("folder/a", Missing::Refuse).unwrap();
        assert_eq!(listed(store, ""), Vec::<String>::new());
    });
}

/// An error names the operation, the key and the backend, and has the shape that the crate promises.
#[test]
fn errors_say_where_and_what() {
    let store = Store::new(Arc::new(Memory::new()));
    let error = store.read_bytes("none").unwrap_err();
    let expected = expect_test::expect!["not found: no such object, operation: read, key: none, backend: memory"];
    expected.assert_eq(&error.to_string());
    assert_eq!(error.operation(), Some("read"));

    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Arc::new(Local::new(folder.path()).unwrap()));
    let backend = format!("local({})", folder.path().canonicalize().unwrap().display());
    assert_eq!(store.to_string(), backend);
    assert_eq!(store.child("folder").unwrap().to_string(), format!("{backend}/folder"));
    let error = store.stat("none").unwrap_err();
    assert!(error.context().any(|pair| pair == ("backend", &backend)), "{error}");
    assert!(error.context().any(|pair| pair == ("key", "none")), "{error}");
}

#[test]
fn a_state_can_be_insisted_on_where_the_backend_can() {
    for_each_store(|store, backend| {
        let first = store.write("a", "1").unwrap().version.unwrap();
        let second = store.write_with("a", "2", &WriteOptions::default()).unwrap().version.unwrap();
        let pinned = |version| store.read("a", &ReadOptions::default().with_version(version)).map(drop);
        pinned(second.clone()).unwrap();
        assert_eq!(kind(pinned(first.clone())), ErrorKind::ConditionFailed);

        let swap = |version| {
            let options = WriteOptions::default().with_condition(Condition::IfMatch(version));
            store.write_with("a", "3", &options).map(drop)
        };
        match backend.info().capability.write_if_match {
            true => {
                assert_eq!(kind(swap(first)), ErrorKind::ConditionFailed);
                swap(second).unwrap();
                assert_eq!(store.read_text("a").unwrap(), "3");
            }
            false => {
                assert_eq!(kind(swap(second)), ErrorKind::Unsupported);
                assert_eq!(store.read_text("a").unwrap(), "2");
            }
        }
    });
}

#[test]
fn writers_publish_at_the_commit() {
    for_each_store(|store, _| {
        let mut writer = store.open_writer("folder/a", &WriteOptions::if_absent()).unwrap();
        writer.write("one, ".into()).unwrap();
        writer.write("two".into()).unwrap();
        assert!(!store.exists("folder/a").unwrap());
        assert!(matches!(writer.commit().unwrap(), Outcome::Applied(_)));
        assert_eq!(store.read_text("folder/a").unwrap(), "one, two");
        let late = store.open_writer("folder/a", &WriteOptions::if_absent()).unwrap();
        assert_eq!(late.commit().unwrap(), Outcome::Rejected);
        store.open_writer("b", &WriteOptions::default()).unwrap().abort().unwrap();
        assert_eq!(listed(store, ""), ["folder/a"]);
    });
}

#[test]
fn listings_are_relative_and_go_over_pages() {
    for_each_store(|store, _| {
        let options = WriteOptions::if_absent().with_durability(Durability::None);
        let count = worldstore_core::listing::PAGE_DEFAULT + 3;
        let names: Vec<_> = (0..count).map(|number| format!("many/{number:05}")).collect();
        for name in &names {
            store.write_with(name, "x", &options).unwrap();
        }
        store.write("a", "x").unwrap();
        store.write("z/y", "x").unwrap();
        assert_eq!(listed(store, "many"), names);
        assert_eq!(listed(store, "").len(), count + 2);
        assert_eq!(listed(store, "none"), Vec::<String>::new());

        let level = store.list_page("", &ListOptions::default().one_level()).unwrap();
        let folders: Vec<_> = level.folders.iter().map(ToString::to_string).collect();
        assert_eq!((level.objects.len(), folders), (1, vec!["many".to_owned(), "z".to_owned()]));
        let after = ListOptions::default().with_after(key("many/00002")).with_limit(2);
        let page = store.list_page("many", &after).unwrap();
        assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["many/00003", "many/00004"]);
        let page = store.list_page("many", &after.with_token(page.next.unwrap())).unwrap();
        assert_eq!(page.objects[0].key.as_str(), "many/00005");
    });
}

#[test]
fn children_see_their_folder_only() {
    for_each_store(|store, _| {
        let (one, other) = (store.child("one").unwrap(), store.child("other/deep").unwrap());
        one.write("a", "one").unwrap();
        other.write("a", "other").unwrap();
        store.write("one-beside", "x").unwrap();
        assert_eq!(listed(&one, ""), ["a"]);
        assert_eq!(listed(store, ""), ["one-beside", "one/a", "other/deep/a"]);
        assert_eq!(store.read_text("other/deep/a").unwrap(), "other");
        assert_eq!(store.child("other").unwrap().child("deep").unwrap().read_text("a").unwrap(), "other");
    });
}

fn for_each_store(test: impl Fn(&Store, &dyn Backend)) {
    let folder = tempfile::tempdir().unwrap();
    for at in ["", "deep/folder"] {
        let local = Local::new(folder.path().join(format!("root{}", at.len()))).unwrap();
        let backends: [Arc<dyn Backend>; 2] = [Arc::new(Memory::new()), Arc::new(local)];
        for backend in backends {
            let store = Store::new(Arc::clone(&backend));
            let store = if at.is_empty() { store } else { store.child(at).unwrap() };
            test(&store, &*backend);
        }
    }
}

fn listed(store: &Store, folder: &str) -> Vec<String> {
    store.list(folder).map(|meta| meta.unwrap().key.to_string()).collect()
}

fn everything(backend: &dyn Backend) -> Vec<ObjectMeta> {
    backend.list(&worldstore_core::Prefix::root(), &ListOptions::default()).unwrap().objects
}

fn kind<Value>(result: Result<Value>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}
