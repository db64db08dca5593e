//! A row group that is read: which of its rows are left, and their values batch by batch.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use worldstore_core::Error;

use super::asked::Asked;
use super::fetch::{fetch, held};
use super::work::File;
use crate::error::to_datafusion;
use crate::lake::pages::{Column, Mask, Part, Scratch, open};

/// A row group of which nothing was decoded yet.
#[derive(Debug)]
pub(super) struct Start {
    pub file: Arc<File>,
    pub group: usize,
    pub mask: Mask,
}

/// A row group whose conditions on single columns are decided.
pub(super) struct Group {
    file: Arc<File>,
    /// The columns whose values are wanted.
    columns: Vec<Box<dyn Column>>,
    mask: Mask,
    at: usize,
    /// Bytes that are held as they were read.
    pub held: usize,
}

impl Start {
    /// The columns that are read at first, by their places: those in conditions, or all.
    fn first(asked: &Asked) -> Vec<usize> {
        match asked.conditions.is_empty() {
            true => (0..asked.columns.len()).collect(),
            false => asked.conditions.iter().map(|(place, _)| *place).collect(),
        }
    }

    /// Reads the columns that are needed before anything is known of the rows.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn read(&self, asked: &Asked) -> worldstore_core::Result<Vec<Vec<Part>>> {
        self.fetch(&Self::first(asked)).await
    }

    async fn fetch(&self, places: &[usize]) -> worldstore_core::Result<Vec<Vec<Part>>> {
        let leaves: Vec<_> = places.iter().filter_map(|place| self.file.leaves.get(*place).copied()).collect();
        fetch(&self.file, self.group, &leaves, &self.mask).await
    }

    fn open(
        &self,
        asked: &Asked,
        place: usize,
        parts: Vec<Part>,
        scratch: &mut Scratch,
    ) -> worldstore_core::Result<Box<dyn Column>> {
        let group = self.file.lake.footer.row_group(self.group);
        let layout = self.file.layout(asked, group, place);
        open(layout.ok_or_else(|| Error::unexpected("a column is not read page by page"))?, parts, scratch)
    }

    /// Decides conditions on single columns, and reads what is wanted of the rows that are left; none if no row is.
    ///
    /// # Errors
    /// `Corrupt` if pages are damaged; those of conditions and of the byte store.
    pub async fn narrowed(
        mut self,
        asked: &Asked,
        parts: Vec<Vec<Part>>,
        scratch: &mut Scratch,
    ) -> Result<Option<Group>> {
        let key = self.file.lake.key.clone();
        let group = self.narrow(asked, parts, scratch).await;
        group.map_err(|error| to_datafusion(error.with("file", key)))
    }

    async fn narrow(
        &mut self,
        asked: &Asked,
        parts: Vec<Vec<Part>>,
        scratch: &mut Scratch,
    ) -> worldstore_core::Result<Option<Group>> {
        let mut bytes = held(&parts);
        let rows = self.mask.rows();
        let mut columns: Vec<Option<Box<dyn Column>>> = asked.columns.iter().map(|_| None).collect();
        for (place, parts) in Self::first(asked).into_iter().zip(parts) {
            let column = self.open(asked, place, parts, scratch)?;
            if let Some(slot) = columns.get_mut(place) {
                *slot = Some(column);
            }
        }
        let mut weighed = Vec::new();
        for (place, condition) in &asked.conditions {
            if let Some(mut column) = columns.get_mut(*place).and_then(Option::take) {
                weighed.push((column.weigh(condition)?, *place, condition, column));
            }
        }
        // What leaves the fewest rows comes first.
        weighed.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        for (_, place, condition, mut column) in weighed {
            column.narrow(condition, &mut self.mask, scratch)?;
            match columns.get_mut(place).filter(|_| place < asked.wanted) {
                Some(slot) => *slot = Some(column),
                None => column.release(rows, scratch),
            }
            if self.mask.count(0..rows) == 0 {
                return Ok(None);
            }
        }
        let missing = columns.iter().take(asked.wanted).enumerate().filter(|(_, column)| column.is_none());
        let missing: Vec<_> = missing.map(|(place, _)| place).collect();
        let parts = self.fetch(&missing).await?;
        bytes += held(&parts);
        for (place, parts) in missing.into_iter().zip(parts) {
            let column = self.open(asked, place, parts, scratch)?;
            if let Some(slot) = columns.get_mut(place) {
                *slot = Some(column);
            }
        }
        let columns = columns.into_iter().take(asked.wanted).flatten().collect();
        let mask = std::mem::replace(&mut self.mask, Mask::all(0));
        Ok(Some(Group { file: Arc::clone(&self.file), columns, mask, at: 0, held: bytes }))
    }
}

impl Group {
    /// The next rows that are left, at most so many; none if there are no more.
    ///
    /// # Errors
    /// `Corrupt` if pages are damaged; those of conditions.
    pub fn next(&mut self, asked: &Asked, most: usize, scratch: &mut Scratch) -> Result<Option<RecordBatch>> {
        while self.at < self.mask.rows() {
            let rows = self.at..self.mask.end_of(self.at, most);
            let left = self.mask.count(rows.clone());
            self.at = rows.end;
            if left == 0 {
                continue;
            }
            let values = |column: &mut Box<dyn Column>| {
                column.append(rows.clone(), &self.mask, scratch)?;
                column.release(rows.end, scratch);
                column.finish()
            };
            let arrays = self.columns.iter_mut().map(values).collect::<worldstore_core::Result<Vec<ArrayRef>>>();
            let mut arrays = arrays.map_err(|error| to_datafusion(error.with("file", &self.file.lake.key)))?;
            for path in &asked.paths {
                arrays.extend(self.file.values.get(*path).map(|value| value.to_array_of_size(left)).transpose()?);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(left));
            let mut batch = RecordBatch::try_new_with_options(Arc::clone(&asked.schema), arrays, &options)?;
            if let Some(rest) = &asked.rest {
                let kept = rest.evaluate(&batch)?.into_array(left)?;
                batch = filter_record_batch(&batch, as_boolean_array(&kept)?)?;
            }
            if batch.num_rows() > 0 {
                return asked.projector.project_batch(&batch).map(Some);
            }
        }
        Ok(None)
    }
}
