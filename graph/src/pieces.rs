//! Running a query piece by piece: as much of it as fits, and the rest another time.
//!
//! The rows of a query of joins and conditions are those over the first row groups of one label, then those over the next
//! ones, if all other labels stay as they are. So it can end behind any row group, and go on there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::logical_expr::LogicalPlan;
use worldstore_core::{Error, Result};
use worldstore_cypher::ast::{ClauseKind, Combinator, Expr, ExprKind, Projection, Query};
use worldstore_cypher_runtime::is_aggregate;

use crate::asked::Asked;
use crate::bind::{Shape, Sources};
use crate::catalog::{Catalog, Mounts, Pinned, Rows};
use crate::error::QueryError;
use crate::execute::{Execution, QueryResult, Tally};
use crate::limits::{Limit, Outcome, ResumeToken};
use crate::options::QueryOptions;
use crate::window::Window;

/// A piece takes about so long, unless a single row group takes longer.
const PIECE_TIME: Duration = Duration::from_millis(100);

/// Functions whose value is another each time.
const UNSTEADY: [&str; 8] =
    ["rand", "randomuuid", "timestamp", "date", "datetime", "localdatetime", "localtime", "time"];

/// What a query is cut along.
pub(crate) struct Cut {
    /// The variable and what it stands for.
    along: String,
    window: Arc<Window>,
}

/// What a query can be cut along.
///
/// # Errors
/// Why it cannot be cut.
pub(crate) fn cut(query: &Query, shape: &Shape<'_>, catalog: &Catalog, sources: &Sources) -> Result<Cut, String> {
    if let Some(why) = whole(query) {
        return Err(why);
    }
    let mut found: Vec<((u8, u64), String, &Pinned)> = Vec::new();
    for node in &shape.nodes {
        let is_alone = shape.nodes.iter().filter(|other| other.label == node.label).count() == 1;
        if let (true, Some(pinned)) = (is_alone, sources.labels.get(&node.label)) {
            let rows = &catalog.labels[&node.label].rows;
            found.push((size(rows, pinned), format!("{} {}", node.label, node.name.trim()), pinned));
        }
    }
    for edge in &shape.edges {
        let [only] = edge.fits.as_slice() else { continue };
        let fitting = shape.edges.iter().filter(|other| other.fits.iter().any(|fit| fit.edge_type == only.edge_type));
        let rows = catalog.edge_types[&only.edge_type].parts[only.part].rows().filter(|_| fitting.count() == 1);
        if let (Some(rows), Some(pinned)) = (rows, sources.edges.get(&(only.edge_type.clone(), only.part))) {
            found.push((size(rows, pinned), format!("{} {}", only.edge_type, edge.name.trim()), pinned));
        }
    }
    found.retain(|(_, _, pinned)| pinned.has_groups());
    let largest = found.into_iter().max_by_key(|(size, ..)| *size);
    let (_, along, pinned) = largest.ok_or("no label stands in the pattern only once and has row groups")?;
    Ok(Cut { along, window: Arc::clone(&pinned.window) })
}

/// How much it is worth to read it by pieces.
fn size(rows: &Rows, pinned: &Pinned) -> (u8, u64) {
    match rows {
        Rows::Lake(label) => (2, label.known().files.len() as u64),
        Rows::Table(_) => (1, pinned.window.total()),
        Rows::File(file) => (0, file.known().map_or(0, |batches| batches.len() as u64)),
        Rows::Format(_) | Rows::Missing { .. } => (0, 0),
    }
}

/// Why a query gives its rows only once it has seen all of them, if it does.
pub(crate) fn whole(query: &Query) -> Option<String> {
    let others = query.others.iter();
    if let Some(other) = others.clone().find(|other| !matches!(other.combinator, Combinator::UnionAll)) {
        return Some(format!("{} needs all rows", other.combinator));
    }
    let all = std::iter::once(&query.first).chain(others.map(|other| &other.query));
    all.flat_map(|query| &query.clauses).find_map(|clause| match &clause.kind {
        ClauseKind::Match(matched) => matched.filter.as_ref().and_then(unsteady),
        ClauseKind::Return(projection) => projected(projection),
        ClauseKind::With(with) => projected(&with.projection).or_else(|| with.filter.as_ref().and_then(unsteady)),
        ClauseKind::Unwind(unwind) => unsteady(&unwind.list),
        ClauseKind::Let(items) => items.iter().find_map(|(_, value)| unsteady(value)),
        ClauseKind::Filter(condition) => unsteady(condition),
        ClauseKind::For(each) => unsteady(&each.list),
        ClauseKind::Call(_) => Some("a procedure may give other rows each time".to_owned()),
        ClauseKind::Finish => None,
        _ => Some("a query that writes is done as a whole".to_owned()),
    })
}

fn projected(projection: &Projection) -> Option<String> {
    let parts = [
        (projection.distinct, "DISTINCT"),
        (!projection.order_by.is_empty(), "ORDER BY"),
        (projection.skip.is_some(), "SKIP"),
        (projection.limit.is_some(), "LIMIT"),
    ];
    if let Some((_, name)) = parts.into_iter().find(|(is_there, _)| *is_there) {
        return Some(format!("{name} needs all rows"));
    }
    projection.items.iter().find_map(|item| match item.value.any_part(&mut |part| is_aggregate(part)) {
        true => Some("an aggregate needs all rows".to_owned()),
        false => unsteady(&item.value),
    })
}

/// Why an expression may have another value the next time, if it may. A date of something is always the same.
pub(crate) fn unsteady(expr: &Expr) -> Option<String> {
    let mut found = None;
    expr.any_part(&mut |part| {
        if let ExprKind::Call { function, arguments, .. } = &part.kind {
            let name = function.text.to_lowercase();
            if arguments.is_empty() && UNSTEADY.contains(&name.as_str()) {
                found = Some(format!("`{}` has another value each time", function.text));
            }
        }
        found.is_some()
    });
    found
}

/// Runs a query piece by piece, from where it was cut off.
pub(crate) async fn run_by_pieces(
    cut: Cut,
    plan: impl Fn() -> Result<LogicalPlan, QueryError>,
    identity: String,
    mounts: &Mounts,
    asked: &Asked,
    options: &QueryOptions,
) -> Result<QueryResult, QueryError> {
    let start = begin(options, &identity, &cut.along)?;
    let (mut done, mut size, mut tally) = (start, 1, Tally::default());
    let (mut schema, mut batches, mut plans) = (None, Vec::new(), Vec::new());
    let limit = loop {
        let left = options.row_groups.map(|most| most.saturating_sub(done - start));
        if left == Some(0) {
            break Some(Limit::RowGroups);
        }
        let end = done.saturating_add(left.map_or(size, |left| size.min(left)));
        cut.window.set(done..end);
        let (logical, began) = (plan()?, Instant::now());
        schema.get_or_insert_with(|| Arc::new(logical.schema().as_arrow().clone()));
        let (mounts, rows, memory, mut held) = (mounts.clone(), asked.rows, asked.memory, tally);
        let stop = asked.guard.stop.clone();
        let piece = asked.guard.detach(async move {
            let execution = Execution::new(&logical, &mounts, memory).await?.stoppable(&stop)?;
            let batches = execution.collect(rows, &mut held).await?;
            Ok((batches, held, execution.into_plan()))
        });
        let (more, held, physical) = match piece.await {
            Err(QueryError::Limit(reached)) if reached.limit() == Limit::Deadline => break Some(Limit::Deadline),
            ran => ran?,
        };
        schema = Some(physical.schema());
        batches.extend(more);
        plans.push(physical);
        (tally, done) = (held, end.min(cut.window.total()));
        if end >= cut.window.total() {
            break None;
        }
        if began.elapsed() < PIECE_TIME / 2 {
            size *= 2;
        }
    };
    let schema = schema.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
    let mut result = QueryResult::with(schema, batches, asked.finish(plans));
    if let Some(limit) = limit {
        result.outcome = truncated(limit, identity, cut.along, done, asked, options);
    }
    Ok(result)
}

/// Where a query begins: at its first row group, or where it was cut off.
///
/// # Errors
/// `Invalid` if it is another query that was cut off; `Conflict` if it is run in another way now.
pub(crate) fn begin(options: &QueryOptions, identity: &str, along: &str) -> Result<u64> {
    let Some(token) = &options.resume else { return Ok(0) };
    if token.query != identity {
        return Err(Error::invalid("the token is of another query, or of one with other parameters"));
    }
    match token.along == along {
        true => Ok(token.done),
        false => {
            let error = Error::new(worldstore_core::ErrorKind::Conflict, "the query is cut in another way now");
            Err(error.with("before", &token.along).with("now", along))
        }
    }
}

/// The end of a query that was cut off behind so many row groups.
pub(crate) fn truncated(
    limit: Limit,
    query: String,
    along: String,
    done: u64,
    asked: &Asked,
    options: &QueryOptions,
) -> Outcome {
    let snapshots = match &options.resume {
        Some(token) if !token.snapshots.is_empty() => token.snapshots.clone(),
        // As long as nothing is answered, any state will do.
        _ if done == 0 => Vec::new(),
        _ => asked.counters.snapshots().iter().map(ToString::to_string).collect(),
    };
    Outcome::Truncated { limit, resume: ResumeToken { query, along, done, snapshots } }
}
