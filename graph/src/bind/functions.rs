//! Functions and aggregates.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::functions::expr_fn;
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::utils::COUNT_STAR_EXPANSION;
use datafusion::logical_expr::{Expr, ExprFunctionExt, cast, lit, when};
use worldstore_cypher::ast::Name;
use worldstore_cypher::{Diagnostic, Span};

use super::expr::{Kind, Lower, Names};
use super::join::column;
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

/// A call with its arguments lowered.
pub(super) struct Called<'call> {
    pub function: &'call Name,
    pub distinct: bool,
    pub arguments: Vec<(Expr, Span)>,
    pub span: Span,
}

type Lowered = Result<Expr, Diagnostic>;

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
        "round" => Ok(expr_fn::round(vec![called.float(lower)?])),
        "sign" => Ok(cast(expr_fn::signum(called.float(lower)?), DataType::Int64)),
        "sqrt" => Ok(expr_fn::sqrt(called.float(lower)?)),
        "coalesce" if !called.arguments.is_empty() => {
            Ok(expr_fn::coalesce(called.arguments.iter().map(|(value, _)| value.clone()).collect()))
        }
        "tointeger" => Ok(cast(called.one(lower, &[Kind::Number, Kind::Text, Kind::Bool])?, DataType::Int64)),
        "tofloat" => Ok(cast(called.one(lower, &[Kind::Number, Kind::Text])?, DataType::Float64)),
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
        "trim" => text().map(|text| expr_fn::btrim(vec![text])),
        "ltrim" => text().map(|text| expr_fn::ltrim(vec![text])),
        "rtrim" => text().map(|text| expr_fn::rtrim(vec![text])),
        "size" => text().map(|text| cast(expr_fn::character_length(text), DataType::Int64)),
        "tostring" => called
            .one(lower, &[Kind::Text, Kind::Number, Kind::Bool, Kind::Time])
            .map(|value| cast(value, DataType::Utf8)),
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
