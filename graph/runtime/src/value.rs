//! Values: what expressions come to and rows consist of.
//!
//! There are four relations between values. `=` of the language is [`equals`]: it may be unknown. `<` is [`compare`]:
//! it is unknown between types. Equality in Rust (`Eq`, `Hash`) is *equivalence*, as `DISTINCT` and grouping need it:
//! null is null, NaN is NaN, 1 is 1.0. Order in Rust (`Ord`) is *orderability*, as `ORDER BY` needs it: total over all
//! types, and equal exactly where two values are equivalent.

mod collection;
mod entity;
mod print;
mod relation;
mod size;

use std::sync::Arc;

pub use collection::{List, Map};
pub use entity::{Node, NodeId, Path, Relationship, RelationshipId};
pub(crate) use print::write_float;
pub use relation::{Comparison, compare, equals};

use crate::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time};

/// A value of the language; cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing, or unknown.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A float of 64 bits.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// A node, as it was when it was read.
    Node(Arc<Node>),
    /// A relationship, as it was when it was read.
    Relationship(Arc<Relationship>),
    /// A path.
    Path(Arc<Path>),
    /// A day.
    Date(Date),
    /// A time of day.
    LocalTime(LocalTime),
    /// A time of day at an offset from UTC.
    Time(Time),
    /// A day and a time of day.
    LocalDateTime(LocalDateTime),
    /// A day and a time of day in a time zone.
    DateTime(Arc<DateTime>),
    /// An amount of time.
    Duration(Arc<Duration>),
}

/// The types of values, in the order that `ORDER BY` puts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// A map.
    Map,
    /// A node.
    Node,
    /// A relationship.
    Relationship,
    /// A list.
    List,
    /// A path.
    Path,
    /// A date with time in a zone.
    DateTime,
    /// A date with time.
    LocalDateTime,
    /// A date.
    Date,
    /// A time at an offset.
    Time,
    /// A time.
    LocalTime,
    /// A duration.
    Duration,
    /// A text.
    Text,
    /// A boolean.
    Bool,
    /// An integer or float.
    Number,
    /// Null.
    Null,
}

impl Value {
    /// The type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Null => ValueType::Null,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) | Self::Float(_) => ValueType::Number,
            Self::Text(_) => ValueType::Text,
            Self::List(_) => ValueType::List,
            Self::Map(_) => ValueType::Map,
            Self::Node(_) => ValueType::Node,
            Self::Relationship(_) => ValueType::Relationship,
            Self::Path(_) => ValueType::Path,
            Self::Date(_) => ValueType::Date,
            Self::LocalTime(_) => ValueType::LocalTime,
            Self::Time(_) => ValueType::Time,
            Self::LocalDateTime(_) => ValueType::LocalDateTime,
            Self::DateTime(_) => ValueType::DateTime,
            Self::Duration(_) => ValueType::Duration,
        }
    }

    /// The type in words, with its article, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Node(_) => "a node",
            Self::Relationship(_) => "a relationship",
            Self::Path(_) => "a path",
            Self::Date(_) => "a date",
            Self::LocalTime(_) => "a local time",
            Self::Time(_) => "a time",
            Self::LocalDateTime(_) => "a local date time",
            Self::DateTime(_) => "a date time",
            Self::Duration(_) => "a duration",
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text; none for other types.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer; none for other types.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The integer or float as float; none for other types.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// The boolean; none for other types.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident $make:expr,)*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant($make(value))
            }
        })*
    };
}

from! {
    bool => Bool std::convert::identity,
    i64 => Int std::convert::identity,
    f64 => Float std::convert::identity,
    &str => Text Arc::from,
    String => Text Arc::from,
    Arc<str> => Text std::convert::identity,
    List => List std::convert::identity,
    Map => Map std::convert::identity,
    Arc<Node> => Node std::convert::identity,
    Arc<Relationship> => Relationship std::convert::identity,
    Path => Path Arc::new,
    Date => Date std::convert::identity,
    LocalTime => LocalTime std::convert::identity,
    Time => Time std::convert::identity,
    LocalDateTime => LocalDateTime std::convert::identity,
    DateTime => DateTime Arc::new,
    Duration => Duration Arc::new,
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(List::new(items.into_iter().map(Into::into).collect()))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests;
