//! Bytes out and in, and bytes that are none.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, UInt64Type};
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use proptest::prelude::*;
use worldstore_core::ErrorKind;

use super::{part, read, write};
use crate::{Component, ComponentValue, Entities, Entity, Local, Query, Storage, Tick, Updates};

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Component,
    zerocopy::FromBytes,
    zerocopy::Immutable,
    zerocopy::IntoBytes,
    zerocopy::KnownLayout,
)]
#[component(name = "position", plain)]
#[repr(C)]
struct Position {
    x: f64,
    y: f64,
}

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "note")]
struct Note {
    text: String,
    weight: Option<f64>,
    raw: Vec<u8>,
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "heat")]
struct Heat(f64);

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "tag")]
struct Tag;

fn note(number: usize) -> Note {
    let weight = (!number.is_multiple_of(3)).then_some(number as f64);
    Note {
        text: "n".repeat(number % 40),
        weight,
        raw: vec![number as u8; number % 5],
        is_open: number.is_multiple_of(2),
    }
}

fn example() -> Entities<Local> {
    let mut entities = Entities::new(Local::with_shard(4).unwrap());
    let made =
        entities.spawn_many((0..50).map(|number| (Position { x: number as f64, y: -1.0 }, note(number), Tag))).unwrap();
    entities.spawn_many((0..7).map(|number| Heat(f64::from(number)))).unwrap();
    entities.set_shared(&made[..20], Heat(21.5)).unwrap();
    entities.destroy(made[3]).unwrap();
    entities.create().unwrap();
    entities.set_singleton(Heat(1.0)).unwrap();
    entities
}

/// All that can be seen of a storage, but for the tick.
fn seen(storage: &dyn Storage) -> Vec<(Entity, Vec<ComponentValue>)> {
    let state = storage.export().unwrap();
    let mut rows = Vec::new();
    for chunk in &state.chunks {
        for (row, entity) in chunk.entities().iter().enumerate() {
            let mut values: Vec<ComponentValue> =
                chunk.columns().iter().map(|column| column.value(row).unwrap()).collect();
            values.sort_by(|one, other| one.name().cmp(other.name()));
            rows.push((*entity, values));
        }
    }
    rows.sort_by_key(|(entity, _)| *entity);
    rows
}

#[test]
fn what_is_written_is_read_again_with_and_without_types() {
    let entities = example();
    let bytes = entities.snapshot().unwrap();
    let mut typed = Entities::new(Local::new());
    typed.register::<(Position, Note, Heat, Tag)>().unwrap();
    let mut untyped = Entities::new(Local::new());
    for restored in [&mut typed, &mut untyped] {
        restored.restore(bytes.clone(), &[]).unwrap();
        assert_eq!(seen(restored.storage()), seen(entities.storage()));
        assert_eq!(restored.storage().shard(), 4);
    }
    // Types may come later.
    untyped.register::<(Position, Note)>().unwrap();
    assert_eq!(untyped.storage().select::<(&Position, &Note)>().unwrap().count(), 49);
    assert_eq!(seen(untyped.storage()), seen(entities.storage()));
}

#[test]
fn ids_go_on_where_they_were() {
    let mut entities = example();
    let mut restored = Entities::new(Local::new());
    restored.restore(entities.snapshot().unwrap(), &[]).unwrap();
    for _ in 0..3 {
        assert_eq!(restored.create().unwrap(), entities.create().unwrap());
    }
}

#[test]
fn changes_bring_a_snapshot_to_what_is_there() {
    let mut entities = example();
    let base = Bytes::from(entities.snapshot().unwrap());
    let mut deltas = Vec::new();
    for round in 0..4 {
        let since = entities.tick().unwrap();
        let all = entities.found(&Query::new(["note"])).unwrap();
        let mut updates = Updates::new();
        updates.update(all[round], note(round + 77)).unwrap().remove::<Note>(all[round + 5]).destroy(all[round + 9]);
        updates.spawn((Heat(9.0), Tag)).unwrap();
        updates.insert_value(all[round + 12], ComponentValue::of(&Heat(3.0)).unwrap().shared());
        entities.apply(&updates).unwrap();
        deltas.push(Bytes::from(entities.snapshot_since(since).unwrap()));
    }
    let mut restored = Entities::new(Local::new());
    restored.restore(base.clone(), &deltas).unwrap();
    assert_eq!(seen(restored.storage()), seen(entities.storage()));
    assert_eq!(restored.create().unwrap(), entities.create().unwrap());
    let error = restored.restore(base, &deltas[1..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(restored.restore(deltas[0].clone(), &[]).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn changes_are_smaller_than_everything() {
    let mut entities = Entities::new(Local::new());
    let made = entities.spawn_many((0..5_000).map(|number| (note(number), Heat(0.0)))).unwrap();
    let since = entities.tick().unwrap();
    entities.set(made[17], Heat(1.0)).unwrap();
    let (all, changed) = (entities.snapshot().unwrap(), entities.snapshot_since(since).unwrap());
    assert!(changed.len() * 5 < all.len(), "{} of {}", changed.len(), all.len());
}

#[test]
fn arrow_reads_the_parts() {
    let bytes = Bytes::from(example().snapshot().unwrap());
    let file = part::open(&bytes).unwrap();
    let mut columns = std::collections::BTreeMap::new();
    for chunk in &file.manifest.chunks {
        let (start, length) = (chunk.part.offset as usize, chunk.part.length as usize);
        let batches: Vec<_> =
            StreamReader::try_new(&bytes[start..start + length], None).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.len(), 1);
        for (field, column) in batches[0].schema().fields().iter().zip(batches[0].columns()) {
            columns.entry(field.name().clone()).or_insert_with(Vec::new).push(column.clone());
        }
    }
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    assert_eq!(names, ["entity", "heat", "note.is_open", "note.raw", "note.text", "note.weight", "position", "tag"]);
    assert_eq!(columns["entity"][0].data_type(), &DataType::UInt64);
    assert!(columns["entity"].iter().all(|ids| ids.as_primitive::<UInt64Type>().null_count() == 0));
    let heat = columns["heat"].iter().find(|heat| heat.data_type() == &DataType::Float64).unwrap();
    assert!(heat.as_primitive::<Float64Type>().values().iter().all(|heat| (0.0..=6.0).contains(heat)));
    assert_eq!(columns["position"][0].data_type(), &DataType::FixedSizeBinary(16));
    assert_eq!(columns["note.text"][0].data_type(), &DataType::LargeUtf8);
    assert!(columns["note.weight"].iter().any(|weight| weight.null_count() > 0));
}

#[test]
fn a_restored_column_lies_in_the_bytes_until_it_is_changed() {
    let bytes = Bytes::from(example().snapshot().unwrap());
    let mut restored = Entities::new(Local::new());
    restored.register::<Position>().unwrap();
    restored.restore(bytes.clone(), &[]).unwrap();
    let lies_in = |local: &Local| {
        let mut inside = Vec::new();
        local.select::<(&Position,)>().unwrap().chunks(
            |_, (positions,)| inside.push(bytes.as_ptr_range().contains(&positions.as_ptr().cast())),
            |_, _| unreachable!("no position is shared"),
        );
        inside
    };
    assert!(lies_in(restored.storage()).iter().all(|inside| *inside));
    let entity = restored.found(&Query::new(["position"])).unwrap()[0];
    restored.set(entity, Position { x: 5.0, y: 5.0 }).unwrap();
    assert!(lies_in(restored.storage()).contains(&false));
}

#[test]
fn an_interrupted_or_strange_file_is_refused() {
    let bytes = example().snapshot().unwrap();
    for length in [0, 1, 63, 64, 65, bytes.len() / 2, bytes.len() - 1] {
        let error = read(&Bytes::copy_from_slice(&bytes[..length]), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{length} bytes");
    }
    let mut later = bytes.clone();
    later[8] = 2;
    let sum = crc32c::crc32c(&later[..60]).to_le_bytes();
    later[60..64].copy_from_slice(&sum);
    assert_eq!(read(&Bytes::from(later), &[]).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_failed_restore_changes_nothing() {
    let mut entities = example();
    let before = seen(entities.storage());
    let tick = entities.tick().unwrap();
    let mut bytes = entities.snapshot().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(entities.restore(bytes, &[]).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!((seen(entities.storage()), entities.tick().unwrap()), (before, tick));
}

/// Makes all sums right again, so that what is behind them is reached.
fn mend(bytes: &mut [u8]) -> Option<()> {
    let at = |bytes: &[u8], place: usize| Some(u64::from_le_bytes(*bytes.get(place..)?.first_chunk()?));
    let (start, length) = (at(bytes, 16)? as usize, at(bytes, 24)? as usize);
    let sum = crc32c::crc32c(bytes.get(start..start.checked_add(length)?)?).to_le_bytes();
    bytes.get_mut(40..44)?.copy_from_slice(&sum);
    let sum = crc32c::crc32c(bytes.get(..60)?).to_le_bytes();
    bytes.get_mut(60..64)?.copy_from_slice(&sum);
    Some(())
}

proptest! {
    #[test]
    fn bytes_that_were_changed_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_mended in any::<bool>(),
    ) {
        let mut bytes = example().snapshot().unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_mended {
            mend(&mut bytes);
        }
        let mut entities = Entities::new(Local::new());
        entities.register::<(Note, Heat)>().unwrap();
        if entities.restore(bytes, &[]).is_err() {
            prop_assert_eq!(entities.tick().unwrap(), Tick(0));
        }
    }

    #[test]
    fn parts_that_were_changed_under_right_sums_are_read_or_refused(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let bytes = example().snapshot().unwrap();
        let file = part::open(&Bytes::from(bytes.clone())).unwrap();
        let chunk = &file.manifest.chunks[place.index(file.manifest.chunks.len())].part;
        let part = &bytes[chunk.offset as usize..(chunk.offset + chunk.length) as usize];
        let mut changed = part.to_vec();
        let at = place.index(changed.len());
        changed[at] = byte;
        // What the sum would refuse is read here without it.
        let _ = part::read_batch(&Bytes::from(changed)).map(|mut batch| (batch.rows, batch.nulls(), batch.buffer()));
    }
}

#[test]
fn a_state_that_cannot_be_is_refused_when_it_is_read() {
    let entities = example();
    let mut state = entities.storage().export().unwrap();
    state.allocator.free.push(Entity::RESERVED);
    let bytes = Bytes::from(write(&state).unwrap());
    assert_eq!(read(&bytes, &[]).unwrap_err().kind(), ErrorKind::Corrupt);
}
