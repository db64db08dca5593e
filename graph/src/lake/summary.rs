//! What footers say of the files of a label, row group by row group: enough to count and to leave out without any file.

use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::SchemaDescriptor;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, Result, Version};

use super::bounds::{Bounds, Kind};

/// What tells one state of a file from another.
pub(crate) type Stamp = (u64, Option<Version>, Option<SystemTime>);

/// The stamp of a file as it was listed.
pub(crate) fn stamp(file: &ObjectMeta) -> Stamp {
    (file.size, file.version.clone(), file.modified)
}

/// Row groups of all files that were looked at, in columns. Entries are only added: an index stays what it is.
#[derive(Debug)]
pub(crate) struct Summaries {
    schema: SchemaRef,
    /// The newest entry of each file.
    newest: HashMap<Key, u32>,
    entries: Vec<Entry>,
    /// Rows of each row group.
    pub rows: Vec<u64>,
    /// The columns of the label, in their order.
    pub columns: Vec<Bounds>,
    /// Where the columns lie in files of the schema that was seen last.
    leaves: Option<(SchemaDescriptor, Vec<Leaf>)>,
}

/// One file in one state.
#[derive(Debug)]
struct Entry {
    stamp: Stamp,
    units: Range<u32>,
    rows: u64,
}

/// Where a column of the label lies in a file.
#[derive(Debug, Clone, Copy)]
enum Leaf {
    /// It is this leaf.
    At(usize),
    /// The file has no such column.
    Missing,
    /// It is there, and footers say nothing of use about it.
    Nested,
}

impl Summaries {
    /// None yet, for columns of this schema.
    pub fn new(schema: SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|field| Bounds::new(Kind::of(field.data_type()))).collect();
        let (newest, entries, rows) = (HashMap::new(), Vec::new(), Vec::new());
        Self { schema, newest, entries, rows, columns, leaves: None }
    }

    /// The entry of a file in the state in which it was listed.
    pub fn find(&self, file: &ObjectMeta) -> Option<u32> {
        let index = *self.newest.get(&file.key)?;
        let (size, version, modified) = &self.entries.get(index as usize)?.stamp;
        let is_same = (*size, version, modified) == (file.size, &file.version, &file.modified);
        is_same.then_some(index)
    }

    /// The row groups of an entry.
    pub fn units(&self, entry: u32) -> Range<usize> {
        let units = self.entries.get(entry as usize).map_or(0..0, |entry| entry.units.clone());
        units.start as usize..units.end as usize
    }

    /// The rows of an entry.
    pub fn rows_of(&self, entry: u32) -> u64 {
        self.entries.get(entry as usize).map_or(0, |entry| entry.rows)
    }

    /// Rows and row groups of files.
    pub fn totals(&self, entries: &[u32]) -> (u64, usize) {
        let each = entries.iter().map(|entry| (self.rows_of(*entry), self.units(*entry).len()));
        each.fold((0, 0), |(rows, groups), (more, others)| (rows + more, groups + others))
    }

    /// Adds what the footer of a file says.
    ///
    /// # Errors
    /// `Corrupt` if it counts rows below zero.
    pub fn add(&mut self, file: &ObjectMeta, footer: &ParquetMetaData) -> Result<u32> {
        let negative =
            |_| Error::new(ErrorKind::Corrupt, "a row group counts its rows below zero").with("file", &file.key);
        let rows = footer.row_groups().iter().map(|group| u64::try_from(group.num_rows()).map_err(negative));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let leaves = self.leaves(footer.file_metadata().schema_descr());
        for (group, rows) in footer.row_groups().iter().zip(&rows) {
            for ((bounds, leaf), field) in self.columns.iter_mut().zip(&leaves).zip(self.schema.fields()) {
                match leaf {
                    Leaf::At(index) => {
                        let statistics = group.columns().get(*index).and_then(|column| column.statistics());
                        bounds.push(field.data_type(), statistics);
                    }
                    Leaf::Missing => bounds.push_missing(*rows),
                    Leaf::Nested => bounds.push(field.data_type(), None),
                }
            }
        }
        Ok(self.enter(file.key.clone(), stamp(file), &rows))
    }

    /// Adds an entry of other summaries of the same columns.
    pub fn add_from(&mut self, file: &ObjectMeta, other: &Self, entry: u32) -> u32 {
        let units = other.units(entry);
        for (bounds, from) in self.columns.iter_mut().zip(&other.columns) {
            units.clone().for_each(|unit| bounds.push_from(from, unit));
        }
        self.enter(file.key.clone(), stamp(file), other.rows.get(units).unwrap_or_default())
    }

    /// Takes over row groups that are in the columns already.
    pub fn enter_stored(&mut self, file: &ObjectMeta, units: Range<u32>) {
        let rows = self.rows.get(units.start as usize..units.end as usize).unwrap_or_default();
        let rows = rows.iter().fold(0_u64, |sum, rows| sum.saturating_add(*rows));
        self.place(file.key.clone(), Entry { stamp: stamp(file), units, rows });
    }

    fn enter(&mut self, key: Key, stamp: Stamp, rows: &[u64]) -> u32 {
        let start = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.extend_from_slice(rows);
        let units = start..u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let rows = rows.iter().fold(0_u64, |sum, rows| sum.saturating_add(*rows));
        self.place(key, Entry { stamp, units, rows })
    }

    fn place(&mut self, key: Key, entry: Entry) -> u32 {
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        self.newest.insert(key, index);
        index
    }

    fn leaves(&mut self, descriptor: &SchemaDescriptor) -> Vec<Leaf> {
        if let Some((_, leaves)) = self.leaves.as_ref().filter(|(known, _)| known == descriptor) {
            return leaves.clone();
        }
        let leaf = |name: &str| {
            let columns = descriptor.columns().iter();
            let mut found = columns
                .enumerate()
                .filter(|(_, column)| column.path().parts().first().is_some_and(|root| root == name));
            match (found.next(), found.next()) {
                (None, _) => Leaf::Missing,
                (Some((index, column)), None) if column.path().parts().len() == 1 && column.max_rep_level() == 0 => {
                    Leaf::At(index)
                }
                _ => Leaf::Nested,
            }
        };
        let leaves: Vec<_> = self.schema.fields().iter().map(|field| leaf(field.name())).collect();
        self.leaves = Some((descriptor.clone(), leaves.clone()));
        leaves
    }
}
