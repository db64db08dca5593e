//! Statements that declare labels and edge types.

use super::{Expr, Name, Text};

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// `VIRTUAL FROM PARTITION 'lake://…'`: Parquet files in place, below a folder or template.
    Partition(Text),
    /// `FROM FILE 'lake://…'`: one file, read into memory and owned by the graph.
    File(Text),
    /// `FROM TABLE 'name' [RUN 'name'] [AS OF TICK n]`: a table of the world.
    Table {
        /// The table.
        table: Text,
        /// The run; that of the graph by default.
        run: Option<Text>,
        /// Only rows of this tick and those before it; that of the graph by default.
        as_of: Option<i64>,
    },
    /// `FROM FORMAT 'lake://…'`, where the word names a format of tables that the graph is given: `ICEBERG`, `LANCE`.
    Format {
        /// The format, as it is written.
        format: Name,
        /// The place of the table.
        place: Text,
    },
}

/// `CREATE NODE LABEL name source [KEY column] [COMPUTE name = expression, …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateNodeLabel {
    /// The label.
    pub label: Name,
    /// Its rows.
    pub source: Source,
    /// The column that identifies a node, if one is declared.
    pub key: Option<Name>,
    /// Derived properties. Their expressions name columns as bare variables.
    pub computed: Vec<Computed>,
}

/// A derived property.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// The property.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `CREATE EDGE TYPE name FROM …, FROM …`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateEdgeType {
    /// The type.
    pub name: Name,
    /// Where its edges are, for each pair of labels that they join; at least one.
    pub parts: Vec<Edges>,
}

/// Where edges are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Edges {
    /// `FROM Label TARGET KEY column REFERENCES Label(column)`: each node of the source label has at most one edge, to
    /// the node that its column names.
    ForeignKey {
        /// The label whose nodes the edges start from.
        source: Name,
        /// Its column, and the label and column that it refers to.
        target: Reference,
    },
    /// `source SOURCE KEY column REFERENCES Label(column) TARGET KEY column REFERENCES Label(column)`: a row is an edge.
    Rows {
        /// The rows.
        rows: Source,
        /// Where an edge starts.
        source: Reference,
        /// Where it ends.
        target: Reference,
    },
}

/// `column REFERENCES Label(key)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The column that refers.
    pub column: Name,
    /// The label that is referred to.
    pub label: Name,
    /// The column of that label.
    pub key: Name,
}
