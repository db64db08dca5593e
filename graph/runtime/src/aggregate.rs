//! Aggregates: one value of many rows.

mod statistics;

use std::collections::HashSet;

use worldstore_cypher::ast::{Expr, ExprKind};

use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::{Env, eval};
use crate::temporal::Duration;
use crate::value::{List, Value};
use statistics::{Percentile, Spread};

/// True if the expression is an aggregate: `count(*)`, `sum(x)`, ….
pub fn is_aggregate(expr: &Expr) -> bool {
    kind_of(expr).is_some()
}

/// The aggregates in an expression, which may be the expression itself. Those in subqueries belong to these.
pub fn aggregates_of(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match is_aggregate(expr) {
        true => found.push(expr),
        false => expr.for_each_part(&mut |part| collect(part, found)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    CountAll,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Collect,
    Spread { of_sample: bool, is_root: bool },
    Percentile { is_discrete: bool },
}

fn kind_of(expr: &Expr) -> Option<Kind> {
    let ExprKind::Call { namespace, function, .. } = &expr.kind else {
        return matches!(expr.kind, ExprKind::CountAll).then_some(Kind::CountAll);
    };
    if !namespace.is_empty() {
        return None;
    }
    const KINDS: [(&str, Kind); 12] = [
        ("count", Kind::Count),
        ("sum", Kind::Sum),
        ("avg", Kind::Avg),
        ("min", Kind::Min),
        ("max", Kind::Max),
        ("collect", Kind::Collect),
        ("stdev", Kind::Spread { of_sample: true, is_root: true }),
        ("stddev", Kind::Spread { of_sample: true, is_root: true }),
        ("stdevp", Kind::Spread { of_sample: false, is_root: true }),
        ("variance", Kind::Spread { of_sample: true, is_root: false }),
        ("percentilecont", Kind::Percentile { is_discrete: false }),
        ("percentiledisc", Kind::Percentile { is_discrete: true }),
    ];
    KINDS.iter().find(|(name, _)| function.text.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

/// Takes rows, and gives the value of an aggregate over them.
#[derive(Debug)]
pub struct Accumulator<'a> {
    expr: &'a Expr,
    value: Option<&'a Expr>,
    percentile: Option<&'a Expr>,
    seen: Option<HashSet<Value>>,
    bytes: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Count(i64),
    Sum(Value),
    Avg(Mean),
    Least(Option<Value>),
    Most(Option<Value>),
    Collect(Vec<Value>),
    Spread(Spread),
    Percentile(Percentile),
}

#[derive(Debug)]
struct Mean {
    sum: Value,
    count: i64,
}

impl<'a> Accumulator<'a> {
    /// An aggregate over no rows yet.
    ///
    /// # Errors
    /// `SyntaxError`: it is no aggregate, or takes another number of arguments.
    pub fn new(expr: &'a Expr) -> Result<Self> {
        let wrong = |detail| RuntimeError::new(ErrorClass::SyntaxError, detail, "this is no aggregate").at(expr.span);
        let kind = kind_of(expr).ok_or_else(|| wrong(ErrorDetail::InvalidArgumentType))?;
        let (arguments, distinct) = match &expr.kind {
            ExprKind::Call { arguments, distinct, .. } => (arguments.as_slice(), *distinct),
            _ => (&[][..], false),
        };
        let (value, percentile) = match (kind, arguments) {
            (Kind::CountAll, []) => (None, None),
            (Kind::Percentile { .. }, [value, percentile]) => (Some(value), Some(percentile)),
            (Kind::CountAll | Kind::Percentile { .. }, _) => return Err(wrong(ErrorDetail::InvalidNumberOfArguments)),
            (_, [value]) => (Some(value), None),
            _ => return Err(wrong(ErrorDetail::InvalidNumberOfArguments)),
        };
        let seen = distinct.then(HashSet::new);
        Ok(Self { expr, value, percentile, seen, bytes: 0, state: State::of(kind) })
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a row; nulls are left out.
    ///
    /// # Errors
    /// As [`eval`]; `TypeError` for a value that the aggregate does not take; `ArithmeticError` for a sum beyond 64
    /// bits; `LimitError` if a collected list becomes too large.
    pub fn add(&mut self, env: &Env<'_>) -> Result<()> {
        self.add_row(env).map_err(|error| error.at(self.expr.span))
    }

    fn add_row(&mut self, env: &Env<'_>) -> Result<()> {
        env.context().step()?;
        if let (State::Percentile(percentile), Some(expr)) = (&mut self.state, self.percentile) {
            percentile.ask(&eval(expr, env)?)?;
        }
        let value = match self.value {
            None => Value::Bool(true),
            Some(expr) => eval(expr, env)?,
        };
        if value.is_null() {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen {
            if seen.contains(&value) {
                return Ok(());
            }
            self.bytes = self.bytes.saturating_add(value.bytes());
            seen.insert(value.clone());
        }
        if matches!(self.state, State::Collect(_) | State::Percentile(_)) {
            self.bytes = self.bytes.saturating_add(value.bytes());
        }
        let limit = env.context().value_bytes_max();
        if self.bytes > limit {
            return Err(RuntimeError::too_large(limit));
        }
        self.state.add(value)
    }

    /// The value over all rows.
    ///
    /// # Errors
    /// `LimitError`: a collected list is too large or too deep.
    pub fn finish(self, env: &Env<'_>) -> Result<Value> {
        let value = self.state.finish().map_err(|error| error.at(self.expr.span))?;
        value.bounded(env.context().value_bytes_max()).map_err(|error| error.at(self.expr.span))
    }
}

impl State {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::CountAll | Kind::Count => Self::Count(0),
            Kind::Sum => Self::Sum(Value::Int(0)),
            Kind::Avg => Self::Avg(Mean { sum: Value::Null, count: 0 }),
            Kind::Min => Self::Least(None),
            Kind::Max => Self::Most(None),
            Kind::Collect => Self::Collect(Vec::new()),
            Kind::Spread { of_sample, is_root } => Self::Spread(Spread::new(of_sample, is_root)),
            Kind::Percentile { is_discrete } => Self::Percentile(Percentile::new(is_discrete)),
        }
    }

    fn add(&mut self, value: Value) -> Result<()> {
        match self {
            Self::Count(count) => *count += 1,
            Self::Sum(sum) => *sum = plus(sum, &value)?,
            Self::Avg(mean) => mean.add(&value)?,
            Self::Least(least) => {
                if least.as_ref().is_none_or(|least| value < *least) {
                    *least = Some(value);
                }
            }
            Self::Most(most) => {
                if most.as_ref().is_none_or(|most| value > *most) {
                    *most = Some(value);
                }
            }
            Self::Collect(items) => items.push(value),
            Self::Spread(spread) => spread.add(&value)?,
            Self::Percentile(percentile) => percentile.add(value)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Value> {
        match self {
            Self::Count(count) => Ok(Value::Int(count)),
            Self::Sum(sum) => Ok(sum),
            Self::Avg(mean) => mean.finish(),
            Self::Least(value) | Self::Most(value) => Ok(value.into()),
            Self::Collect(items) => Ok(List::new(items).into()),
            Self::Spread(spread) => Ok(spread.finish()),
            Self::Percentile(percentile) => Ok(percentile.finish()),
        }
    }
}

fn no_number(value: &Value) -> RuntimeError {
    RuntimeError::argument_type(format!("expected a number, found {}", value.type_name()))
}

/// The sum of numbers or of durations; the integer zero is neutral.
fn plus(sum: &Value, value: &Value) -> Result<Value> {
    match (sum, value) {
        (Value::Int(sum), Value::Int(value)) => {
            sum.checked_add(*value).map(Value::Int).ok_or_else(RuntimeError::overflow)
        }
        (Value::Int(0), Value::Duration(_)) => Ok(value.clone()),
        (Value::Duration(sum), Value::Duration(value)) => Ok(sum.plus(value)?.into()),
        _ => match (sum.as_float(), value.as_float()) {
            (Some(sum), Some(value)) => Ok(Value::Float(sum + value)),
            _ => Err(no_number(value)),
        },
    }
}

impl Mean {
    fn add(&mut self, value: &Value) -> Result<()> {
        self.count += 1;
        self.sum = match (&self.sum, value) {
            (Value::Null, Value::Duration(_)) => value.clone(),
            (Value::Duration(sum), Value::Duration(value)) => Duration::plus(sum, value)?.into(),
            (sum @ (Value::Null | Value::Float(_)), _) => {
                let value = value.as_float().ok_or_else(|| no_number(value))?;
                Value::Float(sum.as_float().unwrap_or(0.0) + value)
            }
            _ => return Err(no_number(value)),
        };
        Ok(())
    }

    fn finish(self) -> Result<Value> {
        match self.sum {
            Value::Duration(sum) => Ok(sum.divided(self.count as f64)?.into()),
            Value::Float(sum) => Ok(Value::Float(sum / self.count as f64)),
            _ => Ok(Value::Null),
        }
    }
}

#[cfg(test)]
mod tests;
