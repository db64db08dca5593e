//! Objects written in parts: nothing before the commit, nothing after an end without one.

use super::short::*;
use crate::conformance::answer::Answer;
use crate::conformance::body::Body;
use crate::conformance::step::{Case, Step};
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    vec![
        writer(),
        writer_without_chunks(),
        writer_large(),
        writer_replaces(),
        writer_abort(),
        writer_drop(),
        writers_of_one_key(),
    ]
}

const DONE: Answer = Answer::Done;

fn writer() -> Case {
    Case::new("writer", &[Ability::Write])
        .step(open("w", "folder/a"), DONE)
        .step(stat("folder/a"), NOT_FOUND)
        .step(append("w", "one, "), DONE)
        .step(append("w", ""), DONE)
        .step(append("w", "two"), DONE)
        // Not seen before the commit, in no listing either.
        .step(stat("folder/a"), NOT_FOUND)
        .step(list(), listed(&[]))
        .step(commit("w"), applied("folder/a", 8, 1))
        .step(read("folder/a"), content("folder/a", 1, "one, two"))
        .step(list(), listed(&[("folder/a", 8, 1)]))
}

fn writer_without_chunks() -> Case {
    Case::new("writer_without_chunks", &[Ability::Write])
        .step(open("w", "a"), DONE)
        .step(commit("w"), applied("a", 0, 1))
        .step(read("a"), content("a", 1, ""))
}

/// One MiB in chunks of odd sizes, the last one larger than many buffers.
fn writer_large() -> Case {
    const SIZES: [usize; 6] = [1, 65_535, 65_537, 100_000, 17, 817_486];
    let case = Case::new("writer_large", &[Ability::Write]).step(open("w", "a"), DONE);
    let (case, length) = SIZES.into_iter().fold((case, 0), |(case, from), length| {
        let chunk = Body::Stretch { from: from as u64, length };
        (case.step(append("w", chunk), DONE), from + length)
    });
    let whole = Body::Stretch { from: 0, length };
    case.step(commit("w"), applied("a", length as u64, 1))
        .step(read("a"), content("a", 1, whole.clone()))
        .step(read_ranges("a", &[65_530..65_540, 0..1]), parts(&whole, &[65_530..65_540, 0..1]))
}

fn writer_replaces() -> Case {
    Case::new("writer_replaces", &[Ability::Write])
        .step(write("a", "old"), applied("a", 3, 1))
        .step(open("w", "a"), DONE)
        .step(append("w", "new content"), DONE)
        .step(read("a"), content("a", 1, "old"))
        .step(commit("w"), applied("a", 11, 2))
        .step(read("a"), content("a", 2, "new content"))
}

fn writer_abort() -> Case {
    Case::new("writer_abort", &[Ability::Write])
        .step(open("w", "folder/a"), DONE)
        .step(append("w", "half"), DONE)
        .step(Step::Abort { writer: "w" }, DONE)
        .step(stat("folder/a"), NOT_FOUND)
        .step(write("b", "old"), applied("b", 3, 1))
        .step(open("v", "b"), DONE)
        .step(append("v", "half"), DONE)
        .step(Step::Abort { writer: "v" }, DONE)
        .step(read("b"), content("b", 1, "old"))
        .step(list(), listed(&[("b", 3, 1)]))
}

fn writer_drop() -> Case {
    Case::new("writer_drop", &[Ability::Write])
        .step(open("w", "folder/a"), DONE)
        .step(append("w", "half"), DONE)
        .step(Step::Drop { writer: "w" }, DONE)
        .step(stat("folder/a"), NOT_FOUND)
        .step(write("b", "old"), applied("b", 3, 1))
        .step(open("v", "b"), DONE)
        .step(append("v", "half"), DONE)
        .step(Step::Drop { writer: "v" }, DONE)
        .step(read("b"), content("b", 1, "old"))
        .step(list(), listed(&[("b", 3, 1)]))
}

/// Their chunks do not mix, and the last commit stays.
fn writers_of_one_key() -> Case {
    Case::new("writers_of_one_key", &[Ability::Write])
        .step(open("w", "a"), DONE)
        .step(open("v", "a"), DONE)
        .step(append("w", "w1"), DONE)
        .step(append("v", "v1"), DONE)
        .step(append("w", "w2"), DONE)
        .step(append("v", "v22"), DONE)
        .step(commit("v"), applied("a", 5, 1))
        .step(read("a"), content("a", 1, "v1v22"))
        .step(commit("w"), applied("a", 4, 2))
        .step(read("a"), content("a", 2, "w1w2"))
}
