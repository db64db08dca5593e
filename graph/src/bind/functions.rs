//! Functions and aggregates.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::functions::expr_fn;
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::utils::COUNT_STAR_EXPANSION;
use datafusion::logical_expr::{Expr, ExprFunctionExt, cast, lit, when};
use worldstore_cypher::ast::Name;
use worldstore_cypher::{Diagnostic, Span};

use super::expr::{Lower, Lowered, Names};
use super::join::column;
use super::kind::Kind;
use super::scope::Scope;
use super::{floats, mistake, unknown, unsupported, whole};

/// Everything that can be called, for "did you mean".
const KNOWN: [&str; 28] = [
    "abs",
    "avg",
    "ceil",
    "coalesce",
    "count",
    "datetime",
    "floor",
    "left",
    "ltrim",
    "max",
    "min",
    "replace",
    "right",
    "round",
    "rtrim",
    "sign",
    "size",
    "sqrt",
    "stDev",
    "stDevP",
    "substring",
    "sum",
    "toFloat",
    "toInteger",
    "toLower",
    "toString",
    "toUpper",
    "trim",
];

/// White space as Unicode has it.
const WHITE: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\
    \u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// A call with its arguments lowered.
pub(super) struct Called<'call> {
    pub function: &'call Name,
    pub distinct: bool,
    pub arguments: Vec<(Expr, Span)>,
    pub span: Span,
}

/// `count(*)`, over rows that each stand for so many matches if a weight is given.
pub(super) fn count_all(weight: Option<&Expr>) -> Expr {
    match weight {
        None => aggregate::count(lit(COUNT_STAR_EXPANSION)),
        Some(weight) => expr_fn::coalesce(vec![aggregate::sum(weight.clone()), lit(0_i64)]),
    }
}

/// `count(value)`, likewise.
fn count(value: Expr, weight: Option<&Expr>) -> Lowered {
    match weight {
        None => Ok(aggregate::count(value)),
        Some(weight) => {
            let counted = when(value.is_not_null(), weight.clone()).end();
            let failed = |error: datafusion::error::DataFusionError| mistake(Span::default(), error.strip_backtrace());
            Ok(count_all(Some(&counted.map_err(failed)?)))
        }
    }
}

/// True if there is an aggregate somewhere in it.
pub(super) fn has_aggregate(value: &Expr) -> bool {
    let mut found = false;
    // The closure never fails, so neither does the walk.
    let _ = value.apply(|part| {
        found |= matches!(part, Expr::AggregateFunction(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// Functions of a node or a relationship: `count(n)`, `type(r)`.
pub(super) fn of_variable(
    scope: &Scope,
    function: &str,
    variable: &str,
    distinct: bool,
    span: Span,
) -> Result<Option<Expr>, Diagnostic> {
    let (node, edge) = (scope.node(variable), scope.edge(variable));
    match (function.to_lowercase().as_str(), node, edge) {
        ("count", Some(node), _) if distinct => match &node.key {
            Some(key) => Ok(Some(aggregate::count_distinct(column(variable, key)))),
            None => {
                Err(mistake(span, format!("nodes of `{}` cannot be told apart, the label declares no key", node.label)))
            }
        },
        ("count", Some(_), _) | ("count", None, Some(_)) if !distinct => Ok(Some(count_all(scope.weight.as_ref()))),
        ("length", None, None) => {
            Ok(scope.path.as_ref().filter(|(name, _)| name == variable).map(|(_, length)| length.clone()))
        }
        ("type", None, Some(edge)) => match &edge.edge_type {
            Some(name) => Ok(Some(lit(name.as_str()))),
            None => Err(super::unsupported(span, "type() of a relationship that may be of several types")),
        },
        _ => Ok(None),
    }
}

/// Lowers a call.
pub(super) fn call(lower: &Lower, called: &Called) -> Lowered {
    let name = called.function.text.to_lowercase();
    if let Some(lowered) = aggregate_call(lower, called, &name) {
        return lowered;
    }
    if called.distinct {
        return Err(mistake(
            called.span,
            format!("`{}` is no aggregate, DISTINCT has no meaning", called.function.text),
        ));
    }
    if let Some(lowered) = text_call(lower, called, &name) {
        return lowered;
    }
    match name.as_str() {
        "abs" => Ok(expr_fn::abs(whole::wide(lower.schema, called.one(lower, &[Kind::Number])?))),
        "ceil" => Ok(expr_fn::ceil(called.float(lower)?)),
        "floor" => Ok(expr_fn::floor(called.float(lower)?)),
        "round" => rounded(called.float(lower)?),
        "sign" => Ok(cast(expr_fn::nanvl(expr_fn::signum(called.float(lower)?), lit(0.0_f64)), DataType::Int64)),
        "sqrt" => Ok(expr_fn::sqrt(called.float(lower)?)),
        "coalesce" if !called.arguments.is_empty() => {
            Ok(expr_fn::coalesce(called.arguments.iter().map(|(value, _)| value.clone()).collect()))
        }
        "tointeger" => to_integer(lower, called),
        "tofloat" if lower.is_of(called, Kind::Text) => Err(unsupported(called.span, "toFloat() of a text")),
        "tofloat" => called.float(lower),
        "datetime" => {
            let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            Ok(cast(called.one(lower, &[Kind::Text, Kind::Time])?, time))
        }
        // The language knows it, or the query would have been refused before.
        _ if matches!(lower.names, Names::Variables(_)) => {
            Err(unsupported(called.function.span, format!("the function `{}`", called.function.text)))
        }
        _ => Err(unknown("function", called.function, KNOWN)),
    }
}

fn text_call(lower: &Lower, called: &Called, name: &str) -> Option<Lowered> {
    let text = || called.one(lower, &[Kind::Text]);
    Some(match name {
        "toupper" => text().map(expr_fn::upper),
        "tolower" => text().map(expr_fn::lower),
        "trim" => text().map(|text| expr_fn::btrim(vec![text, lit(WHITE)])),
        "ltrim" => text().map(|text| expr_fn::ltrim(vec![text, lit(WHITE)])),
        "rtrim" => text().map(|text| expr_fn::rtrim(vec![text, lit(WHITE)])),
        "size" => text().map(|text| cast(expr_fn::character_length(text), DataType::Int64)),
        "tostring" => called.one(lower, &[Kind::Text, Kind::Number, Kind::Bool, Kind::Time]).and_then(|value| {
            match lower.is_exact_as_text(&value) {
                true => Ok(cast(value, DataType::Utf8)),
                false => Err(unsupported(called.span, "toString() of a float or a time")),
            }
        }),
        // What counts letters from the end, where the number is negative, is a mistake here.
        "left" | "right" | "substring" if !called.arguments.iter().skip(1).all(|(value, _)| is_natural(value)) => {
            Err(unsupported(called.span, format!("`{name}` with a number that is not written out")))
        }
        "left" => called.many(lower, &[Kind::Text, Kind::Number]).map(|[text, length]| expr_fn::left(text, length)),
        "right" => called.many(lower, &[Kind::Text, Kind::Number]).map(|[text, length]| expr_fn::right(text, length)),
        "replace" => called
            .many(lower, &[Kind::Text, Kind::Text, Kind::Text])
            .map(|[text, from, to]| expr_fn::replace(text, from, to)),
        // Cypher counts from 0, SQL from 1.
        "substring" if called.arguments.len() == 2 => called
            .many(lower, &[Kind::Text, Kind::Number])
            .map(|[text, start]| expr_fn::substr(text, start + lit(1_i64))),
        "substring" => called
            .many(lower, &[Kind::Text, Kind::Number, Kind::Number])
            .map(|[text, start, length]| expr_fn::substring(text, start + lit(1_i64), length)),
        _ => return None,
    })
}

/// The nearest whole number; of two, the greater one.
fn rounded(value: Expr) -> Lowered {
    let below = expr_fn::floor(value.clone());
    let is_above = (value - below.clone()).gt_eq(lit(0.5_f64));
    chosen(is_above, below.clone() + lit(1.0_f64), below)
}

/// Without fraction; null for what is out of range.
fn to_integer(lower: &Lower, called: &Called) -> Lowered {
    if lower.is_of(called, Kind::Text) {
        return Err(unsupported(called.span, "toInteger() of a text"));
    }
    let value = called.one(lower, &[Kind::Number, Kind::Bool])?;
    if !floats::is_float(lower.schema, &value) {
        return Ok(cast(value, DataType::Int64));
    }
    let value = whole::wide(lower.schema, value);
    let (least, beyond) = (lit(-9_223_372_036_854_775_808.0_f64), lit(9_223_372_036_854_775_808.0_f64));
    let is_in_range = value.clone().gt_eq(least).and(value.clone().lt(beyond));
    chosen(is_in_range, cast(value, DataType::Int64), lit(ScalarValue::Int64(None)))
}

fn chosen(condition: Expr, one: Expr, other: Expr) -> Lowered {
    let failed = |error: datafusion::error::DataFusionError| mistake(Span::default(), error.strip_backtrace());
    when(condition, one).otherwise(other).map_err(failed)
}

fn is_natural(value: &Expr) -> bool {
    matches!(value, Expr::Literal(ScalarValue::Int64(None | Some(0..)), _))
}

fn aggregate_call(lower: &Lower, called: &Called, name: &str) -> Option<Lowered> {
    let any = [Kind::Number, Kind::Text, Kind::Bool, Kind::Time];
    let weight = lower.weight().filter(|_| !called.distinct);
    let lowered = match name {
        "count" => called.one(lower, &[]).and_then(|value| count(value, weight)),
        "sum" | "avg" | "stdev" | "stdevp" if weight.is_some() => {
            Err(super::unsupported(called.span, "this aggregate over rows that stand for several matches"))
        }
        // The sum of nothing is 0 in Cypher.
        "sum" => called.one(lower, &[Kind::Number]).map(|value| whole::sum(lower.schema, value)),
        "avg" => called.one(lower, &[Kind::Number]).map(aggregate::avg),
        "min" => called.one(lower, &any).map(|value| floats::min(lower.schema, value)),
        "max" => called.one(lower, &any).map(|value| floats::max(lower.schema, value)),
        "stdev" => called.one(lower, &[Kind::Number]).map(aggregate::stddev),
        "stdevp" => called.one(lower, &[Kind::Number]).map(aggregate::stddev_pop),
        _ => return None,
    };
    Some(lowered.and_then(|value| {
        if called.arguments.iter().any(|(argument, _)| has_aggregate(argument)) {
            return Err(mistake(called.span, "an aggregate cannot stand in another"));
        }
        let failed = |error: datafusion::error::DataFusionError| mistake(called.span, error.strip_backtrace());
        let value = match called.distinct {
            true => value.distinct().build().map_err(failed)?,
            false => value,
        };
        match name {
            "sum" => Ok(expr_fn::coalesce(vec![whole::total(lower.schema, value), lit(0_i64)])),
            // Where there are too few rows to deviate.
            "stdev" | "stdevp" => Ok(expr_fn::coalesce(vec![value, lit(0.0_f64)])),
            "min" | "max" => match called.arguments.first() {
                Some((of, _)) => Ok(floats::extreme(lower.schema, of, value)),
                None => Ok(value),
            },
            _ => Ok(value),
        }
    }))
}

impl Called<'_> {
    /// The only argument; of any kind if none is named.
    fn one(&self, lower: &Lower, kinds: &[Kind]) -> Lowered {
        match (self.arguments.as_slice(), kinds) {
            ([(value, _)], []) => Ok(value.clone()),
            ([(value, span)], kinds) => lower.expect(value.clone(), kinds, *span),
            (other, _) => Err(self.wrong_number(1, other.len())),
        }
    }

    fn float(&self, lower: &Lower) -> Lowered {
        Ok(cast(self.one(lower, &[Kind::Number])?, DataType::Float64))
    }

    /// Arguments, one of each kind.
    fn many<const N: usize>(&self, lower: &Lower, kinds: &[Kind; N]) -> Result<[Expr; N], Diagnostic> {
        let checked =
            self.arguments.iter().zip(kinds).map(|((value, span), kind)| lower.expect(value.clone(), &[*kind], *span));
        let checked = checked.collect::<Result<Vec<_>, _>>()?;
        match self.arguments.len() == N {
            true => checked.try_into().map_err(|_| self.wrong_number(N, self.arguments.len())),
            false => Err(self.wrong_number(N, self.arguments.len())),
        }
    }

    fn wrong_number(&self, expected: usize, got: usize) -> Diagnostic {
        let arguments = if expected == 1 { "argument" } else { "arguments" };
        mistake(self.span, format!("`{}` takes {expected} {arguments}, not {got}", self.function.text))
    }
}
