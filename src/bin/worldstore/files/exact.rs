//! Texts as values of a column: exactly those, or none.

use std::sync::Arc;

use worldstore::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, GenericListArray, OffsetSizeTrait, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use worldstore::arrow::compute::{CastOptions, cast_with_options};
use worldstore::arrow::datatypes::{DataType, FieldRef, Fields, Float64Type, Schema, TimeUnit};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::util::display::{ArrayFormatter, FormatOptions};
use worldstore::{Error, Result};

use super::infer::Clock;
use super::number::{Number, comes_back, is_whole};
use crate::args::world::Input;

/// Rows of texts with the types that `wanted` names by column, and otherwise those that the texts suggest.
pub fn typed<'schema>(
    texts: &RecordBatch,
    suggested: &'schema Schema,
    wanted: impl Fn(&str) -> Option<&'schema DataType>,
    input: Input,
) -> Result<RecordBatch> {
    let columns = suggested.fields().iter().zip(texts.columns()).map(|(field, column)| {
        let wanted = wanted(field.name()).unwrap_or(field.data_type());
        let cell = Cell { name: field.name(), input };
        Ok((field.name(), cell.values(column, field.data_type(), wanted)?, true))
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Result<Vec<_>>>()?)
        .map_err(|source| Error::invalid("columns do not fit together").caused_by(source))
}

/// Where values are, for what is said about them.
struct Cell<'name> {
    name: &'name str,
    input: Input,
}

impl Cell<'_> {
    fn values(&self, column: &ArrayRef, suggested: &DataType, wanted: &DataType) -> Result<ArrayRef> {
        match (column.data_type(), wanted) {
            (from, to) if from == to => Ok(Arc::clone(column)),
            _ if column.null_count() == column.len() || *column.data_type() == DataType::Null => {
                Ok(new_null_array(wanted, column.len()))
            }
            (DataType::Struct(_), DataType::Struct(fields)) => self.parts(column.as_struct(), suggested, fields),
            (
                DataType::List(_),
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
            ) => {
                let list = self.items(column.as_list::<i32>(), suggested, item)?;
                self.cast(&list, wanted)
            }
            (DataType::Utf8, _) => self.scalars(column.as_string(), suggested, wanted),
            _ => self.cast(column, wanted),
        }
    }

    /// The parts of a struct by their names; what is left out is null.
    fn parts(&self, column: &StructArray, suggested: &DataType, wanted: &Fields) -> Result<ArrayRef> {
        let DataType::Struct(said) = suggested else {
            return Err(self.unfit(suggested, &DataType::Struct(wanted.clone())));
        };
        if let Some(more) = column.column_names().iter().find(|name| wanted.find(name).is_none()) {
            return Err(self.unfit(suggested, &DataType::Struct(wanted.clone())).with("part", more));
        }
        let part = |field: &FieldRef| match (column.column_by_name(field.name()), said.find(field.name())) {
            (Some(part), Some((_, said))) => self.values(part, said.data_type(), field.data_type()),
            _ => Ok(new_null_array(field.data_type(), column.len())),
        };
        let parts = wanted.iter().map(part).collect::<Result<Vec<_>>>()?;
        let made = StructArray::try_new(wanted.clone(), parts, column.nulls().cloned());
        Ok(Arc::new(made.map_err(|source| self.unfit(suggested, &DataType::Struct(wanted.clone())).caused_by(source))?))
    }

    fn items<Offset: OffsetSizeTrait>(
        &self,
        column: &GenericListArray<Offset>,
        suggested: &DataType,
        wanted: &FieldRef,
    ) -> Result<ArrayRef> {
        let DataType::List(said) = suggested else { return Err(self.unfit(suggested, wanted.data_type())) };
        let items = self.values(column.values(), said.data_type(), wanted.data_type())?;
        let (offsets, nulls) = (column.offsets().clone(), column.nulls().cloned());
        let made = GenericListArray::try_new(Arc::clone(wanted), offsets, items, nulls);
        Ok(Arc::new(made.map_err(|source| self.unfit(suggested, wanted.data_type()).caused_by(source))?))
    }

    fn scalars(&self, texts: &StringArray, suggested: &DataType, wanted: &DataType) -> Result<ArrayRef> {
        if is_bytes(wanted) {
            return self.bytes(texts, suggested, wanted);
        }
        // Numbers count seconds and days; a text of digits would be read as a date.
        if suggested.is_integer() && wanted.is_temporal() {
            let counts = self.scalars(texts, suggested, &DataType::Int64)?;
            return self.cast(&counts, wanted);
        }
        if suggested.is_numeric() && *wanted == DataType::Boolean {
            return Err(self.unfit(suggested, wanted));
        }
        let is_text = matches!(wanted, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let plain = match self.input {
            // In CSV what is empty is nothing where it cannot be a text, in quotes too.
            Input::Csv if !is_text => texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect(),
            _ => texts.clone(),
        };
        let written: StringArray = match wanted.is_integer() {
            true => plain
                .iter()
                .map(|text| {
                    text.map(|text| {
                        Number::parse(text).and_then(|number| number.whole()).unwrap_or_else(|| text.to_owned())
                    })
                })
                .collect(),
            false => plain.clone(),
        };
        let made = self.cast(&(Arc::new(written) as ArrayRef), wanted)?;
        match changed(&plain, &made, wanted)? {
            None => Ok(made),
            Some(text) => Err(Error::invalid("a value is not the same in the column of the table")
                .with("column", self.name)
                .with("expected", wanted)
                .with("value", text)),
        }
    }

    /// Bytes of their hexadecimal digits, as they are printed.
    fn bytes(&self, texts: &StringArray, suggested: &DataType, wanted: &DataType) -> Result<ArrayRef> {
        // In JSON digits are in quotes: without, they are a number.
        if self.input == Input::Json && *suggested != DataType::Utf8 {
            return Err(self.unfit(suggested, wanted));
        }
        let refused = |text: &str| {
            let error = Error::invalid("bytes are written as two hexadecimal digits each").with("column", self.name);
            error.with("expected", wanted).with("value", text)
        };
        let read = |text: &str| hexadecimal(text).ok_or_else(|| refused(text));
        // In CSV what is empty is nothing where it cannot be bytes.
        let is_sized = self.input == Input::Csv && matches!(wanted, DataType::FixedSizeBinary(_));
        let texts = texts.iter().map(|text| text.filter(|text| !(is_sized && text.is_empty())));
        let bytes = texts.map(|text| text.map(read).transpose()).collect::<Result<BinaryArray>>()?;
        self.cast(&(Arc::new(bytes) as ArrayRef), wanted)
    }

    fn cast(&self, column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, wanted, &options)
            .map_err(|source| self.unfit(column.data_type(), wanted).caused_by(source))
    }

    fn unfit(&self, got: &DataType, wanted: &DataType) -> Error {
        Error::invalid("the column does not fit that of the table")
            .with("column", self.name)
            .with("expected", wanted)
            .with("got", got)
    }
}

fn is_bytes(wanted: &DataType) -> bool {
    use DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(wanted, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

/// The bytes of pairs of hexadecimal digits; none for other texts.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |letter: &u8| char::from(*letter).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// The first text that means something else than the value that was made of it.
fn changed<'text>(texts: &'text StringArray, made: &ArrayRef, wanted: &DataType) -> Result<Option<&'text str>> {
    let floats = match wanted {
        _ if wanted.is_floating() => Some(cast_with_options(made, &DataType::Float64, &CastOptions::default())),
        _ => None,
    };
    let floats = floats.transpose().map_err(unprinted)?;
    let options = FormatOptions::default();
    let printed = ArrayFormatter::try_new(made, &options).map_err(unprinted)?;
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let is_same = match (wanted, &floats) {
            (_, Some(floats)) => is_float(text, floats.as_primitive::<Float64Type>().value(row)),
            _ if wanted.is_decimal() => Number::parse(text) == Number::parse(&printed.value(row).to_string()),
            _ => is_time(text, wanted),
        };
        if !is_same {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn unprinted(source: ArrowError) -> Error {
    Error::unexpected("values cannot be compared").caused_by(source)
}

/// A fraction is the float that is nearest to it. A whole number is itself, and nothing becomes zero or infinite.
fn is_float(text: &str, float: f64) -> bool {
    match Number::parse(text) {
        None => true,
        Some(_) if is_whole(text) => comes_back(text, float),
        Some(number) => float.is_finite() && (float != 0.0 || number.is_zero()),
    }
}

/// True unless the text has a time, a zone or a fraction that the type has no place for.
fn is_time(text: &str, wanted: &DataType) -> bool {
    let fraction = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    let digits = || {
        let behind = text.rsplit_once('.').map_or("", |(_, behind)| behind);
        let end = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
        behind[..end].trim_end_matches('0').len()
    };
    match wanted {
        DataType::Date32 => !text.contains(':') && !text.contains('T'),
        DataType::Date64 => digits() <= 3,
        DataType::Timestamp(unit, zone) => {
            let has_zone = Clock::of(text.trim()).map_or_else(|| has_zone(text), |clock| clock.has_zone);
            digits() <= fraction(unit) && (zone.is_some() || !has_zone)
        }
        DataType::Time32(unit) | DataType::Time64(unit) => digits() <= fraction(unit),
        _ => true,
    }
}

/// True if anything but a clock follows the date.
fn has_zone(text: &str) -> bool {
    let clock = text.get(10..).unwrap_or_default();
    clock.chars().skip(1).any(|letter| !(letter.is_ascii_digit() || matches!(letter, ':' | '.')))
}
