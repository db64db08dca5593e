//! What lies behind nulls, as Lance can write it.
//!
//! Values behind a null are seen by nobody, and Arrow lets them be anything. Lance carries the nulls of a struct into its
//! parts, and then refuses a part that is never null, the key of a null in a dictionary that has no such value, and parts of
//! longer arrays. So columns with parts are written in a form that says the same and has none of this.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, DictionaryArray, FixedSizeListArray, GenericListArray,
    MutableArrayData, OffsetSizeTrait, PrimitiveArray, StructArray, downcast_integer, make_array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::nullif;
use arrow::datatypes::{ArrowDictionaryKeyType, DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

type Written<Value = ArrayRef> = std::result::Result<Value, ArrowError>;

/// True if a table has a column that has to be brought into form, also where Lance itself rewrites rows that it has read.
pub(crate) fn has_parts(schema: &Schema) -> bool {
    schema.fields().iter().any(|field| is_of_parts(field.data_type()))
}

fn is_of_parts(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(_) | DataType::Dictionary(..) => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_of_parts(item.data_type())
        }
        _ => false,
    }
}

/// The rows in a form that Lance can write. Columns without parts are shared, not copied.
///
/// # Errors
/// Those of Arrow: none for arrays that keep its rules.
pub(crate) fn formed(rows: &RecordBatch) -> Written<RecordBatch> {
    if !has_parts(rows.schema_ref()) {
        return Ok(rows.clone());
    }
    let columns = rows.schema_ref().fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, column)| match is_of_parts(field.data_type()) {
        true => form(&on_its_own(column), field, None),
        false => Ok(Arc::clone(column)),
    });
    RecordBatch::try_new(rows.schema(), columns.collect::<Written<_>>()?)
}

/// The array with nothing before its first value, nor in its parts.
fn on_its_own(array: &ArrayRef) -> ArrayRef {
    let data = array.to_data();
    let is_cut = |data: &arrow::array::ArrayData| data.offset() > 0;
    if !is_cut(&data) && !data.child_data().iter().any(is_cut) && !has_nested(array.data_type()) {
        return Arc::clone(array);
    }
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    copy.extend(0, 0, data.len());
    make_array(copy.freeze())
}

/// Whether parts have parts in turn, so that it is less work to copy than to look.
fn has_nested(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(parts) => parts.iter().any(|part| part.data_type().is_nested()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_nested()
        }
        _ => false,
    }
}

/// A part in form: null where what it is a part of is null (`outer`), or without nulls if it is never null.
fn form(array: &ArrayRef, field: &Field, outer: Option<&NullBuffer>) -> Written {
    let nulls = NullBuffer::union(array.nulls(), outer);
    let shown = nulls.clone().filter(|_| field.is_nullable());
    Ok(match array.data_type() {
        DataType::Struct(fields) => {
            let parts = array.as_struct().columns().iter().zip(fields);
            let parts = parts.map(|(part, field)| form(part, field, nulls.as_ref())).collect::<Written<_>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), parts, shown, array.len())?)
        }
        DataType::List(item) => Arc::new(list(array.as_list::<i32>(), item, shown)?),
        DataType::LargeList(item) => Arc::new(list(array.as_list::<i64>(), item, shown)?),
        DataType::FixedSizeList(item, length) if is_of_parts(item.data_type()) => {
            let values = form(array.as_fixed_size_list().values(), item, None)?;
            let (item, length, rows) = (Arc::clone(item), *length, array.len());
            Arc::new(FixedSizeListArray::try_new_with_length(item, length, values, shown, rows)?)
        }
        DataType::Dictionary(..) => dictionary(array, nulls, field.is_nullable())?,
        DataType::Null => Arc::clone(array),
        _ if field.is_nullable() => masked(array, outer)?,
        // What is there behind the nulls is as good as anything else.
        _ => make_array(array.to_data().into_builder().nulls(None).build()?),
    })
}

fn list<Offset: OffsetSizeTrait>(
    array: &GenericListArray<Offset>,
    item: &Arc<Field>,
    nulls: Option<NullBuffer>,
) -> Written<GenericListArray<Offset>> {
    let values = match is_of_parts(item.data_type()) {
        true => form(array.values(), item, None)?,
        false => Arc::clone(array.values()),
    };
    GenericListArray::try_new(Arc::clone(item), array.offsets().clone(), values, nulls)
}

fn masked(array: &ArrayRef, outer: Option<&NullBuffer>) -> Written {
    match outer.filter(|outer| outer.null_count() > 0) {
        Some(outer) => nullif(array, &BooleanArray::new(!outer.inner(), None)),
        None => Ok(Arc::clone(array)),
    }
}

/// A dictionary whose keys all name a value, also those of nulls.
fn dictionary(array: &ArrayRef, nulls: Option<NullBuffer>, nullable: bool) -> Written {
    macro_rules! of_key {
        ($key:ty) => {
            named::<$key>(array.as_dictionary(), nulls, nullable)
        };
    }
    let DataType::Dictionary(key, _) = array.data_type() else { return Ok(Arc::clone(array)) };
    downcast_integer! {
        key.as_ref() => (of_key),
        _ => Ok(Arc::clone(array)),
    }
}

fn named<Key: ArrowDictionaryKeyType>(
    array: &DictionaryArray<Key>,
    nulls: Option<NullBuffer>,
    nullable: bool,
) -> Written {
    let first = <Key as ArrowPrimitiveType>::Native::default();
    let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    let keys = array.keys().values().iter().enumerate();
    let keys = keys.map(|(row, key)| if is_null(row) { first } else { *key }).collect();
    let values = match array.values().is_empty() && !array.is_empty() {
        true => one_value(array.values().data_type())?,
        false => Arc::clone(array.values()),
    };
    let shown = nulls.filter(|_| nullable);
    Ok(Arc::new(DictionaryArray::try_new(PrimitiveArray::<Key>::try_new(keys, shown)?, values)?))
}

/// Some value of a type without parts, for nulls to name.
fn one_value(data_type: &DataType) -> Written {
    Ok(make_array(new_null_array(data_type, 1).to_data().into_builder().nulls(None).build()?))
}
