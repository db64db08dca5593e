//! The newest row of each entity, from rows that come in any order.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::{Int64Type, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use worldstore_core::table::base;
use worldstore_core::{Error, ErrorKind, Result};

/// Rows that are held beyond twice the ones that are needed, before the others are let go.
const SLACK_ROWS: usize = 65_536;
/// Batches that are held before their rows are put into few.
const CHUNKS_MAX: usize = 512;
/// Rows that are put into one then.
const PIECE_ROWS: usize = 1 << 20;

/// Whether entities that ended are part of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ended {
    /// Only entities whose newest row is active.
    #[default]
    Hide,
    /// All entities, those that ended with the row that says so.
    Show,
}

/// Where the newest row of an entity is, and when it came.
#[derive(Debug, Clone, Copy)]
struct Place {
    tick: i64,
    seq: u64,
    active: bool,
    chunk: usize,
    row: usize,
}

/// The newest row per entity: by tick, then by sequence number, then by position. It holds the rows of live entities,
/// and those of the batches they came in until [`SLACK_ROWS`] of them are outdated.
#[derive(Debug)]
pub(super) struct Newest {
    schema: SchemaRef,
    ended: Ended,
    /// Entities that ended in this tick or later are shown in any case.
    ended_from: Option<i64>,
    bytes_max: usize,
    piece_rows: usize,
    bytes_held: usize,
    chunks: Vec<RecordBatch>,
    places: HashMap<u64, Place>,
    rows_held: usize,
    /// How many rows were looked at.
    folded_rows: u64,
    /// The greatest tick of all rows that were taken.
    pub tick_max: Option<i64>,
}

/// The base columns that a fold looks at.
pub(super) struct Base<'batch> {
    pub entity: &'batch UInt64Array,
    pub tick: &'batch Int64Array,
    pub active: &'batch BooleanArray,
    pub seq: &'batch UInt64Array,
}

impl<'batch> Base<'batch> {
    pub fn of(batch: &'batch RecordBatch) -> Result<Self> {
        let wrong = || Error::unexpected("rows of a world table have no base columns");
        let column = |name: &str| batch.column_by_name(name).ok_or_else(wrong);
        Ok(Self {
            entity: column(base::ENTITY)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?,
            tick: column(base::TICK)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            active: column(base::ACTIVE)?.as_boolean_opt().ok_or_else(wrong)?,
            seq: column(base::SEQ)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?,
        })
    }
}

impl Newest {
    pub fn new(schema: SchemaRef, ended: Ended) -> Self {
        let (chunks, places) = (Vec::new(), HashMap::new());
        let (ended_from, bytes_max, piece_rows) = (None, usize::MAX, PIECE_ROWS);
        let (bytes_held, rows_held, folded_rows, tick_max) = (0, 0, 0, None);
        Self {
            schema,
            ended,
            ended_from,
            bytes_max,
            piece_rows,
            bytes_held,
            chunks,
            places,
            rows_held,
            folded_rows,
            tick_max,
        }
    }

    /// Sets how many bytes of rows are held at most. What needs more is refused as `Unsupported`.
    pub fn with_bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Shows entities too that ended in this tick or later.
    pub fn with_ended_from(mut self, tick: Option<i64>) -> Self {
        self.ended_from = tick;
        self
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Takes the rows of a batch that are newer than what is there, of the entities that `wanted` says.
    pub fn take(&mut self, batch: RecordBatch, wanted: impl Fn(u64) -> bool) -> Result<()> {
        self.replace(batch, wanted, |old, new| (old.tick, old.seq) <= (new.tick, new.seq))
    }

    /// Takes all rows of a batch in the place of what is there.
    pub fn put(&mut self, batch: RecordBatch) -> Result<()> {
        self.replace(batch, |_| true, |_, _| true)
    }

    fn replace(
        &mut self,
        batch: RecordBatch,
        wanted: impl Fn(u64) -> bool,
        replaces: impl Fn(&Place, &Place) -> bool,
    ) -> Result<()> {
        let Base { entity, tick, active, seq } = Base::of(&batch)?;
        let chunk = self.chunks.len();
        self.folded_rows += batch.num_rows() as u64;
        let mut held = false;
        for row in 0..batch.num_rows() {
            let id = entity.value(row);
            let new = Place { tick: tick.value(row), seq: seq.value(row), active: active.value(row), chunk, row };
            self.tick_max = self.tick_max.max(Some(new.tick));
            if !wanted(id) || self.places.get(&id).is_some_and(|old| !replaces(old, &new)) {
                continue;
            }
            held |= self.shows(&new);
            self.places.insert(id, new);
        }
        // Ended entities that are not shown need their place until all older rows have come, and no row.
        if held {
            self.rows_held += batch.num_rows();
            self.bytes_held += batch.get_array_memory_size();
            self.chunks.push(batch);
        }
        self.compact()?;
        match self.bytes_held > self.bytes_max {
            true => Err(Error::unsupported(
                "the rows of a state need more memory than they may: raise the bound, or ask for less",
            )
            .with("bytes", self.bytes_held)
            .with("memory_mb", self.bytes_max >> 20)
            .with("entities", self.places.len())),
            false => Ok(()),
        }
    }

    /// Forgets entities that ended: all rows that come from now on are newer than those that came.
    pub fn end_window(&mut self) {
        let (ended, from) = (self.ended, self.ended_from);
        self.places.retain(|_, place| is_shown(place, ended, from));
    }

    /// The newest row of an entity that is active.
    pub fn active(&self, entity: u64) -> Option<(usize, usize)> {
        self.places.get(&entity).filter(|place| place.active).map(|place| (place.chunk, place.row))
    }

    /// All entities whose newest row is active, in no order.
    pub fn entities(&self) -> impl Iterator<Item = u64> {
        self.places.iter().filter(|(_, place)| place.active).map(|(entity, _)| *entity)
    }

    pub fn chunks(&self) -> &[RecordBatch] {
        &self.chunks
    }

    /// Rows that are in memory.
    #[cfg(test)]
    pub fn rows_held(&self) -> usize {
        self.rows_held
    }

    fn shows(&self, place: &Place) -> bool {
        is_shown(place, self.ended, self.ended_from)
    }

    /// Lets outdated rows go once they are more than those that are needed.
    fn compact(&mut self) -> Result<()> {
        let is_roomy = self.bytes_held <= self.bytes_max;
        if is_roomy && self.rows_held <= 2 * self.places.len() + SLACK_ROWS && self.chunks.len() <= CHUNKS_MAX {
            return Ok(());
        }
        let shown: Vec<u64> =
            self.places.iter().filter(|(_, place)| self.shows(place)).map(|(entity, _)| *entity).collect();
        let indices: Vec<(usize, usize)> =
            shown.iter().filter_map(|id| self.places.get(id)).map(|place| (place.chunk, place.row)).collect();
        let kept = pieces(&self.chunks, &indices, &self.schema, self.piece_rows)?;
        let places =
            kept.iter().enumerate().flat_map(|(chunk, rows)| (0..rows.num_rows()).map(move |row| (chunk, row)));
        for (entity, (chunk, row)) in shown.iter().zip(places) {
            if let Some(place) = self.places.get_mut(entity) {
                (place.chunk, place.row) = (chunk, row);
            }
        }
        self.rows_held = kept.iter().map(RecordBatch::num_rows).sum();
        self.bytes_held = kept.iter().map(RecordBatch::get_array_memory_size).sum();
        self.chunks = kept;
        Ok(())
    }

    /// The rows in the order of their entities.
    pub fn sorted(self) -> Sorted {
        let shown = self.places.iter().filter(|(_, place)| self.shows(place));
        let mut order: Vec<_> = shown.map(|(entity, place)| (*entity, place.chunk, place.row)).collect();
        order.sort_unstable();
        let Self { schema, chunks, folded_rows, tick_max, .. } = self;
        Sorted { schema, chunks, order, folded_rows, tick_max }
    }
}

fn is_shown(place: &Place, ended: Ended, from: Option<i64>) -> bool {
    place.active || ended == Ended::Show || from.is_some_and(|from| place.tick >= from)
}

/// A state: one row per entity, in the order of the entities.
#[derive(Debug)]
pub(super) struct Sorted {
    pub schema: SchemaRef,
    pub chunks: Vec<RecordBatch>,
    /// Entity, chunk and row.
    pub order: Vec<(u64, usize, usize)>,
    /// How many rows of history it was made of.
    pub folded_rows: u64,
    /// The greatest tick of all rows that were looked at.
    pub tick_max: Option<i64>,
}

impl Sorted {
    /// The rows at these positions of the order.
    pub fn rows(&self, positions: impl IntoIterator<Item = usize>) -> Result<RecordBatch> {
        let place = |position: usize| self.order.get(position).map(|(_, chunk, row)| (*chunk, *row));
        let indices: Vec<_> = positions.into_iter().filter_map(place).collect();
        pick(&self.chunks, &indices, &self.schema)
    }
}

/// Rows out of several batches, batch and row each, as batches of at most so many rows; of fewer where a column cannot hold
/// as many.
pub(super) fn pieces(
    chunks: &[RecordBatch],
    indices: &[(usize, usize)],
    schema: &SchemaRef,
    rows_max: usize,
) -> Result<Vec<RecordBatch>> {
    let mut picked = Vec::new();
    for part in indices.chunks(rows_max.max(1)) {
        match pick(chunks, part, schema) {
            Err(error) if error.kind() == ErrorKind::Unsupported && part.len() > 1 => {
                picked.extend(pieces(chunks, part, schema, part.len().div_ceil(2))?);
            }
            piece => picked.push(piece?),
        }
    }
    Ok(picked)
}

/// Rows out of several batches: batch and row each.
///
/// # Errors
/// `Unsupported` for more than a column of one batch can hold.
pub(super) fn pick(chunks: &[RecordBatch], indices: &[(usize, usize)], schema: &SchemaRef) -> Result<RecordBatch> {
    let Some(first) = chunks.first().filter(|_| !indices.is_empty()) else {
        return Ok(RecordBatch::new_empty(schema.clone()));
    };
    let failed = |source: ArrowError| Error::unexpected("rows could not be put together").caused_by(source);
    let column = |(number, name): (usize, &String)| {
        let values: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk.column(number).as_ref()).collect();
        interleave(&values, indices).map_err(|source| match is_overflow(&source) {
            true => too_large(name, indices.len()).caused_by(source),
            false => failed(source),
        })
    };
    let names = first.schema_ref().fields().iter().map(|field| field.name());
    let columns = names.enumerate().map(column).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(first.schema(), columns).map_err(failed)
}

/// Whether rows are more than a column can hold: offsets of texts, bytes and lists have 32 bits, keys of dictionaries fewer.
pub(super) fn is_overflow(error: &ArrowError) -> bool {
    matches!(error, ArrowError::OffsetOverflowError(_) | ArrowError::DictionaryKeyOverflowError)
}

fn too_large(column: &str, rows: usize) -> Error {
    let message = "rows have more in a column than one batch holds, as 2 GiB of texts: ask for fewer rows or columns, or \
        make it a large type";
    Error::unsupported(message).with("column", column).with("rows", rows)
}

#[cfg(test)]
mod tests;
