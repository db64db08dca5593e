//! What lies below a template now: files, and the typed values of their paths as columns.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::datatypes::{Field, Fields, Schema};
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use worldstore_core::hive::{HiveType, HiveValue};
use worldstore_core::lake::{LakeColumn, LakeListOptions, LakeListing, Template};
use worldstore_core::{Error, Key, ObjectMeta, Prefix, Result};

use crate::snapshot::short;

/// Files, in the order of their keys, and one row of path values for each.
#[derive(Debug)]
pub(crate) struct Listing {
    pub files: Vec<ObjectMeta>,
    /// The columns that come from the path, one row per file.
    pub values: RecordBatch,
    /// Folders that were ruled out, and not listed.
    pub pruned: Vec<Prefix>,
    /// Files that were ruled out by their own name.
    pub files_pruned: u64,
    /// Where the footers of all files are summed up, once that is known.
    pub entries: OnceLock<Arc<[u32]>>,
    partitions: OnceLock<Partitions>,
    id: OnceLock<String>,
}

/// Combinations of path values.
#[derive(Debug)]
pub(crate) struct Partitions {
    /// The combination of each file.
    pub of_file: Vec<u32>,
    /// One row for each combination; none if paths have no columns.
    pub rows: Vec<OwnedRow>,
    /// How many there are: one if paths have no columns and there is a file.
    pub count: usize,
}

/// What is asked of a listing at first: all Parquet files, of whatever columns.
pub(crate) fn options() -> LakeListOptions {
    LakeListOptions::default().with_ending(".parquet")
}

impl Listing {
    /// Makes columns of the values.
    pub fn new(listing: LakeListing) -> Result<Self> {
        let values = |index: usize| listing.files.iter().map(move |file| file.values.get(index));
        let arrays = listing.columns.iter().enumerate().map(|(index, column)| array(column.kind, values(index)));
        let arrays: Vec<_> = arrays.collect();
        let values = batch(&listing.columns, arrays, listing.files.len())?;
        let files = listing.files.into_iter().map(|file| file.meta).collect();
        Ok(Self { pruned: listing.pruned, files_pruned: listing.stats.files_pruned, ..Self::of(files, values) })
    }

    /// A listing without files.
    pub fn empty(columns: &[LakeColumn]) -> Result<Self> {
        let arrays = columns.iter().map(|column| array(column.kind, std::iter::empty())).collect();
        Ok(Self::of(Vec::new(), batch(columns, arrays, 0)?))
    }

    /// A listing of everything.
    pub fn of(files: Vec<ObjectMeta>, values: RecordBatch) -> Self {
        let (entries, partitions, id) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { files, values, pruned: Vec::new(), files_pruned: 0, entries, partitions, id }
    }

    /// A hash over name, size and version of all files.
    pub fn id(&self) -> &str {
        self.id.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for file in &self.files {
                hasher.update(format!("{}\n{}\n{:?}\n", file.key, file.size, file.version).as_bytes());
            }
            short(&hasher)
        })
    }

    /// The combinations of path values.
    pub fn partitions(&self) -> Result<&Partitions> {
        if let Some(known) = self.partitions.get() {
            return Ok(known);
        }
        let mut numbers: HashMap<OwnedRow, u32> = HashMap::new();
        let mut partitions = Partitions { of_file: Vec::with_capacity(self.files.len()), rows: Vec::new(), count: 0 };
        let encoded = self.encoded()?;
        for index in 0..self.files.len() {
            let number = match &encoded {
                None => 0,
                Some(rows) => {
                    let (row, next) =
                        (rows.row(index).owned(), u32::try_from(partitions.rows.len()).unwrap_or(u32::MAX));
                    *numbers.entry(row).or_insert_with_key(|row| {
                        partitions.rows.push(row.clone());
                        next
                    })
                }
            };
            partitions.of_file.push(number);
        }
        let least = usize::from(!self.files.is_empty());
        partitions.count = partitions.rows.len().max(least);
        Ok(self.partitions.get_or_init(|| partitions))
    }

    /// The path values of all files, comparable by their bytes; none if paths have no columns.
    fn encoded(&self) -> Result<Option<Rows>> {
        let failed = |source| Error::unexpected("path values cannot be compared").caused_by(source);
        let columns = self.values.columns();
        if columns.is_empty() {
            return Ok(None);
        }
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        RowConverter::new(fields).and_then(|converter| converter.convert_columns(columns)).map(Some).map_err(failed)
    }

    /// The columns of the path.
    pub fn fields(&self) -> Fields {
        self.values.schema().fields().clone()
    }

    /// Tells which files of an earlier listing this one has left out.
    pub fn leaves_out<'listing>(&'listing self) -> impl Fn(&Key) -> bool + 'listing {
        let pruned: HashSet<&str> = self.pruned.iter().map(Prefix::as_str).collect();
        let listed: HashSet<&Key> = match self.files_pruned {
            0 => HashSet::new(),
            _ => self.files.iter().map(|file| &file.key).collect(),
        };
        move |key| {
            let text = key.as_str();
            let is_below = text.match_indices('/').any(|(end, _)| pruned.contains(&text[..end]));
            is_below || (self.files_pruned > 0 && !listed.contains(key))
        }
    }
}

/// The columns as a label keeps them: what looks like a truth value stays a text, unless it was declared.
pub(crate) fn settled(columns: Vec<LakeColumn>, template: &Template) -> Vec<LakeColumn> {
    let is_declared =
        |name: &str| template.variables().iter().any(|variable| variable.name == name && variable.kind.is_some());
    let settle = |column: LakeColumn| match column.kind {
        HiveType::Bool if !is_declared(&column.name) => LakeColumn::new(column.name, HiveType::Text),
        _ => column,
    };
    columns.into_iter().map(settle).collect()
}

/// Columns of the path, for so many files.
pub(crate) fn batch(columns: &[LakeColumn], arrays: Vec<ArrayRef>, files: usize) -> Result<RecordBatch> {
    let pairs = columns.iter().zip(&arrays);
    let fields = pairs.map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(files));
    RecordBatch::try_new_with_options(schema, arrays, &options)
        .map_err(|source| Error::unexpected("path values do not fit together").caused_by(source))
}

fn array<'value>(kind: HiveType, values: impl Iterator<Item = Option<&'value HiveValue>>) -> ArrayRef {
    match kind {
        HiveType::Int => Arc::new(
            values
                .map(|value| if let Some(HiveValue::Int(number)) = value { Some(*number) } else { None })
                .collect::<Int64Array>(),
        ),
        HiveType::Bool => Arc::new(
            values
                .map(|value| if let Some(HiveValue::Bool(value)) = value { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        HiveType::Date => Arc::new(
            values
                .map(|value| if let Some(HiveValue::Date(date)) = value { Some(date.days_since_1970()) } else { None })
                .collect::<Date32Array>(),
        ),
        _ => Arc::new(values.map(|value| value.and_then(HiveValue::text)).collect::<StringArray>()),
    }
}
