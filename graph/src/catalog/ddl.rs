//! Creating labels and edge types: everything that a declaration says is checked before it is taken over.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::row::{RowConverter, SortField};
use datafusion::logical_expr::LogicalPlan;
use worldstore_async::AsyncBackend;
use worldstore_core::lake::LakeUri;
use worldstore_core::{Error, Key, Result};
use worldstore_cypher::ast::{
    CreateEdgeType, CreateNodeLabel, Edges as EdgesAst, Name, Reference as ReferenceAst, Source,
};
use worldstore_datafusion::{TableSelection, TableSource};

use super::order::ordered;
use super::{Catalog, EdgeType, Edges, Label, Pinned, Reference, Rows};
use crate::bind::{mistake, unknown};
use crate::error::QueryError;
use crate::io_stats::Counters;
use crate::lake::{Freshness, LakeLabel, Place, read_file};

/// What `lake://NAME/` means, and how what is there is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mounts {
    pub backends: BTreeMap<String, Arc<dyn AsyncBackend>>,
    /// How it is known that files are what they were, where it is not by listing.
    pub freshness: BTreeMap<String, Freshness>,
    /// Where footers are stored.
    pub place: Option<Place>,
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
        if let Rows::Owned { batches, .. } = &label.rows {
            check_key(batches, &key.text)?;
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
    match &create.edges {
        EdgesAst::ForeignKey { source, target } => {
            let label = label(catalog, source)?;
            find(&plan(&label.rows, &label.computed, tables).await?, &target.column)?;
            let target = reference(target, catalog, tables).await?;
            Ok(EdgeType { edges: Edges::ForeignKey, source: source.text.clone(), target })
        }
        EdgesAst::Rows { rows: from, source, target } => {
            let rows = rows(from, mounts, counters).await?;
            let plan = plan(&rows, &[], tables).await?;
            find(&plan, &source.column)?;
            find(&plan, &target.column)?;
            let source = reference(source, catalog, tables).await?;
            let target = reference(target, catalog, tables).await?;
            Ok(EdgeType { source: source.label.clone(), edges: Edges::Rows { rows, source }, target })
        }
        _ => Err(Error::unsupported("edges of this kind are not known").into()),
    }
}

async fn rows(source: &Source, mounts: &Mounts, counters: &Counters) -> Result<Rows> {
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
            let (schema, batches) = read_file(&mounted(&from, mounts)?, &Key::new(from.template.expand(&[])?)?).await?;
            Ok(Rows::Owned { from, schema, batches })
        }
        Source::Table { table, run, as_of } => {
            let mut selection = TableSelection::table(&table.value);
            selection.run = run.as_ref().map(|run| run.value.clone());
            selection.as_of = *as_of;
            Ok(Rows::Table(selection))
        }
        _ => Err(Error::unsupported("rows of this kind are not known")),
    }
}

fn mounted(address: &LakeUri, mounts: &Mounts) -> Result<Arc<dyn AsyncBackend>> {
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
fn check_key(batches: &[RecordBatch], key: &str) -> Result<(), QueryError> {
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
