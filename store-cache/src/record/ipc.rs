//! Rows as an Arrow IPC stream: written as is, and read behind a wall, because the reader trusts its bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::ipc::{MessageHeader, MetadataVersion, RecordBatch as BatchHeader, root_as_message};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use worldstore_core::{Error, Result};

use super::{PART_ROWS_MAX, Rows, corrupt};

/// What stands before each message.
const CONTINUATION: u32 = u32::MAX;

/// Writes rows behind what is there.
pub(super) fn encode(payload: &mut Vec<u8>, part: &Rows) -> Result<()> {
    let failed =
        |source| Error::invalid("rows cannot be put into the log").with("table", &part.table).caused_by(source);
    if part.batches.iter().any(|batch| batch.num_rows() > PART_ROWS_MAX) {
        return Err(Error::invalid("batch has more rows than a record holds").with("most", PART_ROWS_MAX));
    }
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5).map_err(failed)?;
    let mut writer = StreamWriter::try_new_with_options(payload, &part.schema, options).map_err(failed)?;
    for batch in &part.batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)
}

/// Reads rows.
pub(super) fn decode(rows: &Bytes) -> Result<Vec<RecordBatch>> {
    check(rows)?;
    // What is left to the reader's asserts (types and counts of a schema that only a forger writes) must end neither the
    // process nor the recovery.
    let decoded = catch_unwind(AssertUnwindSafe(|| batches(rows)));
    decoded.unwrap_or_else(|_| Err(corrupt("rows of a record cannot be read")))
}

fn batches(rows: &Bytes) -> Result<Vec<RecordBatch>> {
    let failed = |source| corrupt("rows of a record cannot be read").caused_by(source);
    let mut decoder = StreamDecoder::new();
    let mut buffer = Buffer::from(rows.clone());
    let mut batches = Vec::new();
    while let Some(batch) = decoder.decode(&mut buffer).map_err(failed)? {
        batches.push(batch);
    }
    decoder.finish().map_err(failed)?;
    Ok(batches)
}

/// Walks over the messages and tests what the reader believes: every length, and every place of a buffer.
fn check(rows: &[u8]) -> Result<()> {
    let mut rest = rows;
    let mut is_first = true;
    loop {
        if number(&mut rest)? != CONTINUATION {
            return Err(corrupt("rows of a record are no stream"));
        }
        let metadata = number(&mut rest)? as usize;
        if metadata == 0 {
            return match rest.is_empty() && !is_first {
                true => Ok(()),
                false => Err(corrupt("rows of a record do not end where their stream does")),
            };
        }
        let metadata = split(&mut rest, metadata)?;
        let message =
            root_as_message(metadata).map_err(|source| corrupt("message is damaged").with("cause", source))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| corrupt("message has a negative length"))?;
        split(&mut rest, body)?;
        if is_first != (message.header_type() == MessageHeader::Schema) {
            return Err(corrupt("rows of a record have no schema, or two"));
        }
        check_header(&message, body)?;
        is_first = false;
    }
}

fn check_header(message: &arrow::ipc::Message<'_>, body: usize) -> Result<()> {
    match message.header_type() {
        MessageHeader::Schema => Ok(()),
        MessageHeader::RecordBatch => match message.header_as_record_batch() {
            Some(batch) => check_batch(batch, body),
            None => Err(corrupt("message has no header")),
        },
        MessageHeader::DictionaryBatch => match message.header_as_dictionary_batch().and_then(|header| header.data()) {
            Some(batch) => check_batch(batch, body),
            None => Err(corrupt("message has no header")),
        },
        _ => Err(corrupt("message is of an unknown kind")),
    }
}

fn check_batch(batch: BatchHeader<'_>, body: usize) -> Result<()> {
    if batch.compression().is_some() {
        return Err(corrupt("rows of a record are compressed"));
    }
    let rows = |count: i64| (0..=PART_ROWS_MAX as i64).contains(&count);
    if !rows(batch.length()) {
        return Err(corrupt("batch has an impossible number of rows").with("rows", batch.length()));
    }
    for node in batch.nodes().into_iter().flatten() {
        // Children of lists may have more rows than there are lists; no more than they have bytes, if they have any.
        let fits = node.length() >= 0 && (rows(node.length()) || node.length() as usize <= body.saturating_mul(8));
        if !fits || !(0..=node.length()).contains(&node.null_count()) {
            return Err(corrupt("column has an impossible number of values").with("values", node.length()));
        }
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let (from, bytes) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let end = from.ok().zip(bytes.ok()).and_then(|(from, bytes)| from.checked_add(bytes));
        if end.is_none_or(|end| end > body) {
            return Err(corrupt("buffer lies outside of its message"));
        }
    }
    Ok(())
}

fn number(rest: &mut &[u8]) -> Result<u32> {
    let bytes = split(rest, 4)?;
    bytes.try_into().map(u32::from_le_bytes).map_err(|_| corrupt("rows of a record are cut short"))
}

fn split<'bytes>(rest: &mut &'bytes [u8], bytes: usize) -> Result<&'bytes [u8]> {
    let (head, tail) = rest.split_at_checked(bytes).ok_or_else(|| corrupt("rows of a record are cut short"))?;
    *rest = tail;
    Ok(head)
}
