//! Executes queries that write: row by row, each seeing what those before it changed.
//!
//! Values in rows are snapshots. A clause that changes something brings all rows up to date, so that the next clause
//! sees what is there now, and what is not there any more.

mod create;
mod delete;
mod merge;
mod refresh;
mod set;

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use worldstore_cypher::ast::{Clause, ClauseKind, Combinator, Query, SingleQuery};

use crate::error::{Result, RuntimeError};
use crate::exec::{
    Options, Reader, Row, Session, Shared, Stream, combine, is_standalone_call, is_write, read_clause, row_bytes,
};
use crate::graph::{EntityId, Graph, GraphMut};
use crate::limits::{Held, Meter};
use crate::value::Value;

/// Rows that are all there.
pub(crate) struct Table<'w> {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Row>,
    held: Held<'w>,
}

impl<'w> Table<'w> {
    fn new(meter: &'w Meter, names: Vec<String>, rows: Vec<Row>) -> Self {
        Self { names, rows, held: meter.holder() }
    }

    fn push(&mut self, row: Row) -> Result<()> {
        self.held.add(row_bytes(&row))?;
        self.rows.push(row);
        Ok(())
    }

    /// The rows without what they are held by: they are on their way elsewhere.
    fn into_stream<'q>(self) -> Stream<'q> {
        Stream { names: Rc::new(self.names), rows: Box::new(self.rows.into_iter().map(Ok)) }
    }
}

/// Executes one statement.
pub(crate) struct Writer<'g, 'w> {
    graph: &'g mut dyn GraphMut,
    meter: &'w Meter,
    shared: &'w Shared<'w>,
    options: &'w Options,
    /// How often expressions were evaluated: so chance gives something else each time.
    turns: Cell<u64>,
    /// What was changed and may still stand in rows as it was.
    touched: HashSet<EntityId>,
    /// What the statement has made and changed so far, until it is committed.
    held: Held<'w>,
}

/// About how much the graph needs to remember that it has made or changed something, besides its properties.
const CHANGE_BYTES: u64 = 256;

impl<'g, 'w> Writer<'g, 'w> {
    pub(crate) fn new(
        graph: &'g mut dyn GraphMut,
        meter: &'w Meter,
        shared: &'w Shared<'w>,
        options: &'w Options,
    ) -> Self {
        Self { graph, meter, shared, options, turns: Cell::new(0), touched: HashSet::new(), held: meter.holder() }
    }

    /// The rows of a query, after all that it changes is changed.
    pub(crate) fn run(&mut self, query: &Query) -> Result<Table<'w>> {
        let mut table = self.single(&query.first, self.unit())?;
        for other in &query.others {
            table = match other.combinator {
                Combinator::Next => self.single(&other.query, table)?,
                combinator => {
                    let right = self.single(&other.query, self.unit())?;
                    self.read(|session| {
                        self.fill(combine(session, combinator, table.into_stream(), right.into_stream())?)
                    })?
                }
            };
        }
        Ok(table)
    }

    fn unit(&self) -> Table<'w> {
        Table::new(self.meter, Vec::new(), vec![Vec::new()])
    }

    fn single(&mut self, query: &SingleQuery, mut table: Table<'w>) -> Result<Table<'w>> {
        let is_alone = is_standalone_call(query);
        let mut clauses = query.clauses.as_slice();
        while let Some(clause) = clauses.first() {
            let reads = clauses.iter().take_while(|clause| !is_write(&clause.kind)).count();
            if reads == 0 {
                table = self.write(clause, table)?;
                clauses = clauses.get(1..).unwrap_or_default();
                continue;
            }
            let (now, later) = clauses.split_at(reads);
            table = self.read(|session| {
                let mut stream = table.into_stream();
                for clause in now {
                    stream = read_clause(session, clause, is_alone, stream)?;
                }
                self.fill(stream)
            })?;
            clauses = later;
        }
        Ok(table)
    }

    fn fill(&self, stream: Stream<'_>) -> Result<Table<'w>> {
        let mut table = Table::new(self.meter, stream.names.to_vec(), Vec::new());
        for row in stream.rows {
            table.push(row?)?;
        }
        Ok(table)
    }

    /// Calls `with` with the graph as it is now.
    fn read<T>(&self, with: impl FnOnce(Session<'_>) -> Result<T>) -> Result<T> {
        let graph: &dyn Graph = &*self.graph;
        let reader = Reader { graph, meter: self.meter, shared: self.shared };
        let turn = self.turns.get();
        self.turns.set(turn.wrapping_add(1));
        let context = self.options.context(&reader, self.options.seed.wrapping_add(turn << 32));
        with(reader.session(&context))
    }

    fn write(&mut self, clause: &Clause, table: Table<'w>) -> Result<Table<'w>> {
        let mut table = match &clause.kind {
            ClauseKind::Create(create) => self.create(create, table),
            ClauseKind::Merge(merge) => self.merge(merge, table),
            ClauseKind::Set(items) => self.each_row(table, |writer, names, row| writer.set(items, names, row)),
            ClauseKind::Remove(items) => self.each_row(table, |writer, names, row| writer.remove(items, names, row)),
            ClauseKind::Delete(delete) => self.delete(delete, table),
            _ => Err(RuntimeError::unsupported("this clause does not write")),
        }
        .map_err(|error| error.at(clause.span))?;
        for row in &mut table.rows {
            self.refresh(row)?;
        }
        self.touched.clear();
        Ok(table)
    }

    /// Remembers that something was made or changed, and has these properties now.
    fn touch(&mut self, entity: EntityId, bytes: u64) -> Result<()> {
        self.touched.insert(entity);
        self.held.add(CHANGE_BYTES.saturating_add(bytes))
    }

    fn each_row(
        &mut self,
        mut table: Table<'w>,
        mut change: impl FnMut(&mut Self, &[String], &mut Row) -> Result<()>,
    ) -> Result<Table<'w>> {
        for row in &mut table.rows {
            self.meter.tick()?;
            self.refresh(row)?;
            change(self, &table.names, row)?;
        }
        Ok(table)
    }

    /// Whether a value can be a property; null means that there is none.
    fn storable(value: &Value) -> Result<()> {
        let is_plain =
            |value: &Value| !matches!(value, Value::Map(_) | Value::Node(_) | Value::Relationship(_) | Value::Path(_));
        let wrong = match value {
            Value::List(list) => list.iter().find(|item| !is_plain(item) || Self::storable(item).is_err()),
            value => (!is_plain(value)).then_some(value),
        };
        match wrong {
            None => Ok(()),
            Some(wrong) => Err(RuntimeError::new(
                crate::error::ErrorClass::TypeError,
                crate::error::ErrorDetail::InvalidPropertyType,
                format!("{} cannot be stored in a property", wrong.type_name()),
            )),
        }
    }
}
