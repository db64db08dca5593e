//! Listings of small crates.

use super::*;

fn lines(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    listing("some-crate", folder.path()).unwrap().into_iter().collect()
}

#[test]
fn what_is_public_is_listed_where_others_find_it() {
    let library = "pub mod open;\nmod closed;\npub use closed::Shown;\n/// Doc.\n#[cfg(feature = \"x\")]\npub fn twice(\n    \
                   number: u64,\n) -> u64 { number * 2 }\nfn hidden() {}\npub(crate) fn inside() {}\n";
    let open = "#[derive(Debug, Clone)]\npub struct Open<T> { pub field: T, private: u8 }\n#[non_exhaustive]\npub enum Way { \
                In, Out(u8), Both { first: u8 } }\npub trait Walk: Send { const STEP: u8; type Way; fn go(&self); fn back(&self) \
                {} }\n#[cfg(test)]\nmod tests { pub fn no() {} }\n";
    let closed = "pub struct Shown;\npub struct Unseen;\nimpl Shown { pub const fn new() -> Self { Self }\nfn private() {} }\n\
                  impl Unseen { pub fn no() {} }\nimpl Default for Shown { fn default() -> Self { Self } }\n";
    let files = [("lib.rs", library), ("open.rs", open), ("closed/mod.rs", closed), ("bin/a.rs", "pub fn no() {}")];
    let expected = [
        "some_crate: fn twice(number: u64) -> u64 [feature = \"x\"]",
        "some_crate: struct Shown",
        "some_crate: use closed::Shown",
        "some_crate::Shown: const fn new() -> Self",
        "some_crate::Shown: impl Default for Shown",
        "some_crate::open: enum Way",
        "some_crate::open: struct Open<T>",
        "some_crate::open: trait Walk: Send",
        "some_crate::open::Open: derive Clone",
        "some_crate::open::Open: derive Debug",
        "some_crate::open::Open: field: T",
        "some_crate::open::Walk: const STEP",
        "some_crate::open::Walk: fn back(&self) { … }",
        "some_crate::open::Walk: fn go(&self)",
        "some_crate::open::Walk: type Way",
        "some_crate::open::Way: non_exhaustive",
        "some_crate::open::Way: variant Both(first: u8)",
        "some_crate::open::Way: variant In()",
        "some_crate::open::Way: variant Out(u8)",
    ];
    assert_eq!(lines(&files), expected);
}

#[test]
fn changes_are_lines_that_went_and_came() {
    let set = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let (old, new) = (set(&["a: fn one()", "b: fn two()"]), set(&["a: fn one(u8)", "b: fn two()"]));
    assert_eq!(difference(&old, &new), ["-a: fn one()", "+a: fn one(u8)"]);
    assert_eq!(difference(&new, &new), [""; 0]);
}

#[test]
fn a_crate_that_was_not_there_shows_nothing() {
    assert!(listing("new", Path::new("/not/there")).unwrap().is_empty());
}

#[test]
fn what_this_workspace_shows_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lines = listing("worldstore-core", &root.join("store-core/src")).unwrap();
    let backend: Vec<&String> = lines.iter().filter(|line| line.contains("trait Backend")).collect();
    assert_eq!(backend, ["worldstore_core::backend: trait Backend: Send + Sync + Debug + Display + 'static"]);
    assert!(lines.iter().any(|line| line.contains("::Store: fn read(")));
}
