//! The syntax tree: what was written, before anything is known of labels or types.

use crate::span::Span;

/// A name as it was written, without backquotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name; case matters.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A text literal where only a text may stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The text without quotes and escapes.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it stands, without the semicolon.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StatementKind {
    /// Asks for rows.
    Query(Query),
    /// `EXPLAIN` and a query: asks for the plan.
    Explain(Query),
    /// `CREATE NODE LABEL …`.
    CreateNodeLabel(CreateNodeLabel),
    /// `CREATE EDGE TYPE …`.
    CreateEdgeType(CreateEdgeType),
    /// `DROP NODE LABEL name`.
    DropNodeLabel(Name),
    /// `DROP EDGE TYPE name`.
    DropEdgeType(Name),
    /// `SHOW NODE LABELS`.
    ShowNodeLabels,
    /// `SHOW EDGE TYPES`.
    ShowEdgeTypes,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// `VIRTUAL FROM PARTITION 'lake://…'`: Parquet files in place, below a folder or template.
    Partition(Text),
    /// `FROM FILE 'lake://…'`: one Parquet file, read into memory and owned by the graph.
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

/// `CREATE EDGE TYPE name FROM …`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateEdgeType {
    /// The type.
    pub name: Name,
    /// Where its edges are.
    pub edges: Edges,
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

/// `MATCH … [WHERE …] … RETURN …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The patterns, clause by clause; at least one.
    pub matches: Vec<Match>,
    /// What is asked for.
    pub returns: Return,
}

/// `MATCH pattern, … [WHERE expression]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The patterns; at least one.
    pub patterns: Vec<Path>,
    /// The condition.
    pub filter: Option<Expr>,
    /// Where the clause stands.
    pub span: Span,
}

/// A node, and hops from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The first node.
    pub start: NodePattern,
    /// Relationship and next node, from left to right.
    pub hops: Vec<(EdgePattern, NodePattern)>,
}

/// `(variable:Label {property: value})`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePattern {
    /// The variable, if there is one.
    pub variable: Option<Name>,
    /// The label, if there is one.
    pub label: Option<Name>,
    /// Properties that must be equal.
    pub properties: Vec<(Name, Expr)>,
    /// Where the pattern stands, brackets included.
    pub span: Span,
}

/// `-[variable:TYPE {property: value}]->`.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgePattern {
    /// The variable, if there is one.
    pub variable: Option<Name>,
    /// The types of which one must fit; any type if empty.
    pub types: Vec<Name>,
    /// Where it points.
    pub direction: Direction,
    /// Properties that must be equal.
    pub properties: Vec<(Name, Expr)>,
    /// Where the pattern stands, arrows included.
    pub span: Span,
}

/// Where a relationship points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `-[]->`.
    Right,
    /// `<-[]-`.
    Left,
    /// `-[]-`.
    Either,
}

/// `RETURN [DISTINCT] item, … [ORDER BY …] [SKIP n] [LIMIT n]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// Equal rows once.
    pub distinct: bool,
    /// The columns; at least one.
    pub items: Vec<ReturnItem>,
    /// The order.
    pub order_by: Vec<OrderItem>,
    /// How many rows to leave out.
    pub skip: Option<Expr>,
    /// How many rows at most.
    pub limit: Option<Expr>,
    /// Where the clause stands.
    pub span: Span,
}

/// A column of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnItem {
    /// Its value.
    pub value: Expr,
    /// Its name: the alias, or the text of the expression as it was written.
    pub name: String,
    /// True if the name was given with `AS`.
    pub is_aliased: bool,
}

/// A part of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// What decides.
    pub value: Expr,
    /// Greater first.
    pub descending: bool,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// `$name`.
    Parameter(String),
    /// `name`.
    Variable(String),
    /// `expression.name`.
    Property(Box<Expr>, Name),
    /// An operator and its operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator between its operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `expression IS NULL`.
    IsNull(Box<Expr>),
    /// `expression IS NOT NULL`.
    IsNotNull(Box<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `name([DISTINCT] a, b)`.
    Call {
        /// The function; case does not matter.
        function: Name,
        /// Equal arguments once.
        distinct: bool,
        /// The arguments.
        arguments: Vec<Expr>,
    },
    /// `count(*)`.
    CountAll,
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`.
    Case {
        /// What the branches are compared with; the branches are conditions without it.
        operand: Option<Box<Expr>>,
        /// `WHEN` and `THEN`; at least one.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`; null without it.
        otherwise: Option<Box<Expr>>,
    },
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer; hexadecimal and octal too.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `NOT`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `OR`.
    Or,
    /// `XOR`.
    Xor,
    /// `AND`.
    And,
    /// `=`.
    Eq,
    /// `<>`.
    NotEq,
    /// `<`.
    Lt,
    /// `<=`.
    LtEq,
    /// `>`.
    Gt,
    /// `>=`.
    GtEq,
    /// `IN`.
    In,
    /// `STARTS WITH`.
    StartsWith,
    /// `ENDS WITH`.
    EndsWith,
    /// `CONTAINS`.
    Contains,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `^`.
    Power,
}
