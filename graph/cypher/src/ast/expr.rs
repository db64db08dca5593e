//! Expressions.

use super::{LabelExpr, Name, Path, Query};
use crate::span::Span;

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
    /// `a < b <= c`: each compared with the next; two operators at least.
    Comparisons(Box<Expr>, Vec<(BinaryOp, Expr)>),
    /// `expression:Label`.
    HasLabels(Box<Expr>, LabelExpr),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{name: value}`.
    Map(Vec<(Name, Expr)>),
    /// `variable {.name, .*, variable, name: value}`.
    MapProjection(Name, Vec<MapItem>),
    /// `list[index]`, `map[key]`.
    Index(Box<Expr>, Box<Expr>),
    /// `list[from..to]`.
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `[variable IN list WHERE condition | value]`.
    ListComprehension(Box<Comprehension>),
    /// `[variable = pattern WHERE condition | value]`; the variable is that of the path.
    PatternComprehension {
        /// The pattern.
        pattern: Box<Path>,
        /// The condition.
        filter: Option<Box<Expr>>,
        /// What is collected.
        value: Box<Expr>,
    },
    /// `all(variable IN list WHERE condition)`, and `any`, `none`, `single`.
    Quantified(Quantified, Box<Comprehension>),
    /// `reduce(result = start, variable IN list | value)`.
    Reduce(Box<Reduce>),
    /// A pattern as a condition, `shortestPath(…)` as a value.
    Pattern(Box<Path>),
    /// `EXISTS { … }`, `COUNT { … }`, `COLLECT { … }`. A lone pattern is a `MATCH` of it, and `RETURN` may be missing.
    Subquery(SubqueryKind, Box<Query>),
    /// `namespace.name([DISTINCT] a, b)`.
    Call {
        /// The namespaces in front of the function.
        namespace: Vec<Name>,
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
        /// `WHEN` and `THEN`; at least one. Any of several values behind `WHEN` will do; a condition stands alone.
        branches: Vec<(Vec<Expr>, Expr)>,
        /// `ELSE`; null without it.
        otherwise: Option<Box<Expr>>,
    },
}

/// A part of a map projection.
#[derive(Debug, Clone, PartialEq)]
pub enum MapItem {
    /// `name: value`.
    Field(Name, Expr),
    /// `.name`: a property under its name.
    Property(Name),
    /// `variable`: a variable under its name.
    Variable(Name),
    /// `.*`: all properties.
    All,
}

/// `variable IN list WHERE condition | value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comprehension {
    /// What an element is called.
    pub variable: Name,
    /// The list.
    pub list: Expr,
    /// The condition.
    pub filter: Option<Expr>,
    /// What is collected; the element without it. Quantified conditions have none.
    pub value: Option<Expr>,
}

/// `result = start, variable IN list | value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduce {
    /// What the result so far is called.
    pub result: Name,
    /// What it starts with.
    pub start: Expr,
    /// What an element is called.
    pub variable: Name,
    /// The list.
    pub list: Expr,
    /// The next result.
    pub value: Expr,
}

/// For how many elements a condition must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantified {
    /// `all`.
    All,
    /// `any`.
    Any,
    /// `none`.
    None,
    /// `single`.
    Single,
}

/// What is asked of a subquery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubqueryKind {
    /// `EXISTS`: whether there is a row.
    Exists,
    /// `COUNT`: how many rows there are.
    Count,
    /// `COLLECT`: the values of its column, as a list.
    Collect,
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
    /// `=~`.
    Matches,
    /// `||`.
    Concat,
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
