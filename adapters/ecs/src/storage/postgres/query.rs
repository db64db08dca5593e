//! Queries as SQL, page by page in the order of the ids, all in one state of the database.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};
use worldstore_core::Result;

use super::cells::value;
use super::error::translate;
use super::read::{Head, fields, of_id, to_id};
use crate::chunk::{AsyncChunks, Chunk};
use crate::component::ComponentType;
use crate::planted::{Bug, Planted};
use crate::query::Query;
use crate::storage::catalog::{Catalog, Known};
use crate::storage::gather::chunks_of_rows;
use crate::{ComponentValue, Entity};

/// Rows of a page.
const PAGE_ROWS: usize = 8_192;

/// A query on its way, in a transaction that sees one state.
struct Pages {
    transaction: Transaction<'static, Postgres>,
    sql: String,
    known: Vec<Known>,
    components: Vec<Arc<ComponentType>>,
    planted: Planted,
}

/// The chunks that a query finds. Nothing is found if a component is not known that must be there.
pub(super) async fn chunks(
    mut transaction: Transaction<'static, Postgres>,
    (namespace, planted): (&str, Planted),
    catalog: &Catalog,
    query: &Query,
) -> Result<AsyncChunks<'static>> {
    let known: Option<Vec<&Known>> = query.components().iter().map(|name| catalog.get(name)).collect();
    let required: Option<Vec<&Known>> = query.required().iter().map(|name| catalog.get(name)).collect();
    let (Some(known), Some(required)) = (known, required) else { return Ok(stream::empty().boxed()) };
    let excluded: Vec<&Known> = query.excluded().iter().filter_map(|name| catalog.get(name)).collect();
    let head = Head::read(&mut transaction, namespace).await?;
    let sql = sql(namespace, head, catalog, &known, &required, &excluded);
    let components = known.iter().map(|known| Arc::clone(&known.component)).collect();
    let mut pages = Pages { transaction, sql, known: known.into_iter().cloned().collect(), components, planted };
    // Here, and not by whoever takes the first chunk: from now on nobody can remove the tables.
    let (first, after) = pages.page(-1).await?;
    let rest = stream::try_unfold(after.map(|after| (pages, after)), |state| async move {
        let Some((mut pages, after)) = state else { return Ok(None) };
        let (chunks, after) = pages.page(after).await?;
        let rest = after.map(|after| (pages, after));
        Ok(Some((stream::iter(chunks.into_iter().map(Ok)), rest)))
    });
    Ok(stream::iter(first.into_iter().map(Ok)).chain(rest.try_flatten()).boxed())
}

impl Pages {
    /// The chunks behind an id, and the last id if there may be more.
    async fn page(&mut self, after: i64) -> Result<(Vec<Chunk<'static>>, Option<i64>)> {
        let query = sqlx::query(&self.sql).bind(after);
        let rows = query.fetch_all(&mut *self.transaction).await.map_err(translate)?;
        let page = rows.iter().map(|row| found(row, &self.known)).collect::<Result<Vec<_>>>()?;
        let last = page.last().map(|(entity, _)| to_id(*entity)).filter(|_| page.len() == PAGE_ROWS);
        let last = last.filter(|_| !self.planted.has(Bug::OnePage));
        Ok((chunks_of_rows(&self.components, page)?, last))
    }
}

/// One row: the entity, then for each component whether it is shared, and its fields.
fn found(row: &PgRow, known: &[Known]) -> Result<(Entity, Vec<ComponentValue>)> {
    let entity = of_id(row.try_get(0).map_err(translate)?)?;
    let mut first = 1;
    let values = known.iter().map(|known| {
        let value = value(row, known, first);
        first += 1 + known.columns.len();
        value
    });
    Ok((entity, values.collect::<Result<_>>()?))
}

fn sql(
    namespace: &str,
    head: Head,
    catalog: &Catalog,
    known: &[&Known],
    required: &[&Known],
    excluded: &[&Known],
) -> String {
    let mut columns = String::from("e.entity");
    let mut joins = String::new();
    let from = match known.first() {
        Some(first) => format!("{namespace}.{} e", first.table),
        None => everyone(namespace, head, catalog),
    };
    for (place, known) in known.iter().enumerate() {
        let table = if place == 0 { "e".to_owned() } else { format!("t{place}") };
        columns.push_str(&format!(", {table}.shared{}", fields(known, &table, &format!("s{place}"))));
        if place > 0 {
            joins.push_str(&format!(" JOIN {namespace}.{} {table} ON {table}.entity = e.entity", known.table));
        }
        if let Some(shared) = &known.shared {
            joins.push_str(&format!(" LEFT JOIN {namespace}.{shared} s{place} ON s{place}.id = {table}.shared"));
        }
    }
    let exists =
        |known: &&Known| format!("EXISTS (SELECT 1 FROM {namespace}.{} x WHERE x.entity = e.entity)", known.table);
    let required: String = required.iter().map(|known| format!(" AND {}", exists(known))).collect();
    let excluded: String = excluded.iter().map(|known| format!(" AND NOT {}", exists(known))).collect();
    format!(
        "SELECT {columns} FROM {from}{joins} WHERE e.entity > $1{required}{excluded} ORDER BY e.entity LIMIT {PAGE_ROWS}"
    )
}

/// All that are alive, and of the reserved ones those that have a component.
fn everyone(namespace: &str, head: Head, catalog: &Catalog) -> String {
    let (first, last) = head.reserved();
    let one = |known: &Known| {
        format!(" UNION SELECT entity FROM {namespace}.{} WHERE entity BETWEEN {first} AND {last}", known.table)
    };
    let reserved: String = catalog.all().iter().map(one).collect();
    format!("(SELECT entity FROM {namespace}.entities{reserved}) e")
}
