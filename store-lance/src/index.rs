//! Indexes on entity, tick and run: made and brought up to date.

use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_index::IndexType;
use lance_index::optimize::OptimizeOptions;
use lance_index::scalar::{BuiltinIndexType, ScalarIndexParams};
use lance_table::format::IndexMetadata;
use worldstore_core::table::{TableName, base};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::WhenIndexed;
use crate::tables::{LanceTables, explain, schema_of};
use crate::upkeep::expired;

/// Changes that came first so often are the error's; each time the indexes are made anew.
const ATTEMPTS_MAX: usize = 5;

/// The columns that are indexed in tables that have all of them. A run has many rows, an entity and a tick have few.
const INDEXED: [(&str, IndexType, BuiltinIndexType); 3] = [
    (base::ENTITY, IndexType::BTree, BuiltinIndexType::BTree),
    (base::TICK, IndexType::BTree, BuiltinIndexType::BTree),
    (base::RUN, IndexType::Bitmap, BuiltinIndexType::Bitmap),
];

/// What [`LanceTables::index`] achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Indexing {
    /// The newest version afterwards: a new one for each column whose index was brought up to date.
    pub version: u64,
    /// The columns whose indexes were made or brought up to date, in the order of entity, tick, run.
    pub columns: Vec<&'static str>,
}

impl LanceTables {
    /// Makes the indexes on `entity`, `tick` and `run`, or brings them up to date. Tables that lack one of these columns
    /// get none. Scans find all rows whether they are in an index or not.
    ///
    /// Each index is a commit that keeps rows, watermark and epoch.
    ///
    /// # Errors
    /// `NotFound` without such a table; `Conflict` if another change came first each time; `Poisoned` after a shutdown.
    pub async fn index(&self, table: &TableName) -> Result<Indexing> {
        self.expect_open(table)?;
        self.bring_up_to_date(table, 1).await
    }

    /// Indexes after a compaction, if that is when.
    pub(crate) async fn index_compacted(&self, table: &TableName) -> Result<()> {
        match self.config().indexed {
            WhenIndexed::Compacted => {
                let rows_min = self.config().unindexed_rows_max.saturating_add(1);
                self.bring_up_to_date(table, rows_min).await.map(|_| ())
            }
            WhenIndexed::Asked => Ok(()),
        }
    }

    /// Brings indexes up to date that miss so many rows.
    async fn bring_up_to_date(&self, table: &TableName, rows_min: u64) -> Result<Indexing> {
        let mut columns = Vec::new();
        for (column, kind, builtin) in INDEXED {
            let params = ScalarIndexParams::for_builtin(builtin);
            for attempt in 1.. {
                match self.index_column(table, (column, kind, &params), rows_min).await {
                    Err(error) if attempt < ATTEMPTS_MAX && came_first(&error) => {}
                    done => {
                        columns.extend(done?.then_some(column));
                        break;
                    }
                }
            }
        }
        let version = self.latest(table).await?.version().version;
        Ok(Indexing { version, columns })
    }

    /// True if there was something to do.
    async fn index_column(
        &self,
        table: &TableName,
        (column, kind, params): (&str, IndexType, &ScalarIndexParams),
        rows_min: u64,
    ) -> Result<bool> {
        let mut dataset = self.latest(table).await?;
        let schema = schema_of(&dataset);
        if INDEXED.iter().any(|(column, ..)| schema.field_with_name(column).is_err()) {
            return Ok(false);
        }
        let Some(id) = dataset.schema().field(column).map(|field| field.id) else { return Ok(false) };
        let all = dataset.load_indices().await.map_err(|source| explain(source, table))?;
        let segments: Vec<&IndexMetadata> = all.iter().filter(|index| index.keyed_field() == Some(id)).collect();
        // An index that another program made on the column serves as well.
        let name = segments.first().map_or_else(|| format!("worldstore_{column}"), |first| first.name.clone());
        let segments: Vec<&IndexMetadata> = segments.into_iter().filter(|segment| segment.name == name).collect();
        let missed = rows_of(&dataset, |fragment| !segments.iter().any(|segment| covers(segment, fragment)));
        if missed < rows_min {
            return Ok(false);
        }
        let changed = if segments.is_empty() {
            dataset.create_index(&[column], kind, Some(name), params, false).await.map(|_| ())
        } else {
            let merged = merged(&dataset, &segments, missed);
            dataset.optimize_indices(&OptimizeOptions::merge(merged).index_names(vec![name])).await
        };
        changed.map_err(|source| expired(explain(source, table).with("column", column)))?;
        self.settle(table, &dataset).await?;
        Ok(true)
    }
}

/// How many of the last segments to write anew together with the missed rows: those that are not much larger. So each
/// row is written anew a few times only, and there are few segments.
fn merged(dataset: &Dataset, segments: &[&IndexMetadata], missed: u64) -> usize {
    let mut rows = missed;
    let mut merged = 0;
    for segment in segments.iter().rev() {
        let own = rows_of(dataset, |fragment| covers(segment, fragment));
        if own > rows.saturating_mul(2) {
            break;
        }
        rows += own;
        merged += 1;
    }
    merged
}

fn covers(segment: &IndexMetadata, fragment: u64) -> bool {
    let id = u32::try_from(fragment);
    segment.fragment_bitmap.as_ref().is_some_and(|covered| id.is_ok_and(|id| covered.contains(id)))
}

fn rows_of(dataset: &Dataset, counts: impl Fn(u64) -> bool) -> u64 {
    let fragments = dataset.fragments().iter().filter(|fragment| counts(fragment.id));
    fragments.map(|fragment| fragment.physical_rows.unwrap_or_default() as u64).sum()
}

/// True if another change was the reason: a version that was read has expired, or the fragments were compacted.
fn came_first(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists)
}
