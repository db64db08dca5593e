//! The payloads that the cache puts into its log: appends, notes that a table begins anew, and notes of direct appends.
//!
//! All numbers are little endian. Lengths are tested before anything is allocated for them, and what does not fit is
//! `Corrupt`; nothing read from here is trusted.
//!
//! ```text
//! append (kind 1)                          fresh table (kind 2)
//! u8   version, 1                          u8   version, 1
//! u64  sequence number                     u16  bytes of the name
//! u32  parts                                    name, UTF-8
//! then for each part:
//!   u16  bytes of the name
//!        name, UTF-8
//!   u32  bytes of the rows
//!        rows: an Arrow IPC stream (schema, dictionaries, batches), not compressed, aligned to 8 bytes
//!
//! direct append (kind 3)
//! u8   version, 1
//! u64  sequence number
//! u16  bytes of the table's name
//!      name, UTF-8
//! ```
//!
//! What the column `seq` holds in the rows does not count: the sequence number of the record is it. A direct append has its
//! rows in the table, not in the log; if that failed, a record of kind 1 with the same number has them.

mod ipc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::{Buf, Bytes, BytesMut};
use worldstore_core::table::TableName;
use worldstore_core::wal::RecordKind;
use worldstore_core::{Error, ErrorKind, Result};

use crate::size;
use crate::ticks::Ticks;

/// The version of the layout.
const VERSION: u8 = 1;
/// Where the sequence number is.
const SEQ: std::ops::Range<usize> = 1..9;
/// Rows that a part holds at most, so that rows without bytes cannot ask for any amount of memory.
pub(crate) const PART_ROWS_MAX: usize = 1 << 26;

/// The kind of records of appends.
pub(crate) const APPEND: RecordKind = RecordKind::DATA;

/// The kind of records of fresh tables.
pub(crate) fn fresh_kind() -> Result<RecordKind> {
    RecordKind::new(2)
}

/// The kind of records of direct appends.
pub(crate) fn direct_kind() -> Result<RecordKind> {
    RecordKind::new(3)
}

/// The rows of one table in an append.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub table: TableName,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// The ticks of the rows.
    pub ticks: Ticks,
}

/// The record of an append that has no sequence number yet: all the work is done before the number is taken.
#[derive(Debug)]
pub(crate) struct Draft {
    kind: RecordKind,
    payload: Bytes,
}

impl Draft {
    /// Encodes rows.
    ///
    /// # Errors
    /// `Invalid` for more rows, bytes or tables than a record holds.
    pub fn new(parts: &[Rows]) -> Result<Self> {
        let mut payload = Vec::with_capacity(room(parts));
        payload.push(VERSION);
        payload.extend_from_slice(&[0; 8]);
        payload.extend_from_slice(&length(parts.len())?.to_le_bytes());
        for part in parts {
            put_name(&mut payload, &part.table)?;
            let at = payload.len();
            payload.extend_from_slice(&[0; 4]);
            ipc::encode(&mut payload, part)?;
            let bytes = length(payload.len() - at - 4)?.to_le_bytes();
            put(&mut payload, at..at + 4, &bytes);
        }
        Ok(Self { kind: APPEND, payload: payload.into() })
    }

    /// The note of a direct append.
    pub fn direct(table: &TableName) -> Result<Self> {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&[0; 8]);
        put_name(&mut payload, table)?;
        Ok(Self { kind: direct_kind()?, payload: payload.into() })
    }

    /// The kind of the record.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// Bytes of the payload.
    pub fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// The payload with its sequence number. Another number may be given later, if no payload is held any more.
    pub fn number(&mut self, seq: u64) -> Bytes {
        let payload = std::mem::take(&mut self.payload).try_into_mut();
        let mut payload = payload.unwrap_or_else(|held| BytesMut::from(&held[..]));
        put(&mut payload, SEQ, &seq.to_le_bytes());
        self.payload = payload.freeze();
        self.payload.clone()
    }
}

/// The payload that says that a table begins anew.
pub(crate) fn fresh(table: &TableName) -> Result<Bytes> {
    let mut payload = vec![VERSION];
    put_name(&mut payload, table)?;
    Ok(payload.into())
}

/// An append as it is read back. Its rows are decoded when they are asked for.
#[derive(Debug)]
pub(crate) struct Append {
    pub seq: u64,
    pub parts: Vec<Part>,
}

/// The rows of one table.
#[derive(Debug)]
pub(crate) struct Part {
    pub table: TableName,
    rows: Bytes,
}

impl Part {
    /// The rows, as an Arrow IPC stream.
    pub fn stream(&self) -> &Bytes {
        &self.rows
    }

    /// Decodes the rows.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn batches(&self) -> Result<Vec<RecordBatch>> {
        ipc::decode(&self.rows).map_err(|error| error.with("table", &self.table))
    }
}

/// Reads an append.
///
/// # Errors
/// `Corrupt`; `Unsupported` for a later version.
pub(crate) fn read_append(mut payload: Bytes) -> Result<Append> {
    check_version(&mut payload)?;
    let seq = get_seq(&mut payload)?;
    let count = payload.try_get_u32_le().map_err(cut)?;
    // The count is not trusted with memory: every part takes some bytes.
    let mut parts = Vec::new();
    for _ in 0..count {
        let table = get_name(&mut payload)?;
        let bytes = payload.try_get_u32_le().map_err(cut)? as usize;
        parts.push(Part { table, rows: take(&mut payload, bytes)? });
    }
    check_end(&payload)?;
    Ok(Append { seq, parts })
}

/// Reads the number of a direct append, and its table.
///
/// # Errors
/// As for [`read_append`].
pub(crate) fn read_direct(mut payload: Bytes) -> Result<(u64, TableName)> {
    check_version(&mut payload)?;
    let seq = get_seq(&mut payload)?;
    let table = get_name(&mut payload)?;
    check_end(&payload)?;
    Ok((seq, table))
}

/// Reads the name of a fresh table.
///
/// # Errors
/// As for [`read_append`].
pub(crate) fn read_fresh(mut payload: Bytes) -> Result<TableName> {
    check_version(&mut payload)?;
    let table = get_name(&mut payload)?;
    check_end(&payload)?;
    Ok(table)
}

fn check_version(payload: &mut Bytes) -> Result<()> {
    match payload.try_get_u8().map_err(cut)? {
        VERSION => Ok(()),
        version => Err(Error::unsupported("record is of a later version").with("version", version)),
    }
}

fn check_end(payload: &Bytes) -> Result<()> {
    match payload.is_empty() {
        true => Ok(()),
        false => Err(corrupt("record is longer than its parts").with("bytes", payload.len())),
    }
}

/// Fills in a number whose place was kept free.
fn put(payload: &mut [u8], at: std::ops::Range<usize>, bytes: &[u8]) {
    if let Some(place) = payload.get_mut(at) {
        place.copy_from_slice(bytes);
    }
}

fn put_name(payload: &mut Vec<u8>, table: &TableName) -> Result<()> {
    let name = table.as_str().as_bytes();
    let bytes = u16::try_from(name.len()).map_err(|source| Error::unexpected("name is too long").caused_by(source))?;
    payload.extend_from_slice(&bytes.to_le_bytes());
    payload.extend_from_slice(name);
    Ok(())
}

fn get_seq(payload: &mut Bytes) -> Result<u64> {
    match payload.try_get_u64_le().map_err(cut)? {
        0 => Err(corrupt("record of an append has no sequence number")),
        seq => Ok(seq),
    }
}

fn get_name(payload: &mut Bytes) -> Result<TableName> {
    let bytes = payload.try_get_u16_le().map_err(cut)? as usize;
    let name = take(payload, bytes)?;
    let text = std::str::from_utf8(&name).map_err(|source| corrupt("table name is no text").caused_by(source))?;
    TableName::new(text).map_err(|source| corrupt("record names no table").caused_by(source))
}

fn take(payload: &mut Bytes, bytes: usize) -> Result<Bytes> {
    match bytes <= payload.len() {
        true => Ok(payload.split_to(bytes)),
        false => Err(corrupt("record is cut short").with("needed", bytes).with("left", payload.len())),
    }
}

/// Bytes that the record of an append takes, or a little more: it has nulls of every column, whether there are any or not.
fn room(parts: &[Rows]) -> usize {
    let of_part = |part: &Rows| {
        let rows: usize = part.batches.iter().map(size::of_rows).sum();
        rows + (rows >> 4) + 256 * part.schema.fields().len() + 1024
    };
    parts.iter().map(of_part).sum::<usize>() + 64
}

fn length(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|source| Error::invalid("append is larger than a record holds").caused_by(source))
}

fn cut(source: bytes::TryGetError) -> Error {
    corrupt("record is cut short").caused_by(source)
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests;
