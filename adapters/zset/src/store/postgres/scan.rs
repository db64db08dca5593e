//! Reading ranges: many in one statement, the beginning of each; what goes on is read range by range.

use sqlx::postgres::PgRow;
use worldstore_core::Result;

use super::error::translate;
use super::link::Link;
use super::statements::{self, Ends};
use super::transaction::get;
use crate::store::{KeyRange, Order, Visit};
use crate::table::Table;

/// How many entries a statement reads, about.
const ROWS: usize = 8_192;
/// How many entries of each of many ranges are read at first: most are short, and some visitors want only the first.
const FIRST: usize = 64;
/// How many ranges one statement has at most.
const RANGES_MAX: usize = 4_096;

/// Visits the entries of ranges, in order: the place of the range, and a row with the key in column 1.
pub(super) fn visit(
    link: &mut Link,
    schema: &str,
    table: &Table,
    ranges: &[KeyRange],
    visitor: &mut dyn FnMut(usize, &PgRow) -> Result<Visit>,
) -> Result<()> {
    let mut first = 0;
    for alike in ranges.chunk_by(|left, right| kind(left) == kind(right)) {
        for part in alike.chunks(RANGES_MAX) {
            let mut some = Alike { link, schema, table };
            some.visit(first, part, visitor)?;
            first += part.len();
        }
    }
    Ok(())
}

fn kind(range: &KeyRange) -> (Ends, Order) {
    (if range.end.is_some() { Ends::Bounded } else { Ends::Open }, range.order)
}

/// Ranges of one kind.
struct Alike<'a> {
    link: &'a mut Link,
    schema: &'a str,
    table: &'a Table,
}

impl Alike<'_> {
    fn visit(
        &mut self,
        first: usize,
        ranges: &[KeyRange],
        visitor: &mut dyn FnMut(usize, &PgRow) -> Result<Visit>,
    ) -> Result<()> {
        let limit = (ROWS / ranges.len().max(1)).max(FIRST);
        let rows = self.read(ranges, limit)?;
        let mut found = rows.chunk_by(|left, right| left.0 == right.0).peekable();
        for (place, range) in ranges.iter().enumerate() {
            let Some(group) = found.next_if(|group| group.first().is_some_and(|row| row.0 == place)) else {
                continue;
            };
            let mut rest = None;
            for (_, row) in group {
                rest = Some(row);
                if visitor(first + place, row)? == Visit::Enough {
                    rest = None;
                    break;
                }
            }
            if let Some(last) = rest.filter(|_| group.len() == limit) {
                self.visit_rest(first + place, behind(range, get(last, 1)?), visitor)?;
            }
        }
        Ok(())
    }

    /// Goes on with one range, page by page.
    fn visit_rest(
        &mut self,
        index: usize,
        mut range: KeyRange,
        visitor: &mut dyn FnMut(usize, &PgRow) -> Result<Visit>,
    ) -> Result<()> {
        loop {
            let rows = self.read(std::slice::from_ref(&range), ROWS)?;
            for (_, row) in &rows {
                if visitor(index, row)? == Visit::Enough {
                    return Ok(());
                }
            }
            match rows.last() {
                Some((_, last)) if rows.len() == ROWS => range = behind(&range, get(last, 1)?),
                _ => return Ok(()),
            }
        }
    }

    /// The first entries of each range, with the places of the ranges, in order.
    fn read(&mut self, ranges: &[KeyRange], limit: usize) -> Result<Vec<(usize, PgRow)>> {
        let Some((ends, order)) = ranges.first().map(kind) else {
            return Ok(Vec::new());
        };
        let sql = statements::scan(self.schema, self.table, ends, order);
        let starts: Vec<&[u8]> = ranges.iter().map(|range| range.start.as_slice()).collect();
        let stops: Vec<&[u8]> = ranges.iter().filter_map(|range| range.end.as_deref()).collect();
        let rows = self.link.run(async |connection| {
            let query = sqlx::query(&sql).bind(limit as i64).bind(starts);
            let query = if ends == Ends::Bounded { query.bind(stops) } else { query };
            query.fetch_all(connection).await.map_err(translate)
        })?;
        let placed = |row: PgRow| Ok((usize::try_from(get::<i64>(&row, 0)? - 1).unwrap_or(usize::MAX), row));
        let mut placed: Vec<(usize, PgRow)> = rows.into_iter().map(placed).collect::<Result<_>>()?;
        // The server promises no order across ranges, though it keeps it. The sort is stable, so keys stay in theirs.
        if !placed.is_sorted_by_key(|(place, _)| *place) {
            placed.sort_by_key(|(place, _)| *place);
        }
        Ok(placed)
    }
}

/// The part of a range behind a key, in the range's order.
fn behind(range: &KeyRange, key: &[u8]) -> KeyRange {
    let (start, end) = match range.order {
        Order::Ascending => ([key, &[0]].concat(), range.end.clone()),
        Order::Descending => (range.start.clone(), Some(key.to_vec())),
    };
    KeyRange { start, end, order: range.order }
}
