//! Counting, once everything is in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::Direction;

use super::ask::{Asked, AskedEdge, is_closure};
use super::distinct;
use super::motif::{Line, Motif, Spot, Weights};
use super::spread::{self, LANES, Steps};
use super::trails::{self, Runs};
use crate::adjacency::{Adjacency, Csr};
use crate::bind::{Run, RunKind};
use crate::stop::Stop;

/// Rows of counts at most: they take about 2 GiB.
const ROWS_MAX: usize = 1 << 26;

/// What is counted over: for each node of the pattern, how many its label has and which of them fit.
pub(super) struct Ground {
    pub nodes: Vec<Spot>,
    pub edges: BTreeMap<String, Arc<Adjacency>>,
    pub stop: Stop,
}

/// How often what is there.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Nodes of the pattern, and which one of the label each row has.
    pub columns: Vec<(usize, Vec<u32>)>,
    pub lengths: Option<Vec<i64>>,
    pub weights: Vec<i64>,
}

/// Counts. None if that is not done here.
///
/// # Errors
/// `Invalid`: more matches than a number can count; `Unavailable`: too many rows, or it was asked to stop.
pub(super) fn count(asked: &Asked, ground: &Ground) -> Result<Option<Found>> {
    let found = match (&asked.run, asked.alternatives.first().and_then(|edges| edges.first())) {
        (Some(run), Some(edge)) => match ground.edges.get(&edge.edge_type) {
            Some(edges) => Search::new(asked, run, ground, edges).found().map(Some),
            None => Ok(None),
        },
        _ => fixed(asked, ground),
    };
    // What was counted meanwhile lacks something.
    ground.stop.check()?;
    found
}

fn fixed(asked: &Asked, ground: &Ground) -> Result<Option<Found>> {
    let mut sums: Vec<i64> = Vec::new();
    let mut sum = 0_i64;
    let root = asked.uses.nodes.first().copied();
    for edges in &asked.alternatives {
        let Some(motif) = motif(edges, ground).filter(Motif::is_connected) else { return Ok(None) };
        let Some(counted) = distinct::ways(&motif, root.unwrap_or_else(|| motif.middle()), &ground.stop) else {
            return Ok(None);
        };
        let total = counted.total.ok_or_else(too_many)?;
        sum = sum.checked_add(total).ok_or_else(too_many)?;
        match sums.is_empty() {
            true => sums = counted.ways,
            false => sums.iter_mut().zip(counted.ways).for_each(|(sum, ways)| *sum += ways),
        }
    }
    Ok(Some(match root {
        Some(root) => {
            let rows = (0..).zip(&sums).filter(|(_, sum)| **sum > 0).map(|(node, sum)| (node, *sum));
            let (nodes, weights) = rows.unzip();
            Found { columns: vec![(root, nodes)], lengths: None, weights }
        }
        None if sum == 0 => Found::default(),
        None => Found { weights: vec![sum], ..Found::default() },
    }))
}

fn motif(edges: &[AskedEdge], ground: &Ground) -> Option<Motif> {
    let mut groups: Vec<(usize, &str)> = Vec::new();
    let mut lines = Vec::new();
    for edge in edges {
        let group = (edge.clause, edge.edge_type.as_str());
        let place = groups.iter().position(|known| *known == group).unwrap_or_else(|| {
            groups.push(group);
            groups.len() - 1
        });
        let all = Arc::clone(ground.edges.get(&edge.edge_type)?);
        lines.push(Line { from: edge.from, to: edge.to, edges: all, group: Some(place), no_loops: edge.no_loops });
    }
    Some(Motif { nodes: ground.nodes.clone(), lines })
}

fn too_many() -> Error {
    Error::new(ErrorKind::Invalid, "there are more matches than a number of 64 bits can count")
}

/// The nodes that fit.
fn fitting(node: &Spot) -> Vec<u32> {
    match &node.weights {
        None => (0..node.count as u32).collect(),
        Some(weights) => (0..).zip(weights.iter()).filter(|(_, weight)| **weight > 0).map(|(node, _)| node).collect(),
    }
}

/// A run from the near end to the far one.
struct Search<'asked> {
    asked: &'asked Asked,
    run: &'asked Run,
    edges: &'asked Adjacency,
    stop: &'asked Stop,
    /// True if the near end is the start.
    is_forward: bool,
    near: Vec<u32>,
    far: Weights,
    far_count: usize,
    nodes: usize,
}

impl<'asked> Search<'asked> {
    /// Begins at the end with fewer nodes, or at the one that is not asked for, if only the other one is.
    fn new(asked: &'asked Asked, run: &'asked Run, ground: &'asked Ground, edges: &'asked Adjacency) -> Self {
        let mut nodes = [fitting(&ground.nodes[0]), fitting(&ground.nodes[1])];
        let is_forward = match is_closure(&asked.uses, run) {
            true => !asked.uses.nodes.contains(&0),
            false => nodes[0].len() <= nodes[1].len(),
        };
        let far = ground.nodes[usize::from(is_forward)].weights.clone();
        let near = std::mem::take(&mut nodes[usize::from(!is_forward)]);
        let far_count = nodes[usize::from(is_forward)].len();
        let (stop, nodes) = (&ground.stop, ground.nodes[0].count);
        Self { asked, run, edges, stop, is_forward, near, far, far_count, nodes }
    }

    fn found(&self) -> Result<Found> {
        let (near, far) = (usize::from(!self.is_forward), usize::from(self.is_forward));
        // Without groups, each pair is a row of the result.
        let is_needed = |node: usize| self.asked.uses.nodes.contains(&node) || !self.asked.uses.groups;
        let mut rows = Rows {
            near: is_needed(near).then(Vec::new),
            far: is_needed(far).then(Vec::new),
            length: self.asked.uses.length,
            ..Rows::default()
        };
        match self.run.kind {
            _ if is_closure(&self.asked.uses, self.run) => self.closure(&mut rows)?,
            RunKind::Trails | RunKind::Walks => self.all(&mut rows)?,
            RunKind::Shortest => self.shortest(&mut rows)?,
            RunKind::AllShortest => self.all_shortest(&mut rows)?,
        }
        Ok(rows.finish(near, far, &self.asked.uses.nodes))
    }

    /// Edges as they lead from the near end, or from the far one.
    fn steps(&self, is_from_near: bool) -> Steps<'asked> {
        let along = self.is_forward == is_from_near;
        let edges = match self.run.direction {
            Direction::Right => vec![self.edges.towards(along)],
            Direction::Left => vec![self.edges.towards(!along)],
            // A loop is one edge, whichever way it is read.
            Direction::Either | Direction::Both => vec![self.edges.towards(true), self.edges.towards(false)],
        };
        Steps { edges, stop: self.stop }
    }

    fn csr(&self, is_from_near: bool) -> &'asked Csr {
        self.edges.towards((self.is_forward == is_from_near) == (self.run.direction == Direction::Right))
    }

    fn may_end(&self, node: u32) -> bool {
        self.far.as_ref().is_none_or(|far| far[node as usize] > 0)
    }

    fn steps_max(&self) -> u64 {
        self.run.lengths.1.unwrap_or(u64::MAX)
    }

    fn closure(&self, rows: &mut Rows) -> Result<()> {
        let mut found = spread::closure(&self.steps(true), self.nodes, &self.near, self.steps_max());
        if self.run.lengths.0 == 0 {
            found.extend(&self.near);
        }
        found.iter().filter(|node| self.may_end(**node)).try_for_each(|node| rows.push(0, *node, 0, 1))
    }

    fn all(&self, rows: &mut Rows) -> Result<()> {
        match rows.near.is_some() && self.near.len() > 1 {
            true => self.near.iter().try_for_each(|start| self.all_from(std::slice::from_ref(start), rows)),
            false => self.all_from(&self.near, rows),
        }
    }

    fn all_from(&self, starts: &[u32], rows: &mut Rows) -> Result<()> {
        let Some(start) = starts.first() else { return Ok(()) };
        let most = usize::try_from(self.steps_max()).unwrap_or(usize::MAX);
        let lengths = (usize::try_from(self.run.lengths.0).unwrap_or(usize::MAX), most);
        let by_end = rows.far.is_some();
        self.stop.check()?;
        let asked = trails::Asked { csr: self.csr(true), lengths, ends: self.far.clone(), by_end, stop: self.stop };
        let runs: Runs = match self.run.kind {
            RunKind::Walks => asked.walks(starts, self.csr(false)),
            _ => asked.trails(starts),
        };
        for (length, counts) in (0..).zip(&runs) {
            for (node, count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
                rows.push(*start, node, length, *count)?;
            }
        }
        Ok(())
    }

    /// A node is no shortest path away from itself, but for the one without relationships.
    fn none_long(&self, rows: &mut Rows) -> Result<()> {
        match self.run.lengths.0 {
            0 => {
                self.near.iter().filter(|node| self.may_end(**node)).try_for_each(|node| rows.push(*node, *node, 0, 1))
            }
            _ => Ok(()),
        }
    }

    fn shortest(&self, rows: &mut Rows) -> Result<()> {
        self.none_long(rows)?;
        if let (&[start], 1, Some(far)) = (self.near.as_slice(), self.far_count, &self.far) {
            let end = (0..).zip(far.iter()).find(|(_, weight)| **weight > 0).map(|(node, _)| node);
            let Some(end) = end.filter(|end| *end != start) else { return Ok(()) };
            let steps = (&self.steps(true), &self.steps(false));
            return match spread::distance(steps, self.nodes, (start, end), self.steps_max()) {
                Some(length) => rows.push(start, end, length, 1),
                None => Ok(()),
            };
        }
        let by_near = rows.near.is_some();
        for starts in self.near.chunks(LANES) {
            self.stop.check()?;
            let mut left = starts.len() as u64 * self.far_count as u64;
            left -= starts.iter().filter(|start| self.may_end(**start)).count() as u64;
            let mut failed = Ok(());
            spread::reach(&self.steps(true), self.nodes, starts, self.steps_max(), |node, lanes, length| {
                if !self.may_end(node) {
                    return true;
                }
                left = left.saturating_sub(u64::from(lanes.count_ones()));
                failed = match by_near {
                    false => rows.push(0, node, length, u64::from(lanes.count_ones())),
                    true => (0..LANES).filter(|lane| lanes >> lane & 1 == 1).try_for_each(|lane| {
                        let start = starts.get(lane).copied().unwrap_or_default();
                        rows.push(start, node, length, 1)
                    }),
                };
                left > 0 && failed.is_ok()
            });
            failed?;
        }
        Ok(())
    }

    fn all_shortest(&self, rows: &mut Rows) -> Result<()> {
        self.none_long(rows)?;
        for start in &self.near {
            self.stop.check()?;
            let mut left = self.far_count as u64 - u64::from(self.may_end(*start));
            let mut failed = Ok(());
            spread::paths(&self.steps(true), self.nodes, *start, self.steps_max(), |node, count, length| {
                if !self.may_end(node) {
                    return true;
                }
                left = left.saturating_sub(1);
                failed = rows.push(*start, node, length, count);
                left > 0 && failed.is_ok()
            });
            failed?;
        }
        Ok(())
    }
}

/// Counts as they come.
#[derive(Debug, Default)]
struct Rows {
    near: Option<Vec<u32>>,
    far: Option<Vec<u32>>,
    length: bool,
    lengths: Vec<i64>,
    weights: Vec<i64>,
    /// By length, where no end is needed.
    sums: BTreeMap<u64, u64>,
    total: u64,
}

impl Rows {
    fn push(&mut self, near: u32, far: u32, length: u64, count: u64) -> Result<()> {
        self.total = self.total.saturating_add(count);
        let count = i64::try_from(count).map_err(|_| too_many())?;
        if i64::try_from(self.total).is_err() {
            return Err(too_many());
        }
        if self.near.is_none() && self.far.is_none() {
            *self.sums.entry(if self.length { length } else { 0 }).or_default() += count as u64;
            return Ok(());
        }
        if self.weights.len() >= ROWS_MAX {
            let error = Error::new(ErrorKind::Unavailable, "the query needs more memory than it may use");
            return Err(error.with("rows", self.weights.len()));
        }
        self.near.iter_mut().for_each(|column| column.push(near));
        self.far.iter_mut().for_each(|column| column.push(far));
        if self.length {
            self.lengths.push(length as i64);
        }
        self.weights.push(count);
        Ok(())
    }

    fn finish(mut self, near: usize, far: usize, used: &std::collections::BTreeSet<usize>) -> Found {
        for (length, sum) in self.sums {
            self.lengths.push(length as i64);
            self.weights.push(sum as i64);
        }
        let columns = [(near, self.near), (far, self.far)].into_iter();
        let columns =
            columns.filter_map(|(node, column)| column.filter(|_| used.contains(&node)).map(|one| (node, one)));
        let lengths = self.length.then_some(self.lengths);
        Found { columns: columns.collect(), lengths, weights: self.weights }
    }
}
