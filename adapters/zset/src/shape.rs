//! The shape of a row's type, found by letting serde read it from nothing.
//!
//! Tables are made before the first row, so the names and kinds of the columns must follow from the type alone. The type
//! is asked to deserialize itself; the answers are made up, the questions are the shape. Where a type refuses the made-up
//! answers (text that must be a date, say), the rest is [`Shape::Unknown`].

mod tracer;

use serde::de::DeserializeOwned;

/// The shape of a type, as far as serde tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// It could not be found out.
    #[default]
    Unknown,
    Unit,
    Bool,
    Integer,
    /// An integer that may not fit 64 bits with a sign. As text it is an integer too: a field may become wider.
    Large,
    Float,
    Text,
    Bytes,
    Option(Box<Shape>),
    Seq(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Tuple(Vec<Shape>),
    Struct(&'static str, Vec<(&'static str, Shape)>),
    /// The name and the variants, without what is inside them.
    Enum(&'static str, &'static [&'static str]),
    /// A newtype, and what is inside.
    Newtype(&'static str, Box<Shape>),
    /// What was found out of a type that needs a format that describes itself: it can be written, but not read again.
    Undescribed(Box<Shape>),
}

impl Shape {
    /// The shape of `T`.
    pub(crate) fn of<T: DeserializeOwned>() -> Self {
        let mut shape = Self::Unknown;
        // A refusal of made-up values is expected; what was learned until then stays.
        match T::deserialize(tracer::Tracer::new(&mut shape)) {
            Err(failure) if failure.is_undescribed() => Self::Undescribed(Box::new(shape)),
            _ => shape,
        }
    }

    /// True if values of the type, or of a part of it, cannot be read again.
    pub(crate) fn is_undescribed(&self) -> bool {
        match self {
            Self::Undescribed(_) => true,
            Self::Tuple(parts) => parts.iter().any(Self::is_undescribed),
            _ => false,
        }
    }

    /// The shape as one line of text: what is compared when a store is opened.
    pub(crate) fn text(&self) -> String {
        let list = |shapes: &[Self]| shapes.iter().map(Self::text).collect::<Vec<_>>().join(", ");
        match self {
            Self::Unknown => "?".to_owned(),
            Self::Unit => "unit".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Integer | Self::Large => "integer".to_owned(),
            Self::Float => "float".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Bytes => "bytes".to_owned(),
            Self::Option(inner) => format!("option<{}>", inner.text()),
            Self::Seq(inner) => format!("[{}]", inner.text()),
            Self::Map(key, value) => format!("{{{}: {}}}", key.text(), value.text()),
            Self::Tuple(parts) => format!("({})", list(parts)),
            Self::Struct(name, fields) => {
                let fields: Vec<_> = fields.iter().map(|(field, shape)| format!("{field}: {}", shape.text())).collect();
                format!("{} {{{}}}", bare(name), fields.join(", "))
            }
            Self::Enum(name, variants) => format!("{} [{}]", bare(name), variants.join(", ")),
            Self::Newtype(name, inner) => format!("{}({})", bare(name), inner.text()),
            Self::Undescribed(inner) => inner.text(),
        }
    }
}

/// The name without the path in front that our own types carry.
fn bare(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests;
