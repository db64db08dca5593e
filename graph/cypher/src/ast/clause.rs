//! Queries and their clauses.

use super::{Expr, LabelExpr, Name, Path};
use crate::span::Span;

/// Queries whose rows are put together: `query UNION query`, `query NEXT query`; mostly a single one.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `AS OF …` in front of it: the state that is asked; the newest by default. Queries within others have none.
    pub as_of: Option<AsOf>,
    /// The first one.
    pub first: SingleQuery,
    /// The others, each with what joins it to those before.
    pub others: Vec<Combination>,
    /// Where it stands.
    pub span: Span,
}

/// `AS OF TICK|SEQUENCE|TIME|SNAPSHOT value`.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    /// What the value counts.
    pub kind: AsOfKind,
    /// The value.
    pub value: AsOfValue,
    /// Where it stands.
    pub span: Span,
}

/// What names a state in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsOfKind {
    /// `TICK`: rows of this tick and those before it.
    Tick,
    /// `SEQUENCE`: what was there when the append of this number was the last.
    Sequence,
    /// `TIME`: what was there at this time.
    Time,
    /// `SNAPSHOT`: a state by its name.
    Snapshot,
}

impl AsOfKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tick, Self::Sequence, Self::Time, Self::Snapshot];

    /// The keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Tick => "TICK",
            Self::Sequence => "SEQUENCE",
            Self::Time => "TIME",
            Self::Snapshot => "SNAPSHOT",
        }
    }
}

/// A number, a text or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum AsOfValue {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// A parameter, without `$`.
    Parameter(String),
}

/// `UNION query`.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// How the rows are put together.
    pub combinator: Combinator,
    /// The query behind it.
    pub query: SingleQuery,
    /// Where the keywords stand.
    pub span: Span,
}

/// How the rows of two queries are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Combinator {
    /// `UNION`: equal rows once.
    Union,
    /// `UNION ALL`: all rows.
    UnionAll,
    /// `EXCEPT`: rows of the first that are not in the second.
    Except,
    /// `INTERSECT`: rows of both.
    Intersect,
    /// `NEXT`: the second goes on with the rows of the first.
    Next,
}

/// Clauses in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleQuery {
    /// The clauses; at least one.
    pub clauses: Vec<Clause>,
    /// Where they stand.
    pub span: Span,
}

/// A clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What it does.
    pub kind: ClauseKind,
    /// Where it stands.
    pub span: Span,
}

/// What a clause does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClauseKind {
    /// `[OPTIONAL] MATCH …`.
    Match(Match),
    /// `UNWIND list AS name`.
    Unwind(Unwind),
    /// `WITH …`.
    With(With),
    /// `RETURN …`.
    Return(Projection),
    /// `CALL procedure(…) YIELD …`.
    Call(Call),
    /// `CREATE pattern, …`.
    Create(Create),
    /// `MERGE pattern ON CREATE SET …`.
    Merge(Merge),
    /// `SET …`.
    Set(Vec<SetItem>),
    /// `REMOVE …`.
    Remove(Vec<RemoveItem>),
    /// `[DETACH] DELETE …`.
    Delete(Delete),
    /// `LET name = value, …`: adds variables.
    Let(Vec<(Name, Expr)>),
    /// `FILTER condition`: keeps rows.
    Filter(Expr),
    /// `FOR name IN list`: a row for each element.
    For(For),
    /// `FINISH`: no result.
    Finish,
}

/// `[OPTIONAL] MATCH pattern, … [WHERE expression]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// A row without a match stays, with null for the variables.
    pub optional: bool,
    /// The patterns; at least one.
    pub patterns: Vec<Path>,
    /// The condition.
    pub filter: Option<Expr>,
}

/// `UNWIND list AS name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwind {
    /// The list.
    pub list: Expr,
    /// What its elements are called.
    pub variable: Name,
}

/// `FOR name IN list [WITH ORDINALITY name]`.
#[derive(Debug, Clone, PartialEq)]
pub struct For {
    /// What the elements are called.
    pub variable: Name,
    /// The list.
    pub list: Expr,
    /// What the number of an element is called, from 1.
    pub ordinality: Option<Name>,
}

/// `WITH … [WHERE expression]`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// What goes on.
    pub projection: Projection,
    /// The condition.
    pub filter: Option<Expr>,
}

/// `[DISTINCT] * | item, … [ORDER BY …] [SKIP n] [LIMIT n]`: what stands behind `RETURN` and `WITH`.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// Equal rows once.
    pub distinct: bool,
    /// `*`: all variables, in front of the items.
    pub star: bool,
    /// The columns; at least one if there is no star.
    pub items: Vec<ReturnItem>,
    /// The order.
    pub order_by: Vec<OrderItem>,
    /// How many rows to leave out.
    pub skip: Option<Expr>,
    /// How many rows at most.
    pub limit: Option<Expr>,
}

/// A column.
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
    /// Where nulls go, if that was said.
    pub nulls: Option<Nulls>,
}

/// Where nulls go in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// `NULLS FIRST`.
    First,
    /// `NULLS LAST`.
    Last,
}

/// `CALL procedure[(arguments)] [YIELD … [WHERE expression]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Namespaces and the name.
    pub procedure: Vec<Name>,
    /// The arguments; none if there are no brackets, so that parameters of the same names are meant.
    pub arguments: Option<Vec<Expr>>,
    /// What goes on; none without `YIELD`.
    pub yields: Option<Yield>,
}

/// `YIELD *`, or `YIELD result AS name, … [WHERE expression]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Yield {
    /// `*`: all results.
    pub star: bool,
    /// The results.
    pub items: Vec<YieldItem>,
    /// The condition.
    pub filter: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// `result [AS name]`.
#[derive(Debug, Clone, PartialEq)]
pub struct YieldItem {
    /// What the procedure calls it.
    pub result: Name,
    /// What the query calls it.
    pub alias: Option<Name>,
}

/// `CREATE pattern, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// What is created; at least one.
    pub patterns: Vec<Path>,
}

/// `MERGE pattern [ON CREATE SET …] [ON MATCH SET …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// What is found or else created.
    pub pattern: Path,
    /// What is set then.
    pub actions: Vec<MergeAction>,
}

/// `ON CREATE SET …`.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeAction {
    /// In which case.
    pub when: MergeWhen,
    /// What is set.
    pub items: Vec<SetItem>,
}

/// In which case a `MERGE` sets something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeWhen {
    /// `ON CREATE`.
    Create,
    /// `ON MATCH`.
    Match,
}

/// What is set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SetItem {
    /// `target.name = value`.
    Property {
        /// The property: an expression of the kind `Property`.
        target: Expr,
        /// The value.
        value: Expr,
    },
    /// `variable = map`: these properties and no others.
    Replace {
        /// The variable.
        variable: Name,
        /// The map.
        value: Expr,
    },
    /// `variable += map`: these properties too.
    Merge {
        /// The variable.
        variable: Name,
        /// The map.
        value: Expr,
    },
    /// `variable:Label`.
    Labels {
        /// The variable.
        variable: Name,
        /// The labels.
        labels: LabelExpr,
    },
}

/// What is removed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RemoveItem {
    /// `target.name`: an expression of the kind `Property`.
    Property(Expr),
    /// `variable:Label`.
    Labels {
        /// The variable.
        variable: Name,
        /// The labels.
        labels: LabelExpr,
    },
}

/// `[DETACH] DELETE value, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// Relationships of the nodes go too.
    pub detach: bool,
    /// What goes; at least one.
    pub values: Vec<Expr>,
}
