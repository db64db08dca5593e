//! What to read from a table: columns, rows, version.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::datatypes::{Schema, SchemaRef};

use super::base;
use super::predicate::Predicate;
use crate::error::{Error, Result};

/// A stretch of one run's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The world.
    pub world: String,
    /// The run.
    pub run: String,
    /// Its ticks, both ends included.
    pub ticks: RangeInclusive<i64>,
    /// Only rows whose sequence number is not greater: what came later into these ticks is left out.
    pub seq_max: Option<u64>,
}

impl Segment {
    /// All ticks of a run.
    pub fn run(world: impl Into<String>, run: impl Into<String>) -> Self {
        Self { world: world.into(), run: run.into(), ticks: i64::MIN..=i64::MAX, seq_max: None }
    }

    /// Cuts the ticks.
    #[must_use]
    pub fn with_ticks(mut self, ticks: RangeInclusive<i64>) -> Self {
        self.ticks = ticks;
        self
    }

    /// Leaves out what came after this sequence number.
    #[must_use]
    pub fn with_seq_max(mut self, seq: u64) -> Self {
        self.seq_max = Some(seq);
        self
    }

    fn predicate(&self) -> Predicate {
        let mut all =
            vec![Predicate::eq(base::WORLD, self.world.as_str()), Predicate::eq(base::RUN, self.run.as_str())];
        if *self.ticks.start() != i64::MIN {
            all.push(Predicate::ge(base::TICK, *self.ticks.start()));
        }
        if *self.ticks.end() != i64::MAX {
            all.push(Predicate::le(base::TICK, *self.ticks.end()));
        }
        if let Some(seq) = self.seq_max {
            all.push(Predicate::le(base::SEQ, seq));
        }
        Predicate::And(all)
    }
}

/// A read of a table. The default reads everything of the latest version.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Scan {
    /// Columns in the order wanted; all by default. An empty list asks for the number of rows only.
    pub columns: Option<Vec<String>>,
    /// Only rows for which this is true.
    pub predicate: Option<Predicate>,
    /// Only rows of one of these stretches; no restriction by default. An empty list reads nothing.
    pub segments: Option<Vec<Segment>>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// The version to read; the latest by default.
    pub version: Option<u64>,
    /// In how many streams the rows may come, for a reader that works in several places: one by default. All are of one
    /// state, whatever is appended meanwhile. Each ends with the limit, so that together they may have more rows.
    pub parts: Parts,
    /// Where the bytes are added that the format reads from its byte store for this scan, as it reads them: data, indexes,
    /// manifests that it looks at, not what it took to find the version. Nowhere by default; memory adds none.
    pub bytes_read: Option<Arc<AtomicU64>>,
}

/// In how many streams the rows of a scan may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parts {
    /// In one.
    #[default]
    One,
    /// In so many at most. A format gives fewer where it has too few files, or cannot tell them apart.
    AtMost(NonZeroUsize),
}

impl Parts {
    /// The greatest number of streams.
    pub fn most(self) -> usize {
        match self {
            Self::One => 1,
            Self::AtMost(parts) => parts.get(),
        }
    }
}

impl Scan {
    /// A read of everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Reads these columns, in this order.
    #[must_use]
    pub fn with_columns<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Reads rows for which this and what was given before is true.
    #[must_use]
    pub fn with_predicate(mut self, predicate: Predicate) -> Self {
        self.predicate = Some(match self.predicate.take() {
            Some(before) => Predicate::And(vec![before, predicate]),
            None => predicate,
        });
        self
    }

    /// Reads these stretches of history.
    #[must_use]
    pub fn with_segments(mut self, segments: Vec<Segment>) -> Self {
        self.segments = Some(segments);
        self
    }

    /// Reads at most so many rows.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Reads this version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Reads the rows in so many streams at most: then [`TableScan::into_parts`](super::TableScan::into_parts) has all of
    /// them, and the scan's `batches` alone only some.
    #[must_use]
    pub fn with_parts(mut self, parts: NonZeroUsize) -> Self {
        self.parts = Parts::AtMost(parts);
        self
    }

    /// Has the bytes that are read added to a count.
    #[must_use]
    pub fn with_bytes_read(mut self, bytes: Arc<AtomicU64>) -> Self {
        self.bytes_read = Some(bytes);
        self
    }

    /// Predicate and segments as one predicate: what a table format has to apply.
    pub fn filter(&self) -> Option<Predicate> {
        let segments = self.segments.as_ref().map(|all| match all.as_slice() {
            [one] => one.predicate(),
            several => Predicate::Or(several.iter().map(Segment::predicate).collect()),
        });
        match (segments, self.predicate.clone()) {
            (Some(segments), Some(predicate)) => Some(Predicate::And(vec![segments, predicate])),
            (one, other) => one.or(other),
        }
    }

    /// The schema of the batches of this scan of a table with schema `table`.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there, in the columns or in the predicate.
    pub fn schema(&self, table: &Schema) -> Result<SchemaRef> {
        if let Some(filter) = self.filter() {
            for column in filter.columns() {
                find(table, column)?;
            }
        }
        let Some(columns) = &self.columns else { return Ok(Arc::new(table.clone())) };
        let indices = columns.iter().map(|column| find(table, column)).collect::<Result<Vec<_>>>()?;
        let unknown = |source| Error::unexpected("projection failed").caused_by(source);
        Ok(Arc::new(table.project(&indices).map_err(unknown)?))
    }
}

fn find(table: &Schema, column: &str) -> Result<usize> {
    table.index_of(column).map_err(|_| {
        let known: Vec<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
        Error::invalid("unknown column").with("column", column).with("known", known.join(" "))
    })
}
