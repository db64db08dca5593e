//! The syntax tree: what was written, before anything is known of labels or types.

mod clause;
mod expr;
mod pattern;
mod schema;
mod view;
mod visit;

pub use clause::{
    AsOf, AsOfKind, AsOfValue, Call, Clause, ClauseKind, Combination, Combinator, Create, Delete, For, Match, Merge,
    MergeAction, MergeWhen, Nulls, OrderItem, Projection, Query, RemoveItem, ReturnItem, SetItem, SingleQuery, Unwind,
    With, Yield, YieldItem,
};
pub use expr::{BinaryOp, Comprehension, Expr, ExprKind, Literal, MapItem, Quantified, Reduce, SubqueryKind, UnaryOp};
pub use pattern::{
    Direction, EdgePattern, Group, LabelExpr, LabelKind, Length, NodePattern, Path, PathElement, PathMode, Properties,
    Quantifier, Selector, Shortest,
};
pub use schema::{Computed, CreateEdgeType, CreateNodeLabel, Edges, Reference, Source};
pub use view::{CreateLiveView, CreateOverlay};

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
    /// Asks for rows, or changes them.
    Query(Query),
    /// `EXPLAIN` and a query: asks for the plan.
    Explain(Query),
    /// `PROFILE` and a query: runs it, and asks for the plan with what each step did.
    Profile(Query),
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
    /// `CREATE OVERLAY ON label source`.
    CreateOverlay(CreateOverlay),
    /// `DROP OVERLAY ON label`.
    DropOverlay(Name),
    /// `CREATE LIVE VIEW name AS query`.
    CreateLiveView(CreateLiveView),
    /// `DROP LIVE VIEW name`.
    DropLiveView(Name),
    /// `SHOW LIVE VIEWS`.
    ShowLiveViews,
    /// `DESCRIBE NODE LABEL name`.
    DescribeNodeLabel(Name),
    /// `DESCRIBE EDGE TYPE name`.
    DescribeEdgeType(Name),
}
