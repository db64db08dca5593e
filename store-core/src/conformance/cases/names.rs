//! Names that are legal and that something between here and the bytes might rewrite.

use super::short::*;
use crate::conformance::Body;
use crate::conformance::answer::{Answer, Gone, Seen};
use crate::conformance::keys;
use crate::conformance::step::Case;
use crate::kernel::Ability;

pub(super) fn cases() -> Vec<Case> {
    keys::legal().iter().map(|section| named(&format!("names_{}", section.name), &section.keys)).collect()
}

/// Each name holds its own content, is listed as it was given, and goes without its neighbours.
fn named(name: &str, keys: &[String]) -> Case {
    let body = |place: usize| Body::Stretch { from: place as u64, length: place + 1 };
    let mut case = Case::new(name, &[Ability::Write]);
    for (place, key) in keys.iter().enumerate() {
        case = case.step(write(key, body(place)), applied(key, place as u64 + 1, 1));
    }
    let numbered: Vec<_> = keys.iter().enumerate().collect();
    case = case.step(list(), listing(&numbered));
    for (place, key) in &numbered {
        case = case.step(read(*key), content(*key, 1, body(*place)));
    }
    let (even, odd): (Vec<_>, Vec<_>) = numbered.into_iter().partition(|(place, _)| place % 2 == 0);
    case = case.step(delete(&names(&even)), deleted(&vec![Gone::Deleted; even.len()])).step(list(), listing(&odd));
    for (_, key) in &even {
        case = case.step(stat(*key), NOT_FOUND);
    }
    case.step(delete(&names(&odd)), deleted(&vec![Gone::Deleted; odd.len()])).step(list(), listed(&[]))
}

fn names<'keys>(numbered: &[(usize, &'keys String)]) -> Vec<&'keys str> {
    numbered.iter().map(|(_, key)| key.as_str()).collect()
}

fn listing(numbered: &[(usize, &String)]) -> Answer {
    let mut objects: Vec<_> = numbered.iter().map(|(place, key)| Seen::new(*key, *place as u64 + 1, 1)).collect();
    objects.sort();
    Answer::Listed { objects, folders: Vec::new() }
}
