//! Writing a catalog of footers.

use std::time::{Duration, SystemTime};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type, SchemaRef};
use bytes::Bytes;
use worldstore_core::hive::HiveType;
use worldstore_core::lake::LakeColumn;
use worldstore_core::{Error, Result};

use super::super::bounds::{Kind, Values};
use super::super::folders::FolderState;
use super::super::listing::Listing;
use super::super::summary::Summaries;
use super::{MAGIC, NOT_KNOWN, VERSION};

/// A catalog in the making.
pub(super) struct Body(Vec<u8>);

impl Body {
    pub fn new() -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        Self(bytes)
    }

    pub fn finish(mut self) -> Bytes {
        let sum = crc32c::crc32c(&self.0);
        self.u32(sum);
        Bytes::from(self.0)
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, value: usize) -> Result<()> {
        let too_many = |_| Error::invalid("too much for a catalog of footers").with("count", value);
        self.u32(u32::try_from(value).map_err(too_many)?);
        Ok(())
    }

    pub fn text(&mut self, text: &str) -> Result<()> {
        self.count(text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn time(&mut self, time: SystemTime) {
        let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let whole = before.as_secs() + u64::from(before.subsec_nanos() > 0);
                let rest = Duration::from_secs(whole) - before;
                (i64::try_from(whole).map_or(i64::MIN, |whole| -whole), rest.subsec_nanos())
            }
        };
        self.u64(seconds.cast_unsigned());
        self.u32(nanoseconds);
    }

    pub fn folders(&mut self, state: Option<&FolderState>) -> Result<()> {
        self.u8(u8::from(state.is_some()));
        self.u8(u8::from(state.is_some_and(|state| state.is_settled)));
        let folders = state.map_or(&[][..], |state| &state.folders);
        self.count(folders.len())?;
        for (folder, time) in folders {
            self.text(folder.as_str())?;
            self.time(*time);
        }
        Ok(())
    }

    pub fn columns(&mut self, columns: &SchemaRef, path_columns: &[LakeColumn]) -> Result<()> {
        self.count(columns.fields().len())?;
        for field in columns.fields() {
            let text = field.data_type().to_string();
            if text.parse::<DataType>().ok().as_ref() != Some(field.data_type()) {
                let error = Error::unsupported("a catalog of footers cannot hold a column of this type");
                return Err(error.with("column", field.name()).with("type", text));
            }
            self.text(field.name())?;
            self.text(&text)?;
        }
        self.count(path_columns.len())?;
        for column in path_columns {
            self.text(&column.name)?;
            self.u8(match column.kind {
                HiveType::Bool => 0,
                HiveType::Int => 1,
                HiveType::Date => 2,
                _ => 3,
            });
        }
        Ok(())
    }

    pub fn files(&mut self, listing: &Listing) -> Result<()> {
        self.count(listing.files.len())?;
        for file in &listing.files {
            self.text(file.key.as_str())?;
            self.u64(file.size);
            self.u8(u8::from(file.version.is_some()));
            if let Some(version) = &file.version {
                self.text(version.as_str())?;
            }
            self.u8(u8::from(file.modified.is_some()));
            if let Some(modified) = file.modified {
                self.time(modified);
            }
        }
        for column in listing.values.columns() {
            (0..column.len()).for_each(|index| self.u8(u8::from(column.is_valid(index))));
            match column.data_type() {
                DataType::Int64 => {
                    column
                        .as_primitive::<Int64Type>()
                        .values()
                        .iter()
                        .for_each(|value| self.u64(value.cast_unsigned()));
                }
                DataType::Date32 => {
                    column.as_primitive::<Date32Type>().values().iter().for_each(|days| self.u32(days.cast_unsigned()));
                }
                DataType::Boolean => {
                    (0..column.len()).for_each(|index| self.u8(u8::from(column.as_boolean().value(index))))
                }
                _ => {
                    for text in column.as_string::<i32>() {
                        self.text(text.unwrap_or_default())?;
                    }
                }
            }
        }
        Ok(())
    }

    pub fn row_groups(&mut self, columns: &SchemaRef, listing: &Listing, from: &Summaries) -> Result<()> {
        // Only what these files have now is written, in their order.
        let mut now = Summaries::new(SchemaRef::clone(columns));
        for file in &listing.files {
            match from.find(file) {
                Some(entry) => {
                    let entry = now.add_from(file, from, entry);
                    self.count(now.units(entry).len())?;
                }
                None => self.u32(NOT_KNOWN),
            }
        }
        now.rows.iter().for_each(|rows| self.u64(*rows));
        for bounds in &now.columns {
            self.u8(match bounds.kind {
                Kind::Int => 0,
                Kind::Float => 1,
                Kind::Text => 2,
                Kind::Nothing => 3,
            });
            self.0.extend_from_slice(&bounds.known);
            bounds.nulls.iter().for_each(|nulls| self.u64(*nulls));
            self.values(&bounds.low, now.rows.len())?;
            self.values(&bounds.high, now.rows.len())?;
        }
        Ok(())
    }

    fn values(&mut self, values: &Values, row_groups: usize) -> Result<()> {
        match values {
            Values::Int(values) => values.iter().for_each(|value| self.u64(value.cast_unsigned())),
            Values::Float(values) => values.iter().for_each(|value| self.u64(value.to_bits())),
            Values::Text(texts) => {
                for index in 0..row_groups {
                    self.text(texts.get(index))?;
                }
            }
            Values::Nothing => {}
        }
        Ok(())
    }
}
