//! Functions by name: which there are, which of them aggregate, and what they take and give where that is certain.

use super::types::Type;
use crate::ast::{Expr, ExprKind};

/// Functions that make one value of many rows.
const AGGREGATES: [&str; 12] = [
    "avg",
    "collect",
    "count",
    "max",
    "min",
    "percentileCont",
    "percentileDisc",
    "stDev",
    "stDevP",
    "sum",
    "stddev",
    "variance",
];

/// All other functions of openCypher, of its usual dialects, and of the graph. Functions in a namespace are not listed:
/// whoever runs the query knows them.
#[rustfmt::skip]
const SCALARS: [&str; 88] = [
    "abs", "acos", "asin", "atan", "atan2", "ceil", "char_length", "character_length", "coalesce", "confidence", "cos",
    "cosh", "cot", "coth", "date", "datetime", "degrees", "duration", "e", "elementId", "endNode", "epoch", "exists",
    "exp", "file", "floor", "haversin", "head", "id", "isEmpty", "isNaN", "keys", "labels", "last", "left", "length",
    "localdatetime", "localtime", "log", "log10", "lower", "ltrim", "nodes", "nullIf", "pi", "point", "point.distance",
    "properties", "radians", "rand", "randomUUID", "range", "relationships", "rels", "replace", "reverse", "right",
    "round", "rtrim", "sign", "sin", "sinh", "size", "split", "sqrt", "startNode", "substring", "tail", "tan", "tanh",
    "tier", "time", "timestamp", "toBoolean", "toBooleanOrNull", "toFloat", "toFloatOrNull", "toInteger",
    "toIntegerOrNull", "toLower", "toString", "toStringOrNull", "toUpper", "trim", "type", "upper", "valueType", "pow",
];

/// Functions whose value depends on chance.
const RANDOM: [&str; 2] = ["rand", "randomUUID"];

/// True for a function without namespace that is known; case does not matter.
pub(super) fn is_known(name: &str) -> bool {
    known().any(|known| known.eq_ignore_ascii_case(name))
}

/// Names that a mistake may have been meant for.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    AGGREGATES.into_iter().chain(SCALARS)
}

/// True for a function without namespace that makes one value of many rows, as `count` or `percentileDisc`; case does not
/// matter. `count(*)` is an expression of its own.
///
/// ```
/// use worldstore_cypher::is_aggregate;
///
/// assert!(is_aggregate("count") && is_aggregate("STDDEV") && !is_aggregate("size"));
/// ```
pub fn is_aggregate(name: &str) -> bool {
    AGGREGATES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

pub(super) fn is_random(name: &str) -> bool {
    RANDOM.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// True if an aggregate stands in the expression, or is it.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.any_part(&mut |part| match &part.kind {
        ExprKind::CountAll => true,
        ExprKind::Call { namespace, function, .. } => namespace.is_empty() && is_aggregate(&function.text),
        _ => false,
    })
}

/// True if a function does not take a value of this type as its first argument.
pub(super) fn refuses(name: &str, argument: &Type) -> bool {
    match (name, argument) {
        (_, Type::Any | Type::Null) => false,
        ("labels", Type::Node) | ("type", Type::Edge) => false,
        ("labels" | "type", Type::Path | Type::Node | Type::Edge) => true,
        ("properties", other) => !matches!(other, Type::Map | Type::Node | Type::Edge),
        ("size", Type::Path | Type::Node | Type::Edge) => true,
        ("length" | "nodes" | "relationships", Type::Node | Type::Edge) => true,
        _ => false,
    }
}

/// What a function gives, where that does not depend on anything.
pub(super) fn result(name: &str, arguments: &[Type]) -> Type {
    match name {
        "count" | "size" | "length" | "id" | "tointeger" | "sign" => Type::Int,
        "rand" | "sqrt" | "tofloat" | "pi" | "e" | "exp" | "log" | "log10" | "sin" | "cos" | "tan" => Type::Float,
        "tostring" | "toupper" | "tolower" | "trim" | "ltrim" | "rtrim" | "replace" | "substring" | "left"
        | "right" | "type" => Type::Text,
        "exists" | "toboolean" | "isempty" => Type::Bool,
        "nodes" => Type::list(Type::Node),
        "relationships" => Type::list(Type::Edge),
        "labels" | "keys" | "split" => Type::list(Type::Text),
        "range" => Type::list(Type::Int),
        "collect" => Type::list(arguments.first().cloned().unwrap_or(Type::Any)),
        "properties" => Type::Map,
        "startnode" | "endnode" => Type::Node,
        _ => Type::Any,
    }
}
