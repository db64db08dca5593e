//! Reading JSON lines as they are written: every number, text and truth value a text.

mod values;

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, AsArray};
use worldstore::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use worldstore::arrow::error::ArrowError;
use worldstore::arrow::json::ReaderBuilder;
use worldstore::arrow::json::reader::{Reader, infer_json_schema_from_iterator};

use super::BATCH_ROWS;
use values::Values;

/// The types that all values of a file have, and the same with texts in the place of single values.
pub fn schemas<Source: Read + Seek>(file: &mut Source) -> Result<(SchemaRef, SchemaRef), ArrowError> {
    let schema = infer_json_schema_from_iterator(Values::new(BufReader::new(&mut *file)))?;
    file.rewind()?;
    // What is inferred has no order of its own.
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    fields.sort_by(|one, other| one.name().cmp(other.name()));
    let texts = of_leaves(&fields, &|leaf| match leaf {
        DataType::Null => DataType::Null,
        _ => DataType::Utf8,
    });
    // Floats are in doubt: they may be integers that are too large for a sign.
    let hoped = of_leaves(&fields, &|leaf| match leaf {
        DataType::Float64 => DataType::UInt64,
        other => other.clone(),
    });
    if hoped.fields().iter().eq(&fields) {
        return Ok((Arc::new(Schema::new(fields)), Arc::new(texts)));
    }
    let (mut found, texts): (Vec<FieldRef>, SchemaRef) = (hoped.fields().to_vec(), Arc::new(texts));
    for batch in rows(&mut *file, &texts)? {
        let batch = batch?;
        for (field, column) in found.iter_mut().zip(batch.columns()) {
            *field = with_type(field, settled(field.data_type(), column));
        }
    }
    file.rewind()?;
    Ok((Arc::new(Schema::new(found)), texts))
}

/// The rows of a file as texts.
pub fn rows<Source: Read>(file: Source, texts: &SchemaRef) -> Result<Reader<BufReader<Source>>, ArrowError> {
    let builder = ReaderBuilder::new(Arc::clone(texts)).with_batch_size(BATCH_ROWS).with_coerce_primitive(true);
    builder.build(BufReader::new(file))
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn of_leaves(fields: &[FieldRef], change: &dyn Fn(&DataType) -> DataType) -> Schema {
    Schema::new(fields.iter().map(|field| with_type(field, of_leaf(field.data_type(), change))).collect::<Vec<_>>())
}

fn of_leaf(data_type: &DataType, change: &dyn Fn(&DataType) -> DataType) -> DataType {
    let inner = |field: &FieldRef| with_type(field, of_leaf(field.data_type(), change));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        // A list of nothing but nulls: of texts, as a later one may be.
        DataType::List(item) if item.data_type() == &DataType::Null => {
            DataType::List(with_type(item, change(&DataType::Utf8)))
        }
        DataType::List(item) => DataType::List(inner(item)),
        leaf => change(leaf),
    }
}

/// The type after more texts: an integer without a sign only as long as all are.
fn settled(hoped: &DataType, texts: &ArrayRef) -> DataType {
    match hoped {
        DataType::UInt64 => {
            let is_integer = |text: &str| text.parse::<u64>().is_ok();
            match texts.as_string_opt::<i32>().is_some_and(|texts| texts.iter().flatten().all(is_integer)) {
                true => DataType::UInt64,
                false => DataType::Float64,
            }
        }
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(texts.as_struct().columns());
            DataType::Struct(parts.map(|(field, part)| with_type(field, settled(field.data_type(), part))).collect())
        }
        DataType::List(item) => {
            DataType::List(with_type(item, settled(item.data_type(), texts.as_list::<i32>().values())))
        }
        other => other.clone(),
    }
}
