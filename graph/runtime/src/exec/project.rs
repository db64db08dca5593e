//! `WITH` and `RETURN`: columns, order, limits.

use std::collections::BTreeMap;
use std::rc::Rc;

use worldstore_cypher::ast::{Expr, ExprKind, Projection, ReturnItem};

use super::query::distinct;
use super::sort::{self, Sorted};
use super::{Row, Rows, Session, Stream, group};
use crate::aggregate::aggregates_of;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::{Env, eval, holds};
use crate::value::Value;

/// What a projection comes to, once the names before it are known.
pub(super) struct Columns<'q> {
    /// The names before.
    pub(super) before: Rc<Vec<String>>,
    /// The names of the columns.
    pub(super) names: Rc<Vec<String>>,
    /// Places of the values that go on as they are, in front of the items.
    pub(super) stars: Vec<usize>,
    pub(super) items: Vec<&'q Expr>,
    /// Parts of the order and of the condition that are columns, with the column.
    pub(super) known: Vec<(&'q Expr, usize)>,
}

/// A row before the projection, and its columns.
pub(super) struct Projected {
    pub(super) before: Row,
    pub(super) columns: Row,
}

/// The rows of a projection, of which those go on that fulfil the condition.
pub(super) fn project<'q>(
    session: Session<'q>,
    projection: &'q Projection,
    filter: Option<&'q Expr>,
    stream: Stream<'q>,
) -> Result<Stream<'q>> {
    let columns = Rc::new(Columns::new(projection, filter, &stream.names));
    let names = Rc::clone(&columns.names);
    let window = Window::new(session, projection)?;
    let is_grouped = projection.items.iter().any(|item| !aggregates_of(&item.value).is_empty());
    if is_grouped {
        let rows = group::group(session, projection, &columns, window, stream.rows);
        let rows = match filter {
            None => rows,
            Some(filter) => Box::new(rows.filter_map(move |row| {
                let kept = row.and_then(|row| Ok(columns.holds_of_group(session, filter, &row)?.then_some(row)));
                kept.transpose()
            })),
        };
        return Ok(Stream { names, rows });
    }
    let projected = each_row(session, &columns, stream.rows);
    let projected = match projection.distinct {
        true => once(session, projected),
        false => projected,
    };
    let projected = match projection.order_by.is_empty() {
        true => window.apply(projected),
        false => sorted(session, projection, &columns, window, projected),
    };
    let rows: Rows<'q> = match filter {
        None => Box::new(projected.map(|row| Ok(row?.columns))),
        Some(filter) => Box::new(projected.filter_map(move |row| {
            let kept = row.and_then(|row| Ok(columns.holds(session, filter, &row)?.then_some(row.columns)));
            kept.transpose()
        })),
    };
    Ok(Stream { names, rows })
}

type ProjectedRows<'q> = Box<dyn Iterator<Item = Result<Projected>> + 'q>;

fn each_row<'q>(session: Session<'q>, columns: &Rc<Columns<'q>>, rows: Rows<'q>) -> ProjectedRows<'q> {
    let columns = Rc::clone(columns);
    Box::new(rows.map(move |before| {
        session.meter.tick()?;
        let before = before?;
        let mut row = columns.stars(&before);
        let env = session.env(&columns.before, &before);
        for item in &columns.items {
            row.push(eval(item, &env)?);
        }
        Ok(Projected { before, columns: row })
    }))
}

/// Rows with equal columns once.
fn once<'q>(session: Session<'q>, rows: ProjectedRows<'q>) -> ProjectedRows<'q> {
    // The columns decide; the row before them goes along.
    let waiting = Rc::new(std::cell::RefCell::new(Vec::new()));
    let kept = Rc::clone(&waiting);
    let columns = rows.map(move |row| {
        let row = row?;
        kept.replace(row.before);
        Ok(row.columns)
    });
    let rows = distinct(session, Box::new(columns));
    Box::new(rows.map(move |row| Ok(Projected { columns: row?, before: waiting.take() })))
}

fn sorted<'q>(
    session: Session<'q>,
    projection: &'q Projection,
    columns: &Rc<Columns<'q>>,
    window: Window,
    rows: ProjectedRows<'q>,
) -> ProjectedRows<'q> {
    let columns = Rc::clone(columns);
    let sorted = move || -> Result<Vec<Projected>> {
        let mut sorted = Sorted::new(session, &projection.order_by, window.end());
        for row in rows {
            let row = row?;
            let keys = columns.keys(session, projection, &row)?;
            sorted.add(keys, row)?;
        }
        Ok(sorted.finish())
    };
    window.apply(sort::later(sorted))
}

impl<'q> Columns<'q> {
    fn new(projection: &'q Projection, filter: Option<&'q Expr>, before: &Rc<Vec<String>>) -> Self {
        let mut stars: Vec<usize> = Vec::new();
        if projection.star {
            // A name that stands twice means the last one; columns come in alphabetical order.
            let places: BTreeMap<&str, usize> =
                before.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
            stars.extend(places.into_values());
        }
        let star_names = stars.iter().filter_map(|place| before.get(*place)).cloned();
        let own_names = projection.items.iter().map(|item| match &item.value.kind {
            ExprKind::Variable(name) if !item.is_aliased => name.clone(),
            _ => item.name.clone(),
        });
        let names: Vec<String> = star_names.chain(own_names).collect();
        let items: Vec<&Expr> = projection.items.iter().map(|item| &item.value).collect();
        let texts = items.iter().enumerate();
        let texts: BTreeMap<String, usize> = texts
            .filter(|(_, item)| !matches!(item.kind, ExprKind::Variable(_) | ExprKind::Literal(_)))
            .map(|(place, item)| (item.to_string(), stars.len() + place))
            .collect();
        let mut known = Vec::new();
        projection.order_by.iter().for_each(|item| find_known(&item.value, &texts, &mut known));
        if let Some(filter) = filter {
            // A condition comes behind the columns: a name that one of them has taken means that column.
            let is_taken = |part: &Expr| match &part.kind {
                ExprKind::Variable(name) => projection.items.iter().any(|item| is_another(item, name)),
                _ => false,
            };
            let mut texts = texts;
            texts.retain(|_, place| {
                let item = items.get(place.saturating_sub(stars.len()));
                item.is_none_or(|item| !item.any_part(&mut |part| is_taken(part)))
            });
            find_known(filter, &texts, &mut known);
        }
        Self { before: Rc::clone(before), names: Rc::new(names), stars, items, known }
    }

    /// The values that go on as they are.
    pub(super) fn stars(&self, before: &[Value]) -> Row {
        self.stars.iter().map(|place| before.get(*place).cloned().unwrap_or_default()).collect()
    }

    /// The expressions that are columns, with their values.
    pub(super) fn known_values<'r>(&self, columns: &[Value]) -> Vec<(&'r Expr, Value)>
    where
        'q: 'r,
    {
        let value = |(expr, place): &(&'q Expr, usize)| (*expr, columns.get(*place).cloned().unwrap_or_default());
        self.known.iter().map(value).collect()
    }

    /// What decides the place of a row in the order.
    fn keys(&self, session: Session<'q>, projection: &'q Projection, row: &Projected) -> Result<Row> {
        let known = self.known_values(&row.columns);
        let before = session.env(&self.before, &row.before);
        let env = before.with_row(&self.names, &row.columns);
        order_keys(projection, &env.with_known(&known))
    }

    fn holds(&self, session: Session<'q>, filter: &Expr, row: &Projected) -> Result<bool> {
        let known = self.known_values(&row.columns);
        let before = session.env(&self.before, &row.before);
        let env = before.with_row(&self.names, &row.columns);
        holds(filter, &env.with_known(&known))
    }

    /// The same for the columns of a group, which has no row before them.
    fn holds_of_group(&self, session: Session<'q>, filter: &Expr, columns: &[Value]) -> Result<bool> {
        let known = self.known_values(columns);
        holds(filter, &session.env(&self.names, columns).with_known(&known))
    }
}

/// What decides the place of a row in the order of a projection.
pub(super) fn order_keys(projection: &Projection, env: &Env<'_>) -> Result<Row> {
    projection.order_by.iter().map(|item| eval(&item.value, env)).collect()
}

/// True if the column has this name and is not what had it before.
fn is_another(item: &ReturnItem, name: &str) -> bool {
    item.name == name && !matches!(&item.value.kind, ExprKind::Variable(value) if value == name)
}

/// Parts of an expression that are written as a column is. Within what binds variables of its own, names may mean
/// something else.
fn find_known<'q>(expr: &'q Expr, texts: &BTreeMap<String, usize>, known: &mut Vec<(&'q Expr, usize)>) {
    if texts.is_empty() {
        return;
    }
    if let Some(place) = texts.get(&expr.to_string()) {
        known.push((expr, *place));
        return;
    }
    match &expr.kind {
        ExprKind::ListComprehension(_)
        | ExprKind::Quantified(..)
        | ExprKind::Reduce(_)
        | ExprKind::PatternComprehension { .. } => {}
        _ => expr.for_each_part(&mut |part| find_known(part, texts, known)),
    }
}

/// Which of the rows go on, by their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    skip: usize,
    limit: Option<usize>,
}

impl Window {
    fn new(session: Session<'_>, projection: &Projection) -> Result<Self> {
        let skip = projection.skip.as_ref().map(|skip| bound(session, skip)).transpose()?;
        let limit = projection.limit.as_ref().map(|limit| bound(session, limit)).transpose()?;
        Ok(Self { skip: skip.unwrap_or(0), limit })
    }

    /// How many rows are needed at most, those that are left out included.
    pub(super) fn end(self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_add(self.skip))
    }

    pub(super) fn apply<'q, T: 'q>(
        self,
        rows: Box<dyn Iterator<Item = Result<T>> + 'q>,
    ) -> Box<dyn Iterator<Item = Result<T>> + 'q> {
        let mut skip = self.skip;
        // An error is never left out.
        let rows: Box<dyn Iterator<Item = Result<T>> + 'q> = match skip {
            0 => rows,
            _ => Box::new(rows.filter(move |row| {
                let is_left_out = row.is_ok() && skip > 0;
                skip -= usize::from(is_left_out);
                !is_left_out
            })),
        };
        match self.limit {
            Some(limit) => Box::new(rows.take(limit)),
            None => rows,
        }
    }
}

/// The number behind `SKIP` or `LIMIT`.
fn bound(session: Session<'_>, expr: &Expr) -> Result<usize> {
    let wrong = |detail, message: String| RuntimeError::new(ErrorClass::SyntaxError, detail, message).at(expr.span);
    match eval(expr, &session.env(&[], &[]))? {
        Value::Int(count) if count < 0 => {
            Err(wrong(ErrorDetail::NegativeIntegerArgument, format!("expected a number of rows, found {count}")))
        }
        Value::Int(count) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        other => {
            let message = format!("expected a whole number of rows, found {}", other.type_name());
            Err(wrong(ErrorDetail::InvalidArgumentType, message))
        }
    }
}
