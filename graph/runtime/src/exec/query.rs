//! Clauses in a row, and queries put together.

use std::collections::HashSet;
use std::rc::Rc;

use worldstore_cypher::ast::{Combinator, Query, SingleQuery};

use super::{Row, Rows, Session, Stream, is_standalone_call, read_clause};
use crate::error::{Result, RuntimeError};
use crate::limits::Held;

/// A query that only reads, over rows from outside. If it puts several queries together, there is one such row.
pub(crate) fn run_query<'q>(session: Session<'q>, query: &'q Query, input: Stream<'q>) -> Result<Stream<'q>> {
    if query.others.is_empty() {
        return single(session, &query.first, input);
    }
    let names = input.names;
    let rows: Vec<Row> = input.rows.collect::<Result<_>>()?;
    let seed = || {
        let rows = rows.clone();
        Stream { names: Rc::clone(&names), rows: Box::new(rows.into_iter().map(Ok)) }
    };
    let mut stream = single(session, &query.first, seed())?;
    for other in &query.others {
        stream = match other.combinator {
            Combinator::Next => single(session, &other.query, stream)?,
            combinator => combine(session, combinator, stream, single(session, &other.query, seed())?)?,
        };
    }
    Ok(stream)
}

fn single<'q>(session: Session<'q>, query: &'q SingleQuery, input: Stream<'q>) -> Result<Stream<'q>> {
    let is_alone = is_standalone_call(query);
    let clauses = query.clauses.iter();
    clauses.into_iter().try_fold(input, |stream, clause| read_clause(session, clause, is_alone, stream))
}

/// Rows of two queries, put together.
pub(crate) fn combine<'q>(
    session: Session<'q>,
    combinator: Combinator,
    left: Stream<'q>,
    right: Stream<'q>,
) -> Result<Stream<'q>> {
    let names = left.names;
    let rows: Rows<'q> = match combinator {
        Combinator::UnionAll => Box::new(left.rows.chain(right.rows)),
        Combinator::Union => Box::new(distinct(session, Box::new(left.rows.chain(right.rows)))),
        Combinator::Except | Combinator::Intersect => {
            let is_kept = combinator == Combinator::Intersect;
            let mut held = session.meter.holder();
            let mut others = HashSet::new();
            for row in right.rows {
                let row = row?;
                held.add(row_bytes(&row))?;
                others.insert(row);
            }
            let rows = distinct(session, left.rows);
            Box::new(rows.filter(move |row| {
                // What the set takes is held as long as these rows are asked for.
                let _ = &held;
                row.as_ref().is_ok_and(|row| others.contains(row) == is_kept) || row.is_err()
            }))
        }
        _ => return Err(RuntimeError::unsupported("these queries cannot be put together")),
    };
    Ok(Stream { names, rows })
}

/// Equal rows once.
pub(crate) fn distinct<'q>(session: Session<'q>, rows: Rows<'q>) -> Rows<'q> {
    Box::new(Distinct { rows, seen: HashSet::new(), held: session.meter.holder() })
}

struct Distinct<'q> {
    rows: Rows<'q>,
    seen: HashSet<Row>,
    held: Held<'q>,
}

impl Iterator for Distinct<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            if self.seen.contains(&row) {
                continue;
            }
            if let Err(error) = self.held.add(row_bytes(&row)) {
                return Some(Err(error));
            }
            self.seen.insert(row.clone());
            return Some(Ok(row));
        }
    }
}

/// About how much a row takes.
pub(crate) fn row_bytes(row: &[crate::value::Value]) -> u64 {
    row.iter().fold(48, |bytes, value| bytes.saturating_add(value.bytes()))
}
