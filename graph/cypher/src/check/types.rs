//! Types as far as the text tells them.

use crate::ast::{BinaryOp, Literal};

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// Nobody knows before it runs.
    Any,
    Null,
    Bool,
    Int,
    Float,
    Text,
    Map,
    Node,
    Edge,
    Path,
    List(Box<Type>),
}

impl Type {
    pub(super) fn of(literal: &Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(_) => Self::Bool,
            Literal::Int(_) => Self::Int,
            Literal::Float(_) => Self::Float,
            Literal::Text(_) => Self::Text,
        }
    }

    /// True if it may be null, or nothing is known.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Any | Self::Null)
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// True for what is neither a list, a map nor part of a graph.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Bool | Self::Int | Self::Float | Self::Text)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    /// The elements of a list.
    pub(super) fn element(&self) -> Self {
        match self {
            Self::List(element) => (**element).clone(),
            _ => Self::Any,
        }
    }

    pub(super) fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// What both are; null is anything.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Null, other) => other,
            (one, Self::Null) => one,
            _ => Self::Any,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Float => "a float",
            Self::Text => "a text",
            Self::Map => "a map",
            Self::Node => "a node",
            Self::Edge => "a relationship",
            Self::Path => "a path",
            Self::List(_) => "a list",
        }
    }
}

/// What arithmetic with `operator` makes of two types.
pub(super) fn arithmetic(operator: BinaryOp, left: &Type, right: &Type) -> Type {
    match (left, right) {
        (Type::Int, Type::Int) if operator != BinaryOp::Power => Type::Int,
        (left, right) if left.is_number() && right.is_number() => Type::Float,
        (Type::Text, right) | (right, Type::Text) if operator == BinaryOp::Add && right.is_plain() => Type::Text,
        (Type::List(_), Type::List(_)) if operator == BinaryOp::Add => Type::list(left.element().join(right.element())),
        (Type::List(_), _) | (_, Type::List(_)) if operator == BinaryOp::Add => Type::list(Type::Any),
        _ => Type::Any,
    }
}
