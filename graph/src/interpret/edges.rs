//! The edges of a type in memory, with those that leave and those that reach each node (compressed sparse rows).

use std::rc::Rc;
use std::sync::Arc;

use worldstore_core::{Error, Result};
use worldstore_cypher_runtime::{Map, Relationship, RelationshipId, Towards};

use super::id::Id;
use super::rows::{Keys, Rows};

/// See the module.
#[derive(Debug)]
pub(super) struct Edges {
    kind: Arc<str>,
    edge_type: usize,
    labels: (usize, usize),
    /// The row of an edge, of its start and of its end.
    edges: Vec<[u32; 3]>,
    out: Adjacency,
    into: Adjacency,
    /// Rows with their properties, if they have some.
    rows: Option<Rc<Rows>>,
}

/// Where an edge type leads.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// The places of the labels.
    pub labels: (usize, usize),
    /// How many nodes they have.
    pub counts: (usize, usize),
}

impl Edges {
    /// Edges between rows that the values name; a value that no node has makes no edge.
    pub fn new(
        (kind, edge_type): (Arc<str>, usize),
        ends: &Ends,
        starts: impl Iterator<Item = Result<Option<u32>>>,
        targets: impl Iterator<Item = Result<Option<u32>>>,
        rows: Option<Rc<Rows>>,
    ) -> Result<Self> {
        let mut edges = Vec::new();
        for ((start, end), row) in starts.zip(targets).zip(0_u32..) {
            if let (Some(start), Some(end)) = (start?, end?) {
                edges.push([row, start, end]);
            }
        }
        let out = Adjacency::new(ends.counts.0, edges.iter().map(|[_, start, _]| *start))?;
        let into = Adjacency::new(ends.counts.1, edges.iter().map(|[_, _, end]| *end))?;
        Ok(Self { kind, edge_type, labels: ends.labels, edges, out, into, rows })
    }

    pub fn count(&self) -> usize {
        self.edges.len()
    }

    /// About the memory that it takes, without properties.
    pub fn bytes(&self) -> usize {
        self.edges.len() * (size_of::<[u32; 3]>() + 2 * size_of::<u32>()) + self.out.bytes() + self.into.bytes()
    }

    /// One edge, by its place.
    pub fn get(&self, place: usize) -> Result<Option<Arc<Relationship>>> {
        let Some([row, start, end]) = self.edges.get(place) else { return Ok(None) };
        let properties = match &self.rows {
            Some(rows) => rows.properties(*row as usize)?,
            None => Map::default(),
        };
        Ok(Some(Arc::new(Relationship {
            id: RelationshipId(Id { source: self.edge_type, row: place }.pack()),
            kind: Arc::clone(&self.kind),
            start: Id { source: self.labels.0, row: *start as usize }.node(),
            end: Id { source: self.labels.1, row: *end as usize }.node(),
            properties,
            deleted: false,
        })))
    }

    /// The places of the edges at a node; a loop once.
    pub fn at(&self, node: Id, towards: Towards) -> Vec<usize> {
        let out = match towards != Towards::In && node.source == self.labels.0 {
            true => self.out.of(node.row),
            false => &[],
        };
        let into = match towards != Towards::Out && node.source == self.labels.1 {
            true => self.into.of(node.row),
            false => &[],
        };
        let is_loop = |place: &u32| {
            let edge = self.edges.get(*place as usize);
            self.labels.0 == self.labels.1 && edge.is_some_and(|[_, start, end]| start == end)
        };
        let into = into.iter().filter(|place| towards == Towards::In || !is_loop(place));
        out.iter().chain(into).map(|place| *place as usize).collect()
    }
}

/// The row that a value names.
pub(super) fn named(value: Result<worldstore_cypher_runtime::Value>, keys: &Keys) -> Result<Option<u32>> {
    Ok(keys.get(&value?).copied())
}

/// Edges by one of their ends.
#[derive(Debug)]
struct Adjacency {
    /// Where the edges of each node begin, and where the last one's end.
    offsets: Vec<u32>,
    edges: Vec<u32>,
}

impl Adjacency {
    fn new(nodes: usize, ends: impl Iterator<Item = u32> + Clone) -> Result<Self> {
        let too_many = || Error::unsupported("an edge type of more than 4,294,967,295 edges");
        let mut offsets = vec![0_u32; nodes + 1];
        for end in ends.clone() {
            if let Some(count) = offsets.get_mut(end as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0_u32;
        for offset in &mut offsets {
            sum = sum.checked_add(*offset).ok_or_else(too_many)?;
            *offset = sum;
        }
        let (mut next, mut edges) = (offsets.clone(), vec![0; sum as usize]);
        for (end, place) in ends.zip(0_u32..) {
            if let Some(slot) = next.get_mut(end as usize) {
                if let Some(edge) = edges.get_mut(*slot as usize) {
                    *edge = place;
                }
                *slot += 1;
            }
        }
        Ok(Self { offsets, edges })
    }

    fn of(&self, node: usize) -> &[u32] {
        let offset = |place: usize| self.offsets.get(place).map_or(0, |offset| *offset as usize);
        self.edges.get(offset(node)..offset(node + 1)).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        (self.offsets.len() + self.edges.len()) * size_of::<u32>()
    }
}
