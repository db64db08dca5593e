//! What rows take, and what their arrays hold: a slice of a batch holds all of it, however few rows it has.

use std::ops::Range;
use std::ptr::NonNull;
use std::slice::from_ref;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::compute::concat;
use arrow::datatypes::{
    BinaryType, BinaryViewType, ByteArrayType, ByteViewType, DataType, LargeBinaryType, LargeUtf8Type, StringViewType,
    Utf8Type,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// What an array takes beside its rows: itself, and the ends of its buffers.
const ARRAY_BYTES: usize = 512;

/// Bytes of the rows themselves, whatever else their buffers hold. A dictionary belongs to every batch that has it, as it is
/// written with each.
pub(crate) fn of_rows(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| of_column(column.as_ref())).sum()
}

/// Bytes that batches hold. Buffers that columns share, as those of a log do that was read, are held once.
pub(crate) fn held(batches: &[RecordBatch]) -> usize {
    let most: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    // Two columns that share a buffer count twice what they hold: no more than buffers that grew.
    match most <= usual(batches) * 3 / 4 {
        true => most,
        false => distinct(batches).min(most),
    }
}

/// A batch as memory may keep it: with buffers of its own if those that it has hold much more than its rows, as those of a
/// slice do, and those of a builder that was made for many rows. So what memory holds is what is counted.
pub(crate) fn own(batch: RecordBatch) -> RecordBatch {
    let usual = usual(from_ref(&batch));
    if batch.get_array_memory_size() <= usual {
        return batch;
    }
    let before = distinct(from_ref(&batch));
    if before <= usual {
        return batch;
    }
    // Views within lists stay where they are: a copy would come on top of them.
    let copy = copied(&batch).ok().filter(|copy| distinct(from_ref(copy)) < before);
    copy.unwrap_or(batch)
}

/// The most that batches hold where nobody cut them: buffers grow by doubling.
fn usual(batches: &[RecordBatch]) -> usize {
    batches.iter().map(|batch| 2 * of_rows(batch) + ARRAY_BYTES * batch.num_columns()).sum()
}

fn of_column(column: &dyn Array) -> usize {
    let (rows, data_type) = (column.len(), column.data_type());
    let nulls = column.nulls().map_or(0, |_| rows.div_ceil(8));
    let values = match data_type {
        DataType::Boolean => rows.div_ceil(8),
        DataType::Utf8 => of_texts::<Utf8Type>(column),
        DataType::LargeUtf8 => of_texts::<LargeUtf8Type>(column),
        DataType::Binary => of_texts::<BinaryType>(column),
        DataType::LargeBinary => of_texts::<LargeBinaryType>(column),
        DataType::Utf8View => of_views::<StringViewType>(column),
        DataType::BinaryView => of_views::<BinaryViewType>(column),
        DataType::List(_) => {
            column.as_list_opt::<i32>().map_or(0, |lists| of_lists(lists.value_offsets(), lists.values().as_ref()))
        }
        DataType::LargeList(_) => {
            column.as_list_opt::<i64>().map_or(0, |lists| of_lists(lists.value_offsets(), lists.values().as_ref()))
        }
        DataType::Map(..) => column.as_map_opt().map_or(0, |maps| of_lists(maps.value_offsets(), maps.entries())),
        DataType::FixedSizeList(..) => {
            column.as_fixed_size_list_opt().map_or(0, |lists| of_column(lists.values().as_ref()))
        }
        DataType::Struct(_) => {
            let parts = column.as_struct_opt().into_iter().flat_map(|parts| parts.columns());
            parts.map(|part| of_column(part.as_ref())).sum::<usize>()
        }
        DataType::Dictionary(..) => column
            .as_any_dictionary_opt()
            .map_or(0, |words| of_column(words.keys()) + of_column(words.values().as_ref())),
        _ => match data_type.primitive_width() {
            Some(width) => rows * width,
            // What cannot be measured is taken for what it holds.
            None => column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_buffer_memory_size()),
        },
    };
    nulls + values
}

/// Texts, or bytes, and where they begin.
fn of_texts<T: ByteArrayType>(column: &dyn Array) -> usize {
    let Some(texts) = column.as_bytes_opt::<T>() else { return 0 };
    span(texts.value_offsets()).len() + size_of_val(texts.value_offsets())
}

/// Views, and what they show. They may show the same bytes many times.
fn of_views<T: ByteViewType>(column: &dyn Array) -> usize {
    let Some(views) = column.as_byte_view_opt::<T>() else { return 0 };
    let buffers: usize = views.data_buffers().iter().map(Buffer::len).sum();
    views.total_buffer_bytes_used().min(buffers) + size_of::<u128>() * views.len()
}

/// The values of lists, and where they begin.
fn of_lists<O: OffsetSizeTrait>(offsets: &[O], values: &dyn Array) -> usize {
    let span = span(offsets);
    of_column(values.slice(span.start, span.len()).as_ref()) + size_of_val(offsets)
}

/// What offsets lead to.
fn span<O: OffsetSizeTrait>(offsets: &[O]) -> Range<usize> {
    let at = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
    at(offsets.first())..at(offsets.last())
}

/// Bytes that batches hold, each buffer counted once.
fn distinct(batches: &[RecordBatch]) -> usize {
    let (mut arrays, mut buffers) = (0, Vec::new());
    for column in batches.iter().flat_map(RecordBatch::columns) {
        arrays += column.get_array_memory_size().saturating_sub(column.get_buffer_memory_size());
        gather(&column.to_data(), &mut buffers);
    }
    buffers.sort_unstable();
    buffers.dedup();
    arrays + buffers.iter().map(|(_, bytes)| *bytes).sum::<usize>()
}

fn gather(data: &ArrayData, buffers: &mut Vec<(NonNull<u8>, usize)>) {
    let nulls = data.nulls().map(NullBuffer::buffer);
    buffers.extend(data.buffers().iter().chain(nulls).map(|buffer| (buffer.data_ptr(), buffer.capacity())));
    data.child_data().iter().for_each(|child| gather(child, buffers));
}

fn copied(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(copied_column).collect::<Result<_, _>>()?;
    RecordBatch::try_new(batch.schema(), columns)
}

fn copied_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    // One array alone would be shared and not copied.
    let copy = concat(&[column.as_ref(), column.slice(0, 0).as_ref()])?;
    Ok(match copy.data_type() {
        DataType::Utf8View => packed::<StringViewType>(copy),
        DataType::BinaryView => packed::<BinaryViewType>(copy),
        _ => copy,
    })
}

/// Views with what they show alone, unless they show it so often that it would be more.
fn packed<T: ByteViewType>(column: ArrayRef) -> ArrayRef {
    let Some(views) = column.as_byte_view_opt::<T>() else { return column };
    let buffers: usize = views.data_buffers().iter().map(Buffer::capacity).sum();
    match views.total_buffer_bytes_used() < buffers {
        true => Arc::new(views.gc()),
        false => column,
    }
}

#[cfg(test)]
mod tests;
