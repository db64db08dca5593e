//! Copies and renames without a condition.

use super::short::*;
use crate::conformance::step::Case;
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    vec![copies(), copy_replaces(), copy_of_missing(), renames(), rename_replaces(), rename_of_missing()]
}

fn copies() -> Case {
    Case::new("copy", &[Ability::Write, Ability::Copy])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(copy("a", "new/folder/b"), applied("new/folder/b", 3, 1))
        .step(read("a"), content("a", 1, "one"))
        .step(read("new/folder/b"), content("new/folder/b", 1, "one"))
        // Neither follows the other.
        .step(write("a", "changed"), applied("a", 7, 2))
        .step(read("new/folder/b"), content("new/folder/b", 1, "one"))
        .step(list(), listed(&[("a", 7, 2), ("new/folder/b", 3, 1)]))
}

fn copy_replaces() -> Case {
    Case::new("copy_replaces", &[Ability::Write, Ability::Copy])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(write("b", "to be replaced"), applied("b", 14, 1))
        .step(copy("a", "b"), applied("b", 3, 2))
        .step(read("b"), content("b", 2, "one"))
        .step(read("a"), content("a", 1, "one"))
}

fn copy_of_missing() -> Case {
    Case::new("copy_of_missing", &[Ability::Write, Ability::Copy])
        .step(write("folder/b", "stays"), applied("folder/b", 5, 1))
        .step(copy("none", "folder/b"), NOT_FOUND)
        .step(copy("folder", "c"), NOT_FOUND)
        .step(list(), listed(&[("folder/b", 5, 1)]))
}

fn renames() -> Case {
    Case::new("rename", &[Ability::Write, Ability::Rename])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(rename("a", "new/folder/b"), applied("new/folder/b", 3, 1))
        .step(stat("a"), NOT_FOUND)
        .step(read("new/folder/b"), content("new/folder/b", 1, "one"))
        .step(rename("new/folder/b", "new/folder/b"), applied("new/folder/b", 3, 1))
        .step(list(), listed(&[("new/folder/b", 3, 1)]))
        .step(write("a", "again"), applied("a", 5, 2))
        .step(read("a"), content("a", 2, "again"))
}

fn rename_replaces() -> Case {
    Case::new("rename_replaces", &[Ability::Write, Ability::Rename])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(write("b", "to be replaced"), applied("b", 14, 1))
        .step(rename("a", "b"), applied("b", 3, 2))
        .step(read("b"), content("b", 2, "one"))
        .step(list(), listed(&[("b", 3, 2)]))
}

fn rename_of_missing() -> Case {
    Case::new("rename_of_missing", &[Ability::Write, Ability::Rename])
        .step(write("folder/b", "stays"), applied("folder/b", 5, 1))
        .step(rename("none", "folder/b"), NOT_FOUND)
        // Objects are renamed, folders are not.
        .step(rename("folder", "c"), NOT_FOUND)
        .step(list(), listed(&[("folder/b", 5, 1)]))
}
