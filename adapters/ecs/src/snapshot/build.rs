//! Columns of components as columns of Arrow, and back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use worldstore_core::Result;

use super::buffers::{bit, u64s};
use super::manifest::Layout;
use super::part::{Batch, PartColumn};
use crate::chunk::Column;
use crate::component::ComponentType;
use crate::error::corrupt;
use crate::field::{FieldKind, FieldValue, Offsets};
use crate::{ComponentValue, Field as ComponentField};

/// A column of the component's name, with its layout in the metadata.
pub fn named(component: &ComponentType, kind: DataType) -> Field {
    let layout: Vec<String> = component.fields().iter().map(|field| format!("{}:{}", field.name, field.kind)).collect();
    let metadata = [("worldstore.component", component.name().to_string()), ("worldstore.layout", layout.join(","))];
    let metadata: HashMap<String, String> = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    let nullable = kind == DataType::Null;
    Field::new(&**component.name(), kind, nullable).with_metadata(metadata)
}

/// Adds the columns for those of a component that is not shared.
pub fn columns<'a>(column: &'a Column<'_>, columns: &mut Vec<PartColumn<'a>>) -> Result<Layout> {
    let component = column.component();
    let (Some(width), Some(bytes)) = (component.width(), column.packed()) else {
        add_fields(column, columns)?;
        return Ok(Layout::Fields);
    };
    let kind = match (component.fields(), width) {
        (_, 0) => DataType::Null,
        ([field], _) if field.kind != FieldKind::Bool => field.kind.data_type(Offsets::Wide),
        // At most 256 fields of at most 8 bytes.
        _ => DataType::FixedSizeBinary(width as i32),
    };
    let (nulls, buffers) = match width {
        0 => (column.len(), Vec::new()),
        _ => (0, vec![Cow::Borrowed(&[][..]), Cow::Borrowed(bytes)]),
    };
    columns.push(PartColumn { field: named(component, kind), nulls, buffers });
    Ok(Layout::Packed)
}

/// A field of all rows, in the making.
struct Builder<'a> {
    field: &'a ComponentField,
    validity: Vec<u8>,
    nulls: usize,
    rows: usize,
    values: Vec<u8>,
    /// Only for values of any length.
    ends: Vec<i64>,
}

impl<'a> Builder<'a> {
    fn new(field: &'a ComponentField) -> Self {
        Self { field, validity: Vec::new(), nulls: 0, rows: 0, values: Vec::new(), ends: vec![0] }
    }

    fn push(&mut self, value: FieldValue<'_>) -> Result<()> {
        let set = |bits: &mut Vec<u8>, place: usize, is_set: bool| {
            bits.resize(place / 8 + 1, 0);
            if let Some(byte) = bits.last_mut() {
                *byte |= u8::from(is_set) << (place % 8);
            }
        };
        set(&mut self.validity, self.rows, value != FieldValue::Null);
        self.nulls += usize::from(value == FieldValue::Null);
        let width = self.field.kind.width();
        match value {
            FieldValue::Bool(value) => set(&mut self.values, self.rows, value),
            FieldValue::Null if self.field.kind == FieldKind::Bool => set(&mut self.values, self.rows, false),
            FieldValue::Null => self.values.resize(self.values.len() + width.unwrap_or_default(), 0),
            FieldValue::Text(text) => self.values.extend_from_slice(text.as_bytes()),
            FieldValue::Bytes(bytes) => self.values.extend_from_slice(bytes),
            number => number.encode(&ComponentField::new("", self.field.kind), &mut self.values)?,
        }
        if width.is_none() {
            self.ends.push(self.values.len() as i64);
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(self, component: &ComponentType) -> PartColumn<'static> {
        let name = format!("{}.{}", component.name(), self.field.name);
        let validity = if self.nulls == 0 { Vec::new() } else { self.validity };
        let mut buffers = vec![Cow::Owned(validity)];
        if self.field.kind.width().is_none() {
            buffers.push(Cow::Owned(self.ends.iter().flat_map(|end| end.to_le_bytes()).collect()));
        }
        buffers.push(Cow::Owned(self.values));
        let field = Field::new(name, self.field.kind.data_type(Offsets::Wide), self.field.nullable);
        PartColumn { field, nulls: self.nulls, buffers }
    }
}

fn add_fields(column: &Column<'_>, columns: &mut Vec<PartColumn<'_>>) -> Result<()> {
    let component = column.component();
    let mut builders: Vec<Builder<'_>> = component.fields().iter().map(Builder::new).collect();
    for row in 0..column.len() {
        let value = column.value(row)?;
        for (builder, field) in builders.iter_mut().zip(value.fields()?) {
            builder.push(field)?;
        }
    }
    columns.extend(builders.into_iter().map(|builder| builder.finish(component)));
    Ok(())
}

/// Reads a column that is packed.
pub fn read_packed(component: &Arc<ComponentType>, batch: &mut Batch) -> Result<Column<'static>> {
    let rows = batch.rows;
    let bytes = match component.width() {
        Some(0) => {
            batch.nulls()?;
            Bytes::new()
        }
        Some(width) => batch.numbers(width)?,
        None => return Err(corrupt("values of the component differ in length").with("component", component)),
    };
    Column::from_packed(component, bytes, rows)
}

/// A field of all rows, as it is read.
struct Reader<'a> {
    field: &'a ComponentField,
    validity: Option<Bytes>,
    ends: Vec<u64>,
    values: Bytes,
}

impl<'a> Reader<'a> {
    fn new(field: &'a ComponentField, batch: &mut Batch) -> Result<Self> {
        let wrong = || corrupt("a field has another length than its batch").with("field", &field.name);
        let (nulls, validity, rows) = (batch.nulls()?, batch.buffer()?, batch.rows);
        let validity = match nulls {
            0 => None,
            _ if field.nullable && validity.len() == rows.div_ceil(8) => Some(validity),
            _ => return Err(wrong()),
        };
        let ends = match field.kind.width() {
            Some(_) => Vec::new(),
            None => u64s(&batch.buffer()?),
        };
        let values = batch.buffer()?;
        let fits = match field.kind.width() {
            None => {
                rows.checked_add(1) == Some(ends.len())
                    && ends.is_sorted()
                    && ends.last() == Some(&(values.len() as u64))
            }
            Some(_) if field.kind == FieldKind::Bool => values.len() == rows.div_ceil(8),
            Some(width) => rows.checked_mul(width) == Some(values.len()),
        };
        if fits { Ok(Self { field, validity, ends, values }) } else { Err(wrong()) }
    }

    fn encode(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        if self.validity.as_ref().is_some_and(|validity| !bit(validity, row)) {
            return FieldValue::Null.encode(self.field, out);
        }
        if self.field.nullable {
            out.push(1);
        }
        match self.field.kind.width() {
            Some(_) if self.field.kind == FieldKind::Bool => out.push(u8::from(bit(&self.values, row))),
            Some(width) => out.extend_from_slice(self.values.get(row * width..(row + 1) * width).unwrap_or_default()),
            None => {
                let place = |row: usize| self.ends.get(row).copied().unwrap_or_default() as usize;
                let bytes = self.values.get(place(row)..place(row + 1)).unwrap_or_default();
                crate::field::put_counted(bytes, out);
            }
        }
        Ok(())
    }
}

/// Reads a column that has a column for each field.
pub fn read_fields(component: &Arc<ComponentType>, batch: &mut Batch) -> Result<Column<'static>> {
    if component.width().is_some() {
        return Err(corrupt("values of the component do not differ in length").with("component", component));
    }
    let readers: Vec<Reader<'_>> =
        component.fields().iter().map(|field| Reader::new(field, batch)).collect::<Result<_>>()?;
    let mut values = Vec::new();
    for row in 0..batch.rows {
        let mut bytes = Vec::new();
        readers.iter().try_for_each(|reader| reader.encode(row, &mut bytes))?;
        let value = ComponentValue::from_bytes(component, &bytes);
        values.push(value.map_err(|source| corrupt("a value cannot be").caused_by(source))?);
    }
    Column::from_values(component, &values)
}
