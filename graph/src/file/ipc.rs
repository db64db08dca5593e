//! Arrow IPC, as files (which Feather of version 2 is) and as streams.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::{RecordBatch as IpcBatch, root_as_footer, root_as_message};
use worldstore_core::{Error, ErrorKind, Result};

/// What an Arrow file ends with.
const MAGIC: &[u8] = b"ARROW1";
/// The longest buffer that is unpacked.
const UNPACKED_BYTES_MAX: i64 = 1 << 32;
const UNREADABLE: &str = "this is no readable Arrow file";

type Read = Result<(SchemaRef, Vec<RecordBatch>)>;

pub(super) fn read_file(bytes: &[u8]) -> Read {
    super::guarded(UNREADABLE, || file(bytes))
}

pub(super) fn read_stream(bytes: &[u8]) -> Read {
    super::guarded(UNREADABLE, || stream(bytes))
}

fn file(bytes: &[u8]) -> Read {
    check_file(bytes)?;
    let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(unreadable)?;
    let schema = super::plain(&reader.schema());
    let batches = super::batches(reader, &schema)?;
    Ok((schema, batches))
}

fn stream(bytes: &[u8]) -> Read {
    check_stream(bytes)?;
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(unreadable)?;
    let schema = super::plain(&reader.schema());
    let batches = super::batches(reader, &schema)?;
    Ok((schema, batches))
}

/// Tests every length that the reader would make room for.
fn check_file(bytes: &[u8]) -> Result<()> {
    let rest = bytes.strip_suffix(MAGIC).ok_or_else(|| damaged("the Arrow file has no end"))?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or_else(|| damaged("the Arrow file has no footer"))?;
    let start = usize::try_from(i32::from_le_bytes(*length)).ok().and_then(|length| rest.len().checked_sub(length));
    let footer =
        start.and_then(|start| rest.get(start..)).ok_or_else(|| damaged("the footer is longer than the file"))?;
    let footer = root_as_footer(footer).map_err(|_| damaged("the footer cannot be read"))?;
    for block in footer.recordBatches().iter().flatten().chain(footer.dictionaries().iter().flatten()) {
        let (from, head, body) = (block.offset(), i64::from(block.metaDataLength()), block.bodyLength());
        let end = from.checked_add(head).and_then(|end| end.checked_add(body));
        let range = usize::try_from(from).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
        let message = range.filter(|_| head >= 0 && body >= 0).and_then(|(from, end)| bytes.get(from..end));
        let message = message.ok_or_else(|| damaged("a batch is longer than the file"))?;
        check_message(message)?;
    }
    Ok(())
}

fn check_stream(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    while let Some(length) = check_message(rest)? {
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Tests the lengths of a message, and tells how long it is; none at the end.
fn check_message(bytes: &[u8]) -> Result<Option<usize>> {
    let too_long = || damaged("a message is longer than the file");
    let number = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(i32::from_le_bytes);
    let (head_from, length) = match (number(0), number(4)) {
        (None, _) => return Ok(None),
        // The mark of newer writers.
        (Some(-1), Some(length)) => (8, length),
        (Some(-1), None) => return Ok(None),
        (Some(length), _) => (4, length),
    };
    let head_end =
        usize::try_from(length).ok().and_then(|length| length.checked_add(head_from)).ok_or_else(too_long)?;
    if length == 0 {
        return Ok(None);
    }
    let head = bytes.get(head_from..head_end).ok_or_else(too_long)?;
    let message = root_as_message(head).map_err(|_| damaged("a message cannot be read"))?;
    let body = usize::try_from(message.bodyLength()).ok().and_then(|length| bytes.get(head_end..)?.get(..length));
    let body = body.ok_or_else(too_long)?;
    let batch =
        message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch().and_then(|one| one.data()));
    if let Some(batch) = batch {
        check_batch(&batch, body)?;
    }
    Ok(Some(head_end + body.len()))
}

/// Tests the lengths of the buffers of a batch, those that they have when they are unpacked too.
fn check_batch(batch: &IpcBatch<'_>, body: &[u8]) -> Result<()> {
    let too_long = || damaged("a column is longer than its batch");
    if batch.length() < 0 || batch.nodes().iter().flatten().any(|node| node.length() < 0 || node.null_count() < 0) {
        return Err(too_long());
    }
    for buffer in batch.buffers().iter().flatten() {
        let (from, length) = (usize::try_from(buffer.offset()).ok(), usize::try_from(buffer.length()).ok());
        let bytes = from.zip(length).and_then(|(from, length)| body.get(from..)?.get(..length)).ok_or_else(too_long)?;
        if let (Some(_), Some(unpacked)) = (batch.compression(), bytes.first_chunk::<8>()) {
            // -1 is that of bytes that are not packed.
            if !(-1..=UNPACKED_BYTES_MAX).contains(&i64::from_le_bytes(*unpacked)) {
                return Err(too_long());
            }
        }
    }
    Ok(())
}

fn damaged(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

fn unreadable(source: ArrowError) -> Error {
    damaged(UNREADABLE).caused_by(source)
}
