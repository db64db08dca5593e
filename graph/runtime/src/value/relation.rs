//! The relations between values: `=`, `<`, equivalence, and the order of all values.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{List, Map, Value};

/// What `<` and its like have to say of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// One is less, or both are equal.
    Ordered(Ordering),
    /// Neither is less, nor are they equal: one is NaN.
    Never,
    /// They cannot be compared, or one is null.
    Unknown,
}

/// `left = right`; none if that is unknown because of a null.
pub fn equals(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            Some(compare(left, right) == Comparison::Ordered(Ordering::Equal))
        }
        (Value::List(left), Value::List(right)) => equal_lists(left, right),
        (Value::Map(left), Value::Map(right)) => equal_maps(left, right),
        _ => Some(left == right),
    }
}

fn equal_lists(left: &List, right: &List) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    all(left.iter().zip(right.iter()).map(|(left, right)| equals(left, right)))
}

fn equal_maps(left: &Map, right: &Map) -> Option<bool> {
    if !left.keys().eq(right.keys()) {
        return Some(false);
    }
    all(left.values().zip(right.values()).map(|(left, right)| equals(left, right)))
}

/// `AND` over all.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

/// Compares for `<`, `<=`, `>`, `>=`.
pub fn compare(left: &Value, right: &Value) -> Comparison {
    let known = |ordering| Comparison::Ordered(ordering);
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => known(left.cmp(right)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            let is_nan = |value: &Value| matches!(value, Value::Float(float) if float.is_nan());
            match is_nan(left) || is_nan(right) {
                true => Comparison::Never,
                false => known(left.cmp(right)),
            }
        }
        (Value::List(left), Value::List(right)) => {
            for (left, right) in left.iter().zip(right.iter()) {
                match compare(left, right) {
                    Comparison::Ordered(Ordering::Equal) => {}
                    Comparison::Ordered(ordering) => return known(ordering),
                    Comparison::Never | Comparison::Unknown => return Comparison::Unknown,
                }
            }
            known(left.len().cmp(&right.len()))
        }
        (Value::Text(_), Value::Text(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Date(_), Value::Date(_))
        | (Value::LocalTime(_), Value::LocalTime(_))
        | (Value::Time(_), Value::Time(_))
        | (Value::LocalDateTime(_), Value::LocalDateTime(_))
        | (Value::DateTime(_), Value::DateTime(_)) => known(left.cmp(right)),
        _ => Comparison::Unknown,
    }
}

/// Equivalence: as `=`, but null is equivalent to null, and NaN to NaN.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orderability, as `ORDER BY` needs it: maps, nodes, relationships, lists, paths, temporal values, texts, booleans,
/// numbers, NaN, null.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => order_floats(*left, *right),
            (Self::Int(left), Self::Float(right)) => order_mixed(*left, *right),
            (Self::Float(left), Self::Int(right)) => order_mixed(*right, *left).reverse(),
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::List(left), Self::List(right)) => left.iter().cmp(right.iter()),
            (Self::Map(left), Self::Map(right)) => left.iter().cmp(right.iter()),
            (Self::Node(left), Self::Node(right)) => left.id.cmp(&right.id),
            (Self::Relationship(left), Self::Relationship(right)) => left.id.cmp(&right.id),
            (Self::Path(left), Self::Path(right)) => left.ids().cmp(right.ids()),
            (Self::Date(left), Self::Date(right)) => left.cmp(right),
            (Self::LocalTime(left), Self::LocalTime(right)) => left.cmp(right),
            (Self::Time(left), Self::Time(right)) => left.cmp(right),
            (Self::LocalDateTime(left), Self::LocalDateTime(right)) => left.cmp(right),
            (Self::DateTime(left), Self::DateTime(right)) => left.cmp(right),
            (Self::Duration(left), Self::Duration(right)) => left.cmp(right),
            _ => self.value_type().cmp(&other.value_type()),
        }
    }
}

/// NaN is greater than all, and equal to itself.
fn order_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Compares exactly, without rounding the integer.
fn order_mixed(left: i64, right: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() || right >= BEYOND {
        return Ordering::Less;
    }
    if right < -BEYOND {
        return Ordering::Greater;
    }
    left.cmp(&(right.trunc() as i64)).then_with(|| order_floats(0.0, right.fract()))
}

/// Equivalent values have equal hashes: a float without fraction hashes as the integer.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value_type().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(bool) => bool.hash(state),
            Self::Int(int) => int.hash(state),
            Self::Float(float) => hash_float(*float, state),
            Self::Text(text) => text.hash(state),
            Self::List(list) => (**list).hash(state),
            Self::Map(map) => map.iter().for_each(|entry| entry.hash(state)),
            Self::Node(node) => node.id.hash(state),
            Self::Relationship(relationship) => relationship.id.hash(state),
            Self::Path(path) => path.ids().for_each(|id| id.hash(state)),
            Self::Date(date) => date.hash(state),
            Self::LocalTime(time) => time.hash(state),
            Self::Time(time) => time.hash(state),
            Self::LocalDateTime(time) => time.hash(state),
            Self::DateTime(time) => time.hash(state),
            Self::Duration(duration) => duration.hash(state),
        }
    }
}

fn hash_float<H: Hasher>(float: f64, state: &mut H) {
    let whole = float as i64;
    match order_mixed(whole, float) {
        Ordering::Equal => whole.hash(state),
        _ if float.is_nan() => f64::NAN.to_bits().hash(state),
        _ => float.to_bits().hash(state),
    }
}
