//! Parts: Arrow IPC streams with one batch, written from memory as it lies there, and read where they lie.

use std::borrow::Cow;
use std::ops::Range;
use std::vec;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions, write_message};
use arrow::ipc::{
    Buffer, FieldNode, MessageBuilder, MessageHeader, MetadataVersion, RecordBatchBuilder, root_as_message,
};
use bytes::Bytes;
use flatbuffers::FlatBufferBuilder;
use worldstore_core::{Error, Result};

use super::manifest::{Manifest, PartEntry};
use super::{HEADER_BYTES, MAGIC, VERSION};
use crate::error::corrupt;

/// Where parts and buffers begin.
const ALIGNMENT: usize = 64;

/// Bytes that are copied and summed at once.
const BLOCK_BYTES: usize = 128 << 10;

/// The end of a stream.
const END: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// A column to be written: validity first, unless it is a column of nulls, which has no buffers.
#[derive(Debug)]
pub struct PartColumn<'a> {
    pub field: Field,
    pub nulls: usize,
    pub buffers: Vec<Cow<'a, [u8]>>,
}

/// Writes a part of one column of numbers.
pub fn numbers(out: &mut Vec<u8>, name: &str, kind: DataType, bytes: &[u8]) -> Result<PartEntry> {
    let rows = bytes.len() / kind.primitive_width().unwrap_or(1);
    let buffers = vec![Cow::Borrowed(&[][..]), Cow::Borrowed(bytes)];
    write(out, rows, &[PartColumn { field: Field::new(name, kind, false), nulls: 0, buffers }])
}

/// Writes a part.
pub fn write(out: &mut Vec<u8>, rows: usize, columns: &[PartColumn<'_>]) -> Result<PartEntry> {
    pad(out);
    let start = out.len();
    let schema = Schema::new(columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>());
    write_schema(out, &schema)?;
    write_batch_header(out, rows, columns);
    let mut sum = Sum { from: start, crc32c: 0 };
    for buffer in columns.iter().flat_map(|column| &column.buffers) {
        for block in buffer.chunks(BLOCK_BYTES) {
            out.extend_from_slice(block);
            sum.take(out);
        }
        pad(out);
    }
    out.extend_from_slice(&END);
    sum.take(out);
    Ok(PartEntry { offset: start as u64, length: (out.len() - start) as u64, crc32c: sum.crc32c })
}

/// The sum of what was written, taken while it is in the cache.
struct Sum {
    from: usize,
    crc32c: u32,
}

impl Sum {
    fn take(&mut self, out: &[u8]) {
        self.crc32c = crc32c::crc32c_append(self.crc32c, out.get(self.from..).unwrap_or_default());
        self.from = out.len();
    }
}

fn pad(out: &mut Vec<u8>) {
    out.resize(padded(out.len()), 0);
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT)
}

fn write_schema(out: &mut Vec<u8>, schema: &Schema) -> Result<()> {
    let failed = |source| Error::unexpected("no schema").caused_by(source);
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(failed)?;
    let mut dictionaries = DictionaryTracker::new(false);
    let message =
        IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(schema, &mut dictionaries, &options);
    write_message(out, message, &options).map_err(failed)?;
    Ok(())
}

fn write_batch_header(out: &mut Vec<u8>, rows: usize, columns: &[PartColumn<'_>]) {
    let mut flat = FlatBufferBuilder::new();
    let nodes: Vec<FieldNode> = columns.iter().map(|column| FieldNode::new(rows as i64, column.nulls as i64)).collect();
    let mut body = 0;
    let buffers = columns.iter().flat_map(|column| &column.buffers).map(|buffer| {
        let place = Buffer::new(body as i64, buffer.len() as i64);
        body += padded(buffer.len());
        place
    });
    let buffers: Vec<Buffer> = buffers.collect();
    let (nodes, buffers) = (flat.create_vector(&nodes), flat.create_vector(&buffers));
    let mut batch = RecordBatchBuilder::new(&mut flat);
    batch.add_length(rows as i64);
    batch.add_nodes(nodes);
    batch.add_buffers(buffers);
    let batch = batch.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut flat);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::RecordBatch);
    message.add_bodyLength(body as i64);
    message.add_header(batch);
    let message = message.finish();
    flat.finish(message, None);
    let metadata = flat.finished_data();
    let length = padded(metadata.len() + 8) - 8;
    out.extend_from_slice(&END[..4]);
    // A few hundred bytes per column, and at most a few thousand columns.
    out.extend_from_slice(&(length as i32).to_le_bytes());
    out.extend_from_slice(metadata);
    out.resize(out.len() + length - metadata.len(), 0);
}

/// A snapshot whose manifest is read.
#[derive(Debug)]
pub struct File {
    bytes: Bytes,
    pub manifest: Manifest,
}

/// Reads header and manifest.
pub fn open(bytes: &Bytes) -> Result<File> {
    let header = bytes.get(..HEADER_BYTES).ok_or_else(|| corrupt("there is no header of a snapshot"))?;
    let u32_at = |place: usize| u32::from_le_bytes(array(header, place));
    let u64_at = |place: usize| u64::from_le_bytes(array(header, place));
    if !header.starts_with(MAGIC) || u32_at(60) != crc32c::crc32c(&header[..60]) {
        return Err(corrupt("there is no header of a snapshot"));
    }
    if u32_at(8) != VERSION {
        return Err(Error::unsupported("the format is of a later version").with("version", u32_at(8)));
    }
    if u64_at(32) != bytes.len() as u64 {
        let error = corrupt("the snapshot has another length");
        return Err(error.with("length", bytes.len()).with("written", u64_at(32)));
    }
    let text = range(bytes.len(), u64_at(16), u64_at(24)).and_then(|range| bytes.get(range));
    let text = text.ok_or_else(|| corrupt("the manifest is not there"))?;
    if crc32c::crc32c(text) != u32_at(40) {
        return Err(corrupt("the manifest has another sum"));
    }
    let manifest = serde_json::from_slice(text).map_err(|source| corrupt("this is no manifest").caused_by(source))?;
    Ok(File { bytes: bytes.clone(), manifest })
}

fn array<const COUNT: usize>(bytes: &[u8], place: usize) -> [u8; COUNT] {
    let mut array = [0; COUNT];
    if let Some(found) = bytes.get(place..place + COUNT) {
        array.copy_from_slice(found);
    }
    array
}

/// A range, if it lies within so many bytes.
fn range(within: usize, offset: u64, length: u64) -> Option<Range<usize>> {
    let (start, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
    let end = start.checked_add(length)?;
    (end <= within).then_some(start..end)
}

/// The batch of a part: its buffers, taken one after the other.
#[derive(Debug)]
pub struct Batch {
    pub rows: usize,
    nodes: vec::IntoIter<usize>,
    buffers: vec::IntoIter<Bytes>,
}

impl File {
    /// Reads a part.
    pub fn read(&self, entry: &PartEntry) -> Result<Batch> {
        let range = range(self.bytes.len(), entry.offset, entry.length);
        let part = self.bytes.slice(range.ok_or_else(|| corrupt("a part is not there").with("offset", entry.offset))?);
        if crc32c::crc32c(&part) != entry.crc32c {
            return Err(corrupt("a part has another sum").with("offset", entry.offset));
        }
        read_batch(&part).map_err(|error| error.with("offset", entry.offset))
    }
}

/// The metadata of a message, and what is behind it.
fn message(bytes: &Bytes) -> Result<(Bytes, Bytes)> {
    let wrong = || corrupt("a part is no Arrow stream");
    let start = bytes.get(..8).filter(|start| start.starts_with(&END[..4])).ok_or_else(wrong)?;
    let length = u64::from(u32::from_le_bytes(array(start, 4)));
    let metadata = range(bytes.len(), 8, length).ok_or_else(wrong)?;
    let rest = bytes.slice(metadata.end..);
    Ok((bytes.slice(metadata), rest))
}

pub(super) fn read_batch(part: &Bytes) -> Result<Batch> {
    let wrong = |what: &str| corrupt(what);
    let (schema, rest) = message(part)?;
    let schema = root_as_message(&schema).map_err(|source| wrong("a part has no schema").with("reason", source))?;
    if schema.header_type() != MessageHeader::Schema || schema.bodyLength() != 0 {
        return Err(wrong("a part has no schema"));
    }
    let (metadata, rest) = message(&rest)?;
    let message = root_as_message(&metadata).map_err(|source| wrong("a part has no batch").with("reason", source))?;
    let batch = message.header_as_record_batch().ok_or_else(|| wrong("a part has no batch"))?;
    if batch.compression().is_some() {
        return Err(wrong("a part is compressed"));
    }
    let body = u64::try_from(message.bodyLength()).ok().and_then(|length| range(rest.len(), 0, length));
    let body = rest.slice(body.ok_or_else(|| wrong("a batch is not whole"))?);
    let rows = usize::try_from(batch.length()).map_err(|_| wrong("a batch has no length"))?;
    let mut nulls = Vec::new();
    for node in batch.nodes().into_iter().flatten() {
        match (usize::try_from(node.length()), usize::try_from(node.null_count())) {
            (Ok(length), Ok(count)) if length == rows && count <= rows => nulls.push(count),
            _ => return Err(wrong("a column has another length than its batch")),
        }
    }
    let mut buffers = Vec::new();
    for buffer in batch.buffers().into_iter().flatten() {
        let place = u64::try_from(buffer.offset()).ok().zip(u64::try_from(buffer.length()).ok());
        let place = place.and_then(|(offset, length)| range(body.len(), offset, length));
        buffers.push(body.slice(place.ok_or_else(|| wrong("a buffer is not there"))?));
    }
    Ok(Batch { rows, nodes: nulls.into_iter(), buffers: buffers.into_iter() })
}

impl Batch {
    /// How many nulls the next column has.
    pub fn nulls(&mut self) -> Result<usize> {
        self.nodes.next().ok_or_else(|| corrupt("a column is missing"))
    }

    /// The next buffer.
    pub fn buffer(&mut self) -> Result<Bytes> {
        self.buffers.next().ok_or_else(|| corrupt("a buffer is missing"))
    }

    /// A column without nulls, of values that take as many bytes.
    pub fn numbers(&mut self, width: usize) -> Result<Bytes> {
        let (nulls, _, values) = (self.nulls()?, self.buffer()?, self.buffer()?);
        match nulls == 0 && self.rows.checked_mul(width) == Some(values.len()) {
            true => Ok(values),
            false => Err(corrupt("a column has another length than its batch")),
        }
    }

    /// The only column, without nulls, of values that take as many bytes.
    pub fn single(mut self, width: usize) -> Result<Bytes> {
        let values = self.numbers(width)?;
        self.end()?;
        Ok(values)
    }

    /// Looks whether all columns were taken.
    pub fn end(mut self) -> Result<()> {
        match (self.nodes.next(), self.buffers.next()) {
            (None, None) => Ok(()),
            _ => Err(corrupt("a part has more columns than are listed")),
        }
    }
}
