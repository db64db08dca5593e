//! Labels and edge types of the catalog as a graph that the interpreter can walk.
//!
//! What a query touches is read when it is first touched: the columns that the query may need, of all rows that may stand
//! somewhere in it, in the order of their source, within the limit on memory. Edges become adjacency lists.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use worldstore_core::{Error, Result};
use worldstore_cypher::Diagnostic;
use worldstore_cypher::ast::{LabelExpr, LabelKind};
use worldstore_cypher_runtime::{
    End, Graph, Node, NodeId, NodeUse, Nodes, Relationship, RelationshipId, Relationships, Scan, Towards, Uses, Wanted,
    labels_hold,
};

use super::edges::{Edges, Ends, named};
use super::id::Id;
use super::load::Loader;
use super::narrow::Narrowed;
use super::rows::Rows;
use crate::bind::unknown;
use crate::catalog::{self, Catalog, EdgePart, Label};
use crate::limits::LimitReached;

/// See the module.
pub(super) struct Tables {
    labels: Vec<Slot<Label, Rows>>,
    types: Vec<Slot<EdgePart, Edges>>,
    loader: Loader,
    /// True if a name that nothing has is a mistake.
    strict: bool,
    mistake: RefCell<Option<Diagnostic>>,
}

/// Something declared, and its rows once they are there.
struct Slot<Declared, Loaded> {
    name: Arc<str>,
    declared: Arc<Declared>,
    narrowed: Narrowed,
    loaded: OnceCell<Rc<Loaded>>,
}

fn slots<'catalog, Declared: 'catalog, Loaded>(
    declared: impl Iterator<Item = (&'catalog String, &'catalog Arc<Declared>)>,
) -> Vec<Slot<Declared, Loaded>> {
    let slot = |(name, declared): (&String, &Arc<Declared>)| Slot {
        name: Arc::from(name.as_str()),
        declared: Arc::clone(declared),
        narrowed: Narrowed::No,
        loaded: OnceCell::new(),
    };
    declared.map(slot).collect()
}

impl<Declared, Loaded> Slot<Declared, Loaded> {
    fn loaded(&self, load: impl FnOnce() -> Result<Loaded>) -> Result<&Rc<Loaded>> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded = Rc::new(load()?);
        Ok(self.loaded.get_or_init(|| loaded))
    }

    fn fits(&self, labels: &[&LabelExpr]) -> bool {
        labels.iter().all(|one| labels_hold(one, std::slice::from_ref(&self.name)))
    }
}

impl Tables {
    /// Rows that fit at none of the places where the query uses something are left out, if those are known.
    pub fn new(catalog: &Catalog, loader: Loader, strict: bool, uses: Option<&Uses<'_>>) -> Self {
        let parts = catalog.edge_types.iter().flat_map(|(name, one)| one.parts.iter().map(move |part| (name, part)));
        let (mut labels, mut types) = (slots(catalog.labels.iter()), slots(parts));
        if let Some(uses) = uses {
            for slot in &mut labels {
                let fitting = uses.nodes.iter().filter(|one| may_stand(slot, one, &types));
                slot.narrowed = Narrowed::to(fitting.map(|one| one.demands.as_slice()));
            }
            for slot in &mut types {
                let fitting = uses.relationships.iter().filter(|one| slot.fits(one.types.as_slice()));
                slot.narrowed = Narrowed::to(fitting.map(|one| one.demands.as_slice()));
            }
        }
        Self { labels, types, loader, strict, mistake: RefCell::new(None) }
    }

    /// A name that the query has and the catalog has not.
    pub fn mistake(&self) -> Option<Diagnostic> {
        self.mistake.borrow_mut().take()
    }

    /// The limit that ended the query while it read.
    pub fn stopped(&self) -> Option<LimitReached> {
        self.loader.stopped.borrow_mut().take()
    }

    /// What was run to read.
    pub fn plans(&self) -> Vec<Arc<dyn ExecutionPlan>> {
        self.loader.plans()
    }

    pub fn has_label(&self, name: &str) -> bool {
        self.labels.iter().any(|slot| &*slot.name == name)
    }

    pub fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|slot| &*slot.name == name)
    }

    fn check(&self, what: &str, expr: &LabelExpr, known: &[&str]) -> Result<()> {
        match &expr.kind {
            LabelKind::Name(name) if self.strict && !known.contains(&name.text.as_str()) => {
                self.mistake.replace(Some(unknown(what, name, known.iter().copied())));
                Err(Error::invalid("unknown name").with(if what == "label" { "label" } else { "type" }, &name.text))
            }
            LabelKind::Not(one) => self.check(what, one, known),
            LabelKind::And(one, other) | LabelKind::Or(one, other) => {
                self.check(what, one, known).and_then(|()| self.check(what, other, known))
            }
            _ => Ok(()),
        }
    }

    fn check_labels(&self, labels: &[&LabelExpr]) -> Result<()> {
        let known: Vec<&str> = self.labels.iter().map(|slot| &*slot.name).collect();
        labels.iter().try_for_each(|expr| self.check("label", expr, &known))
    }

    fn check_types(&self, types: &[&LabelExpr]) -> Result<()> {
        let known: Vec<&str> = self.types.iter().map(|slot| &*slot.name).collect();
        types.iter().try_for_each(|expr| self.check("edge type", expr, &known))
    }

    fn rows(&self, label: usize) -> Result<&Rc<Rows>> {
        let slot = self.labels.get(label).ok_or_else(|| Error::unexpected("a label is not in the catalog"))?;
        slot.loaded(|| {
            let keys = self.types.iter().flat_map(|one| columns_of(&one.declared, &slot.name));
            let keys = keys.chain(slot.declared.key.clone()).collect();
            self.loader.rows(&slot.name, &slot.declared.rows, &slot.declared.computed, keys, &slot.narrowed)
        })
    }

    fn label(&self, name: &str) -> Result<usize> {
        let found = self.labels.iter().position(|slot| &*slot.name == name);
        found.ok_or_else(|| Error::not_found("an edge type names a label that is gone").with("label", name))
    }

    fn edges(&self, place: usize) -> Result<&Rc<Edges>> {
        let slot = self.types.get(place).ok_or_else(|| Error::unexpected("an edge type is not in the catalog"))?;
        slot.loaded(|| {
            let target = &slot.declared.target;
            let labels = (self.label(&slot.declared.source)?, self.label(&target.label)?);
            let (starts, targets) = (self.rows(labels.0)?, self.rows(labels.1)?);
            let ends = Ends { labels, counts: (starts.count(), targets.count()) };
            let (kind, keys) = ((Arc::clone(&slot.name), place), targets.keys(&target.key)?);
            let edges = match &slot.declared.edges {
                catalog::Edges::ForeignKey => {
                    let own = (0..u32::try_from(starts.count()).unwrap_or(u32::MAX)).map(|row| Ok(Some(row)));
                    let named = starts.column(&target.column).map(|value| named(value, &keys));
                    Edges::new(kind, &ends, own, named, None)?
                }
                catalog::Edges::Rows { rows, source } => {
                    let columns = vec![source.column.clone(), target.column.clone()];
                    let rows = Rc::new(self.loader.rows(&slot.name, rows, &[], columns, &slot.narrowed)?);
                    let own = starts.keys(&source.key)?;
                    let from = rows.column(&source.column).map(|value| named(value, &own));
                    let to = rows.column(&target.column).map(|value| named(value, &keys));
                    Edges::new(kind, &ends, from, to, Some(Rc::clone(&rows)))?
                }
            };
            self.loader.hold(edges.bytes())?;
            Ok(edges)
        })
    }

    fn node_of(&self, id: Id) -> Result<Option<Arc<Node>>> {
        let rows = self.rows(id.source)?;
        let Some(slot) = self.labels.get(id.source).filter(|_| id.row < rows.count()) else { return Ok(None) };
        let (labels, properties) = (vec![Arc::clone(&slot.name)], rows.properties(id.row)?);
        Ok(Some(Arc::new(Node { id: id.node(), labels, properties, deleted: false })))
    }
}

/// Whether a node of a label may stand at a place, as far as labels and types tell.
fn may_stand(label: &Slot<Label, Rows>, place: &NodeUse<'_>, types: &[Slot<EdgePart, Edges>]) -> bool {
    let is_end = |end: &End<'_>| {
        types.iter().filter(|one| one.fits(end.types.as_slice())).any(|one| {
            let ends = (*one.declared.source == *label.name, *one.declared.target.label == *label.name);
            (end.towards != Towards::In && ends.0) || (end.towards != Towards::Out && ends.1)
        })
    };
    label.fits(&place.labels) && place.ends.iter().all(is_end)
}

/// The columns of a label that an edge type joins by.
fn columns_of(part: &EdgePart, label: &str) -> Vec<String> {
    let mut columns = Vec::new();
    if part.target.label == label {
        columns.push(part.target.key.clone());
    }
    match &part.edges {
        catalog::Edges::ForeignKey if part.source == label => columns.push(part.target.column.clone()),
        catalog::Edges::Rows { source, .. } if source.label == label => columns.push(source.key.clone()),
        _ => {}
    }
    columns
}

impl Graph for Tables {
    fn nodes<'g>(&'g self, scan: &Scan<'_>) -> Result<Nodes<'g>> {
        self.check_labels(scan.labels)?;
        let fitting = (0..self.labels.len()).filter(|place| self.labels[*place].fits(scan.labels));
        let fitting: Vec<usize> = fitting.collect();
        Ok(Box::new(fitting.into_iter().flat_map(move |source| {
            let (count, failed) = match self.rows(source) {
                Ok(rows) => (rows.count(), None),
                Err(error) => (0, Some(Err(error))),
            };
            let nodes = (0..count).filter_map(move |row| self.node_of(Id { source, row }).transpose());
            failed.into_iter().chain(nodes)
        })))
    }

    fn node(&self, id: NodeId, _: &Wanted) -> Result<Option<Arc<Node>>> {
        Id::unpack(id.0).map_or(Ok(None), |id| self.node_of(id))
    }

    fn relationships<'g>(&'g self, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        self.check_types(scan.labels)?;
        let fitting = (0..self.types.len()).filter(|place| self.types[*place].fits(scan.labels));
        let fitting: Vec<usize> = fitting.collect();
        Ok(Box::new(fitting.into_iter().flat_map(move |source| {
            let (edges, failed) = match self.edges(source) {
                Ok(edges) => (Some(edges), None),
                Err(error) => (None, Some(Err(error))),
            };
            let all = edges
                .into_iter()
                .flat_map(|edges| (0..edges.count()).filter_map(move |place| edges.get(place).transpose()));
            failed.into_iter().chain(all)
        })))
    }

    fn relationships_of<'g>(&'g self, node: NodeId, towards: Towards, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        self.check_types(scan.labels)?;
        let Some(id) = Id::unpack(node.0) else { return Ok(Box::new(std::iter::empty())) };
        let Some(label) = self.labels.get(id.source) else { return Ok(Box::new(std::iter::empty())) };
        let mut found = Vec::new();
        for (place, slot) in self.types.iter().enumerate().filter(|(_, slot)| slot.fits(scan.labels)) {
            let ends = (*slot.declared.source == *label.name, *slot.declared.target.label == *label.name);
            if (towards != Towards::In && ends.0) || (towards != Towards::Out && ends.1) {
                let edges = self.edges(place)?;
                found.push((edges, edges.at(id, towards)));
            }
        }
        let all = found
            .into_iter()
            .flat_map(|(edges, places)| places.into_iter().filter_map(move |place| edges.get(place).transpose()));
        Ok(Box::new(all))
    }

    fn relationship(&self, id: RelationshipId, _: &Wanted) -> Result<Option<Arc<Relationship>>> {
        match Id::unpack(id.0) {
            Some(id) => self.edges(id.source)?.get(id.row),
            None => Ok(None),
        }
    }

    fn node_count(&self, labels: &[&LabelExpr]) -> Option<u64> {
        let fitting = self.labels.iter().filter(|slot| slot.fits(labels));
        fitting.map(|slot| slot.loaded.get().map(|rows| rows.count() as u64)).sum()
    }

    fn relationship_count(&self, types: &[&LabelExpr]) -> Option<u64> {
        let fitting = self.types.iter().filter(|slot| slot.fits(types));
        fitting.map(|slot| slot.loaded.get().map(|edges| edges.count() as u64)).sum()
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("labels", &self.labels.len()).field("types", &self.types.len()).finish()
    }
}
