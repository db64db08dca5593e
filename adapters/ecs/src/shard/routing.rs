//! Which shard something goes to.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::field::FieldValue;
use crate::{ComponentValue, Entity};

/// Looks at the component that says where an entity is, and gives the number of a shard.
pub type Locate = dyn Fn(&ComponentValue) -> Result<usize> + Send + Sync;

/// How a [`Router`](super::Router) chooses the shard of a new entity, and where [`rebalance`](super::Router::rebalance)
/// moves those that are elsewhere.
#[derive(Clone)]
#[non_exhaustive]
pub enum Routing {
    /// By a hash of the index: even, and without any order.
    Hash,
    /// By ranges of indexes: each begins at an index and goes on to the next. Sorted; the first begins at 0.
    Range(Vec<(u32, usize)>),
    /// By where an entity is: by the value of a component. Entities without it are in shard 0.
    Space {
        /// The component.
        component: Arc<str>,
        /// From its value to the shard.
        locate: Arc<Locate>,
    },
    /// By component: an entity has each of its components where that component is. Those that are not listed are in
    /// shard 0, which knows all entities.
    Component(HashMap<Arc<str>, usize>),
}

impl Routing {
    /// Squares of a grid over two fields of a component, dealt to so many shards row by row. Numbers that are no finite
    /// ones are in square 0.
    ///
    /// # Errors
    /// `Invalid` if the side is not above 0, or there is no shard.
    pub fn grid(component: &str, x: &str, y: &str, side: f64, shards: usize) -> Result<Self> {
        if !(side > 0.0 && side.is_finite()) || shards == 0 {
            let error = Error::invalid("a grid has squares with a side, and shards to deal them to");
            return Err(error.with("side", side).with("shards", shards));
        }
        let names = [x.to_owned(), y.to_owned()];
        let locate = move |value: &ComponentValue| {
            let [x, y] = [coordinate(value, &names[0])?, coordinate(value, &names[1])?];
            let square = |number: f64| if number.is_finite() { (number / side).floor() as i64 } else { 0 };
            // A row begins one shard further than the one before.
            Ok(square(x).wrapping_add(square(y)).rem_euclid(shards as i64) as usize)
        };
        Ok(Self::Space { component: component.into(), locate: Arc::new(locate) })
    }

    /// The shard for an entity with these components.
    pub(super) fn home(&self, entity: Entity, values: &[ComponentValue], shards: usize) -> Result<usize> {
        let home = match self {
            Self::Hash => mixed(entity.index()) as usize % shards.max(1),
            Self::Range(ranges) => {
                let after = ranges.partition_point(|(begin, _)| *begin <= entity.index());
                ranges.get(after.saturating_sub(1)).map_or(0, |(_, shard)| *shard)
            }
            Self::Space { component, locate } => match values.iter().find(|value| value.name() == component) {
                Some(value) => locate(value)?,
                None => 0,
            },
            Self::Component(_) => 0,
        };
        match home < shards {
            true => Ok(home),
            false => Err(Error::invalid("there is no such shard").with("shard", home).with("shards", shards)),
        }
    }

    /// Looks whether all shards that are named are there.
    pub(super) fn check(&self, shards: usize) -> Result<()> {
        let named: Vec<usize> = match self {
            Self::Hash | Self::Space { .. } => Vec::new(),
            Self::Range(ranges) => {
                let sorted =
                    ranges.first().is_some_and(|(begin, _)| *begin == 0) && ranges.is_sorted_by(|a, b| a.0 < b.0);
                if !sorted {
                    return Err(Error::invalid("ranges of indexes are not sorted, or the first does not begin at 0"));
                }
                ranges.iter().map(|(_, shard)| *shard).collect()
            }
            Self::Component(shards) => shards.values().copied().collect(),
        };
        match named.into_iter().find(|shard| *shard >= shards) {
            Some(shard) => Err(Error::invalid("there is no such shard").with("shard", shard).with("shards", shards)),
            None => Ok(()),
        }
    }
}

fn coordinate(value: &ComponentValue, name: &str) -> Result<f64> {
    let place = value.component().fields().iter().position(|field| &*field.name == name);
    let missing =
        || Error::invalid("the component has no such number").with("component", value.name()).with("field", name);
    Ok(match value.fields()?.get(place.ok_or_else(missing)?) {
        Some(FieldValue::F32(number)) => f64::from(*number),
        Some(FieldValue::F64(number)) => *number,
        Some(FieldValue::I64(number)) => *number as f64,
        Some(FieldValue::U64(number)) => *number as f64,
        _ => return Err(missing()),
    })
}

/// Spreads indexes that follow each other: the finaliser of MurmurHash3, <https://github.com/aappleby/smhasher>.
fn mixed(index: u32) -> u32 {
    let mut hash = index;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

impl fmt::Debug for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash => f.write_str("Hash"),
            Self::Range(ranges) => f.debug_tuple("Range").field(ranges).finish(),
            Self::Space { component, .. } => f.debug_tuple("Space").field(component).finish(),
            Self::Component(shards) => f.debug_tuple("Component").field(shards).finish(),
        }
    }
}
