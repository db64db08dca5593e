//! The other direction of honesty: what is not declared must be refused with `Unsupported`, and change nothing.

use super::answer::{Answer, Gone, Seen};
use super::cases::short::*;
use super::step::{Case, Planned, Step, When};
use crate::error::ErrorKind;
use crate::kernel::Ability;

/// The steps that prove the refusal of something that is not declared.
pub(super) fn steps(need: Ability) -> Vec<Planned> {
    let seeded = Case::new("refusal", &[]).step(write("a", "one"), applied("a", 3, 1));
    let case = match need {
        Ability::Write => writing(Case::new("refusal", &[])),
        Ability::WriteIfAbsent => conditional(seeded, "b", When::IfAbsent),
        Ability::WriteIfMatch => conditional(seeded, "a", When::IfMatch(0)),
        Ability::Copy => moving(seeded, copy("a", "b")),
        Ability::CopyIfAbsent => moving(seeded, copy_when("a", "b", When::IfAbsent)),
        Ability::Rename => moving(seeded, rename("a", "b")),
        Ability::RenameIfAbsent => moving(seeded, rename_when("a", "b", When::IfAbsent)),
        Ability::CopyIfMatch => moving(seeded, copy_when("a", "b", When::IfMatch(0))),
        Ability::RenameIfMatch => moving(seeded, rename_when("a", "b", When::IfMatch(0))),
        Ability::DeleteIfMatch => {
            let each = Answer::Deleted(vec![Gone::Failed(ErrorKind::Unsupported)]);
            let case = seeded.step_any(delete_when(&["a"], When::IfMatch(0)), [UNSUPPORTED, each]);
            case.step(read("a"), content("a", 1, "one"))
        }
        Ability::WriteTokens => naming(seeded),
        Ability::Versions => {
            // A version that does not exist may also be told to be another one.
            let refused = [UNSUPPORTED, Answer::Failed(ErrorKind::ConditionFailed)];
            let ranges = Step::ReadRanges { key: "a".to_owned(), ranges: vec![0..1], pinned: Some(0) };
            seeded.step_any(read_pinned("a", 0), refused.clone()).step_any(ranges, refused)
        }
        // No call asks for these, so none can be refused.
        Ability::ListSorted | Ability::Durable => return Vec::new(),
    };
    case.steps
}

fn writing(case: Case) -> Case {
    let untouched = [UNSUPPORTED, Answer::Deleted(vec![Gone::Failed(ErrorKind::Unsupported)])];
    case.step(write("a", "one"), UNSUPPORTED)
        .step_any(open("w", "a"), [UNSUPPORTED, Answer::Done])
        .step(commit("w"), UNSUPPORTED)
        .step_any(delete(&["a"]), untouched)
        .step_any(copy("a", "b"), [UNSUPPORTED, NOT_FOUND])
        .step_any(rename("a", "b"), [UNSUPPORTED, NOT_FOUND])
        .step(list(), listed(&[]))
}

fn conditional(case: Case, key: &str, when: When) -> Case {
    case.step(write_when(key, "two", when), UNSUPPORTED)
        .step_any(open_when("w", key, when), [UNSUPPORTED, Answer::Done])
        .step_any(append("w", "two"), [UNSUPPORTED, Answer::Done])
        .step(commit("w"), UNSUPPORTED)
        .step(list(), listed(&[("a", 3, 1)]))
        .step(read("a"), content("a", 1, "one"))
}

fn naming(case: Case) -> Case {
    case.step(write_named("a", "two", "t"), UNSUPPORTED)
        .step_any(open_named("w", "a", "u"), [UNSUPPORTED, Answer::Done])
        .step(commit("w"), UNSUPPORTED)
        .step(settle("a", "t"), UNSUPPORTED)
        .step(list(), listed(&[("a", 3, 1)]))
        .step(read("a"), content("a", 1, "one"))
}

fn moving(case: Case, step: Step) -> Case {
    let only = Answer::Listed { objects: vec![Seen::new("a", 3, 1)], folders: Vec::new() };
    case.step(step, UNSUPPORTED).step(list(), only)
}
