//! Bytes of columns of a row group: only pages that have rows which are left, as far as an index says where pages are.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use worldstore_core::{Error, Result};

use super::work::File;
use crate::lake::pages::{Mask, Part};

/// A stretch of a column.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// It is read. How many rows it has may be known.
    Read { bytes: Range<u64>, rows: Option<usize> },
    /// It has so many rows, none of which is left.
    Left { rows: usize },
}

/// Reads the columns at these leaves of a row group.
///
/// # Errors
/// Those of the byte store.
pub(super) async fn fetch(file: &File, group: usize, leaves: &[usize], mask: &Mask) -> Result<Vec<Vec<Part>>> {
    let footer = &file.lake.footer;
    let pieces = leaves.iter().map(|leaf| pieces(footer, group, *leaf, mask)).collect::<Result<Vec<_>>>()?;
    let is_read = |piece: &Piece| match piece {
        Piece::Read { bytes, .. } => Some(bytes.clone()),
        Piece::Left { .. } => None,
    };
    let ranges: Vec<_> = pieces.iter().flatten().filter_map(is_read).collect();
    let read = if ranges.is_empty() { Vec::new() } else { file.lake.read(&ranges).await? };
    let mut read = read.into_iter();
    let mut part = |piece: Piece| match piece {
        Piece::Left { rows } => Ok(Part::Left { rows }),
        Piece::Read { rows, .. } => match read.next() {
            Some(bytes) => Ok(Part::Pages { bytes, rows }),
            None => Err(Error::unexpected("fewer parts of a file were read than were asked for")),
        },
    };
    pieces.into_iter().map(|pieces| pieces.into_iter().map(&mut part).collect()).collect()
}

/// The bytes that are held for parts.
pub(super) fn held(columns: &[Vec<Part>]) -> usize {
    let bytes = |part: &Part| match part {
        Part::Pages { bytes, .. } => Bytes::len(bytes),
        Part::Left { .. } => 0,
    };
    columns.iter().flatten().map(bytes).sum()
}

fn pieces(footer: &ParquetMetaData, group: usize, leaf: usize, mask: &Mask) -> Result<Vec<Piece>> {
    let column = footer.row_group(group).columns().get(leaf);
    let column = column.ok_or_else(|| Error::unexpected("a row group misses a column"))?;
    let whole = whole(column);
    let rows = mask.rows();
    let index = footer.offset_index().and_then(|groups| groups.get(group)).and_then(|columns| columns.get(leaf));
    let some =
        index.filter(|_| mask.count(0..rows) < rows).and_then(|index| some(index.page_locations(), &whole, mask));
    Ok(some.unwrap_or_else(|| vec![Piece::Read { bytes: whole, rows: None }]))
}

fn whole(column: &ColumnChunkMetaData) -> Range<u64> {
    let (start, length) = column.byte_range();
    start..start.saturating_add(length)
}

/// The pages that have rows which are left; none if the index does not fit the column.
fn some(locations: &[PageLocation], whole: &Range<u64>, mask: &Mask) -> Option<Vec<Piece>> {
    let first = u64::try_from(locations.first()?.offset).ok()?;
    let mut pieces = Vec::new();
    if first > whole.start {
        pieces.push(Piece::Read { bytes: whole.start..first, rows: Some(0) });
    }
    let (mut row, mut offset) = (0, first);
    for (index, location) in locations.iter().enumerate() {
        let start = u64::try_from(location.offset).ok()?;
        let end = start.checked_add(u64::try_from(location.compressed_page_size).ok()?)?;
        let last = match locations.get(index + 1) {
            Some(next) => usize::try_from(next.first_row_index).ok()?,
            None => mask.rows(),
        };
        if usize::try_from(location.first_row_index).ok()? != row || last < row || start < offset || end > whole.end {
            return None;
        }
        let here = last - row;
        match (mask.count(row..last) > 0, pieces.last_mut()) {
            (true, Some(Piece::Read { bytes, rows: Some(rows) })) if bytes.end == start => {
                bytes.end = end;
                *rows += here;
            }
            (true, _) => pieces.push(Piece::Read { bytes: start..end, rows: Some(here) }),
            (false, Some(Piece::Left { rows })) => *rows += here,
            (false, _) => pieces.push(Piece::Left { rows: here }),
        }
        (row, offset) = (last, end);
    }
    (row == mask.rows()).then_some(pieces)
}
