//! What the graph knows: labels and edge types.

mod ddl;
mod expiry;
mod format;
mod kept;
mod order;
mod overlay;
mod pin;
mod record;
mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use worldstore_cypher::ast::Computed;
use worldstore_datafusion::TableSelection;

use crate::file::FileRows;
use crate::lake::LakeLabel;
use crate::live::LiveView;

pub(crate) use ddl::{Mounts, check_free, check_key, create_edge_type, create_node_label, rows};
pub use expiry::ExpiredCatalog;
pub(crate) use expiry::Expiry;
pub(crate) use format::{DeclaredTable, PinnedState};
pub use format::{FormatTable, TableFormat, TablePlace};
pub(crate) use overlay::{Corrections, Overlay};
pub(crate) use pin::Pinned;
pub(crate) use record::Record;
pub(crate) use store::{CatalogStore, Declared, Dropped, Here, blocking};

/// Labels and edge types, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub labels: BTreeMap<String, Arc<Label>>,
    pub edge_types: BTreeMap<String, Arc<EdgeType>>,
    /// Corrections, by the label whose rows they correct.
    pub overlays: BTreeMap<String, Arc<Overlay>>,
    /// Standing queries.
    pub views: BTreeMap<String, Arc<LiveView>>,
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
    /// The rows of a file, in memory once they are read.
    File(Arc<FileRows>),
    /// A table of the source.
    Table(TableSelection),
    /// A table of a format that the graph is given.
    Format(Arc<DeclaredTable>),
    /// Rows of a stored catalog that this graph cannot reach, for what they need is not mounted.
    Missing {
        /// What was declared.
        declared: String,
        /// Why they cannot be reached: the kind is `NotFound`.
        why: String,
    },
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lake(label) => write!(f, "virtual from partition '{}'", label.address),
            Self::File(file) => write!(f, "owned, from file '{}'", file.from),
            Self::Format(table) => write!(f, "{} table '{}'", table.name, table.from),
            Self::Missing { declared, why } => write!(f, "{declared} ({why})"),
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

/// A type of edges: for each pair of labels that it joins, where its edges are.
#[derive(Debug)]
pub(crate) struct EdgeType {
    /// At least one.
    pub parts: Vec<Arc<EdgePart>>,
}

/// The edges of a type between two labels.
#[derive(Debug)]
pub(crate) struct EdgePart {
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

impl EdgePart {
    /// The rows that are edges, if they are rows of their own.
    pub fn rows(&self) -> Option<&Rows> {
        match &self.edges {
            Edges::Rows { rows, .. } => Some(rows),
            Edges::ForeignKey => None,
        }
    }

    /// True if edges start or end at this label.
    pub fn uses(&self, label: &str) -> bool {
        self.source == label || self.target.label == label
    }
}

impl fmt::Display for EdgePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.edges {
            Edges::ForeignKey => write!(f, "key {}", self.target.column),
            Edges::Rows { rows, .. } => rows.fmt(f),
        }
    }
}
