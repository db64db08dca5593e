//! What a step answers, reduced to what every format must agree on.

use std::collections::BTreeMap;
use std::fmt;

use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::step::{Profile, Sequence};
use crate::error::{Error, ErrorKind, Result};

/// The answer of one step. Versions are counted in commits, watermarks and sequence numbers are as told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Of creating and describing.
    Table {
        /// Columns as [`column_text`] writes them.
        columns: Vec<String>,
        /// The version; none if it is not one that the case has made.
        commit: Option<usize>,
        /// The watermark.
        watermark: u64,
        /// The epoch.
        epoch: u64,
        /// Number of rows.
        rows: u64,
    },
    /// Of appending.
    Appended {
        /// Rows appended.
        rows: u64,
        /// The sequence number of the receipt.
        seq: u64,
        /// The version that the table has afterwards.
        commit: Option<usize>,
    },
    /// Of a scan.
    Rows {
        /// Columns as [`column_text`] writes them, in the order of the batches.
        columns: Vec<String>,
        /// The version read.
        commit: Option<usize>,
        /// Its watermark.
        watermark: u64,
        /// Rows as text, sorted.
        rows: Vec<String>,
    },
    /// Of a listing.
    Names(Vec<String>),
    /// Of a history: commit and watermark of each version, in the order told.
    History(Vec<(Option<usize>, u64)>),
    /// Of a compaction.
    Compacted {
        /// The version that it made.
        commit: Option<usize>,
        /// Rows that were left out.
        dropped_rows: u64,
    },
    /// Of an expiry: the commits that are gone, or would be; others are left out.
    Expired(Vec<usize>),
    /// Of a step that returns nothing.
    Done,
    /// Of a step that failed.
    Failed {
        /// The kind.
        kind: ErrorKind,
        /// The context `have` and `expected`, if it is about a watermark.
        stand: Option<(String, String)>,
        /// The whole message; not compared.
        text: String,
    },
}

impl Answer {
    /// An error as an answer.
    pub fn failed(error: &Error) -> Self {
        let find = |key: &str| error.context().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
        Self::Failed { kind: error.kind(), stand: find("have").zip(find("expected")), text: format!("{error:?}") }
    }

    /// Takes out what a format of this profile does not share with the reference.
    fn compared(&self, profile: &Profile) -> Self {
        let mut answer = self.clone();
        if let Self::Failed { text, .. } = &mut answer {
            text.clear();
        }
        if profile.sequence == Sequence::Caller {
            return answer;
        }
        match &mut answer {
            Self::Table { watermark, epoch, .. } => (*watermark, *epoch) = (0, 0),
            Self::Rows { watermark, .. } => *watermark = 0,
            Self::Appended { seq, .. } => *seq = 0,
            Self::History(versions) => versions.iter_mut().for_each(|(_, watermark)| *watermark = 0),
            Self::Names(_) | Self::Compacted { .. } | Self::Expired(_) | Self::Done | Self::Failed { .. } => {}
        }
        answer
    }
}

/// Says in which way `got` is not what the reference answered; none if it is. `limit` is that of the scan; the
/// reference has read without it.
pub fn difference(expected: &Answer, got: &Answer, limit: Option<usize>, profile: &Profile) -> Option<String> {
    let (mut expected, got) = (expected.compared(profile), got.compared(profile));
    if let (Answer::Rows { rows: all, .. }, Answer::Rows { rows, .. }, Some(limit)) = (&mut expected, &got, limit) {
        let wanted = all.len().min(limit);
        if rows.len() != wanted {
            return Some(format!("{} rows instead of {wanted} of {} that match", rows.len(), all.len()));
        }
        if let Some((row, _)) = surplus(rows, all).first() {
            return Some(format!("row that does not match or comes too often: {row}"));
        }
        all.clone_from(rows);
    }
    if expected == got {
        return None;
    }
    match (&expected, &got) {
        (Answer::Rows { rows: all, columns, commit, .. }, Answer::Rows { rows, columns: has, commit: at, .. })
            if columns == has && commit == at && all != rows =>
        {
            Some(format!("rows missing: {:?}, rows too many: {:?}", surplus(all, rows), surplus(rows, all)))
        }
        _ => Some("another answer".to_owned()),
    }
}

/// Rows that `left` has more often than `right`, and how much more often.
fn surplus(left: &[String], right: &[String]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
    for row in left {
        *counts.entry(row).or_default() += 1;
    }
    for row in right {
        *counts.entry(row).or_default() -= 1;
    }
    let more = counts.into_iter().filter_map(|(row, count)| Some((row.clone(), usize::try_from(count).ok()?)));
    more.filter(|(_, count)| *count > 0).collect()
}

/// A column as text: name, type, nullability.
pub fn column_text(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{} {}{null}", field.name(), field.data_type())
}

/// Every row of a batch as text, values in column order; a row without columns is empty text.
///
/// # Errors
/// `Unexpected` if a value has no text, or if the batch has another schema than `schema`.
pub fn row_texts(schema: &Schema, batch: &RecordBatch) -> Result<Vec<String>> {
    let (promised, has) = (columns(schema), columns(batch.schema_ref()));
    if promised != has {
        return Err(Error::unexpected("batch has another schema than its scan")
            .with("scan", promised.join(", "))
            .with("batch", has.join(", ")));
    }
    let failed = |source| Error::unexpected("value has no text").caused_by(source);
    let options = FormatOptions::default().with_null("NULL");
    // Timestamps as numbers: time zones by name would need a database of them.
    let plain = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Timestamp(..) => cast(column, &DataType::Int64),
        _ => Ok(column.clone()),
    });
    let plain = plain.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let formatters = plain.iter().map(|column| ArrayFormatter::try_new(column, &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let value = |row: usize| move |column: &ArrayFormatter<'_>| column.value(row).try_to_string();
    let row = |row: usize| formatters.iter().map(value(row)).collect::<Result<Vec<_>, _>>();
    (0..batch.num_rows()).map(|index| row(index).map(|values| values.join(" | ")).map_err(failed)).collect()
}

/// The columns of a schema as text.
fn columns(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| column_text(field)).collect()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { rows, .. } if rows.len() > 20 => write!(f, "{} rows", rows.len()),
            Self::Failed { text, .. } => write!(f, "failed: {text}"),
            other => write!(f, "{other:?}"),
        }
    }
}
