//! What identifies the states that a query read.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::row::{RowConverter, SortField};
use worldstore_datafusion::TableSnapshot;

use crate::lake::Listing;

/// The source of what queries have created.
pub(crate) const CREATED: &str = "created";

/// The state of one source that a query read: asked again in the same states, the query gives the same rows.
#[derive(Clone)]
pub struct Snapshot {
    source: String,
    state: State,
}

#[derive(Clone)]
enum State {
    Table(Option<TableSnapshot>),
    Files(Arc<Listing>),
    Rows(Arc<[RecordBatch]>),
    Created(u64),
}

impl Snapshot {
    pub(crate) fn of_table(source: impl Into<String>, snapshot: Option<TableSnapshot>) -> Self {
        Self { source: source.into(), state: State::Table(snapshot) }
    }

    pub(crate) fn of_files(source: impl Into<String>, listing: Arc<Listing>) -> Self {
        Self { source: source.into(), state: State::Files(listing) }
    }

    pub(crate) fn of_rows(source: impl Into<String>, batches: Arc<[RecordBatch]>) -> Self {
        Self { source: source.into(), state: State::Rows(batches) }
    }

    pub(crate) fn of_created(changes: u64) -> Self {
        Self { source: CREATED.to_owned(), state: State::Created(changes) }
    }

    /// What was read: the address of files, or a table with its run and tick; `created` for what queries have created.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What identifies its state: `seq:N` for tables of a world, `version:N` for other tables, `files:HASH` over name,
    /// size and version of each file that was looked at, `rows:HASH` over rows in memory, `changes:N` for what queries
    /// have created, `unknown` for a table that has no states. Computed when it is asked for.
    pub fn id(&self) -> String {
        match &self.state {
            State::Table(Some(snapshot)) => snapshot.to_string(),
            State::Table(None) => "unknown".to_owned(),
            State::Files(listing) => format!("files:{}", listing.id()),
            State::Rows(batches) => format!("rows:{}", hash(batches)),
            State::Created(changes) => format!("changes:{changes}"),
        }
    }

    /// The sequence number of the world, where a table of one was read.
    pub fn sequence(&self) -> Option<u64> {
        match self.state {
            State::Table(Some(TableSnapshot::Sequence(seq))) => Some(seq),
            _ => None,
        }
    }

    /// True if both are of one source in one state, as far as that is known without hashing.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.source == other.source
            && match (&self.state, &other.state) {
                (State::Table(one), State::Table(other)) => one == other,
                (State::Files(one), State::Files(other)) => Arc::ptr_eq(one, other),
                (State::Rows(one), State::Rows(other)) => Arc::ptr_eq(one, other),
                (State::Created(one), State::Created(other)) => one == other,
                _ => false,
            }
    }
}

/// A hash over all cells; rows that cannot be encoded have none.
fn hash(batches: &[RecordBatch]) -> String {
    let mut hasher = blake3::Hasher::new();
    for batch in batches {
        let fields = batch.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let rows = RowConverter::new(fields).and_then(|converter| converter.convert_columns(batch.columns()));
        let Ok(rows) = rows else { return "unknown".to_owned() };
        for row in &rows {
            hasher.update(&(row.as_ref().len() as u64).to_le_bytes());
            hasher.update(row.as_ref());
        }
    }
    short(&hasher)
}

/// The first 64 bits, as text.
pub(crate) fn short(hasher: &blake3::Hasher) -> String {
    hasher.finalize().to_hex().chars().take(16).collect()
}

/// Source and id.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.source, self.id())
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({self})")
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.id() == other.id()
    }
}

impl Eq for Snapshot {}
