//! `IN` for long lists that are asked again and again, such as a parameter for each row: from the second time on they
//! are looked up instead of searched.

use std::collections::HashSet;

use crate::value::{List, Value};

/// Lists that are shorter are searched.
const LENGTH_MIN: usize = 16;

/// Lists that take more bytes are searched.
const BYTES_MAX: u64 = 16 << 20;

/// How many lists are remembered.
const LISTS_MAX: usize = 4;

/// Lists that were asked lately.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    recent: Vec<(List, Members)>,
}

#[derive(Debug)]
enum Members {
    /// Asked once, not looked at yet.
    Unknown,
    /// Equality of its elements is equivalence.
    Set(HashSet<Value>),
    /// It must be searched.
    Mixed,
}

impl Memberships {
    /// Whether `list` has `value`; none if it must be searched for that.
    pub(super) fn contains(&mut self, list: &List, value: &Value) -> Option<bool> {
        if list.len() < LENGTH_MIN || list.bytes() > BYTES_MAX || !is_plain(value) {
            return None;
        }
        let Some((_, members)) = self.recent.iter_mut().find(|(known, _)| known.is_same(list)) else {
            if self.recent.len() >= LISTS_MAX {
                self.recent.remove(0);
            }
            self.recent.push((list.clone(), Members::Unknown));
            return None;
        };
        if matches!(members, Members::Unknown) {
            *members = match list.iter().all(is_plain) {
                true => Members::Set(list.iter().cloned().collect()),
                false => Members::Mixed,
            };
        }
        match members {
            Members::Set(set) => Some(set.contains(value)),
            Members::Unknown | Members::Mixed => None,
        }
    }
}

/// True for a value that is equal to exactly those that it is equivalent to: no null is in it, and it is not NaN.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => false,
        Value::Float(float) => !float.is_nan(),
        _ => true,
    }
}
