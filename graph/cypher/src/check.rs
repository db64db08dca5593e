//! What can be said of a statement without a catalog: which variables there are, where aggregates may stand, what may
//! be created, and types where the text alone tells them.
//!
//! Mistakes carry the class that the openCypher TCK has for them. What needs to know labels, properties, procedures
//! or the values of parameters is left to the planner.

mod clauses;
mod expressions;
mod functions;
mod groups;
mod patterns;
mod projections;
mod scope;
mod types;
mod updates;

use crate::ast::{Clause, ClauseKind, Combinator, Projection, Query, SingleQuery, Statement, StatementKind};
use crate::diagnostic::{Detail, Diagnostic};
use crate::span::Span;
use scope::Scope;

pub use functions::is_aggregate;

/// What is wrong with a statement, in the order of the source as far as one mistake does not follow from another.
/// Empty for statements that declare something.
///
/// ```
/// use worldstore_cypher::{Detail, check, parse};
///
/// let statements = parse("MATCH (a) RETURN b.name").map_err(|wrong| wrong[0].clone())?;
/// let wrong = check(&statements[0]);
/// assert_eq!(wrong[0].detail, Some(Detail::UndefinedVariable));
/// # Ok::<(), worldstore_cypher::Diagnostic>(())
/// ```
pub fn check(statement: &Statement) -> Vec<Diagnostic> {
    match &statement.kind {
        StatementKind::Query(query) | StatementKind::Explain(query) | StatementKind::Profile(query) => {
            check_query(query)
        }
        StatementKind::CreateLiveView(create) => check_query(&create.query),
        StatementKind::CreateOverlay(_)
        | StatementKind::DropOverlay(_)
        | StatementKind::DropLiveView(_)
        | StatementKind::ShowLiveViews
        | StatementKind::CreateNodeLabel(_)
        | StatementKind::CreateEdgeType(_)
        | StatementKind::DropNodeLabel(_)
        | StatementKind::DropEdgeType(_)
        | StatementKind::ShowNodeLabels
        | StatementKind::ShowEdgeTypes
        | StatementKind::DescribeNodeLabel(_)
        | StatementKind::DescribeEdgeType(_) => Vec::new(),
    }
}

/// What is wrong with a query, as [`check`] tells it of a statement.
pub fn check_query(query: &Query) -> Vec<Diagnostic> {
    let mut checker = Checker::default();
    checker.query(query, &Scope::default(), Place::Statement);
    checker.wrong
}

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Statement,
    /// In the braces of an expression: nothing is changed there.
    Subquery,
}

/// Collects what is wrong.
#[derive(Debug, Default)]
struct Checker {
    wrong: Vec<Diagnostic>,
}

impl Checker {
    fn mistake(&mut self, detail: Detail, message: impl Into<String>, span: Span) {
        self.wrong.push(Diagnostic::semantic(message, span).with_detail(detail));
    }

    fn mistake_but(&mut self, detail: Detail, message: impl Into<String>, span: Span, help: impl Into<String>) {
        self.wrong.push(Diagnostic::semantic(message, span).with_detail(detail).with_help(help));
    }

    fn query(&mut self, query: &Query, outer: &Scope, place: Place) {
        let mut columns = self.single_query(&query.first, outer, place);
        let mut union = None;
        for other in &query.others {
            if other.combinator == Combinator::Next {
                columns = self.single_query(&other.query, &columns.scope, place);
                continue;
            }
            if *union.get_or_insert(other.combinator) != other.combinator {
                let message = format!("`{}` cannot be mixed with what was used before", other.combinator);
                self.mistake(Detail::InvalidClauseComposition, message, other.span);
            }
            let right = self.single_query(&other.query, outer, place);
            if !columns.are_known || !right.are_known || columns.names == right.names {
                continue;
            }
            let message = format!("both sides of `{}` need the same columns", other.combinator);
            let listed =
                |names: &Option<Vec<String>>| names.as_ref().map_or("none".to_owned(), |names| names.join(", "));
            let help = format!("left: {}; right: {}", listed(&columns.names), listed(&right.names));
            self.mistake_but(Detail::DifferentColumnsInUnion, message, other.span, help);
        }
    }

    fn single_query(&mut self, query: &SingleQuery, outer: &Scope, place: Place) -> Columns {
        let mut scope = outer.clone();
        let mut names = None;
        for clause in &query.clauses {
            let is_update = matches!(
                clause.kind,
                ClauseKind::Create(_)
                    | ClauseKind::Merge(_)
                    | ClauseKind::Set(_)
                    | ClauseKind::Remove(_)
                    | ClauseKind::Delete(_)
            );
            if is_update && place == Place::Subquery {
                let message = "a query within an expression cannot change anything";
                self.mistake(Detail::InvalidClauseComposition, message, clause.span);
            }
            if let ClauseKind::Return(projection) = &clause.kind {
                names = Some(column_names(projection, &scope));
            }
            self.clause(clause, &mut scope, query.clauses.len());
        }
        let are_known = !matches!(query.clauses.last(), Some(Clause { kind: ClauseKind::Call(_), .. }));
        Columns { names, are_known, scope }
    }
}

/// What comes out of a query.
struct Columns {
    /// The names of the columns, if there is a result.
    names: Option<Vec<String>>,
    /// False behind a procedure, whose signature says whether there is a result.
    are_known: bool,
    scope: Scope,
}

fn column_names(projection: &Projection, scope: &Scope) -> Vec<String> {
    let all = projection.star.then(|| scope.names().map(str::to_owned)).into_iter().flatten();
    all.chain(projection.items.iter().map(|item| item.name.clone())).collect()
}

#[cfg(test)]
mod tests;
