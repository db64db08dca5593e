//! Deviations and percentiles.

use super::no_number;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::value::Value;

/// Standard deviation or variance, in one pass (Welford).
#[derive(Debug)]
pub(super) struct Spread {
    of_sample: bool,
    is_root: bool,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Of a sample (divided by n - 1) or of all; the deviation, or the variance.
    pub fn new(of_sample: bool, is_root: bool) -> Self {
        Self { of_sample, is_root, count: 0.0, mean: 0.0, squares: 0.0 }
    }

    pub fn add(&mut self, value: &Value) -> Result<()> {
        let value = value.as_float().ok_or_else(|| no_number(value))?;
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
        Ok(())
    }

    /// Zero for fewer rows than it needs.
    pub fn finish(&self) -> Value {
        let count = if self.of_sample { self.count - 1.0 } else { self.count };
        let variance = if count > 0.0 { self.squares / count } else { 0.0 };
        Value::Float(if self.is_root { variance.sqrt() } else { variance })
    }
}

/// The value below which a part of all values lies.
#[derive(Debug)]
pub(super) struct Percentile {
    is_discrete: bool,
    part: Option<f64>,
    values: Vec<Value>,
}

impl Percentile {
    /// One of the values, or a value between two.
    pub fn new(is_discrete: bool) -> Self {
        Self { is_discrete, part: None, values: Vec::new() }
    }

    /// Sets the part, 0 to 1.
    pub fn ask(&mut self, part: &Value) -> Result<()> {
        let part = part.as_float().ok_or_else(|| no_number(part))?;
        if !(0.0..=1.0).contains(&part) {
            let message = format!("the percentile {part} is not from 0 to 1");
            return Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::NumberOutOfRange, message));
        }
        self.part = Some(part);
        Ok(())
    }

    pub fn add(&mut self, value: Value) -> Result<()> {
        match value {
            Value::Int(_) | Value::Float(_) => self.values.push(value),
            other => return Err(no_number(&other)),
        }
        Ok(())
    }

    /// Null for no rows.
    pub fn finish(mut self) -> Value {
        self.values.sort();
        let (Some(part), Some(last)) = (self.part, self.values.len().checked_sub(1)) else { return Value::Null };
        if self.is_discrete {
            let place = (part * self.values.len() as f64).ceil() as usize;
            return self.values.get(place.saturating_sub(1).min(last)).cloned().unwrap_or_default();
        }
        let place = part * last as f64;
        let at = |place: f64| self.values.get(place as usize).and_then(Value::as_float).unwrap_or(0.0);
        let (below, above) = (at(place.floor()), at(place.ceil()));
        Value::Float(below + (above - below) * place.fract())
    }
}
