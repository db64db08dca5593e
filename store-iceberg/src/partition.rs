//! Partitions: the rows of a batch by the partition of each, and what a partition says about the values in it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Int64Type, Schema as ArrowSchema};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use iceberg::arrow::arrow_primitive_to_literal;
use iceberg::spec::{
    Datum, FieldSummary, Literal, PartitionSpec, PrimitiveLiteral, PrimitiveType, Schema, Struct, TableMetadata,
    Transform, Type, UnboundPartitionSpec,
};
use iceberg::transform::{BoxedTransformFunction, create_transform_function};
use worldstore_core::table::base;
use worldstore_core::{Error, Result};

use crate::config::Partitioning;
use crate::error::from_iceberg;
use crate::pruning::{Known, Nulls};
use crate::state::State;

/// The partitions of a new table. A table without the base columns has none.
pub(crate) fn new_spec(
    partitioning: Partitioning,
    arrow: &ArrowSchema,
    schema: &Schema,
) -> Result<UnboundPartitionSpec> {
    let column = |name: &str, data_type: &DataType| {
        let field = arrow.field_with_name(name).ok().filter(|field| field.data_type() == data_type);
        field.and_then(|_| schema.field_id_by_name(name))
    };
    let columns = column(base::WORLD, &DataType::Utf8)
        .zip(column(base::RUN, &DataType::Utf8))
        .zip(column(base::TICK, &DataType::Int64));
    let builder = UnboundPartitionSpec::builder();
    let Some(((world, run), tick)) = columns else { return Ok(builder.build()) };
    let runs = || {
        UnboundPartitionSpec::builder()
            .add_partition_field(world, base::WORLD, Transform::Identity)?
            .add_partition_field(run, base::RUN, Transform::Identity)
    };
    let spec = match partitioning {
        Partitioning::None => Ok(builder),
        Partitioning::Runs => runs(),
        Partitioning::RunsAndTicks(ticks) => {
            runs().and_then(|runs| runs.add_partition_field(tick, "tick_trunc", Transform::Truncate(ticks.get())))
        }
    };
    spec.map(|spec| spec.build()).map_err(from_iceberg)
}

/// What divides the rows of appends.
pub(crate) struct Splitter {
    parts: Vec<Part>,
    rows: RowConverter,
}

struct Part {
    /// The place of the column that the value comes from.
    place: usize,
    /// To multiples of which the value is cut, if it is.
    width: Option<u32>,
    transform: BoxedTransformFunction,
    result: Type,
}

impl Splitter {
    /// What divides rows as the table's newest partition spec wants it; none if it does not.
    ///
    /// # Errors
    /// `Unsupported` for a spec of another program by which rows cannot be divided here.
    pub fn new(state: &State) -> Result<Option<Self>> {
        let (metadata, mut parts, mut fields) = (&state.metadata, Vec::new(), Vec::new());
        let spec = metadata.default_partition_spec();
        if spec.fields().is_empty() {
            return Ok(None);
        }
        let results = spec.partition_type(metadata.current_schema()).map_err(from_iceberg)?;
        for (field, result) in spec.fields().iter().zip(results.fields()) {
            let refused = || {
                Error::unsupported("the table is partitioned in a way in which rows cannot be divided here")
                    .with("partition", &field.name)
                    .with("transform", field.transform)
            };
            let place = state.columns.iter().position(|column| column.id == field.source_id).ok_or_else(refused)?;
            let stored = state.columns.get(place).map(|column| column.stored.data_type()).ok_or_else(refused)?;
            // Zeros of either sign and the many kinds of NaN are not one partition for all programs.
            if stored.is_floating() || stored.is_nested() {
                return Err(refused());
            }
            let transform = create_transform_function(&field.transform).map_err(|_| refused())?;
            let none = transform.transform(arrow::array::new_empty_array(stored)).map_err(|_| refused())?;
            fields.push(SortField::new(none.data_type().clone()));
            let width = match field.transform {
                Transform::Truncate(width) => Some(width),
                _ => None,
            };
            parts.push(Part { place, width, transform, result: result.field_type.as_ref().clone() });
        }
        let rows = RowConverter::new(fields).map_err(misfit)?;
        Ok(Some(Self { parts, rows }))
    }

    /// Checks that rows, stored or not, have a partition.
    ///
    /// # Errors
    /// As for [`check_cut`].
    pub fn check(&self, rows: &RecordBatch) -> Result<()> {
        self.parts.iter().try_for_each(|part| part.width.map_or(Ok(()), |width| check_cut(rows, part.place, width)))
    }

    /// The rows of a stored batch by partition, in the order in which the partitions first occur.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn split(&self, batch: &RecordBatch) -> Result<Vec<(Struct, RecordBatch)>> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        self.check(batch)?;
        let value = |part: &Part| part.transform.transform(Arc::clone(batch.column(part.place))).map_err(from_iceberg);
        let values = self.parts.iter().map(value).collect::<Result<Vec<_>>>()?;
        let rows = self.rows.convert_columns(&values).map_err(misfit)?;
        let (mut places, mut groups): (HashMap<_, usize>, Vec<Vec<u32>>) = (HashMap::new(), Vec::new());
        for (number, row) in (0_u32..).zip(rows.iter()) {
            let place = *places.entry(row).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(number),
                None => groups.push(vec![number]),
            }
        }
        let whole = groups.len() == 1;
        let group = |group: Vec<u32>| {
            let partition = self.partition(&values, group.first().map_or(0, |first| *first as usize))?;
            let rows = match whole {
                true => batch.clone(),
                false => take_record_batch(batch, &UInt32Array::from(group)).map_err(misfit)?,
            };
            Ok((partition, rows))
        };
        groups.into_iter().map(group).collect()
    }

    fn partition(&self, values: &[ArrayRef], row: usize) -> Result<Struct> {
        let literal = |(part, values): (&Part, &ArrayRef)| -> Result<Option<Literal>> {
            let literals = arrow_primitive_to_literal(&values.slice(row, 1), &part.result).map_err(from_iceberg)?;
            Ok(literals.into_iter().next().flatten())
        };
        let literals = self.parts.iter().zip(values).map(literal).collect::<Result<Vec<_>>>()?;
        Ok(Struct::from_iter(literals))
    }
}

/// Checks that rows have a partition in a table that is still to be made.
///
/// # Errors
/// As for [`check_cut`].
pub(crate) fn check_new(partitioning: Partitioning, rows: &RecordBatch) -> Result<()> {
    let schema = rows.schema_ref();
    let is_world = [base::WORLD, base::RUN].iter().all(|column| schema.column_with_name(column).is_some());
    match (partitioning, schema.column_with_name(base::TICK)) {
        (Partitioning::RunsAndTicks(width), Some((place, _))) if is_world => check_cut(rows, place, width.get()),
        _ => Ok(()),
    }
}

/// Checks that no value of a column is so near to the least of all that there is no multiple of the width below it.
///
/// # Errors
/// `Invalid`, naming column, row and value.
fn check_cut(rows: &RecordBatch, place: usize, width: u32) -> Result<()> {
    let column = rows.column(place);
    // Ticks. Tables in which other numbers are cut are of another program.
    let Some(values) = column.as_primitive_opt::<Int64Type>() else { return Ok(()) };
    let width = i64::from(width);
    if arrow::compute::min(values).is_none_or(|least| least >= i64::MIN + width) {
        return Ok(());
    }
    let has_place = |value: i64| value.checked_sub(value.rem_euclid(width)).is_some();
    match values.iter().position(|value| value.is_some_and(|value| !has_place(value))) {
        None => Ok(()),
        Some(row) => Err(Error::invalid("value is in no partition of the table")
            .with("column", rows.schema_ref().field(place).name())
            .with("row", row)
            .with("value", values.value(row))
            .with("width", width)),
    }
}

fn misfit(source: ArrowError) -> Error {
    Error::unexpected("rows cannot be divided by partition").caused_by(source)
}

/// The partition specs of a table, as far as they say something about values.
#[derive(Debug, Default)]
pub(crate) struct Specs(HashMap<i32, Vec<SpecField>>);

#[derive(Debug)]
struct SpecField {
    source: i32,
    transform: Transform,
    /// None if the column is gone.
    result: Option<PrimitiveType>,
}

impl Specs {
    pub fn new(metadata: &TableMetadata) -> Self {
        let fields = |spec: &PartitionSpec| {
            let results = spec.partition_type(metadata.current_schema()).ok();
            let field = |(place, field): (usize, &iceberg::spec::PartitionField)| {
                let result = results.as_ref().and_then(|results| results.fields().get(place));
                let result = result.and_then(|result| result.field_type.as_primitive_type().cloned());
                SpecField { source: field.source_id, transform: field.transform, result }
            };
            spec.fields().iter().enumerate().map(field).collect()
        };
        Self(metadata.partition_specs_iter().map(|spec| (spec.spec_id(), fields(spec))).collect())
    }

    /// What is known of a column's values from a partition of this spec.
    pub fn of_values(&self, spec: i32, partition: &Struct, column: i32) -> Known {
        self.best(spec, column, |place, field| {
            let value = partition.fields().get(place)?;
            let Some(value) = value else { return Some(Known { nulls: Some(Nulls::Always), ..Known::default() }) };
            let Literal::Primitive(value) = value else { return None };
            let (lower, upper) = field.bounds(Some(value.clone()), Some(value.clone()));
            Some(Known { lower, upper, nulls: Some(Nulls::Never), no_nan: false })
        })
    }

    /// The one value of a column in a partition of this spec, which may be null. None if the partition does not hold it as
    /// it is.
    pub fn value<'file>(&self, spec: i32, partition: &'file Struct, column: i32) -> Option<&'file Option<Literal>> {
        let is_held = |field: &SpecField| field.source == column && field.transform == Transform::Identity;
        partition.fields().get(self.0.get(&spec)?.iter().position(is_held)?)
    }

    /// What is known of a column's values from the partitions that a manifest has files of.
    pub fn of_manifest(&self, spec: i32, summaries: Option<&Vec<FieldSummary>>, column: i32) -> Known {
        self.best(spec, column, |place, field| {
            let summary = summaries?.get(place)?;
            let result = field.result.as_ref()?;
            let literal =
                |bytes: &[u8]| Datum::try_from_bytes(bytes, result.clone()).ok().map(|datum| datum.literal().clone());
            let lower = summary.lower_bound.as_ref().and_then(|bytes| literal(bytes));
            let upper = summary.upper_bound.as_ref().and_then(|bytes| literal(bytes));
            let nulls = if summary.contains_null { Nulls::Sometimes } else { Nulls::Never };
            let (lower, upper) = field.bounds(lower, upper);
            let no_nan = summary.contains_nan == Some(false);
            Some(Known { lower, upper, nulls: Some(nulls), no_nan })
        })
    }

    fn best(&self, spec: i32, column: i32, known: impl Fn(usize, &SpecField) -> Option<Known>) -> Known {
        let fields = self.0.get(&spec).map_or(&[][..], Vec::as_slice);
        let fields = fields.iter().enumerate().filter(|(_, field)| field.source == column);
        // A void field is null for every value.
        let fields = fields.filter(|(_, field)| !matches!(field.transform, Transform::Void | Transform::Unknown));
        let mut all: Vec<Known> = fields.filter_map(|(place, field)| known(place, field)).collect();
        let tight = all.iter().position(|known| known.lower.is_some()).unwrap_or(0);
        match all.is_empty() {
            true => Known::default(),
            false => all.swap_remove(tight),
        }
    }
}

impl SpecField {
    /// Bounds of the column's values from those of the transformed ones.
    fn bounds(
        &self,
        lower: Option<PrimitiveLiteral>,
        upper: Option<PrimitiveLiteral>,
    ) -> (Option<PrimitiveLiteral>, Option<PrimitiveLiteral>) {
        match self.transform {
            Transform::Identity => (lower, upper),
            Transform::Truncate(width) => {
                let upper = upper.and_then(|upper| match upper {
                    PrimitiveLiteral::Int(value) => {
                        let width = i32::try_from(width).unwrap_or(i32::MAX);
                        Some(PrimitiveLiteral::Int(value.saturating_add(width.saturating_sub(1))))
                    }
                    PrimitiveLiteral::Long(value) => {
                        Some(PrimitiveLiteral::Long(value.saturating_add(i64::from(width) - 1)))
                    }
                    // What a text was cut to is no upper bound.
                    _ => None,
                });
                (lower, upper)
            }
            _ => (None, None),
        }
    }
}
