//! What the values of an append have in common, by which reads skip appends or take them whole.
//!
//! A world appends tick by tick, so nearly every append has one world, one run, one tick and one sequence number. Asking
//! for a tick then costs a comparison for each append that is buffered, not one for each row.

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use worldstore_core::table::{CompareOp, Predicate, Scalar, base};

/// The columns that are looked at.
const COLUMNS: [&str; 6] = [base::WORLD, base::RUN, base::ENTITY, base::TICK, base::ACTIVE, base::SEQ];

/// What is known of the values of a column. Columns with nulls, and of other types, are not known.
#[derive(Debug, Clone, PartialEq)]
enum Span {
    /// Integers, or booleans as 0 and 1, from the least to the greatest.
    Numbers(i128, i128),
    /// All are this text.
    Text(String),
}

/// What is known of the rows of an append. It is found out when it is asked for first: who only appends does not pay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(OnceLock<Vec<(&'static str, Span)>>);

impl Spans {
    /// Whether the predicate is true for all rows, or for none; none if only the rows can tell.
    pub fn decide(&self, predicate: &Predicate, batches: &[RecordBatch]) -> Option<bool> {
        let spans = self.0.get_or_init(|| of(batches));
        decide(predicate, spans)
    }
}

fn decide(predicate: &Predicate, spans: &[(&str, Span)]) -> Option<bool> {
    let span = |column: &str| spans.iter().find(|(name, _)| *name == column).map(|(_, span)| span);
    match predicate {
        Predicate::Compare { column, op, value } => compare(span(column)?, *op, value),
        Predicate::IsNull(column) => span(column).map(|_| false),
        Predicate::IsNotNull(column) => span(column).map(|_| true),
        Predicate::And(all) => unless(false, all, spans),
        Predicate::Or(any) => unless(true, any, spans),
        Predicate::Not(inner) => decide(inner, spans).map(|holds| !holds),
        _ => None,
    }
}

/// `decisive` if one part is, the other if all parts are.
fn unless(decisive: bool, parts: &[Predicate], spans: &[(&str, Span)]) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for part in parts {
        match decide(part, spans) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => outcome = None,
        }
    }
    outcome
}

fn compare(span: &Span, op: CompareOp, value: &Scalar) -> Option<bool> {
    match (span, value) {
        (Span::Numbers(least, greatest), value) => {
            let value = match value {
                Scalar::Int(value) => i128::from(*value),
                Scalar::UInt(value) => i128::from(*value),
                Scalar::Bool(value) => i128::from(*value),
                _ => return None,
            };
            numbers(*least, *greatest, op, value)
        }
        (Span::Text(text), Scalar::Text(value)) => Some(match op {
            CompareOp::Eq => text == value,
            CompareOp::NotEq => text != value,
            CompareOp::Lt => text < value,
            CompareOp::LtEq => text <= value,
            CompareOp::Gt => text > value,
            CompareOp::GtEq => text >= value,
        }),
        _ => None,
    }
}

fn numbers(least: i128, greatest: i128, op: CompareOp, value: i128) -> Option<bool> {
    // True for all, true for none.
    let (all, none) = match op {
        CompareOp::Eq => (least == value && greatest == value, value < least || greatest < value),
        CompareOp::NotEq => (value < least || greatest < value, least == value && greatest == value),
        CompareOp::Lt => (greatest < value, least >= value),
        CompareOp::LtEq => (greatest <= value, least > value),
        CompareOp::Gt => (least > value, greatest <= value),
        CompareOp::GtEq => (least >= value, greatest < value),
    };
    match (all, none) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Only appends with rows are kept: values of none have nothing in common.
fn of(batches: &[RecordBatch]) -> Vec<(&'static str, Span)> {
    let whole = |name: &str| {
        let mut spans = batches.iter().map(|batch| of_column(batch.column_by_name(name)?));
        let first = spans.next()??;
        spans.try_fold(first, |whole, span| joined(whole, span?))
    };
    COLUMNS.into_iter().filter_map(|name| Some((name, whole(name)?))).collect()
}

fn joined(one: Span, other: Span) -> Option<Span> {
    match (one, other) {
        (Span::Numbers(least, greatest), Span::Numbers(low, high)) => {
            Some(Span::Numbers(least.min(low), greatest.max(high)))
        }
        (Span::Text(text), Span::Text(same)) if text == same => Some(Span::Text(text)),
        _ => None,
    }
}

fn of_column(column: &ArrayRef) -> Option<Span> {
    if column.null_count() > 0 || column.is_empty() {
        return None;
    }
    match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive_opt::<Int64Type>()?;
            Some(Span::Numbers(min(values)?.into(), max(values)?.into()))
        }
        DataType::UInt64 => {
            let values = column.as_primitive_opt::<UInt64Type>()?;
            Some(Span::Numbers(min(values)?.into(), max(values)?.into()))
        }
        DataType::Boolean => of_booleans(column.as_boolean_opt()?),
        DataType::Utf8 => of_texts(column.as_string_opt::<i32>()?),
        _ => None,
    }
}

fn of_booleans(values: &BooleanArray) -> Option<Span> {
    let set = values.values().count_set_bits();
    Some(Span::Numbers(i128::from(set == values.len()), i128::from(set > 0)))
}

/// The text that all values are: they have one length, and the bytes repeat themselves.
fn of_texts(values: &StringArray) -> Option<Span> {
    let (offsets, length) = (values.value_offsets(), values.value_length(0));
    if offsets.windows(2).any(|pair| pair[1] - pair[0] != length) {
        return None;
    }
    let (start, end) = (*offsets.first()? as usize, *offsets.last()? as usize);
    let (bytes, length) = (values.value_data().get(start..end)?, length as usize);
    let repeats = bytes.get(length..)? == bytes.get(..bytes.len() - length)?;
    repeats.then(|| Span::Text(values.value(0).to_owned()))
}

#[cfg(test)]
mod tests;
