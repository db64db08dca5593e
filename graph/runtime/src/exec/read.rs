//! Clauses that read, each from rows to rows.

use std::rc::Rc;

use worldstore_cypher::ast::{Clause, ClauseKind, Expr, For, Match, Name};

use super::{Row, Rows, Session, Stream, call, project};
use crate::error::{Result, RuntimeError};
use crate::eval::{eval, holds};
use crate::pattern::{Matcher, Pattern, Plan, compile};
use crate::value::{List, Value};

/// The rows behind a clause that reads. `is_alone` if it is the only one of its query.
pub(crate) fn read_clause<'q>(
    session: Session<'q>,
    clause: &'q Clause,
    is_alone: bool,
    stream: Stream<'q>,
) -> Result<Stream<'q>> {
    match &clause.kind {
        ClauseKind::Match(one) => matches(session, one, stream),
        ClauseKind::Unwind(unwind) => Ok(elements(session, &unwind.list, &unwind.variable, None, stream)),
        ClauseKind::For(For { variable, list, ordinality }) => {
            Ok(elements(session, list, variable, ordinality.as_ref(), stream))
        }
        ClauseKind::With(with) => project::project(session, &with.projection, with.filter.as_ref(), stream),
        ClauseKind::Return(projection) => project::project(session, projection, None, stream),
        ClauseKind::Call(one) => call::call(session, one, clause.span, is_alone, stream),
        ClauseKind::Let(items) => Ok(let_items(session, items, stream)),
        ClauseKind::Filter(condition) => Ok(filter(session, condition, stream)),
        ClauseKind::Finish => {
            let rows = stream.rows.filter_map(|row| row.err().map(Err));
            Ok(Stream { names: Rc::default(), rows: Box::new(rows) })
        }
        _ => Err(RuntimeError::unsupported("this clause cannot stand where only reading is possible").at(clause.span)),
    }
}

/// Rows for which a condition holds.
pub(crate) fn filter<'q>(session: Session<'q>, condition: &'q Expr, stream: Stream<'q>) -> Stream<'q> {
    let names = Rc::clone(&stream.names);
    let rows = stream.rows.filter_map(move |row| {
        let kept = row.and_then(|row| Ok(holds(condition, &session.env(&names, &row))?.then_some(row)));
        kept.transpose()
    });
    Stream { names: stream.names, rows: Box::new(rows) }
}

/// Rows with more values, each of which may look at those before it.
fn let_items<'q>(session: Session<'q>, items: &'q [(Name, Expr)], stream: Stream<'q>) -> Stream<'q> {
    let names = more_names(&stream.names, items.iter().map(|(name, _)| name));
    let (all, known) = (Rc::clone(&names), stream.names.len());
    let rows = stream.rows.map(move |row| {
        let mut row = row?;
        for (place, (_, value)) in items.iter().enumerate() {
            session.meter.tick()?;
            let before = all.get(..known + place).unwrap_or_default();
            let value = eval(value, &session.env(before, &row))?;
            row.push(value);
        }
        Ok(row)
    });
    Stream { names, rows: Box::new(rows) }
}

fn more_names<'n>(names: &[String], more: impl IntoIterator<Item = &'n Name>) -> Rc<Vec<String>> {
    let more = more.into_iter().map(|name| name.text.clone());
    Rc::new(names.iter().cloned().chain(more).collect())
}

/// A row for each element of a list; none for null.
fn elements<'q>(
    session: Session<'q>,
    list: &'q Expr,
    variable: &'q Name,
    ordinality: Option<&'q Name>,
    stream: Stream<'q>,
) -> Stream<'q> {
    let names = more_names(&stream.names, std::iter::once(variable).chain(ordinality));
    let before = stream.names;
    let mut rows = stream.rows;
    let mut current: Option<(Row, List, usize)> = None;
    let next = move || -> Result<Option<Row>> {
        loop {
            session.meter.tick()?;
            if let Some((row, list, place)) = &mut current {
                if let Some(value) = list.get(*place) {
                    *place += 1;
                    let mut row = row.clone();
                    row.push(value.clone());
                    if ordinality.is_some() {
                        row.push(Value::Int(i64::try_from(*place).unwrap_or(i64::MAX)));
                    }
                    return Ok(Some(row));
                }
                current = None;
            }
            let Some(row) = rows.next() else { return Ok(None) };
            let row = row?;
            match eval(list, &session.env(&before, &row))? {
                Value::List(list) => current = Some((row, list, 0)),
                Value::Null => {}
                other => {
                    let message = format!("expected a list of rows, found {}", other.type_name());
                    return Err(RuntimeError::argument_type(message).at(list.span));
                }
            }
        }
    };
    Stream { names, rows: from_steps(next) }
}

/// Rows from a function that gives the next one; after an error there are no more.
pub(super) fn from_steps<'q>(mut next: impl FnMut() -> Result<Option<Row>> + 'q) -> Rows<'q> {
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let row = next().transpose();
        is_over = !matches!(row, Some(Ok(_)));
        row
    }))
}

fn matches<'q>(session: Session<'q>, one: &'q Match, stream: Stream<'q>) -> Result<Stream<'q>> {
    let pattern = Rc::new(compile(&one.patterns, one.filter.as_ref(), &stream.names)?);
    let plan = Rc::new(Plan::new(&pattern, session.graph, session.shared.order)?);
    let names = Rc::new(pattern.names.get(..pattern.named).unwrap_or_default().to_vec());
    let rows = match_rows(session, &pattern, &plan, one.optional, stream.rows);
    Ok(Stream { names, rows })
}

/// Each row with each of its matches; if `is_optional`, a row without one stays.
fn match_rows<'q>(
    session: Session<'q>,
    pattern: &Rc<Pattern<'q>>,
    plan: &Rc<Plan<'q>>,
    is_optional: bool,
    mut rows: Rows<'q>,
) -> Rows<'q> {
    let (pattern, plan) = (Rc::clone(pattern), Rc::clone(plan));
    let mut current: Option<(Row, Matcher<'q>, bool)> = None;
    from_steps(move || {
        loop {
            session.meter.tick()?;
            if let Some((mut row, mut matcher, has_match)) = current.take() {
                if matcher.advance()? {
                    let found = matcher.values().get(..pattern.named).unwrap_or_default().to_vec();
                    current = Some((row, matcher, true));
                    return Ok(Some(found));
                }
                if is_optional && !has_match {
                    row.resize(pattern.named, Value::Null);
                    return Ok(Some(row));
                }
            }
            let Some(row) = rows.next() else { return Ok(None) };
            let row = row?;
            let matcher = Matcher::new(session, &pattern, &plan, &row);
            current = Some((row, matcher, false));
        }
    })
}
