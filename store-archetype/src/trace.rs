//! Between Rust types and columns: which there are, and their values both ways.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use serde::de::value::{MapDeserializer, UnitDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use serde_arrow::schema::{SchemaLike, TracingOptions};
use worldstore_core::{Error, ErrorKind, Result};

use crate::component::{Column, Component, ComponentSchema, Form, Presence};
use crate::error::from_serde;
use crate::probe::{self, Kind};
use crate::types::{bare, natural};

/// The column of a component without fields.
const PRESENT: &str = "present";

/// How the values of a type lie in columns, and the columns.
pub(crate) fn columns<C: Component>() -> Result<(Form, Vec<Field>)> {
    match probe::kind::<C>() {
        Kind::Fields => Ok((Form::Fields, traced::<C>()?)),
        Kind::Value => Ok((Form::Value, traced::<Whole<C>>()?)),
        Kind::Unit | Kind::Empty => Ok((Form::Tag, vec![Field::new(PRESENT, DataType::Boolean, false)])),
    }
}

fn traced<T: DeserializeOwned>() -> Result<Vec<Field>> {
    let options = TracingOptions::default()
        .map_as_struct(false)
        .sequence_as_large_list(false)
        .strings_as_large_utf8(false)
        .bytes_as_large_binary(false)
        .enums_without_data_as_strings(true)
        .allow_null_fields(true);
    let fields = Vec::<FieldRef>::from_type::<T>(options)
        .map_err(|source| from_serde(ErrorKind::Unsupported, "type cannot be a component", source))?;
    let column = |field: &FieldRef| Ok(Field::new(field.name(), natural(field)?, field.is_nullable()));
    fields.iter().map(column).collect()
}

/// The arrays of a component's columns, in their order.
///
/// # Errors
/// `Invalid` if a value does not fit its column.
pub(crate) fn encode<C: Component>(values: &[&C], schema: &ComponentSchema) -> Result<Vec<ArrayRef>> {
    let fields: Vec<FieldRef> = schema.columns().iter().map(|column| column.field().clone()).collect();
    let arrays = match schema.form() {
        Form::Fields => serde_arrow::to_arrow(&fields, values),
        Form::Value => {
            serde_arrow::to_arrow(&fields, values.iter().map(|value| WholeRef { value }).collect::<Vec<_>>())
        }
        Form::Tag => return Ok(vec![Arc::new(BooleanArray::from(vec![true; values.len()]))]),
    };
    arrays.map_err(|source| {
        from_serde(ErrorKind::Invalid, "value does not fit its column", source).with("component", schema.name())
    })
}

/// The values of a component, one for each row.
///
/// # Errors
/// `Invalid` for a column that is missing, has another type, or null where there must be a value; `Corrupt` for a value
/// that the Rust type does not have.
pub(crate) fn decode<C: Component>(rows: &RecordBatch, schema: &ComponentSchema) -> Result<Vec<C>> {
    let arrays = schema.columns().iter().map(|column| array(rows, column)).collect::<Result<Vec<_>>>()?;
    let fields: Vec<FieldRef> = schema.columns().iter().map(|column| column.field().clone()).collect();
    let corrupt = |source| {
        from_serde(ErrorKind::Corrupt, "stored value is none of the component's type", source)
            .with("component", schema.name())
    };
    match schema.form() {
        Form::Fields => serde_arrow::from_arrow(&fields, &arrays).map_err(corrupt),
        Form::Value => {
            let wholes: Vec<Whole<C>> = serde_arrow::from_arrow(&fields, &arrays).map_err(corrupt)?;
            Ok(wholes.into_iter().map(|whole| whole.value).collect())
        }
        Form::Tag => (0..rows.num_rows()).map(|_| tag(schema)).collect(),
    }
}

fn array(rows: &RecordBatch, column: &Column) -> Result<ArrayRef> {
    let array = rows.column_by_name(&column.name());
    let array = array.or_else(|| column.former_names().rev().find_map(|name| rows.column_by_name(&name)));
    let Some(array) = array else {
        return match column.presence() {
            Presence::Optional => Ok(new_null_array(column.data_type(), rows.num_rows())),
            Presence::Required => Err(Error::invalid("rows miss a column")
                .with("column", column.name())
                .with("expected", column.data_type())),
        };
    };
    if bare(array.data_type()) != *column.data_type() {
        return Err(Error::invalid("column has another type")
            .with("column", column.name())
            .with("expected", column.data_type())
            .with("got", array.data_type()));
    }
    if column.presence() == Presence::Required && array.null_count() > 0 {
        let row = (0..array.len()).find(|row| array.is_null(*row)).unwrap_or_default();
        return Err(Error::invalid("column has null where the component must have a value")
            .with("column", column.name())
            .with("row", row));
    }
    Ok(array.clone())
}

fn tag<C: Component>(schema: &ComponentSchema) -> Result<C> {
    type Refused = serde::de::value::Error;
    let made = match probe::kind::<C>() {
        Kind::Unit => C::deserialize(UnitDeserializer::<Refused>::new()),
        _ => C::deserialize(MapDeserializer::<_, Refused>::new(std::iter::empty::<(&str, Nothing)>())),
    };
    made.map_err(|source| {
        Error::unexpected("component cannot be made of nothing").with("component", schema.name()).caused_by(source)
    })
}

/// The value of an entry that is never there.
enum Nothing {}

impl<'de, E: serde::de::Error> IntoDeserializer<'de, E> for Nothing {
    type Deserializer = UnitDeserializer<E>;

    fn into_deserializer(self) -> Self::Deserializer {
        match self {}
    }
}

/// A component that is one value.
#[derive(Deserialize)]
struct Whole<C> {
    value: C,
}

#[derive(Serialize)]
struct WholeRef<'value, C> {
    value: &'value C,
}
