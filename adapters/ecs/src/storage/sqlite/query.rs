//! Queries as SQL, page by page in the order of the ids, all in one state of the file.

use std::sync::Arc;

use rusqlite::Row;
use worldstore_core::Result;
use worldstore_db_common::sqlite::{Reader, translate};

use super::read::{Head, of_id, value};
use crate::chunk::Chunk;
use crate::component::ComponentType;
use crate::planted::{Bug, Planted};
use crate::query::Query;
use crate::storage::catalog::{Catalog, Known};
use crate::storage::gather::chunks_of_rows;
use crate::{ComponentValue, Entity};

/// Rows of a page.
const PAGE_ROWS: usize = 4_096;

/// Tables in one union. SQLite takes 500: <https://www.sqlite.org/limits.html>.
const UNION_MAX: usize = 400;

/// A query on its way.
pub(super) struct Pages {
    reader: Reader,
    sql: String,
    known: Vec<Known>,
    components: Vec<Arc<ComponentType>>,
    /// The last id that was given; below all at first.
    after: Option<i64>,
    ready: std::vec::IntoIter<Chunk<'static>>,
    planted: Planted,
}

impl Pages {
    /// Begins a query. Nothing is found if a component is not known that must be there.
    pub fn begin(reader: Reader, catalog: &Catalog, query: &Query, planted: Planted) -> Result<Option<Self>> {
        let known: Option<Vec<&Known>> = query.components().iter().map(|name| catalog.get(name)).collect();
        let required: Option<Vec<&Known>> = query.required().iter().map(|name| catalog.get(name)).collect();
        let (Some(known), Some(required)) = (known, required) else { return Ok(None) };
        let excluded: Vec<&Known> = query.excluded().iter().filter_map(|name| catalog.get(name)).collect();
        let head = Head::read(reader.connection()?)?;
        let sql = sql(head, catalog, &known, &required, &excluded);
        let components = known.iter().map(|known| Arc::clone(&known.component)).collect();
        let known = known.into_iter().cloned().collect();
        Ok(Some(Self { reader, sql, known, components, after: Some(-1), ready: Vec::new().into_iter(), planted }))
    }

    fn page(&mut self, after: i64) -> Result<Vec<Chunk<'static>>> {
        let mut statement = self.reader.connection()?.prepare_cached(&self.sql).map_err(translate)?;
        let mut rows = statement.query([after]).map_err(translate)?;
        let mut page = Vec::with_capacity(PAGE_ROWS);
        while let Some(row) = rows.next().map_err(translate)? {
            page.push(found(row, &self.known)?);
        }
        self.after = match page.len() < PAGE_ROWS || self.planted.has(Bug::OnePage) {
            true => None,
            false => page.last().map(|(entity, _)| super::read::to_id(*entity)),
        };
        chunks_of_rows(&self.components, page)
    }
}

impl Iterator for Pages {
    type Item = Result<Chunk<'static>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = self.ready.next() {
                return Some(Ok(chunk));
            }
            let after = self.after.take()?;
            match self.page(after) {
                Ok(chunks) => self.ready = chunks.into_iter(),
                Err(error) => {
                    self.after = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// One row: the entity, then for each component whether it is shared, and its fields.
fn found(row: &Row<'_>, known: &[Known]) -> Result<(Entity, Vec<ComponentValue>)> {
    let entity = of_id(row.get(0).map_err(translate)?)?;
    let mut first = 1;
    let values = known.iter().map(|known| {
        let value = value(row, known, first);
        first += 1 + known.columns.len();
        value
    });
    Ok((entity, values.collect::<Result<_>>()?))
}

fn sql(head: Head, catalog: &Catalog, known: &[&Known], required: &[&Known], excluded: &[&Known]) -> String {
    let mut columns = String::from("e.entity");
    let (mut from, mut joins) = (String::new(), String::new());
    match known.first() {
        Some(first) => from.push_str(&format!("{} e", first.table)),
        None => from.push_str(&everyone(head, catalog)),
    }
    for (place, known) in known.iter().enumerate() {
        let table = if place == 0 { "e".to_owned() } else { format!("t{place}") };
        columns.push_str(&format!(", {table}.shared"));
        for field in known.fields_of(&table, &format!("s{place}")) {
            columns.push_str(&format!(", {field}"));
        }
        if place > 0 {
            joins.push_str(&format!(" JOIN {} {table} ON {table}.entity = e.entity", known.table));
        }
        if let Some(shared) = &known.shared {
            joins.push_str(&format!(" LEFT JOIN {shared} s{place} ON s{place}.id = {table}.shared"));
        }
    }
    let exists = |known: &&Known| format!("EXISTS (SELECT 1 FROM {} x WHERE x.entity = e.entity)", known.table);
    let required: String = required.iter().map(|known| format!(" AND {}", exists(known))).collect();
    let excluded: String = excluded.iter().map(|known| format!(" AND NOT {}", exists(known))).collect();
    format!(
        "SELECT {columns} FROM {from}{joins} WHERE e.entity > ?1{required}{excluded} ORDER BY e.entity LIMIT {PAGE_ROWS}"
    )
}

/// All that are alive, and of the reserved ones those that have a component.
fn everyone(head: Head, catalog: &Catalog) -> String {
    let (first, last) = head.reserved();
    let one = |known: &Known| format!("SELECT entity FROM {} WHERE entity BETWEEN {first} AND {last}", known.table);
    let reserved = catalog.all().chunks(UNION_MAX).map(|some| {
        let some: Vec<String> = some.iter().map(one).collect();
        format!(" UNION SELECT entity FROM ({})", some.join(" UNION "))
    });
    format!("(SELECT entity FROM entities{}) e", reserved.collect::<String>())
}
