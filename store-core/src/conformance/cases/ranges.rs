//! Parts of objects, and reads that are pinned to a version.

use super::short::*;
use crate::conformance::answer::Gone;
use crate::conformance::body::Body;
use crate::conformance::step::{Case, Step};
use crate::kernel::Ability;
use crate::ops::ReadRange::{Bounded, From, Last};

const TEN: &str = "0123456789";

pub(super) fn cases() -> Vec<Case> {
    vec![
        range_forms(),
        range_of_empty_object(),
        range_past_the_end(),
        vectored(),
        vectored_out_of_range(),
        vectored_large(),
        pinned(),
        pinned_after_delete(),
    ]
}

fn range_forms() -> Case {
    let body = Body::from(TEN);
    let whole = |range| part("a", &Body::from(TEN), range);
    Case::new("range_forms", &[Ability::Write])
        .step(write("a", body), applied("a", 10, 1))
        .step(read_range("a", Bounded(2..5)), whole(2..5))
        .step(read_range("a", Bounded(0..10)), whole(0..10))
        .step(read_range("a", Bounded(9..10)), whole(9..10))
        .step(read_range("a", From(4)), whole(4..10))
        .step(read_range("a", From(0)), whole(0..10))
        .step(read_range("a", Last(3)), whole(7..10))
        .step(read_range("a", Last(10)), whole(0..10))
        // Cut at the end, not refused.
        .step(read_range("a", Bounded(8..99)), whole(8..10))
        .step(read_range("a", Last(99)), whole(0..10))
        // Nothing at all is a range too.
        .step(read_range("a", Bounded(3..3)), whole(3..3))
        .step(read_range("a", Bounded(10..12)), whole(10..10))
        .step(read_range("a", From(10)), whole(10..10))
        .step(read_range("a", Last(0)), whole(10..10))
}

fn range_of_empty_object() -> Case {
    let empty = |range| part("a", &Body::from(""), range);
    Case::new("range_of_empty_object", &[Ability::Write])
        .step(write("a", ""), applied("a", 0, 1))
        .step(read_range("a", Bounded(0..5)), empty(0..0))
        .step(read_range("a", From(0)), empty(0..0))
        .step(read_range("a", Last(5)), empty(0..0))
        .step(read_range("a", From(1)), INVALID)
        .step(read_ranges("a", &[0..0]), parts(&Body::from(""), &[0..0]))
}

fn range_past_the_end() -> Case {
    Case::new("range_past_the_end", &[Ability::Write])
        .step(write("a", TEN), applied("a", 10, 1))
        .step(read_range("a", Bounded(11..12)), INVALID)
        .step(read_range("a", From(11)), INVALID)
        .step(read_range("a", Bounded(reversed())), INVALID)
        .step(read_range("none", Bounded(11..12)), NOT_FOUND)
}

fn reversed() -> std::ops::Range<u64> {
    std::ops::Range { start: 5, end: 2 }
}

fn vectored() -> Case {
    let body = Body::from(TEN);
    let asks: [&[std::ops::Range<u64>]; 5] =
        [&[0..1, 9..10], &[7..9, 0..3, 4..5], &[0..6, 2..8, 2..8], &[3..3, 10..10, 0..10], &[]];
    let case = Case::new("vectored", &[Ability::Write]).step(write("a", TEN), applied("a", 10, 1));
    asks.into_iter().fold(case, |case, ranges| case.step(read_ranges("a", ranges), parts(&body, ranges)))
}

/// A part that is too short would go unnoticed.
fn vectored_out_of_range() -> Case {
    Case::new("vectored_out_of_range", &[Ability::Write])
        .step(write("a", TEN), applied("a", 10, 1))
        .step(read_ranges("a", &[0..1, 9..11]), INVALID)
        .step(read_ranges("a", std::slice::from_ref(&(11..11))), INVALID)
        .step(read_ranges("a", &[reversed()]), INVALID)
        .step(read_ranges("a", &[0..1]), parts(&Body::from(TEN), &[0..1]))
}

/// Near and far parts, so that backends that merge requests do and do not.
fn vectored_large() -> Case {
    const LENGTH: usize = 3 << 20;
    let body = Body::Stretch { from: 0, length: LENGTH };
    let ranges = [2_900_000..2_900_010, 0..100, 90..300, 301..302, 1_048_570..1_048_580, 5..2_500_000];
    Case::new("vectored_large", &[Ability::Write])
        .step(write("a", body.clone()), applied("a", LENGTH as u64, 1))
        .step(read_ranges("a", &ranges), parts(&body, &ranges))
        .step(read("a"), content("a", 1, body.clone()))
        .step(read_range("a", Bounded(1_048_575..2_097_153)), part("a", &body, 1_048_575..2_097_153))
        .step(read_range("a", Last(7)), part("a", &body, LENGTH as u64 - 7..LENGTH as u64))
}

fn pinned_ranges(step: usize) -> Step {
    Step::ReadRanges { key: "a".to_owned(), ranges: vec![0..1, 2..3], pinned: Some(step) }
}

fn pinned() -> Case {
    let both = [0..1, 2..3];
    Case::new("pinned", &[Ability::Write, Ability::Versions])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(read_pinned("a", 0), content("a", 1, "one"))
        .step(pinned_ranges(0), parts(&Body::from("one"), &both))
        .step(stat("a"), found("a", 3, 1))
        .step(read_pinned("a", 3), content("a", 1, "one"))
        .step(write("a", "two"), applied("a", 3, 2))
        .step(read_pinned("a", 0), OTHER_STATE)
        .step(pinned_ranges(0), OTHER_STATE)
        .step(read_pinned("a", 5), content("a", 2, "two"))
        .step(pinned_ranges(5), parts(&Body::from("two"), &both))
        .step(write("b", "three"), applied("b", 5, 1))
        .step(read_pinned("none", 0), NOT_FOUND)
}

fn pinned_after_delete() -> Case {
    Case::new("pinned_after_delete", &[Ability::Write, Ability::Versions])
        .step(write("a", "one"), applied("a", 3, 1))
        .step(delete(&["a"]), deleted(&[Gone::Deleted]))
        .step(read_pinned("a", 0), NOT_FOUND)
        .step(write("a", "two"), applied("a", 3, 2))
        .step(read_pinned("a", 0), OTHER_STATE)
        .step(read_pinned("a", 3), content("a", 2, "two"))
}
