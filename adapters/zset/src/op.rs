//! The operators. Each file adds its methods to [`Stream`](crate::Stream).

mod asof;
mod distinct;
mod group;
mod grouped;
mod integral;
mod join;
mod keyed;
mod linear;
mod semi;
mod sum;
mod top;
mod window;

pub use grouped::Grouped;
pub(crate) use keyed::{Keyed, behind_key, by_key, groups, key_of, prefixes};
pub(crate) use linear::{Linear, filtering, flat_mapping, mapping, negating};
pub use sum::{Additive, Average};
