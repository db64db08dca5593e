//! What the graph knows: labels and edge types.

mod ddl;
mod order;
mod pin;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use worldstore_core::lake::LakeUri;
use worldstore_cypher::ast::Computed;
use worldstore_datafusion::TableSelection;

use crate::lake::LakeLabel;

pub(crate) use ddl::{Mounts, check_free, create_edge_type, create_node_label};
pub(crate) use pin::Pinned;

/// Labels and edge types, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub labels: BTreeMap<String, Arc<Label>>,
    pub edge_types: BTreeMap<String, Arc<EdgeType>>,
}

/// A label: its nodes are the rows.
#[derive(Debug)]
pub(crate) struct Label {
    pub rows: Rows,
    /// The column that identifies a node, if one is declared.
    pub key: Option<String>,
    /// Derived properties, each of which may use those before it.
    pub computed: Vec<Computed>,
}

impl Label {
    /// A table of the source, under its own name.
    pub fn of_table(table: &str) -> Self {
        Self { rows: Rows::Table(TableSelection::table(table)), key: None, computed: Vec::new() }
    }
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// Parquet files in place.
    Lake(Arc<LakeLabel>),
    /// Rows in memory.
    Owned { from: LakeUri, schema: SchemaRef, batches: Vec<RecordBatch> },
    /// A table of the source.
    Table(TableSelection),
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lake(label) => write!(f, "virtual from partition '{}'", label.address),
            Self::Owned { from, .. } => write!(f, "owned, from file '{from}'"),
            Self::Table(selection) => {
                write!(f, "table '{}'", selection.table)?;
                if let Some(run) = &selection.run {
                    write!(f, " run '{run}'")?;
                }
                selection.as_of.map_or(Ok(()), |tick| write!(f, " as of tick {tick}"))
            }
        }
    }
}

/// A type of edges.
#[derive(Debug)]
pub(crate) struct EdgeType {
    pub edges: Edges,
    /// The label that edges start from.
    pub source: String,
    /// Where edges end.
    pub target: Reference,
}

/// Where edges are.
#[derive(Debug)]
pub(crate) enum Edges {
    /// The target's column is one of the source label.
    ForeignKey,
    /// Both columns are of these rows.
    Rows { rows: Rows, source: Reference },
}

/// A column that names a node.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub column: String,
    pub label: String,
    pub key: String,
}

impl fmt::Display for EdgeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.edges {
            Edges::ForeignKey => write!(f, "key {}", self.target.column),
            Edges::Rows { rows, .. } => rows.fmt(f),
        }
    }
}
