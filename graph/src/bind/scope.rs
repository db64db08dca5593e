//! The variables of a query.

use datafusion::logical_expr::Expr;

/// What the patterns of a query bind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub nodes: Vec<NodeVariable>,
    pub edges: Vec<EdgeVariable>,
    /// How many matches a row stands for, where it may stand for several.
    pub weight: Option<Expr>,
    /// A path, and its length.
    pub path: Option<(String, Expr)>,
}

/// A node of the patterns.
#[derive(Debug, Clone)]
pub(crate) struct NodeVariable {
    /// Its name; one that cannot be written if the pattern gives none.
    pub name: String,
    pub label: String,
    /// The column that identifies it, if its label declares one.
    pub key: Option<String>,
}

/// A relationship of the patterns.
#[derive(Debug, Clone)]
pub(crate) struct EdgeVariable {
    pub name: String,
    /// Its type, if only one fits.
    pub edge_type: Option<String>,
    /// True if it is a row, whose columns are its properties.
    pub has_properties: bool,
}

impl Scope {
    pub fn node(&self, name: &str) -> Option<&NodeVariable> {
        self.nodes.iter().find(|node| node.name == name)
    }

    pub fn edge(&self, name: &str) -> Option<&EdgeVariable> {
        self.edges.iter().find(|edge| edge.name == name)
    }

    /// The names that the query may use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.nodes.iter().map(|node| node.name.as_str());
        names.chain(self.edges.iter().map(|edge| edge.name.as_str())).filter(|name| !is_hidden(name))
    }
}

/// The name of the n-th variable that the query does not name.
pub(crate) fn hidden(kind: &str, index: usize) -> String {
    format!(" {kind}{index}")
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(' ')
}
