//! Canonical bytes of types and cells: the same for equal values, however a table holds them. The chapter
//! [`docs::worlds`](crate::docs::worlds) defines them byte by byte.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::cast;
use arrow::datatypes::*;
use arrow::record_batch::RecordBatch;
use worldstore_core::{Error, Result};

use super::tables::is_base;

/// The components of a batch, sorted by name, without dictionaries.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    columns: Vec<(String, ArrayRef)>,
}

impl Cells {
    pub fn new(batch: &RecordBatch) -> Result<Self> {
        let schema = batch.schema();
        let components = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| !is_base(field.name()));
        let mut columns = components
            .map(|(field, column)| Ok((field.name().clone(), plain(column)?)))
            .collect::<Result<Vec<_>>>()
            .map_err(|error| error.during("canonical encoding"))?;
        columns.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { columns })
    }

    /// The names of the columns, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Writes the number of columns, and name and type of each.
    pub fn write_columns(&self, out: &mut Vec<u8>) -> Result<()> {
        write_len(self.columns.len(), out);
        for (name, column) in &self.columns {
            write_bytes(name.as_bytes(), out);
            write_type(column.data_type(), out).map_err(|error| error.with("column", name))?;
        }
        Ok(())
    }

    /// Writes all cells of a row.
    pub fn write_row(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.columns.iter().try_for_each(|(_, column)| write_cell(column, row, out))
    }

    /// Whether the cells of a row are those of a row elsewhere.
    pub fn same_row(&self, row: usize, other: &Self, other_row: usize) -> Result<bool> {
        Ok(self.changed_columns(row, other, other_row)?.is_empty())
    }

    /// The columns in which two rows differ, by value or by type. A column that only one side has counts as null on the
    /// other.
    pub fn changed_columns(&self, row: usize, other: &Self, other_row: usize) -> Result<Vec<String>> {
        let (mut pair, mut changed) = (Pair::default(), Vec::new());
        if self.names().eq(other.names()) {
            for ((name, ours), (_, theirs)) in self.columns.iter().zip(&other.columns) {
                if pair.differs(Some((ours, row)), Some((theirs, other_row)))? {
                    changed.push(name.clone());
                }
            }
            return Ok(changed);
        }
        let names: BTreeSet<&str> = self.names().chain(other.names()).collect();
        for name in names {
            let (ours, theirs) = (self.column(name), other.column(name));
            if pair.differs(ours.map(|column| (column, row)), theirs.map(|column| (column, other_row)))? {
                changed.push(name.to_owned());
            }
        }
        Ok(changed)
    }

    fn column(&self, name: &str) -> Option<&ArrayRef> {
        let place = self.columns.binary_search_by(|(column, _)| column.as_str().cmp(name)).ok()?;
        self.columns.get(place).map(|(_, column)| column)
    }
}

/// Two cells that are compared; it keeps its memory for the next two.
#[derive(Debug, Default)]
struct Pair {
    one: Vec<u8>,
    two: Vec<u8>,
}

/// A cell of a column; none is null.
type Cell<'column> = Option<(&'column ArrayRef, usize)>;

impl Pair {
    fn differs(&mut self, one: Cell<'_>, two: Cell<'_>) -> Result<bool> {
        for (cell, bytes) in [(one, &mut self.one), (two, &mut self.two)] {
            bytes.clear();
            match cell {
                Some((column, row)) => write_cell(column, row, bytes)?,
                None => bytes.push(0),
            }
        }
        match (one, two) {
            _ if self.one != self.two => Ok(true),
            // The bytes of a value do not say whether they are seconds or hundredths of them; null is null.
            (Some((one, _)), Some((two, _))) if self.one != [0] && one.data_type() != two.data_type() => {
                self.one.clear();
                self.two.clear();
                write_type(one.data_type(), &mut self.one)?;
                write_type(two.data_type(), &mut self.two)?;
                Ok(self.one != self.two)
            }
            _ => Ok(false),
        }
    }
}

/// The column with its dictionaries and runs resolved.
fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    let wanted = plain_type(column.data_type());
    write_type(&wanted, &mut Vec::new())?;
    match &wanted == column.data_type() {
        true => Ok(column.clone()),
        false => cast(column, &wanted)
            .map_err(|source| Error::unsupported("column cannot be read as plain values").caused_by(source)),
    }
}

fn plain_type(data_type: &DataType) -> DataType {
    let inside = |field: &FieldRef| FieldRef::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())));
    match data_type {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::List(item) => DataType::List(inside(item)),
        DataType::LargeList(item) => DataType::LargeList(inside(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(inside(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inside).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inside(entries), *sorted),
        other => other.clone(),
    }
}

fn write_len(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

/// Length, then the bytes.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_type(data_type: &DataType, out: &mut Vec<u8>) -> Result<()> {
    use DataType::*;
    match data_type {
        Null => out.push(0x00),
        Boolean => out.push(0x01),
        Int8 => out.push(0x11),
        Int16 => out.push(0x12),
        Int32 => out.push(0x14),
        Int64 => out.push(0x18),
        UInt8 => out.push(0x21),
        UInt16 => out.push(0x22),
        UInt32 => out.push(0x24),
        UInt64 => out.push(0x28),
        Float16 => out.push(0x32),
        Float32 => out.push(0x34),
        Float64 => out.push(0x38),
        Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale) => {
            out.extend([0x40, *scale as u8]);
        }
        Utf8 | LargeUtf8 | Utf8View => out.push(0x50),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => out.push(0x51),
        List(item) | LargeList(item) | FixedSizeList(item, _) => {
            out.push(0x70);
            write_type(item.data_type(), out)?;
        }
        Struct(fields) => {
            out.push(0x71);
            write_len(fields.len(), out);
            for field in fields {
                write_bytes(field.name().as_bytes(), out);
                write_type(field.data_type(), out)?;
            }
        }
        Map(entries, _) => {
            let Struct(fields) = entries.data_type() else {
                return Err(Error::unexpected("map without entries").with("type", data_type));
            };
            out.push(0x72);
            fields.iter().try_for_each(|field| write_type(field.data_type(), out))?;
        }
        other => return write_time_type(other, out),
    }
    Ok(())
}

fn write_time_type(data_type: &DataType, out: &mut Vec<u8>) -> Result<()> {
    use DataType::*;
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match data_type {
        Date32 => out.push(0x60),
        Date64 => out.push(0x61),
        Time32(of) | Time64(of) => out.extend([0x62, unit(of)]),
        Timestamp(of, None) => out.extend([0x63, unit(of), 0]),
        Timestamp(of, Some(zone)) => {
            out.extend([0x63, unit(of), 1]);
            write_bytes(zone.as_bytes(), out);
        }
        Duration(of) => out.extend([0x64, unit(of)]),
        Interval(IntervalUnit::YearMonth) => out.extend([0x65, 0]),
        Interval(IntervalUnit::DayTime) => out.extend([0x65, 1]),
        Interval(IntervalUnit::MonthDayNano) => out.extend([0x65, 2]),
        other => return Err(Error::unsupported("type has no canonical encoding").with("type", other)),
    }
    Ok(())
}

/// Writes one cell: 0 for null, else 1 and the value.
fn write_cell(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    use DataType::*;
    if array.data_type() == &Null || array.is_null(row) {
        out.push(0);
        return Ok(());
    }
    out.push(1);
    match array.data_type() {
        Boolean => out.push(u8::from(array.as_boolean().value(row))),
        Utf8 => write_bytes(array.as_string::<i32>().value(row).as_bytes(), out),
        LargeUtf8 => write_bytes(array.as_string::<i64>().value(row).as_bytes(), out),
        Utf8View => write_bytes(array.as_string_view().value(row).as_bytes(), out),
        Binary => write_bytes(array.as_binary::<i32>().value(row), out),
        LargeBinary => write_bytes(array.as_binary::<i64>().value(row), out),
        BinaryView => write_bytes(array.as_binary_view().value(row), out),
        FixedSizeBinary(_) => write_bytes(array.as_fixed_size_binary().value(row), out),
        List(_) => write_items(&array.as_list::<i32>().value(row), out)?,
        LargeList(_) => write_items(&array.as_list::<i64>().value(row), out)?,
        FixedSizeList(..) => write_items(&array.as_fixed_size_list().value(row), out)?,
        Struct(_) => array.as_struct().columns().iter().try_for_each(|column| write_cell(column, row, out))?,
        Map(..) => {
            let entries = array.as_map().value(row);
            write_len(entries.len(), out);
            for entry in 0..entries.len() {
                entries.columns().iter().try_for_each(|column| write_cell(column, entry, out))?;
            }
        }
        _ => write_number(array, row, out)?,
    }
    Ok(())
}

fn write_items(items: &ArrayRef, out: &mut Vec<u8>) -> Result<()> {
    write_len(items.len(), out);
    (0..items.len()).try_for_each(|item| write_cell(items, item, out))
}

/// Numbers as little-endian two's complement or bits, decimals in 32 bytes whatever their width.
fn write_number(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    use DataType::*;
    fn get<Type: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> Type::Native {
        array.as_primitive::<Type>().value(row)
    }
    let mut wide = |value: i256| out.extend(value.to_le_bytes());
    match array.data_type() {
        Decimal32(..) => wide(i256::from_i128(get::<Decimal32Type>(array, row).into())),
        Decimal64(..) => wide(i256::from_i128(get::<Decimal64Type>(array, row).into())),
        Decimal128(..) => wide(i256::from_i128(get::<Decimal128Type>(array, row))),
        Decimal256(..) => wide(get::<Decimal256Type>(array, row)),
        Int8 => out.extend(get::<Int8Type>(array, row).to_le_bytes()),
        Int16 => out.extend(get::<Int16Type>(array, row).to_le_bytes()),
        Int32 => out.extend(get::<Int32Type>(array, row).to_le_bytes()),
        Int64 => out.extend(get::<Int64Type>(array, row).to_le_bytes()),
        UInt8 => out.extend(get::<UInt8Type>(array, row).to_le_bytes()),
        UInt16 => out.extend(get::<UInt16Type>(array, row).to_le_bytes()),
        UInt32 => out.extend(get::<UInt32Type>(array, row).to_le_bytes()),
        UInt64 => out.extend(get::<UInt64Type>(array, row).to_le_bytes()),
        Float16 => out.extend(get::<Float16Type>(array, row).to_bits().to_le_bytes()),
        Float32 => out.extend(get::<Float32Type>(array, row).to_bits().to_le_bytes()),
        Float64 => out.extend(get::<Float64Type>(array, row).to_bits().to_le_bytes()),
        Date32 => out.extend(get::<Date32Type>(array, row).to_le_bytes()),
        Date64 => out.extend(get::<Date64Type>(array, row).to_le_bytes()),
        _ => write_time(array, row, out)?,
    }
    Ok(())
}

/// Times, timestamps and durations in 8 bytes; intervals part by part.
fn write_time(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    use TimeUnit::*;
    fn get<Type: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> Type::Native {
        array.as_primitive::<Type>().value(row)
    }
    let mut write = |value: i64| out.extend(value.to_le_bytes());
    match array.data_type() {
        DataType::Time32(Second) => write(get::<Time32SecondType>(array, row).into()),
        DataType::Time32(_) => write(get::<Time32MillisecondType>(array, row).into()),
        DataType::Time64(Microsecond) => write(get::<Time64MicrosecondType>(array, row)),
        DataType::Time64(_) => write(get::<Time64NanosecondType>(array, row)),
        DataType::Timestamp(Second, _) => write(get::<TimestampSecondType>(array, row)),
        DataType::Timestamp(Millisecond, _) => write(get::<TimestampMillisecondType>(array, row)),
        DataType::Timestamp(Microsecond, _) => write(get::<TimestampMicrosecondType>(array, row)),
        DataType::Timestamp(Nanosecond, _) => write(get::<TimestampNanosecondType>(array, row)),
        DataType::Duration(Second) => write(get::<DurationSecondType>(array, row)),
        DataType::Duration(Millisecond) => write(get::<DurationMillisecondType>(array, row)),
        DataType::Duration(Microsecond) => write(get::<DurationMicrosecondType>(array, row)),
        DataType::Duration(Nanosecond) => write(get::<DurationNanosecondType>(array, row)),
        DataType::Interval(IntervalUnit::YearMonth) => {
            out.extend(get::<IntervalYearMonthType>(array, row).to_le_bytes());
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = get::<IntervalDayTimeType>(array, row);
            out.extend(value.days.to_le_bytes());
            out.extend(value.milliseconds.to_le_bytes());
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = get::<IntervalMonthDayNanoType>(array, row);
            out.extend(value.months.to_le_bytes());
            out.extend(value.days.to_le_bytes());
            out.extend(value.nanoseconds.to_le_bytes());
        }
        other => return Err(Error::unsupported("type has no canonical encoding").with("type", other)),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
