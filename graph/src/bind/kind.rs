//! Kinds of types: what an operator takes, and what compares with what.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Expr, ExprSchemable};
use worldstore_cypher::{Diagnostic, Span};

use super::expr::{Lower, Lowered};
use super::functions::Called;
use super::{mistake, unsupported};

/// Types that compare with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Time,
    List,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool,
            number if number.is_numeric() => Self::Number,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) => Self::of(value),
            time if time.is_temporal() => Self::Time,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Self::List,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Time => "a time",
            Self::List => "a list",
            Self::Other => "a structure",
        }
    }
}

impl Lower<'_> {
    /// Checks that a condition is one.
    pub fn expect_bool(&self, value: Expr, span: Span) -> Lowered {
        self.expect(value, &[Kind::Bool], span)
    }

    pub(super) fn kind(&self, value: &Expr, span: Span) -> Result<Kind, Diagnostic> {
        let data_type = value.get_type(self.schema);
        let failed = |error: datafusion::error::DataFusionError| mistake(span, error.strip_backtrace());
        Ok(Kind::of(&data_type.map_err(failed)?))
    }

    pub(super) fn expect(&self, value: Expr, kinds: &[Kind], span: Span) -> Lowered {
        let kind = self.kind(&value, span)?;
        match kind == Kind::Null || kinds.contains(&kind) {
            true => Ok(value),
            false => {
                let expected: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                Err(mistake(span, format!("expected {}, found {}", expected.join(" or "), kind.name())))
            }
        }
    }

    pub(super) fn comparable(&self, left: &Expr, right: &Expr, span: Span) -> Result<(), Diagnostic> {
        match (self.kind(left, span)?, self.kind(right, span)?) {
            (Kind::Null, _) | (_, Kind::Null) => Ok(()),
            // What they contain does not say which node or relationship it is, and nulls in lists are unknown.
            (Kind::Other | Kind::List, Kind::Other | Kind::List) => {
                Err(unsupported(span, "comparing structures and lists"))
            }
            (Kind::Time, Kind::Time) if !self.are_alike(left, right) => {
                Err(unsupported(span, "comparing a time with one of another type"))
            }
            (one, other) if one == other => Ok(()),
            (one, other) => {
                let error = mistake(span, format!("{} cannot be compared with {}", one.name(), other.name()));
                match one == Kind::Time || other == Kind::Time {
                    true => Err(error.with_help("write a time as datetime('2013-01-31T05:00:00Z')".to_owned())),
                    false => Err(error),
                }
            }
        }
    }

    /// True for times of which both or neither have a day, an hour and a zone.
    fn are_alike(&self, left: &Expr, right: &Expr) -> bool {
        let class = |value: &Expr| {
            value.get_type(self.schema).ok().map(|data_type| match data_type {
                DataType::Date32 | DataType::Date64 => DataType::Date32,
                DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
                DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.map(|_| "".into())),
                other => other,
            })
        };
        class(left) == class(right)
    }

    /// True for what Arrow writes as the language does.
    pub(super) fn is_exact_as_text(&self, value: &Expr) -> bool {
        let data_type = value.get_type(self.schema);
        data_type.is_ok_and(|data_type| {
            data_type.is_integer() || matches!(Kind::of(&data_type), Kind::Text | Kind::Bool | Kind::Null)
        })
    }

    /// True if the first argument is of a kind.
    pub(super) fn is_of(&self, called: &Called, kind: Kind) -> bool {
        called.arguments.first().is_some_and(|(value, span)| self.kind(value, *span).ok() == Some(kind))
    }

    /// True for what is neither null nor a plain value.
    pub(super) fn is_nested(&self, value: &Expr) -> bool {
        let data_type = value.get_type(self.schema);
        data_type.is_ok_and(|data_type| matches!(Kind::of(&data_type), Kind::Other | Kind::List))
    }
}
