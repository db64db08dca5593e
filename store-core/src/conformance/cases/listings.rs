//! Listings: everything below a folder, once, in order, in pages.

use super::short::*;
use crate::conformance::answer::Answer;
use crate::conformance::step::{Case, Step};
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    vec![list_order(), list_neighbours(), list_pages(), list_one_level(), list_after(), list_one_level_after()]
}

/// A case in which these objects, each of one byte, were written in the reverse order.
fn seeded(name: &str, keys: &[&str]) -> Case {
    keys.iter()
        .rev()
        .fold(Case::new(name, &[Ability::Write]), |case, key| case.step(write(*key, "x"), applied(*key, 1, 1)))
}

fn of(keys: &[&str]) -> Answer {
    both(keys, &[])
}

fn both(keys: &[&str], folders: &[&str]) -> Answer {
    let objects: Vec<_> = keys.iter().map(|key| (*key, 1, 1)).collect();
    listed_with(&objects, folders)
}

/// Byte order of whole keys: `-` and `.` come before `/`, `0` comes after.
fn list_order() -> Case {
    let keys = ["A", "a", "a-b", "a.b", "b/a", "b/b-c", "b/b/c", "b/b0c", "b0", "ba", "\u{e4}"];
    seeded("list_order", &keys).step(list(), of(&keys))
}

/// A folder holds what is below it, not what begins alike.
fn list_neighbours() -> Case {
    let keys = ["a-b/1", "a/1", "a/a/2", "a0/1", "aa"];
    seeded("list_neighbours", &keys)
        .step(list_folder("a"), of(&["a/1", "a/a/2"]))
        .step(list_folder("a/a"), of(&["a/a/2"]))
        .step(list_folder("a0"), of(&["a0/1"]))
        .step(list_folder("none"), of(&[]))
        .step(list_folder("a/none"), of(&[]))
        .step(list_folder("aa"), of(&[]))
}

fn list_pages() -> Case {
    let keys = ["a", "b/a", "b/b", "b/c/d", "c", "d/e", "f"];
    let by = |limit| Step::List { folder: "", one_level: false, after: None, limit: Some(limit) };
    let case = seeded("list_pages", &keys);
    let case = [1, 2, 3, 6, 7, 8].into_iter().fold(case, |case, limit| case.step(by(limit), of(&keys)));
    case.step(Step::List { folder: "b", one_level: false, after: None, limit: Some(1) }, of(&["b/a", "b/b", "b/c/d"]))
}

fn list_one_level() -> Case {
    let keys = ["a", "b-c", "b/a", "b/b/c", "b/b/d", "b0", "c/d/e", "c/d/f", "d"];
    let level = |folder, limit| Step::List { folder, one_level: true, after: None, limit };
    let top = both(&["a", "b-c", "b0", "d"], &["b", "c"]);
    let case = seeded("list_one_level", &keys).step(level("", None), top.clone());
    // A folder that spans many entries must come once, however the pages fall.
    let case = [1, 2, 3, 4, 5, 6].into_iter().fold(case, |case, limit| case.step(level("", Some(limit)), top.clone()));
    case.step(level("b", None), both(&["b/a"], &["b/b"]))
        .step(level("b", Some(1)), both(&["b/a"], &["b/b"]))
        .step(level("c", None), both(&[], &["c/d"]))
        .step(level("c/d", None), both(&["c/d/e", "c/d/f"], &[]))
        .step(level("none", None), both(&[], &[]))
}

fn list_after() -> Case {
    let keys = ["a", "b/a", "b/b", "b/c/d", "c", "d/e"];
    let after = |folder, after, limit| Step::List { folder, one_level: false, after: Some(after), limit };
    seeded("list_after", &keys)
        .step(after("", "a", None), of(&keys[1..]))
        .step(after("", "b/a", None), of(&keys[2..]))
        .step(after("", "b/a", Some(1)), of(&keys[2..]))
        .step(after("", "b/aa", None), of(&keys[2..]))
        // Neither a folder nor a missing key stops it.
        .step(after("", "b", None), of(&keys[1..]))
        .step(after("", "b0", None), of(&keys[4..]))
        .step(after("", "d/e", None), of(&[]))
        .step(after("", "z", None), of(&[]))
        .step(after("b", "b/b", None), of(&["b/c/d"]))
        .step(after("b", "a", None), of(&["b/a", "b/b", "b/c/d"]))
        .step(after("b", "c", None), of(&[]))
}

fn list_one_level_after() -> Case {
    let keys = ["a", "b/a", "b/b", "c", "d/e"];
    let after = |after, limit| Step::List { folder: "", one_level: true, after: Some(after), limit };
    seeded("list_one_level_after", &keys)
        .step(after("a", None), both(&["c"], &["b", "d"]))
        .step(after("a", Some(1)), both(&["c"], &["b", "d"]))
        .step(after("c", None), both(&[], &["d"]))
        .step(after("b0", Some(1)), both(&["c"], &["d"]))
        .step(after("d/e", None), both(&[], &[]))
}
