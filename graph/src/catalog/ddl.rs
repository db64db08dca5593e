//! Creating labels and edge types: everything that a declaration says is checked before it is taken over.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::row::{RowConverter, SortField};
use datafusion::logical_expr::LogicalPlan;
use worldstore_async::AsyncBackend;
use worldstore_core::lake::LakeUri;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::{
    CreateEdgeType, CreateNodeLabel, Edges as EdgesAst, Name, Reference as ReferenceAst, Source, Text,
};
use worldstore_datafusion::{TableSelection, TableSource};

use super::format::{DeclaredTable, TableFormat};
use super::order::ordered;
use super::record::RecordedRows;
use super::{Catalog, EdgePart, EdgeType, Edges, Label, Pinned, Reference, Rows};
use crate::bind::{mistake, unknown};
use crate::error::QueryError;
use crate::file::FileRows;
use crate::io_stats::Counters;
use crate::lake::{Freshness, LakeLabel, Place};

/// What `lake://NAME/` means, and how what is there is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mounts {
    pub backends: BTreeMap<String, Arc<dyn AsyncBackend>>,
    /// How it is known that files are what they were, where it is not by listing.
    pub freshness: BTreeMap<String, Freshness>,
    /// Where footers are stored.
    pub place: Option<Place>,
    /// Formats of tables, by their names in lower case.
    pub formats: BTreeMap<String, Arc<dyn TableFormat>>,
}

/// Makes a label.
pub(crate) async fn create_node_label(
    create: &CreateNodeLabel,
    mounts: &Mounts,
    tables: Option<&Arc<dyn TableSource>>,
    counters: &Counters,
) -> Result<Label, QueryError> {
    let rows = rows(&create.source, mounts, counters).await?;
    let key = create.key.as_ref().map(|key| key.text.clone());
    let label = Label { rows, key, computed: ordered(&create.computed)? };
    let plan = plan(&label.rows, &label.computed, tables).await?;
    if let Some(key) = &create.key {
        find(&plan, key)?;
        if let Rows::File(file) = &label.rows {
            check_key(&file.batches(counters).await?, &key.text)?;
        }
    }
    Ok(label)
}

/// Makes an edge type.
pub(crate) async fn create_edge_type(
    create: &CreateEdgeType,
    catalog: &Catalog,
    mounts: &Mounts,
    tables: Option<&Arc<dyn TableSource>>,
    counters: &Counters,
) -> Result<EdgeType, QueryError> {
    let mut parts = Vec::with_capacity(create.parts.len());
    for edges in &create.parts {
        parts.push(Arc::new(edge_part(edges, catalog, mounts, tables, counters).await?));
    }
    Ok(EdgeType { parts })
}

async fn edge_part(
    edges: &EdgesAst,
    catalog: &Catalog,
    mounts: &Mounts,
    tables: Option<&Arc<dyn TableSource>>,
    counters: &Counters,
) -> Result<EdgePart, QueryError> {
    match edges {
        EdgesAst::ForeignKey { source, target } => {
            let label = label(catalog, source)?;
            find(&plan(&label.rows, &label.computed, tables).await?, &target.column)?;
            let target = reference(target, catalog, tables).await?;
            Ok(EdgePart { edges: Edges::ForeignKey, source: source.text.clone(), target })
        }
        EdgesAst::Rows { rows: from, source, target } => {
            let rows = rows(from, mounts, counters).await?;
            let plan = plan(&rows, &[], tables).await?;
            find(&plan, &source.column)?;
            find(&plan, &target.column)?;
            let source = reference(source, catalog, tables).await?;
            let target = reference(target, catalog, tables).await?;
            Ok(EdgePart { source: source.label.clone(), edges: Edges::Rows { rows, source }, target })
        }
        _ => Err(Error::unsupported("edges of this kind are not known").into()),
    }
}

/// Rows of a declaration.
pub(crate) async fn rows(source: &Source, mounts: &Mounts, counters: &Counters) -> Result<Rows> {
    match source {
        Source::Partition(text) => {
            let address = LakeUri::parse(&text.value)?;
            let backend = mounted(&address, mounts)?;
            let freshness = mounts.freshness.get(&address.bucket).cloned().unwrap_or_default();
            let label = LakeLabel::open(address, backend, freshness, mounts.place.clone(), counters).await?;
            Ok(Rows::Lake(Arc::new(label)))
        }
        Source::File(text) => {
            let from = LakeUri::parse(&text.value)?;
            let backend = mounted(&from, mounts)?;
            Ok(Rows::File(Arc::new(FileRows::read(from, backend, counters).await?)))
        }
        Source::Table { table, run, as_of } => Ok(Rows::Table(selection(table, run.as_ref(), *as_of))),
        Source::Format { format, place } => {
            let table = DeclaredTable::new(&format.text, &place.value, mounts)?;
            table.pin(None).await?;
            Ok(Rows::Format(Arc::new(table)))
        }
        _ => Err(Error::unsupported("rows of this kind are not known")),
    }
}

/// Rows as they were recorded when they were declared. Nothing is read.
pub(super) fn recorded_rows(source: &Source, recorded: Option<&RecordedRows>, mounts: &Mounts) -> Result<Rows> {
    let reached = match source {
        Source::Partition(text) => reached(&text.value, mounts).and_then(|(address, backend)| {
            let freshness = mounts.freshness.get(&address.bucket).cloned().unwrap_or_default();
            let columns = recorded.ok_or_else(not_recorded)?;
            let (schema, path) = (columns.schema()?, columns.path_columns()?);
            let label = LakeLabel::recorded(address, backend, freshness, mounts.place.clone(), schema, path)?;
            Ok(Rows::Lake(Arc::new(label)))
        }),
        Source::File(text) => reached(&text.value, mounts).and_then(|(from, backend)| {
            let schema = recorded.ok_or_else(not_recorded)?.schema()?;
            Ok(Rows::File(Arc::new(FileRows::recorded(from, backend, schema))))
        }),
        Source::Table { table, run, as_of } => Ok(Rows::Table(selection(table, run.as_ref(), *as_of))),
        Source::Format { format, place } => {
            DeclaredTable::new(&format.text, &place.value, mounts).map(|table| Rows::Format(Arc::new(table)))
        }
        _ => Err(Error::unsupported("rows of this kind are not known")),
    };
    match reached {
        Err(error) if error.is_not_found() => {
            Ok(Rows::Missing { declared: source.to_string(), why: error.to_string() })
        }
        reached => reached,
    }
}

fn reached(text: &str, mounts: &Mounts) -> Result<(LakeUri, Arc<dyn AsyncBackend>)> {
    let address = LakeUri::parse(text)?;
    let backend = mounted(&address, mounts)?;
    Ok((address, backend))
}

fn not_recorded() -> Error {
    Error::new(ErrorKind::Corrupt, "the columns of a declaration are not recorded")
}

fn selection(table: &Text, run: Option<&Text>, as_of: Option<i64>) -> TableSelection {
    let mut selection = TableSelection::table(&table.value);
    selection.run = run.map(|run| run.value.clone());
    selection.as_of = as_of;
    selection
}

pub(super) fn mounted(address: &LakeUri, mounts: &Mounts) -> Result<Arc<dyn AsyncBackend>> {
    mounts.backends.get(&address.bucket).cloned().ok_or_else(|| {
        let known: Vec<_> = mounts.backends.keys().map(String::as_str).collect();
        Error::not_found("nothing is mounted under this name")
            .with("mount", &address.bucket)
            .with("known", known.join(" "))
    })
}

fn label<'catalog>(catalog: &'catalog Catalog, name: &Name) -> Result<&'catalog Arc<Label>, QueryError> {
    let found = catalog.labels.get(&name.text);
    Ok(found.ok_or_else(|| unknown("label", name, catalog.labels.keys().map(String::as_str)))?)
}

async fn reference(
    reference: &ReferenceAst,
    catalog: &Catalog,
    tables: Option<&Arc<dyn TableSource>>,
) -> Result<Reference, QueryError> {
    let label = label(catalog, &reference.label)?;
    find(&plan(&label.rows, &label.computed, tables).await?, &reference.key)?;
    Ok(Reference {
        column: reference.column.text.clone(),
        label: reference.label.text.clone(),
        key: reference.key.text.clone(),
    })
}

/// The columns, as a query would see them.
async fn plan(
    rows: &Rows,
    computed: &[worldstore_cypher::ast::Computed],
    tables: Option<&Arc<dyn TableSource>>,
) -> Result<LogicalPlan, QueryError> {
    Pinned::new(rows, computed, tables, &Arc::new(Counters::default())).await?.plan("rows")
}

fn find(plan: &LogicalPlan, column: &Name) -> Result<(), QueryError> {
    let known = plan.schema().fields();
    match known.iter().any(|field| *field.name() == column.text) {
        true => Ok(()),
        false => Err(unknown("column", column, known.iter().map(|field| field.name().as_str())).into()),
    }
}

/// The keys of owned nodes are there and differ.
pub(crate) fn check_key(batches: &[RecordBatch], key: &str) -> Result<(), QueryError> {
    let failed = |source| Error::unsupported("column cannot be a key").with("column", key).caused_by(source);
    let mut seen = HashSet::new();
    for batch in batches {
        let Some(column) = batch.column_by_name(key) else { continue };
        if column.null_count() > 0 {
            return Err(Error::invalid("key is missing in some rows")
                .with("key", key)
                .with("rows", column.null_count())
                .into());
        }
        let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())]).map_err(failed)?;
        let rows = converter.convert_columns(std::slice::from_ref(column)).map_err(failed)?;
        for row in &rows {
            if !seen.insert(row.owned()) {
                return Err(Error::invalid("key is there twice").with("key", key).into());
            }
        }
    }
    Ok(())
}

/// A name that may be taken only once.
pub(crate) fn check_free(what: &str, name: &Name, is_taken: bool) -> Result<(), QueryError> {
    match is_taken {
        true => Err(mistake(name.span, format!("{what} `{}` exists already", name.text)).into()),
        false => Ok(()),
    }
}
