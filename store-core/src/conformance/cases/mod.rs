//! The cases, by subject.

mod conditions;
mod listings;
mod moves;
mod names;
mod objects;
mod ranges;
pub(super) mod short;
mod tokens;
mod writers;

use super::step::Case;

/// Every case of the kit.
pub fn cases() -> Vec<Case> {
    let subjects = [
        objects::cases(),
        ranges::cases(),
        writers::cases(),
        conditions::cases(),
        tokens::cases(),
        moves::cases(),
        listings::cases(),
        names::cases(),
    ];
    subjects.into_iter().flatten().collect()
}
