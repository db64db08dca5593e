//! Aggregating over row groups in place of rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, StringArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::logical_expr::Aggregate;
use worldstore_core::Result;

use super::super::bounds::{Bounds, HIGH, HIGH_EXACT, Kind, LOW, LOW_EXACT, Value, Values};
use super::super::choice::{Choice, evaluate};
use super::super::interval::Unit;
use super::super::provider::LakeTable;
use super::super::summary::Summaries;
use super::question::{Asked, Question, Subject};
use crate::error::from_datafusion;

/// The columns of an aggregation, in the order of its schema; none if footers do not decide it.
///
/// # Errors
/// Those of listing and of reading footers.
pub(super) async fn aggregate(question: &Question, aggregate: &Aggregate) -> Result<Option<Vec<ArrayRef>>> {
    let Some(table) = question.table() else { return Ok(None) };
    let choice = table.choose(&question.filters).await?;
    let groups = Groups::new(question, &choice)?;
    let Some((groups, pruned)) = summed(question, table, &choice, groups) else { return Ok(None) };
    let types: Vec<&DataType> = aggregate.schema.fields().iter().map(|field| field.data_type()).collect();
    let Some(columns) = groups.finish(&types) else { return Ok(None) };
    let row_groups = {
        let summaries = table.label.summaries();
        choice.entries.iter().map(|entry| summaries.units(*entry).len() as u64).sum::<u64>()
    };
    let scanned = table.count(&choice, choice.entries.len() as u64, row_groups - pruned)?;
    table.counters.add_scan(&scanned);
    Ok(Some(columns))
}

/// Adds all row groups up, and counts those that no row fulfils; none if one is not decided.
fn summed(question: &Question, table: &LakeTable, choice: &Choice, mut groups: Groups) -> Option<(Groups, u64)> {
    let summaries = table.label.summaries();
    if choice.conditions.is_empty()
        && groups.encoded.is_none()
        && groups.asked.iter().all(|asked| *asked == Asked::Rows)
    {
        let rows = choice.entries.iter().try_fold(0_u64, |sum, entry| sum.checked_add(summaries.rows_of(*entry)))?;
        groups.found.iter_mut().flat_map(|group| &mut group.sums).for_each(|sum| *sum = Sum::Count(rows));
        return Some((groups, 0));
    }
    let mut pruned = 0;
    for (file, _, entry) in choice.files() {
        for unit in summaries.units(entry) {
            let rows = summaries.rows.get(unit).copied().filter(|rows| *rows > 0);
            let Some(rows) = rows else { continue };
            let unit = Unit { summaries: &summaries, unit, values: &choice.listing.values, file };
            if choice.rules_out(&unit) {
                pruned += 1;
                continue;
            }
            if !choice.conditions.iter().all(|condition| condition.is_certain(&unit)) {
                return None;
            }
            let group = groups.of(file)?;
            for (asked, sum) in question.asked.iter().zip(&mut group.sums) {
                add(asked, sum, rows, &unit, &summaries)?;
            }
        }
    }
    Some((groups, pruned))
}

/// Groups, in the order in which they were found.
struct Groups {
    asked: Vec<Asked>,
    /// The values of what is grouped by, one per file.
    keys: Vec<ArrayRef>,
    /// The same as bytes; none if nothing is grouped by.
    encoded: Option<arrow::row::Rows>,
    numbers: HashMap<OwnedRow, usize>,
    found: Vec<Group>,
}

struct Group {
    /// A file of the group.
    file: usize,
    sums: Vec<Sum>,
}

/// An aggregate so far.
#[derive(Debug, Clone)]
enum Sum {
    Count(u64),
    Whole(Option<i128>),
    Extreme(Option<Value>),
}

impl Groups {
    fn new(question: &Question, choice: &Choice) -> Result<Self> {
        let values = &choice.listing.values;
        let key = |expr| evaluate(expr, values).and_then(|value| value.into_array(values.num_rows()));
        let keys = question.keys.iter().map(key).collect::<Result<Vec<_>, _>>().map_err(from_datafusion)?;
        let failed = |source| worldstore_core::Error::unexpected("path values cannot be compared").caused_by(source);
        let encoded = match keys.is_empty() {
            true => None,
            false => {
                let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
                let rows = RowConverter::new(fields).and_then(|converter| converter.convert_columns(&keys));
                Some(rows.map_err(failed)?)
            }
        };
        let mut groups =
            Self { asked: question.asked.clone(), keys, encoded, numbers: HashMap::new(), found: Vec::new() };
        if groups.encoded.is_none() {
            // Without grouping there is one row, even if there is nothing to count.
            let all = groups.empty(0);
            groups.found.push(all);
        }
        Ok(groups)
    }

    fn empty(&self, file: usize) -> Group {
        let sum = |asked: &Asked| match asked {
            Asked::Rows | Asked::Values(_) => Sum::Count(0),
            Asked::Sum(_) => Sum::Whole(None),
            Asked::Least(_) | Asked::Greatest(_) => Sum::Extreme(None),
        };
        Group { file, sums: self.asked.iter().map(sum).collect() }
    }

    /// The group of a file.
    fn of(&mut self, file: usize) -> Option<&mut Group> {
        let number = match &self.encoded {
            None => 0,
            Some(rows) => {
                let row = rows.row(file).owned();
                match self.numbers.get(&row) {
                    Some(number) => *number,
                    None => {
                        let group = self.empty(file);
                        self.found.push(group);
                        self.numbers.insert(row, self.found.len() - 1);
                        self.found.len() - 1
                    }
                }
            }
        };
        self.found.get_mut(number)
    }

    /// The columns, with these types.
    fn finish(self, types: &[&DataType]) -> Option<Vec<ArrayRef>> {
        let files = UInt64Array::from_iter_values(self.found.iter().map(|group| group.file as u64));
        let mut columns = self.keys.iter().map(|key| take(key, &files, None).ok()).collect::<Option<Vec<_>>>()?;
        for index in 0..self.asked.len() {
            let sums = self.found.iter().map(|group| group.sums.get(index)).collect::<Option<Vec<_>>>()?;
            columns.push(column(&sums, types.get(columns.len())?)?);
        }
        let typed = columns.iter().zip(types).map(|(column, data_type)| match column.data_type() == *data_type {
            true => Some(Arc::clone(column)),
            false => cast(column, data_type).ok(),
        });
        (columns.len() == types.len()).then(|| typed.collect()).flatten()
    }
}

/// Adds a row group, all of whose rows count; none if its footer does not say enough.
fn add(asked: &Asked, sum: &mut Sum, rows: u64, unit: &Unit<'_>, summaries: &Summaries) -> Option<()> {
    match (asked, sum) {
        (Asked::Rows, Sum::Count(count)) => *count = count.checked_add(rows)?,
        (Asked::Values(subject), Sum::Count(count)) => {
            let values = match subject {
                Subject::File(index) => rows.checked_sub(summaries.columns.get(*index)?.nulls(unit.unit)?)?,
                Subject::Path(index) if unit.values.columns().get(*index)?.is_null(unit.file) => 0,
                Subject::Path(_) => rows,
            };
            *count = count.checked_add(values)?;
        }
        (Asked::Sum(index), Sum::Whole(sum)) => {
            let numbers = unit.values.columns().get(*index)?.as_primitive_opt::<Int64Type>()?;
            if numbers.is_valid(unit.file) {
                let all = i128::from(numbers.value(unit.file)).checked_mul(i128::from(rows))?;
                *sum = Some(sum.unwrap_or(0).checked_add(all)?);
            }
        }
        (Asked::Least(subject), Sum::Extreme(least)) => {
            if let Some(value) = extreme(*subject, rows, unit, summaries, End::Low)?
                && least.as_ref().is_none_or(|least| value < *least)
            {
                *least = Some(value);
            }
        }
        (Asked::Greatest(subject), Sum::Extreme(greatest)) => {
            if let Some(value) = extreme(*subject, rows, unit, summaries, End::High)?
                && greatest.as_ref().is_none_or(|greatest| value > *greatest)
            {
                *greatest = Some(value);
            }
        }
        _ => return None,
    }
    Some(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// The smallest or greatest value of a row group, none if all are null; nothing at all if its footer does not say it.
fn extreme(subject: Subject, rows: u64, unit: &Unit<'_>, summaries: &Summaries, end: End) -> Option<Option<Value>> {
    match subject {
        Subject::Path(index) => path_value(unit.values.columns().get(index)?, unit.file),
        Subject::File(index) => {
            let bounds = summaries.columns.get(index)?;
            match bounds.nulls(unit.unit) {
                Some(nulls) if nulls == rows => Some(None),
                Some(nulls) if nulls > rows => None,
                _ => exact(bounds, unit.unit, end).map(Some),
            }
        }
    }
}

fn exact(bounds: &Bounds, unit: usize, end: End) -> Option<Value> {
    let (values, flags) = match end {
        End::Low => (&bounds.low, LOW | LOW_EXACT),
        End::High => (&bounds.high, HIGH | HIGH_EXACT),
    };
    if !bounds.has(unit, flags) || bounds.kind == Kind::Float {
        return None;
    }
    match values {
        Values::Int(values) => values.get(unit).copied().map(Value::Int),
        Values::Text(texts) => Some(Value::Text(texts.get(unit).to_owned())),
        Values::Float(_) | Values::Nothing => None,
    }
}

fn path_value(column: &ArrayRef, file: usize) -> Option<Option<Value>> {
    if column.is_null(file) {
        return Some(None);
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return Some(Some(Value::Int(numbers.value(file))));
    }
    if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        return Some(Some(Value::Int(i64::from(days.value(file)))));
    }
    match (column.as_boolean_opt(), column.as_string_opt::<i32>()) {
        (Some(truths), _) => Some(Some(Value::Int(i64::from(truths.value(file))))),
        (_, Some(texts)) => Some(Some(Value::Text(texts.value(file).to_owned()))),
        _ => None,
    }
}

/// The values of an aggregate, one per group; none if one does not fit the type.
fn column(sums: &[&Sum], data_type: &DataType) -> Option<ArrayRef> {
    let numbers = sums.iter().map(|sum| match sum {
        Sum::Count(count) => i64::try_from(*count).ok().map(Some),
        Sum::Whole(sum) => sum.map(|sum| i64::try_from(sum).ok()).map_or(Some(None), |sum| sum.map(Some)),
        Sum::Extreme(Some(Value::Int(value))) => Some(Some(*value)),
        Sum::Extreme(None) => Some(None),
        Sum::Extreme(Some(_)) => None,
    });
    if matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let texts = sums.iter().map(|sum| match sum {
            Sum::Extreme(Some(Value::Text(text))) => Some(Some(text.as_str())),
            Sum::Extreme(None) => Some(None),
            _ => None,
        });
        return Some(Arc::new(texts.collect::<Option<Vec<_>>>()?.into_iter().collect::<StringArray>()));
    }
    let numbers = numbers.collect::<Option<Vec<_>>>()?;
    match data_type {
        DataType::Date32 | DataType::Time32(_) => {
            let narrow = numbers.into_iter().map(|number| number.map(i32::try_from).transpose().ok());
            let narrow: Int32Array = narrow.collect::<Option<Vec<_>>>()?.into_iter().collect();
            cast(&narrow, data_type).ok()
        }
        DataType::Decimal128(_, 0) => cast(&numbers.into_iter().collect::<Int64Array>(), data_type).ok(),
        number if number.is_integer() || number.is_temporal() || *number == DataType::Boolean => {
            cast(&numbers.into_iter().collect::<Int64Array>(), data_type).ok()
        }
        _ => None,
    }
}
