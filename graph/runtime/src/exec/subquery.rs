//! Patterns and queries within expressions.

use std::rc::Rc;

use worldstore_cypher::Span;
use worldstore_cypher::ast::{Clause, ClauseKind, Expr, ExprKind, Name, Path, Query, Shortest, SubqueryKind};

use super::{Row, Session, Stream, run_query};
use crate::error::{Result, RuntimeError};
use crate::eval::{Env, eval, holds};
use crate::pattern::{Matcher, Plan, compile};
use crate::value::{List, Value};
use crate::walk::{Visitor, names_in, names_in_path, names_in_query, walk_query};

/// The value of an expression that needs the graph.
pub(super) fn evaluate(session: Session<'_>, expr: &Expr, env: &Env<'_>) -> Result<Value> {
    match &expr.kind {
        ExprKind::Pattern(path) => match path.shortest {
            None => pattern_exists(session, path, env),
            Some(which) => shortest_paths(session, path, which, env),
        },
        ExprKind::PatternComprehension { pattern, filter, value } => {
            comprehension(session, pattern, filter.as_deref(), value, env)
        }
        ExprKind::Subquery(kind, query) => subquery(session, *kind, query, env),
        _ => Err(RuntimeError::unsupported("this expression needs no graph").at(expr.span)),
    }
}

/// The variables that are named, with their values.
fn variables<'n>(names: impl IntoIterator<Item = &'n str>, env: &Env<'_>) -> (Vec<String>, Row) {
    let known = names.into_iter().filter_map(|name| Some((name.to_owned(), env.find(name)?.clone())));
    known.unzip()
}

/// Takes a match, as names and values; false if it has enough.
type EachMatch<'e> = dyn FnMut(&[String], &[Value]) -> Result<bool> + 'e;

/// Finds all matches of a path, until `each` has enough.
fn each_match(
    session: Session<'_>,
    path: &Path,
    names: &[String],
    row: &[Value],
    each: &mut EachMatch<'_>,
) -> Result<()> {
    let pattern = Rc::new(compile([path], None, names)?);
    let plan = Rc::new(Plan::new(&pattern, session.graph, session.shared.order)?);
    let mut matcher = Matcher::new(session, &pattern, &plan, row);
    while matcher.advance()? {
        if !each(&pattern.names, matcher.values())? {
            break;
        }
    }
    Ok(())
}

fn pattern_exists(session: Session<'_>, path: &Path, env: &Env<'_>) -> Result<Value> {
    let (names, row) = variables(names_in_path(path), env);
    let mut exists = false;
    each_match(session, path, &names, &row, &mut |_, _| {
        exists = true;
        Ok(false)
    })?;
    Ok(Value::Bool(exists))
}

/// `shortestPath(…)`: the path or null; `allShortestPaths(…)`: a list.
fn shortest_paths(session: Session<'_>, path: &Path, which: Shortest, env: &Env<'_>) -> Result<Value> {
    let (names, row) = variables(names_in_path(path), env);
    // No variable has a zero byte in its name.
    let variable = Name { text: "\0path".to_owned(), span: Span::default() };
    let slot = variable.text.clone();
    let named = Path { variable: Some(variable), ..path.clone() };
    let mut paths = Vec::new();
    each_match(session, &named, &names, &row, &mut |names, values| {
        let place = names.iter().position(|name| *name == slot);
        paths.extend(place.and_then(|place| values.get(place)).cloned());
        Ok(which == Shortest::All)
    })?;
    match which {
        Shortest::One => Ok(paths.pop().unwrap_or_default()),
        Shortest::All => Ok(Value::List(List::new(paths))),
    }
}

fn comprehension(
    session: Session<'_>,
    path: &Path,
    filter: Option<&Expr>,
    value: &Expr,
    env: &Env<'_>,
) -> Result<Value> {
    let used = filter.into_iter().chain([value]).flat_map(names_in);
    let mut used: Vec<&str> = names_in_path(path).into_iter().chain(used).collect();
    used.sort_unstable();
    used.dedup();
    let (names, row) = variables(used, env);
    let mut values = Vec::new();
    let mut held = session.meter.holder();
    each_match(session, path, &names, &row, &mut |names, found| {
        let env = session.env(names, found);
        if filter.map_or(Ok(true), |filter| holds(filter, &env))? {
            let value = eval(value, &env)?;
            held.add(value.bytes())?;
            values.push(value);
        }
        Ok(true)
    })?;
    Ok(Value::List(List::new(values)))
}

/// True if a query goes on with all variables, without naming them.
#[derive(Default)]
struct HasStar(bool);

impl<'q> Visitor<'q> for HasStar {
    fn clause(&mut self, clause: &'q Clause) {
        self.0 |= match &clause.kind {
            ClauseKind::With(with) => with.projection.star,
            ClauseKind::Return(projection) => projection.star,
            _ => false,
        };
    }
}

fn subquery(session: Session<'_>, kind: SubqueryKind, query: &Query, env: &Env<'_>) -> Result<Value> {
    let mut star = HasStar::default();
    walk_query(query, &mut star);
    let (names, row) = match star.0 {
        true => {
            let mut names = env.names();
            names.sort_unstable();
            names.dedup();
            variables(names, env)
        }
        false => variables(names_in_query(query), env),
    };
    let mut stream = run_query(session, query, Stream::one(names, row))?;
    match kind {
        SubqueryKind::Exists => Ok(Value::Bool(stream.rows.next().transpose()?.is_some())),
        SubqueryKind::Count => {
            let mut count = 0i64;
            for row in stream.rows {
                row?;
                count += 1;
            }
            Ok(Value::Int(count))
        }
        SubqueryKind::Collect => {
            let mut held = session.meter.holder();
            let mut values = Vec::new();
            for row in stream.rows {
                let value = row?.into_iter().next().unwrap_or_default();
                held.add(value.bytes())?;
                values.push(value);
            }
            Ok(Value::List(List::new(values)))
        }
    }
}
