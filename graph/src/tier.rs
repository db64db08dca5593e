//! How sure rows are: tiers and confidence, and what a query asks of them.
//!
//! A node or an edge says it in its columns `_tier` (a text) and `_confidence` (a number from 0 to 1); `COMPUTE` makes
//! them of other columns. What says nothing is observed, with the confidence 1. Several together are as sure as the
//! least sure of them.

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::DataType;
use datafusion::functions::expr_fn;
use datafusion::logical_expr::{Expr, cast, lit, when};
use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::{Functions, Map, RuntimeError, Value};

use crate::error::from_datafusion;

/// The column, or property, that says the tier.
pub(crate) const TIER: &str = "_tier";
/// The column, or property, that says the confidence.
pub(crate) const CONFIDENCE: &str = "_confidence";

/// Where a row comes from, the least sure first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Foretold by a model. What names no tier that is known counts as this, too.
    Predicted,
    /// Concluded from what was observed.
    Inferred,
    /// Measured or reported.
    Observed,
}

impl Tier {
    /// All, the least sure first.
    pub const ALL: [Self; 3] = [Self::Predicted, Self::Inferred, Self::Observed];

    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Predicted => "predicted",
            Self::Inferred => "inferred",
            Self::Observed => "observed",
        }
    }

    fn rank(self) -> i64 {
        match self {
            Self::Predicted => 0,
            Self::Inferred => 1,
            Self::Observed => 2,
        }
    }

    fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Observed,
            Some(Value::Text(text)) => text.parse().unwrap_or(Self::Predicted),
            Some(_) => Self::Predicted,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = Error;

    /// # Errors
    /// `Invalid` for anything but the three names, whose case does not matter.
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|tier| tier.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            Error::invalid("a tier is one of observed, inferred, predicted").with("tier", format!("{text:?}"))
        })
    }
}

/// How sure what a query reads must be at least. What is less sure is left out of every label, edge type and created
/// node, and the result says that this was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Minimum {
    /// The tier; any by default.
    pub tier: Option<Tier>,
    /// The confidence, from 0 to 1; any by default.
    pub confidence: Option<f64>,
}

impl Minimum {
    /// Asks for this tier or a surer one.
    #[must_use]
    pub fn with_tier(mut self, tier: Tier) -> Self {
        self.tier = Some(tier);
        self
    }

    /// Asks for this confidence or more.
    #[must_use]
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// True if nothing is asked.
    pub fn is_none(&self) -> bool {
        self.tier.is_none() && self.confidence.is_none()
    }

    /// Whether something with these properties is sure enough.
    pub(crate) fn admits(&self, properties: &Map) -> bool {
        let tier = self.tier.is_none_or(|least| Tier::of(properties.get(TIER)) >= least);
        tier && self.confidence.is_none_or(|least| confidence_of(properties.get(CONFIDENCE)) >= least)
    }

    /// The same as a condition on columns, of which there may be one, both or none.
    pub(crate) fn condition(&self, tier: Option<Expr>, confidence: Option<Expr>) -> Result<Option<Expr>> {
        let mut conditions = Vec::new();
        if let (Some(least), Some(column)) = (self.tier, tier) {
            conditions.push(rank(column)?.gt_eq(lit(least.rank())));
        }
        if let (Some(least), Some(column)) = (self.confidence, confidence) {
            conditions.push(sure(column).gt_eq(lit(least)));
        }
        Ok(conditions.into_iter().reduce(Expr::and))
    }
}

fn confidence_of(value: Option<&Value>) -> f64 {
    match value {
        None | Some(Value::Null) => 1.0,
        Some(Value::Int(number)) => *number as f64,
        Some(Value::Float(number)) if !number.is_nan() => *number,
        Some(_) => 0.0,
    }
}

/// How sure a column says that its row is.
fn rank(column: Expr) -> Result<Expr> {
    let text = expr_fn::lower(cast(column.clone(), DataType::Utf8));
    when(column.is_null().or(text.clone().eq(lit(Tier::Observed.name()))), lit(Tier::Observed.rank()))
        .when(text.eq(lit(Tier::Inferred.name())), lit(Tier::Inferred.rank()))
        .otherwise(lit(Tier::Predicted.rank()))
        .map_err(from_datafusion)
}

fn sure(column: Expr) -> Expr {
    expr_fn::coalesce(vec![cast(column, DataType::Float64), lit(1.0_f64)])
}

/// `tier(…)` of rows, by their columns, if they have one.
pub(crate) fn tier_of_columns(columns: Vec<Expr>) -> Result<Expr> {
    let ranks = columns.into_iter().map(rank).collect::<Result<Vec<_>>>()?;
    if ranks.is_empty() {
        return Ok(lit(Tier::Observed.name()));
    }
    let least = least(ranks)?;
    when(least.clone().eq(lit(Tier::Predicted.rank())), lit(Tier::Predicted.name()))
        .when(least.eq(lit(Tier::Inferred.rank())), lit(Tier::Inferred.name()))
        .otherwise(lit(Tier::Observed.name()))
        .map_err(from_datafusion)
}

/// `confidence(…)` of rows, by their columns, if they have one.
pub(crate) fn confidence_of_columns(columns: Vec<Expr>) -> Result<Expr> {
    match columns.is_empty() {
        true => Ok(lit(1.0_f64)),
        false => least(columns.into_iter().map(sure).collect()),
    }
}

fn least(values: Vec<Expr>) -> Result<Expr> {
    let mut values = values.into_iter();
    let first = values.next().ok_or_else(|| Error::unexpected("the least of nothing"))?;
    values.try_fold(first, |least, value| {
        when(value.clone().lt(least.clone()), value).otherwise(least).map_err(from_datafusion)
    })
}

/// `tier(…)` and `confidence(…)` of nodes, relationships, paths and lists of them.
#[derive(Debug)]
pub(crate) struct TierFunctions;

impl Functions for TierFunctions {
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Option<Value>, RuntimeError> {
        if arguments.is_empty() || !matches!(name, "tier" | "confidence") {
            return Ok(None);
        }
        let mut all = Vec::new();
        for argument in arguments {
            if !properties(name, argument, &mut all)? {
                return Ok(Some(Value::Null));
            }
        }
        Ok(Some(match name {
            "tier" => {
                let least = all.iter().map(|map| Tier::of(map.get(TIER))).min();
                Value::from(least.unwrap_or(Tier::Observed).name())
            }
            _ => Value::Float(all.iter().map(|map| confidence_of(map.get(CONFIDENCE))).fold(1.0, f64::min)),
        }))
    }
}

/// Gathers the properties of everything in a value; false if it is null.
fn properties<'value>(name: &str, value: &'value Value, all: &mut Vec<&'value Map>) -> Result<bool, RuntimeError> {
    match value {
        Value::Node(node) => all.push(&node.properties),
        Value::Relationship(relationship) => all.push(&relationship.properties),
        Value::Path(path) => {
            all.extend(path.nodes.iter().map(|node| &node.properties));
            all.extend(path.relationships.iter().map(|relationship| &relationship.properties));
        }
        Value::List(items) => {
            for item in items.iter() {
                if !properties(name, item, all)? {
                    return Ok(false);
                }
            }
        }
        Value::Null => return Ok(false),
        other => {
            let message = format!("`{name}` does not take {}", other.type_name());
            return Err(RuntimeError::argument_type(message));
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
