//! Conditions: decided when the object is published, and a false one changes nothing.

use super::short::*;
use crate::conformance::answer::{Answer, Gone};
use crate::conformance::step::Case;
use crate::conformance::step::When::{IfAbsent, IfMatch};
use crate::kernel::Ability;

const DONE: Answer = Answer::Done;
const REJECTED: Answer = Answer::Rejected;

pub(super) fn cases() -> Vec<Case> {
    vec![
        write_if_absent(),
        commit_if_absent(),
        commit_if_absent_too_late(),
        write_if_match(),
        write_if_match_of_missing(),
        commit_if_match(),
        copy_if_absent(),
        copy_if_match(),
        rename_if_absent(),
        rename_if_match(),
        delete_if_match(),
        delete_if_absent(),
    ]
}

fn write_if_absent() -> Case {
    Case::new("write_if_absent", &[Ability::Write, Ability::WriteIfAbsent])
        .step(write_when("folder/a", "one", IfAbsent), applied("folder/a", 3, 1))
        .step(write_when("folder/a", "two", IfAbsent), REJECTED)
        .step(read("folder/a"), content("folder/a", 1, "one"))
        .step(write_when("folder/a", "", IfAbsent), REJECTED)
        .step(delete(&["folder/a"]), deleted(&[Gone::Deleted]))
        .step(write_when("folder/a", "three", IfAbsent), applied("folder/a", 5, 2))
        .step(read("folder/a"), content("folder/a", 2, "three"))
}

fn commit_if_absent() -> Case {
    Case::new("commit_if_absent", &[Ability::Write, Ability::WriteIfAbsent])
        .step(open_when("w", "a", IfAbsent), DONE)
        .step(append("w", "one"), DONE)
        .step(commit("w"), applied("a", 3, 1))
        .step(open_when("v", "a", IfAbsent), DONE)
        .step(append("v", "two"), DONE)
        .step(commit("v"), REJECTED)
        .step(read("a"), content("a", 1, "one"))
        .step(list(), listed(&[("a", 3, 1)]))
}

/// The key is free when the writer opens, and taken when it commits.
fn commit_if_absent_too_late() -> Case {
    Case::new("commit_if_absent_too_late", &[Ability::Write, Ability::WriteIfAbsent])
        .step(open_when("w", "a", IfAbsent), DONE)
        .step(append("w", "late"), DONE)
        .step(write("a", "early"), applied("a", 5, 1))
        .step(commit("w"), REJECTED)
        .step(read("a"), content("a", 1, "early"))
        .step(list(), listed(&[("a", 5, 1)]))
        // The other way round.
        .step(open_when("v", "a", IfAbsent), DONE)
        .step(append("v", "after"), DONE)
        .step(delete(&["a"]), deleted(&[Gone::Deleted]))
        .step(commit("v"), applied("a", 5, 2))
        .step(read("a"), content("a", 2, "after"))
}

fn write_if_match() -> Case {
    Case::new("write_if_match", &[Ability::Write, Ability::Versions, Ability::WriteIfMatch])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(write_when("a", "two", IfMatch(0)), applied("a", 3, 2))
        .step(write_when("a", "three", IfMatch(0)), REJECTED)
        .step(read("a"), content("a", 2, "two"))
        .step(stat("a"), found("a", 3, 2))
        .step(write_when("a", "four", IfMatch(4)), applied("a", 4, 3))
        .step(read("a"), content("a", 3, "four"))
}

fn write_if_match_of_missing() -> Case {
    Case::new("write_if_match_of_missing", &[Ability::Write, Ability::Versions, Ability::WriteIfMatch])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(delete(&["a"]), deleted(&[Gone::Deleted]))
        .step(write_when("a", "two", IfMatch(0)), REJECTED)
        .step(stat("a"), NOT_FOUND)
        .step(write("a", "three"), applied("a", 5, 2))
        .step(write_when("a", "four", IfMatch(0)), REJECTED)
        .step(read("a"), content("a", 2, "three"))
}

fn commit_if_match() -> Case {
    Case::new("commit_if_match", &[Ability::Write, Ability::Versions, Ability::WriteIfMatch])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(open_when("w", "a", IfMatch(0)), DONE)
        .step(append("w", "two"), DONE)
        .step(open_when("v", "a", IfMatch(0)), DONE)
        .step(append("v", "three"), DONE)
        .step(commit("w"), applied("a", 3, 2))
        .step(commit("v"), REJECTED)
        .step(read("a"), content("a", 2, "two"))
}

fn copy_if_absent() -> Case {
    Case::new("copy_if_absent", &[Ability::Write, Ability::Copy, Ability::CopyIfAbsent])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(copy_when("a", "folder/b", IfAbsent), applied("folder/b", 3, 1))
        .step(write("a", "two!"), applied("a", 4, 2))
        .step(copy_when("a", "folder/b", IfAbsent), REJECTED)
        .step(read("folder/b"), content("folder/b", 1, "one"))
        .step(copy_when("none", "folder/b", IfAbsent), NOT_FOUND)
        .step(list(), listed(&[("a", 4, 2), ("folder/b", 3, 1)]))
}

fn copy_if_match() -> Case {
    Case::new("copy_if_match", &[Ability::Write, Ability::Versions, Ability::Copy, Ability::CopyIfMatch])
        .step(write("a", "new"), applied("a", 3, 1))
        .step(write("b", "old"), applied("b", 3, 1))
        .step(write("b", "older"), applied("b", 5, 2))
        .step(copy_when("a", "b", IfMatch(1)), REJECTED)
        // The state of the source does not count.
        .step(copy_when("a", "b", IfMatch(0)), REJECTED)
        .step(copy_when("a", "none", IfMatch(2)), REJECTED)
        .step(read("b"), content("b", 2, "older"))
        .step(copy_when("a", "b", IfMatch(2)), applied("b", 3, 3))
        .step(read("b"), content("b", 3, "new"))
        .step(copy_when("none", "b", IfMatch(7)), NOT_FOUND)
        .step(list(), listed(&[("a", 3, 1), ("b", 3, 3)]))
}

fn rename_if_absent() -> Case {
    Case::new("rename_if_absent", &[Ability::Write, Ability::Rename, Ability::RenameIfAbsent])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(rename_when("a", "folder/b", IfAbsent), applied("folder/b", 3, 1))
        .step(stat("a"), NOT_FOUND)
        .step(write("c", "two!"), applied("c", 4, 1))
        .step(rename_when("c", "folder/b", IfAbsent), REJECTED)
        .step(read("folder/b"), content("folder/b", 1, "one"))
        .step(read("c"), content("c", 1, "two!"))
        .step(rename_when("none", "folder/b", IfAbsent), NOT_FOUND)
        .step(list(), listed(&[("c", 4, 1), ("folder/b", 3, 1)]))
}

fn rename_if_match() -> Case {
    Case::new("rename_if_match", &[Ability::Write, Ability::Versions, Ability::Rename, Ability::RenameIfMatch])
        .step(write("a", "new"), applied("a", 3, 1))
        .step(write("b", "old"), applied("b", 3, 1))
        .step(write("b", "older"), applied("b", 5, 2))
        .step(rename_when("a", "b", IfMatch(1)), REJECTED)
        .step(rename_when("a", "b", IfMatch(0)), REJECTED)
        .step(rename_when("a", "none", IfMatch(2)), REJECTED)
        .step(read("a"), content("a", 1, "new"))
        .step(read("b"), content("b", 2, "older"))
        .step(rename_when("a", "b", IfMatch(2)), applied("b", 3, 3))
        .step(read("b"), content("b", 3, "new"))
        .step(rename_when("none", "b", IfMatch(9)), NOT_FOUND)
        .step(list(), listed(&[("b", 3, 3)]))
}

fn delete_if_match() -> Case {
    let (gone, rejected) = (Gone::Deleted, Gone::Rejected);
    Case::new("delete_if_match", &[Ability::Write, Ability::Versions, Ability::DeleteIfMatch])
        .step(write("folder/a", "one"), applied("folder/a", 3, 1))
        .step(write("folder/a", "two"), applied("folder/a", 3, 2))
        .step(write("b", "stays"), applied("b", 5, 1))
        .step(delete_when(&["folder/a"], IfMatch(0)), deleted(&[rejected]))
        .step(read("folder/a"), content("folder/a", 2, "two"))
        // Each key is decided on its own, and one that holds nothing matches nothing.
        .step(delete_when(&["b", "folder/a", "none"], IfMatch(1)), deleted(&[rejected, gone, rejected]))
        .step(stat("folder/a"), NOT_FOUND)
        .step(delete_when(&["folder/a"], IfMatch(1)), deleted(&[rejected]))
        .step(write("folder/a", "six"), applied("folder/a", 3, 3))
        .step(delete_when(&["folder/a"], IfMatch(1)), deleted(&[rejected]))
        .step(list(), listed(&[("b", 5, 1), ("folder/a", 3, 3)]))
        .step(delete_when(&["folder/a"], IfMatch(8)), deleted(&[gone]))
}

/// There is nothing that it could mean.
fn delete_if_absent() -> Case {
    Case::new("delete_if_absent", &[Ability::Write])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(delete_when(&["a", "none"], IfAbsent), INVALID)
        .step(delete_when(&["none"], IfAbsent), INVALID)
        .step(read("a"), content("a", 1, "one"))
}
