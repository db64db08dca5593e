//! Conditions behind the `MATCH` of a variable that leave out each row for which they do not hold, whatever the others are.

use worldstore_cypher::ast::{Clause, ClauseKind, Expr, ExprKind, Projection};

use crate::aggregate::aggregates_of;

/// The conditions of clauses on a variable that was bound before them, each with the name that it has there.
pub(super) fn later<'q>(clauses: &'q [Clause], variable: &'q str) -> Vec<(&'q Expr, &'q str)> {
    let (mut found, mut name) = (Vec::new(), variable);
    for clause in clauses {
        match &clause.kind {
            ClauseKind::Match(one) => {
                // Where nothing is found, an optional one keeps the row.
                found.extend(one.filter.iter().filter(|_| !one.optional).map(|filter| (filter, name)));
            }
            ClauseKind::Filter(condition) => found.push((condition, name)),
            ClauseKind::With(with) => {
                let Some(on) = goes_on(&with.projection, name) else { break };
                name = on;
                found.extend(with.filter.iter().map(|filter| (filter, name)));
            }
            ClauseKind::Unwind(_) | ClauseKind::For(_) | ClauseKind::Call(_) => {}
            ClauseKind::Let(items) if items.iter().all(|(item, _)| item.text != name) => {}
            _ => break,
        }
    }
    found
}

/// The name under which a variable goes on; none if it does not, or if which rows go on depends on all of them.
fn goes_on<'q>(projection: &'q Projection, name: &'q str) -> Option<&'q str> {
    let mut all =
        projection.items.iter().map(|item| &item.value).chain(projection.order_by.iter().map(|item| &item.value));
    let is_grouped = all.any(|value| !aggregates_of(value).is_empty());
    if is_grouped || projection.skip.is_some() || projection.limit.is_some() {
        return None;
    }
    let is_it = |value: &Expr| matches!(&value.kind, ExprKind::Variable(variable) if variable == name);
    let renamed = projection.items.iter().find(|item| is_it(&item.value)).map(|item| item.name.as_str());
    renamed.or(projection.star.then_some(name))
}
