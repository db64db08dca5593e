//! Whole objects: written, read, overwritten, deleted; and what is not an object.

use super::short::*;
use crate::conformance::answer::{Answer, Gone};
use crate::conformance::step::Case;
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    vec![
        empty_object(),
        round_trip(),
        overwrite(),
        missing_object(),
        delete_many(),
        delete_and_create(),
        folder_is_no_object(),
        object_below_object(),
        object_above_objects(),
        folder_without_objects(),
    ]
}

fn empty_object() -> Case {
    Case::new("empty_object", &[Ability::Write])
        .step(write("a", ""), applied("a", 0, 1))
        .step(stat("a"), found("a", 0, 1))
        .step(read("a"), content("a", 1, ""))
        .step(list(), listed(&[("a", 0, 1)]))
}

fn round_trip() -> Case {
    Case::new("round_trip", &[Ability::Write])
        .step(write("folder/a", "hello"), applied("folder/a", 5, 1))
        .step(stat("folder/a"), found("folder/a", 5, 1))
        .step(read("folder/a"), content("folder/a", 1, "hello"))
        .step(read("folder/a"), content("folder/a", 1, "hello"))
}

fn overwrite() -> Case {
    Case::new("overwrite", &[Ability::Write])
        .step(write("a", "a long first content"), applied("a", 20, 1))
        .step(write("a", "short"), applied("a", 5, 2))
        .step(read("a"), content("a", 2, "short"))
        .step(write("a", "equal"), applied("a", 5, 3))
        .step(read("a"), content("a", 3, "equal"))
        .step(list(), listed(&[("a", 5, 3)]))
}

fn missing_object() -> Case {
    Case::new("missing_object", &[])
        .step(stat("a"), NOT_FOUND)
        .step(read("a"), NOT_FOUND)
        .step(read_ranges("a", &[0..1]), NOT_FOUND)
        .step(stat("folder/a"), NOT_FOUND)
        .step(list(), listed(&[]))
}

fn delete_many() -> Case {
    Case::new("delete_many", &[Ability::Write])
        .step(write("a", "1"), applied("a", 1, 1))
        .step(write("b/c", "2"), applied("b/c", 1, 1))
        .step(write("b/d", "3"), applied("b/d", 1, 1))
        .step(
            delete(&["b/c", "none", "a", "b/none", "none/none"]),
            deleted(&[Gone::Deleted, Gone::Missing, Gone::Deleted, Gone::Missing, Gone::Missing]),
        )
        .step(stat("a"), NOT_FOUND)
        .step(read("b/c"), NOT_FOUND)
        .step(list(), listed(&[("b/d", 1, 1)]))
        .step(delete(&[]), deleted(&[]))
        .step(delete(&["b/d"]), deleted(&[Gone::Deleted]))
        .step(delete(&["b/d"]), deleted(&[Gone::Missing]))
}

fn delete_and_create() -> Case {
    Case::new("delete_and_create", &[Ability::Write])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(delete(&["a"]), deleted(&[Gone::Deleted]))
        .step(write("a", "two"), applied("a", 3, 2))
        .step(read("a"), content("a", 2, "two"))
}

fn folder_is_no_object() -> Case {
    Case::new("folder_is_no_object", &[Ability::Write])
        .step(write("a/b/c", "1"), applied("a/b/c", 1, 1))
        .step(stat("a"), NOT_FOUND)
        .step(stat("a/b"), NOT_FOUND)
        .step(read("a/b"), NOT_FOUND)
        .step(read_ranges("a/b", &[0..1]), NOT_FOUND)
        .step(delete(&["a", "a/b"]), deleted(&[Gone::Missing, Gone::Missing]))
        .step(read("a/b/c"), content("a/b/c", 1, "1"))
}

/// Backends with real folders refuse it, flat ones do it. None may harm the object above.
fn object_below_object() -> Case {
    Case::new("object_below_object", &[Ability::Write])
        .step(write("a", "above"), applied("a", 5, 1))
        .step(stat("a/b"), NOT_FOUND)
        .step(list_folder("a"), listed(&[]))
        .step_any(write("a/b", "below"), [INVALID, applied("a/b", 5, 1)])
        .step_any(open("w", "a/c"), [INVALID, Answer::Done])
        .step_any(append("w", "below"), [INVALID, Answer::Done])
        .step_any(commit("w"), [INVALID, applied("a/c", 5, 1)])
        .step(read("a"), content("a", 1, "above"))
        .step_any(read("a/b"), [NOT_FOUND, content("a/b", 1, "below")])
        .step_any(list(), [listed(&[("a", 5, 1)]), listed(&[("a", 5, 1), ("a/b", 5, 1), ("a/c", 5, 1)])])
}

/// Backends with real folders refuse it, flat ones do it. None may harm the object below.
fn object_above_objects() -> Case {
    Case::new("object_above_objects", &[Ability::Write])
        .step(write("a/b", "below"), applied("a/b", 5, 1))
        .step_any(write("a", "above"), [INVALID, applied("a", 5, 1)])
        .step_any(open("w", "a"), [INVALID, Answer::Done])
        .step_any(commit("w"), [INVALID, applied("a", 0, 2)])
        .step(read("a/b"), content("a/b", 1, "below"))
        .step_any(stat("a"), [NOT_FOUND, found("a", 0, 2)])
        .step_any(list(), [listed(&[("a/b", 5, 1)]), listed(&[("a", 0, 2), ("a/b", 5, 1)])])
}

/// A folder is there as long as it holds an object, whatever the backend keeps of it.
fn folder_without_objects() -> Case {
    Case::new("folder_without_objects", &[Ability::Write])
        .step(write("a/b/c", "1"), applied("a/b/c", 1, 1))
        .step(delete(&["a/b/c"]), deleted(&[Gone::Deleted]))
        .step(list_folder("a"), listed(&[]))
        .step(write("a", "2"), applied("a", 1, 1))
        .step(read("a"), content("a", 1, "2"))
        .step(list(), listed(&[("a", 1, 1)]))
        .step(delete(&["a"]), deleted(&[Gone::Deleted]))
        .step(write("a/b/c", "3"), applied("a/b/c", 1, 2))
        .step(list(), listed(&[("a/b/c", 1, 2)]))
}
