//! What appends add to the rows of a view, without running its query over what was there before.
//!
//! Rows of a query of conditions, projections and joins over tables to which rows are only appended: those in which the
//! first variable stands for a new row and the others for any, then those in which the first stands for an old row, the
//! second for a new one, and so on. Each is a query of its own that reads the new rows of one table. Counts add up.

use std::cmp::Ordering;
use std::collections::HashMap;

use worldstore_core::Error;
use worldstore_cypher::ast::{ClauseKind, ExprKind, Projection, Query};
use worldstore_cypher_runtime::{Value, aggregates_of};

use super::rows::{Changes, Rows, rows_of};
use crate::asked::Asked;
use crate::bind::{Shape, Sources, plan_matches, plan_returns, reads, shape};
use crate::catalog::Catalog;
use crate::error::QueryError;
use crate::execute::Execution;
use crate::graph::Graph;
use crate::options::QueryOptions;
use crate::owned::is_empty;
use crate::pieces::unsteady;
use crate::query::pin;
use crate::value::Parameters;
use crate::window::Window;

/// What was added: the sequence number up to which, and the changes.
pub(super) type Added = (u64, Changes);

/// What is added to these rows, which are those of the query at the sequence number `since`; none if that cannot be told,
/// or what the query reads is declared in another way than `definition` says, which is then brought up to date.
pub(super) async fn added(
    graph: &Graph,
    query: &Query,
    parameters: &Parameters,
    definition: &mut Option<String>,
    since: u64,
    rows: &Rows,
) -> Result<Option<Added>, QueryError> {
    let Some(counts) = counts(query) else { return Ok(None) };
    let catalog = graph.known().await?;
    let Ok(reads) = reads(query) else { return Ok(None) };
    let Ok(shape) = shape(&reads.matches, &catalog) else { return Ok(None) };
    if reads.open_end().is_some() && !is_empty(&graph.owned) {
        return Ok(None);
    }
    let Some(now) = defined(&shape, &catalog) else { return Ok(None) };
    if definition.as_ref() != Some(&now) {
        *definition = Some(now);
        return Ok(None);
    }
    let asked = Asked::new(graph.tables.as_ref(), &QueryOptions::default());
    let sources = pin(&shape, &catalog, &asked).await?;
    let Some(seq) = sequence(&asked) else { return Ok(None) };
    let mut new = Rows::new();
    if seq > since {
        let aliases = aliases(&shape, &sources);
        for turn in 0..aliases.len() {
            for (place, (alias, windows)) in aliases.iter().enumerate() {
                let rows = match place.cmp(&turn) {
                    Ordering::Less => 0..=seq,
                    Ordering::Equal => since + 1..=seq,
                    Ordering::Greater => 0..=since,
                };
                windows.iter().for_each(|window| window.bind(alias, rows.clone()));
            }
            let (plan, scope) = plan_matches(&reads.matches, &shape, &catalog, &sources, parameters)?;
            let plan = plan_returns(plan, reads.returns, &scope, parameters)?;
            let result = Execution::new(&plan, &graph.mounts, None).await?.run(&asked).await?;
            for (row, count) in rows_of(&result)? {
                *new.entry(row).or_insert(0) += count;
            }
        }
    }
    let changes = match counts.contains(&true) {
        false => new.into_iter().collect(),
        true => counted(rows, new, &counts)?,
    };
    Ok(Some((seq.max(since), changes)))
}

/// For each column whether it is a count, if a query has nothing but conditions, projections, joins and counts.
fn counts(query: &Query) -> Option<Vec<bool>> {
    if !query.others.is_empty() {
        return None;
    }
    let mut found = None;
    for clause in &query.first.clauses {
        match &clause.kind {
            ClauseKind::Match(matched) if matched.filter.as_ref().and_then(unsteady).is_none() => {}
            ClauseKind::Return(projection) => found = columns(projection),
            _ => return None,
        }
    }
    found
}

fn columns(projection: &Projection) -> Option<Vec<bool>> {
    let has_limits = projection.skip.is_some() || projection.limit.is_some();
    if projection.distinct || projection.star || !projection.order_by.is_empty() || has_limits {
        return None;
    }
    let count = |item: &worldstore_cypher::ast::ReturnItem| match &item.value.kind {
        ExprKind::CountAll => Some(true),
        ExprKind::Call { namespace, function, distinct: false, .. }
            if namespace.is_empty() && function.text.eq_ignore_ascii_case("count") =>
        {
            Some(true)
        }
        _ => (aggregates_of(&item.value).is_empty() && unsteady(&item.value).is_none()).then_some(false),
    };
    projection.items.iter().map(count).collect()
}

/// How everything that is read is declared, if it can be told what is appended to it.
fn defined(shape: &Shape<'_>, catalog: &Catalog) -> Option<String> {
    let mut text = String::new();
    for node in &shape.nodes {
        if catalog.overlays.contains_key(&node.label) {
            return None;
        }
        let label = catalog.labels.get(&node.label)?;
        text.push_str(&format!("{} {:?} {:?} {:?}\n", node.label, label.rows, label.key, label.computed));
    }
    for fit in shape.edges.iter().flat_map(|edge| &edge.fits) {
        let part = catalog.edge_types.get(&fit.edge_type)?.parts.get(fit.part)?;
        text.push_str(&format!("{} {part:?}\n", fit.edge_type));
    }
    Some(text)
}

/// The sequence number at which everything is pinned, if it is.
fn sequence(asked: &Asked) -> Option<u64> {
    let snapshots = asked.counters.snapshots();
    let first = snapshots.first()?.sequence()?;
    snapshots.iter().all(|snapshot| snapshot.sequence() == Some(first)).then_some(first)
}

/// The variables that stand for rows of tables, and those tables: an edge may be a row of several.
fn aliases<'sources>(shape: &Shape<'_>, sources: &'sources Sources) -> Vec<(String, Vec<&'sources Window>)> {
    let nodes = shape.nodes.iter().map(|node| {
        let window = sources.labels.get(&node.label).map(|pinned| &*pinned.window);
        (node.name.clone(), window.into_iter().collect())
    });
    let edges = shape.edges.iter().map(|edge| {
        let pinned = edge.fits.iter().filter_map(|fit| sources.edges.get(&(fit.edge_type.clone(), fit.part)));
        (edge.name.clone(), pinned.map(|pinned| &*pinned.window).collect::<Vec<_>>())
    });
    nodes.chain(edges).filter(|(_, windows)| !windows.is_empty()).collect()
}

/// Adds counts to those of their groups.
fn counted(rows: &Rows, new: Rows, counts: &[bool]) -> Result<Changes, Error> {
    let key = |row: &[Value]| -> Vec<Value> {
        row.iter().zip(counts).filter(|(_, is_count)| !**is_count).map(|(value, _)| value.clone()).collect()
    };
    let before: HashMap<Vec<Value>, &Vec<Value>> = rows.keys().map(|row| (key(row), row)).collect();
    let mut after: HashMap<Vec<Value>, Vec<Value>> = HashMap::new();
    for (row, times) in new {
        let group = key(&row);
        let known = after.remove(&group).or_else(|| before.get(&group).map(|row| (*row).clone()));
        let sum = match known {
            // The first of a group; the others of a step add to it.
            None => row.iter().zip(counts).map(|(value, is_count)| scaled(value, *is_count, times)).collect(),
            Some(known) => {
                let pairs = known.iter().zip(row.iter().zip(counts));
                pairs.map(|(known, (value, is_count))| plus(known, value, *is_count, times)).collect()
            }
        };
        after.insert(group, sum);
    }
    let mut changes = Vec::new();
    for (group, row) in after {
        let old = before.get(&group).copied();
        if old != Some(&row) {
            changes.extend(old.map(|old| (old.clone(), -1)));
            changes.push((row, 1));
        }
    }
    changes.sort_by_key(|(_, diff)| *diff);
    Ok(changes)
}

fn scaled(value: &Value, is_count: bool, times: i64) -> Value {
    match value {
        Value::Int(count) if is_count => Value::Int(count * times),
        other => other.clone(),
    }
}

fn plus(known: &Value, value: &Value, is_count: bool, times: i64) -> Value {
    match (known, value) {
        (Value::Int(known), Value::Int(count)) if is_count => Value::Int(known + count * times),
        _ => known.clone(),
    }
}
