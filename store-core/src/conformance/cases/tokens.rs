//! Names of writes: by its name a write is found again, as long as its object is there.

use super::short::*;
use crate::conformance::answer::{Answer, Gone};
use crate::conformance::step::Case;
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    vec![token_of_write(), token_of_commit(), token_of_nothing(), token_of_rename(), token_of_copy()]
}

fn token_of_write() -> Case {
    Case::new("token_of_write", &[Ability::Write, Ability::WriteTokens])
        .step(write_named("folder/a", "one", "first"), applied("folder/a", 3, 1))
        .step(settle("folder/a", "first"), settled_applied("folder/a", 3, 1))
        .step(settle("folder/a", "second"), settled_other("folder/a", 3, 1))
        .step(write_named("folder/a", "uno", "second"), applied("folder/a", 3, 2))
        .step(settle("folder/a", "first"), settled_other("folder/a", 3, 2))
        .step(settle("folder/a", "second"), settled_applied("folder/a", 3, 2))
        .step(write("folder/a", "none"), applied("folder/a", 4, 3))
        .step(settle("folder/a", "second"), settled_other("folder/a", 4, 3))
        .step(delete(&["folder/a"]), deleted(&[Gone::Deleted]))
        .step(settle("folder/a", "second"), SETTLED_ABSENT)
        .step(write("folder/a", "nine"), applied("folder/a", 4, 4))
        .step(settle("folder/a", "second"), settled_other("folder/a", 4, 4))
}

fn token_of_commit() -> Case {
    Case::new("token_of_commit", &[Ability::Write, Ability::WriteTokens])
        .step(write_named("a", "old", "old"), applied("a", 3, 1))
        .step(open_named("w", "a", "new"), Answer::Done)
        .step(append("w", "new!"), Answer::Done)
        .step(settle("a", "new"), settled_other("a", 3, 1))
        .step(commit("w"), applied("a", 4, 2))
        .step(settle("a", "new"), settled_applied("a", 4, 2))
        .step(settle("a", "old"), settled_other("a", 4, 2))
}

fn token_of_nothing() -> Case {
    Case::new("token_of_nothing", &[Ability::Write, Ability::WriteTokens])
        .step(settle("a", "none"), SETTLED_ABSENT)
        .step(write("a/b", "below"), applied("a/b", 5, 1))
        .step(settle("a", "none"), SETTLED_ABSENT)
        .step(settle("a/b", "none"), settled_other("a/b", 5, 1))
}

/// What is moved is still what that write has written.
fn token_of_rename() -> Case {
    Case::new("token_of_rename", &[Ability::Write, Ability::WriteTokens, Ability::Rename])
        .step(write_named("a", "one", "t"), applied("a", 3, 1))
        .step(rename("a", "b"), applied("b", 3, 1))
        .step(settle("b", "t"), settled_applied("b", 3, 1))
        .step(settle("a", "t"), SETTLED_ABSENT)
}

/// A copy is a write of its own, without a name.
fn token_of_copy() -> Case {
    Case::new("token_of_copy", &[Ability::Write, Ability::WriteTokens, Ability::Copy])
        .step(write_named("a", "one", "t"), applied("a", 3, 1))
        .step(copy("a", "b"), applied("b", 3, 1))
        // A token names one write to one key: nobody asks for it elsewhere, where a copy may have carried it.
        .step_any(settle("b", "t"), [settled_other("b", 3, 1), settled_applied("b", 3, 1)])
        .step(settle("a", "t"), settled_applied("a", 3, 1))
}
