//! Snapshots: everything that a storage holds as bytes, in one open format for all storages.
//!
//! ```text
//! header    64 bytes, little-endian:
//!           0  magic "WSTENTS\n"      8  version, u32 (1)        12  zero, u32
//!           16 manifest offset, u64   24 manifest length, u64    32  length of all, u64
//!           40 CRC-32C of manifest    44 zero                    60  CRC-32C of the first 60 bytes
//! parts     Arrow IPC streams, each with one batch, each beginning at a multiple of 64
//! manifest  JSON: tick, shard, components with their fields, and where each part is, with its length and CRC-32C
//! ```
//!
//! Any Arrow implementation reads a part. A part of rows has the column `entity` (the 63 bits of [`Entity`]) and then:
//!
//! - for a component whose values take as many bytes each, one column of its name: a number if it has one field, else
//!   fixed-size binary with the fields one behind the other; the metadata `worldstore.layout` names them, as in
//!   `x:f32,y:f32`. NumPy reads it with a structured type. Without fields it is a column of nulls.
//! - for other components a column `component.field` for each field;
//! - for shared values a column of places; the values are a part of their own.
//!
//! The other parts are what the allocator knows. Nothing is executed when a snapshot is read. Lengths, offsets and sums
//! are checked before anything is allocated by them, and every value before it is used. Columns of plain components are
//! used where they lie in the bytes, without a copy, until something changes.

mod buffers;
mod build;
mod manifest;
mod part;
mod replay;

use std::borrow::Cow;

use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use worldstore_core::{Error, ErrorKind, Result};
use zerocopy::IntoBytes;

use crate::chunk::{Chunk, Column};
use crate::error::corrupt;
use crate::state::State;
use crate::storage::Storage;
use crate::tick::Changes;
use crate::{AllocatorState, ComponentValue, Entity, Local, Tick};

use manifest::{ChunkEntry, ColumnEntry, Layout, Manifest, PartEntry, Removed, Since};
use part::{PartColumn, numbers};
pub(crate) use replay::Recorded;

const MAGIC: &[u8; 8] = b"WSTENTS\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;

/// Writes a state.
///
/// # Errors
/// `Invalid` if serde does not write a field as JSON.
pub fn write(state: &State<'_>) -> Result<Vec<u8>> {
    let mut out = begin(&state.chunks, &state.allocator);
    let mut manifest = Manifest::new(state.tick, &state.components, state.allocator.shard);
    write_allocator(&mut out, &mut manifest, &state.allocator)?;
    for chunk in &state.chunks {
        let entry = write_chunk(&mut out, &manifest, chunk)?;
        manifest.chunks.push(entry);
    }
    finish(out, &manifest)
}

/// Writes changes, to be read behind a snapshot of the tick since which they are. Of the state only the allocator and
/// the components are written.
///
/// # Errors
/// `Conflict` if the state is of another tick than the changes. `Invalid` if serde does not write a field as JSON.
pub fn write_changes(changes: &Changes, state: &State<'_>) -> Result<Vec<u8>> {
    if changes.tick != state.tick {
        let error = Error::new(ErrorKind::Conflict, "the storage was changed while its changes were read");
        return Err(error.with("tick", changes.tick).with("later", state.tick));
    }
    let chunks = by_component(&changes.written)?;
    let mut out = begin(&chunks, &state.allocator);
    let mut manifest = Manifest::new(state.tick, &state.components, state.allocator.shard);
    write_allocator(&mut out, &mut manifest, &state.allocator)?;
    for chunk in &chunks {
        let entry = write_chunk(&mut out, &manifest, chunk)?;
        manifest.chunks.push(entry);
    }
    let created = write_entities(&mut out, &changes.created)?;
    let destroyed = write_entities(&mut out, &changes.destroyed)?;
    let mut removed = Vec::new();
    let mut names: Vec<_> = changes.removed.iter().map(|(_, name)| name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let entities: Vec<Entity> =
            changes.removed.iter().filter(|(_, other)| other == name).map(|(entity, _)| *entity).collect();
        removed.push(Removed { component: name.to_string(), entities: write_entities(&mut out, &entities)? });
    }
    manifest.since = Some(Since { tick: changes.since.0, created, destroyed, removed });
    finish(out, &manifest)
}

/// Reads a state, and the changes behind it in their order.
///
/// # Errors
/// `Corrupt` if the bytes are no snapshot, or changes do not follow what is before them; `Unsupported` if the format is
/// of a later version.
pub fn read(snapshot: &Bytes, changes: &[Bytes]) -> Result<State<'static>> {
    let state = read_unchecked(snapshot, changes)?;
    state.check()?;
    Ok(state)
}

/// Reads a state for a storage, which [checks](State::check) what it takes in.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_unchecked(snapshot: &Bytes, changes: &[Bytes]) -> Result<State<'static>> {
    let file = part::open(snapshot)?;
    if file.manifest.since.is_some() {
        return Err(corrupt("these are changes, the snapshot that they follow is missing"));
    }
    let state = read_state(&file)?;
    if changes.is_empty() {
        return Ok(state);
    }
    let mut tick = state.tick;
    let mut local = Local::from_state(&state)?;
    for bytes in changes {
        let recorded = read_changes(&part::open(bytes)?)?;
        if recorded.since != tick {
            let error = corrupt("the changes do not follow what is before them");
            return Err(error.with("since", recorded.since).with("tick", tick));
        }
        tick = recorded.tick;
        local.replay(&recorded)?;
    }
    let mut state = local.export()?.into_owned()?;
    state.tick = tick;
    Ok(state)
}

/// Room for the header, and for the rest without growing.
fn begin(chunks: &[Chunk<'_>], allocator: &AllocatorState) -> Vec<u8> {
    let columns = chunks.iter().flat_map(Chunk::columns).map(|column| column.bytes_kept() + 512).sum::<usize>();
    let rows = chunks.iter().map(|chunk| chunk.len() * 8 + 1_024).sum::<usize>();
    let ids = allocator.slots.len() * 4 + allocator.free.len() * 4 + allocator.guests.len() * 8;
    let mut out = Vec::with_capacity(columns + rows + ids + 65_536);
    out.resize(HEADER_BYTES, 0);
    out
}

fn finish(mut out: Vec<u8>, manifest: &Manifest) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(manifest).map_err(|source| Error::unexpected("no manifest").caused_by(source))?;
    let offset = out.len() as u64;
    out.extend_from_slice(&text);
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    header.extend_from_slice(&offset.to_le_bytes());
    header.extend_from_slice(&(text.len() as u64).to_le_bytes());
    header.extend_from_slice(&(out.len() as u64).to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(&text).to_le_bytes());
    header.resize(HEADER_BYTES - 4, 0);
    header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
    if let Some(start) = out.get_mut(..HEADER_BYTES) {
        start.copy_from_slice(&header);
    }
    Ok(out)
}

fn write_allocator(out: &mut Vec<u8>, manifest: &mut Manifest, allocator: &AllocatorState) -> Result<()> {
    manifest.slots = numbers(out, "slot", DataType::UInt32, allocator.slots.as_bytes())?;
    manifest.free = numbers(out, "index", DataType::UInt32, allocator.free.as_bytes())?;
    manifest.guests = write_entities(out, &allocator.guests)?;
    Ok(())
}

fn write_entities(out: &mut Vec<u8>, entities: &[Entity]) -> Result<PartEntry> {
    numbers(out, "entity", DataType::UInt64, entities.as_bytes())
}

fn write_chunk(out: &mut Vec<u8>, manifest: &Manifest, chunk: &Chunk<'_>) -> Result<ChunkEntry> {
    let ids = PartColumn {
        field: Field::new("entity", DataType::UInt64, false),
        nulls: 0,
        buffers: vec![Cow::Borrowed(&[]), Cow::Borrowed(chunk.entities().as_bytes())],
    };
    // Columns that are not in one piece, in one.
    let loose = |column: &&Column<'_>| column.is_shared() || column.packed().is_none();
    let owned: Vec<Column<'static>> =
        chunk.columns().iter().filter(loose).map(|column| column.clone().into_owned()).collect::<Result<_>>()?;
    let mut owned = owned.iter();
    let mut columns = vec![ids];
    let mut entries = Vec::new();
    for column in chunk.columns() {
        let column = if loose(&column) { owned.next().unwrap_or(column) } else { column };
        let component = manifest.place(column.component())?;
        let layout = match column.shared_values() {
            Some((values, places)) => {
                columns.push(PartColumn {
                    field: build::named(column.component(), DataType::UInt32),
                    nulls: 0,
                    buffers: vec![Cow::Borrowed(&[]), Cow::Borrowed(places.as_bytes())],
                });
                let mut parts = Vec::new();
                let values = Column::from_values(column.component(), &values)?;
                build::columns(&values, &mut parts)?;
                Layout::Shared(part::write(out, values.len(), &parts)?)
            }
            None => build::columns(column, &mut columns)?,
        };
        entries.push(ColumnEntry { component, layout });
    }
    let part = part::write(out, chunk.len(), &columns)?;
    Ok(ChunkEntry { part, columns: entries })
}

/// Writes, component by component.
fn by_component(written: &[(Entity, ComponentValue)]) -> Result<Vec<Chunk<'static>>> {
    let mut order: Vec<usize> = (0..written.len()).collect();
    let key = |place: &usize| written.get(*place).map(|(_, value)| (value.name(), value.is_shared()));
    order.sort_by(|one, other| key(one).cmp(&key(other)));
    let mut chunks = Vec::new();
    for group in order.chunk_by(|one, other| key(one) == key(other)) {
        let rows = group.iter().filter_map(|place| written.get(*place));
        let (entities, values): (Vec<Entity>, Vec<ComponentValue>) = rows.cloned().unzip();
        let Some(first) = values.first() else { continue };
        let column = Column::from_values(first.component(), &values)?;
        chunks.push(Chunk::new(entities, vec![column])?);
    }
    Ok(chunks)
}

fn read_state(file: &part::File) -> Result<State<'static>> {
    let components = file.manifest.components()?;
    let allocator = read_allocator(file)?;
    let chunks = file.manifest.chunks.iter().map(|entry| read_chunk(file, &components, entry));
    Ok(State::new(Tick(file.manifest.tick), allocator, components.clone(), chunks.collect::<Result<_>>()?))
}

fn read_changes(file: &part::File) -> Result<Recorded> {
    let Some(since) = &file.manifest.since else { return Err(corrupt("this is a snapshot, not changes behind one")) };
    let components = file.manifest.components()?;
    let written = file.manifest.chunks.iter().map(|entry| read_chunk(file, &components, entry));
    let written = written.collect::<Result<_>>()?;
    let removed =
        since.removed.iter().map(|removed| Ok((removed.component.clone(), entities(file, &removed.entities)?)));
    Ok(Recorded {
        since: Tick(since.tick),
        tick: Tick(file.manifest.tick),
        allocator: read_allocator(file)?,
        created: entities(file, &since.created)?,
        destroyed: entities(file, &since.destroyed)?,
        removed: removed.collect::<Result<_>>()?,
        components,
        written,
    })
}

fn read_allocator(file: &part::File) -> Result<AllocatorState> {
    let slots = buffers::u32s(&file.read(&file.manifest.slots)?.single(4)?);
    let free = buffers::u32s(&file.read(&file.manifest.free)?.single(4)?);
    let state = AllocatorState::new(file.manifest.shard, slots, free);
    Ok(state.with_guests(entities(file, &file.manifest.guests)?))
}

fn entities(file: &part::File, entry: &PartEntry) -> Result<Vec<Entity>> {
    buffers::entities(&file.read(entry)?.single(8)?)
}

fn read_chunk(
    file: &part::File,
    components: &[std::sync::Arc<crate::ComponentType>],
    entry: &ChunkEntry,
) -> Result<Chunk<'static>> {
    let mut batch = file.read(&entry.part)?;
    let rows = batch.rows;
    let entities = buffers::entities(&batch.numbers(8)?)?;
    let mut columns = Vec::with_capacity(entry.columns.len());
    for column in &entry.columns {
        let component = components.get(column.component).ok_or_else(|| corrupt("a column is of no component"))?;
        columns.push(match &column.layout {
            Layout::Packed => build::read_packed(component, &mut batch)?,
            Layout::Fields => build::read_fields(component, &mut batch)?,
            Layout::Shared(values) => {
                let places = buffers::u32s(&batch.numbers(4)?);
                let mut values = file.read(values)?;
                if values.rows > rows {
                    return Err(corrupt("there are more shared values than rows"));
                }
                let values = match component.width() {
                    Some(_) => build::read_packed(component, &mut values)?,
                    None => build::read_fields(component, &mut values)?,
                };
                let values: Vec<ComponentValue> =
                    (0..values.len()).map(|row| values.value(row)).collect::<Result<_>>()?;
                Column::from_shared(component, &values, places)?
            }
        });
    }
    batch.end()?;
    Chunk::new(entities, columns).map_err(|source| corrupt("a chunk cannot be").caused_by(source))
}

#[cfg(test)]
mod tests;
