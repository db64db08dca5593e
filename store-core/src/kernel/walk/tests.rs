//! Which requests a walk makes: as few as the pattern and the depth allow.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::backend::Backend;
use crate::memory::Memory;
use crate::ops::{StatOptions, WriteOptions};

fn memory(keys: &[&str]) -> Memory {
    let memory = Memory::new();
    for key in keys {
        let _ = memory.write(&Key::new(key).unwrap(), "x".into(), &WriteOptions::default()).unwrap();
    }
    memory
}

/// What a walk gives, and what it asks for.
fn play(backend: &dyn Backend, mut walk: Walk) -> (Vec<String>, Vec<String>) {
    let (mut given, mut asked) = (Vec::new(), Vec::new());
    loop {
        match walk.step().unwrap() {
            Step::List(folder, options) => {
                asked.push(format!("{}{folder}", if options.one_level { "level " } else { "all " }));
                walk.listed(backend.list(&folder, &options)).unwrap();
            }
            Step::Stat(key) => {
                asked.push(format!("stat {key}"));
                walk.found(backend.stat(&key, &StatOptions::default())).unwrap();
            }
            Step::Give(child) => given.push(child.path().to_owned()),
            Step::Done => return (given, asked),
        }
    }
}

fn kernel(memory: &Memory) -> Kernel {
    Kernel::new(memory.info(), memory.to_string())
}

#[test]
fn a_pattern_asks_for_no_folder_in_which_it_cannot_match() {
    let memory = memory(&["a/1/x.csv", "a/1/deep/x.csv", "a/2/x.csv", "a/2/x.txt", "ab/1/x.csv", "b/1/x.csv", "c"]);
    let glob = |pattern: &str| play(&memory, kernel(&memory).walk_glob(pattern).unwrap());
    let asked = |pattern: &str| glob(pattern).1;
    assert_eq!(glob("a/1/*.csv"), (vec!["a/1/x.csv".to_owned()], vec!["level a/1".to_owned()]));
    assert_eq!(asked("a/*/x.csv"), ["level a", "level a/1", "level a/2"]);
    assert_eq!(asked("a*/1/*"), ["level ", "level a", "level a/1", "level ab", "level ab/1"]);
    assert_eq!(asked("a/**/x.csv"), ["all a"]);
    assert_eq!(asked("*/2/**"), ["level ", "level a", "all a/2", "level ab", "level b"]);
    assert_eq!(asked("a/1/x.csv"), ["stat a/1/x.csv"]);
    assert_eq!(asked("none/*"), ["level none"]);
    assert_eq!(glob("**/x.csv").0, ["a/1/deep/x.csv", "a/1/x.csv", "a/2/x.csv", "ab/1/x.csv", "b/1/x.csv"]);
}

#[test]
fn the_depth_ends_a_walk() {
    let memory = memory(&["a/b/c/d", "a/b/d", "a/d", "d"]);
    let kernel = kernel(&memory);
    let files = |options: ListFilesOptions| play(&memory, kernel.walk_files("", &options).unwrap());
    assert_eq!(files(ListFilesOptions::default()), (vec!["d".to_owned()], vec!["level ".to_owned()]));
    assert_eq!(files(ListFilesOptions::default().with_max_depth(1)).1, ["level ", "level a"]);
    assert_eq!(files(ListFilesOptions::default().with_max_depth(2)).0, ["a/b/d", "a/d", "d"]);
    assert_eq!(files(ListFilesOptions::recursive()).1, ["all "]);
    // The head of the pattern counts as depth.
    assert_eq!(files(ListFilesOptions::default().with_max_depth(1).with_pattern("a/b/*")).1, [""; 0]);
    let folders = |options: ListFoldersOptions| play(&memory, kernel.walk_folders("", &options).unwrap());
    assert_eq!(folders(ListFoldersOptions::default()), (vec!["a".to_owned()], vec!["level ".to_owned()]));
    assert_eq!(folders(ListFoldersOptions::default().with_max_depth(1)).0, ["a", "a/b"]);
    assert_eq!(folders(ListFoldersOptions::recursive()).0, ["a", "a/b", "a/b/c"]);
}

fn any_keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::collection::vec("[ab.-]{1,2}x", 1..4).prop_map(|names| names.join("/")), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever requests a walk makes, it gives what a look at every key gives, in byte order.
    #[test]
    fn walks_give_what_a_look_at_every_key_gives(
        keys in any_keys(),
        pattern in prop::option::of(prop::sample::select(vec!["*", "**", "a*/**", "*/*x", "**/ax", "?x/**/b*", "ax/bx/*"])),
        max_depth in prop::option::of(0_u32..4),
    ) {
        let memory = Memory::new();
        let store = crate::Store::new(Arc::new(memory));
        let mut kept: Vec<String> = keys.into_iter().filter(|key| store.write(key, "x").is_ok()).collect();
        kept.sort();
        let parsed = pattern.map(|pattern| Pattern::new(pattern).unwrap());
        let wanted = |path: &str| {
            let depth = u32::try_from(path.matches('/').count()).unwrap();
            max_depth.is_none_or(|max| depth <= max) && parsed.as_ref().is_none_or(|pattern| pattern.matches(path))
        };
        let mut options = ListFilesOptions::recursive();
        (options.max_depth, options.pattern) = (max_depth, pattern.map(str::to_owned));
        let files = store.list_files("", &options).unwrap().map(|file| file.unwrap().key.to_string());
        let expected: Vec<String> = kept.iter().filter(|key| wanted(key)).cloned().collect();
        prop_assert_eq!(files.collect::<Vec<_>>(), expected);

        let mut options = ListFoldersOptions::recursive();
        (options.max_depth, options.pattern) = (max_depth, pattern.map(str::to_owned));
        let folders = store.list_folders("", &options).unwrap().map(|folder| folder.unwrap().to_string());
        let mut folders: Vec<String> = folders.collect();
        folders.sort();
        let mut expected: Vec<String> = kept.iter().flat_map(|key| key.match_indices('/').map(|(end, _)| key[..end].to_owned())).collect();
        expected.sort();
        expected.dedup();
        expected.retain(|folder| wanted(folder));
        prop_assert_eq!(folders, expected);
    }
}
