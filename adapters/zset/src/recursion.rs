//! Recursion: a collection defined by itself, up to the fixpoint, with deletions.
//!
//! The body is run over and over: iteration `i + 1` sees what iteration `i` gave, as a set. Operators inside keep each row
//! with the iterations at which it came, so a change is worked into the iterations where it matters and nowhere else. A
//! row is there because some iteration derived it from rows of earlier ones; rows that support only each other in a cycle
//! have no first iteration, and go when their last support from outside goes.
//!
//! This is a circuit with two clocks, the steps outside and the iterations inside, as in DBSP (Budiu et al., "DBSP:
//! Automatic Incremental View Maintenance for Rich Query Languages", section 5).

mod distinct;
mod join;
mod linear;
mod run;

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Error;

use crate::batch::Codec;
use crate::circuit::{Builder, Hash, Spec, Stream, When};
use crate::row::Row;
use crate::shape::Shape;
use crate::table::Table;
use run::{Boxed, Fixpoint, Inside, Node};

/// How many iterations a recursion may take before it counts as endless.
const ITERATIONS_MAX: u32 = 100_000;

/// The inside of a recursion while it is being built.
pub struct Scope<'b> {
    builder: &'b Builder,
    plan: &'b RefCell<Plan>,
}

#[derive(Default)]
struct Plan {
    nodes: Vec<Node>,
    tables: Vec<Arc<Table>>,
    /// The numbers of streams outside, and of the operators inside that bring them in.
    imports: Vec<(usize, usize)>,
    iterations_max: u32,
}

impl Clone for Scope<'_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Scope<'_> {}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("operators", &self.plan.borrow().nodes.len()).finish()
    }
}

/// A stream inside a recursion. It has the operators that are defined there.
pub struct Inner<'s, T> {
    scope: Scope<'s>,
    id: usize,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Inner<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Inner<'_, T> {}

impl Builder {
    /// Adds a collection that is defined by itself: the smallest set that `body` maps to itself, beginning with nothing.
    /// The result is a set; mutual recursion goes through an enum.
    ///
    /// What comes in from outside should have no negative weights; otherwise there may be no such set. A step costs the rows
    /// whose derivations change. A recursion that does not come to an end within 100,000 iterations
    /// (see [`Scope::limit`]) fails the step.
    ///
    /// ```
    /// use worldstore_zset::{Builder, Stream};
    ///
    /// /// All pairs of nodes with a path from the first to the second.
    /// fn reachable<'b>(edges: Stream<'b, (u32, u32)>) -> Stream<'b, (u32, u32)> {
    ///     edges.builder().recursive::<(u32, u32)>("reachable", |scope, paths| {
    ///         let edges = scope.import("steps", edges);
    ///         let longer = paths.join("longer", edges, |path| path.1, |edge| edge.0, |path, edge| (path.0, edge.1));
    ///         longer.add("paths", edges)
    ///     })
    /// }
    /// ```
    pub fn recursive<T: Row>(
        &self,
        name: &str,
        body: impl for<'s> FnOnce(Scope<'s>, Inner<'s, T>) -> Inner<'s, T>,
    ) -> Stream<'_, T> {
        if let Err(error) = self.with_plan(|plan| plan.claim(name)) {
            self.with_plan(|plan| plan.note(error));
        }
        let row = Shape::of::<T>().text();
        let plan = RefCell::default();
        let scope = Scope { builder: self, plan: &plan };
        let variable = scope.add::<T, _, 0>("", "variable", vec![], [], |[]| linear::Source);
        let given = body(scope, variable);
        variable.peer(name, given);
        let (variable, result) = (variable.id, given.close(name).id);
        let Plan { nodes, tables, imports, iterations_max } = plan.take();
        let inside = describe(&nodes, &imports, self);
        let inputs = imports.iter().map(|(outside, _)| *outside).collect();
        let iterations_max = if iterations_max == 0 { ITERATIONS_MAX } else { iterations_max };
        let marker = PhantomData::<fn() -> T>;
        let table = tables.last().cloned();
        let fixpoint = Fixpoint { nodes, imports, variable, result, table, iterations_max, marker };
        let codec = Codec::of::<T>();
        let spec = Spec { name, kind: "recursive".into(), inputs, row, codec, when: When::Changed };
        self.add_composed(spec, tables, inside, Box::new(fixpoint))
    }
}

impl<'s, T: Row> Inner<'s, T> {
    /// The number of another stream that flows into the same operator.
    fn peer<U>(&self, name: &str, other: Inner<'s, U>) -> usize {
        // One recursion built inside another could mix their streams.
        if !std::ptr::eq(self.scope.plan, other.scope.plan) {
            let error = Error::invalid("a stream of another recursion flows into an operator");
            self.scope.builder.with_plan(|plan| plan.note(error.with("operator", name)));
        }
        other.id
    }
}

impl<'s> Scope<'s> {
    /// Brings a stream from outside in. All iterations see it.
    pub fn import<T: Row>(self, name: &str, stream: Stream<'_, T>) -> Inner<'s, T> {
        if stream.builder.id() != self.builder.id() {
            let error = Error::invalid("a stream of another builder flows into a recursion");
            self.builder.with_plan(|plan| plan.note(error.with("operator", name)));
        }
        let inner = self.add_named(name, "import", vec![], [], |[]| linear::Source);
        let outside = self.builder.with_plan(|plan| plan.nodes.get(stream.id).map_or(0, |node| node.lineage));
        let mut plan = self.plan.borrow_mut();
        if let Some(node) = plan.nodes.get_mut(inner.id) {
            let mut hash = Hash(node.lineage);
            hash.bytes(&outside.to_be_bytes());
            node.lineage = hash.0;
        }
        plan.imports.push((stream.id, inner.id));
        inner
    }

    /// Sets how many iterations the recursion may take (default: 100,000; at least 1).
    pub fn limit(self, iterations_max: u32) {
        self.plan.borrow_mut().iterations_max = iterations_max.max(1);
    }

    /// Adds an operator. One without a name belongs to the recursion and is not listed.
    fn add<T: Row, O: Inside + 'static, const N: usize>(
        self,
        name: &str,
        kind: &'static str,
        inputs: Vec<usize>,
        tables: [Table; N],
        make: impl FnOnce([Arc<Table>; N]) -> O,
    ) -> Inner<'s, T> {
        let row = Shape::of::<T>().text();
        let mut plan = self.plan.borrow_mut();
        let id = plan.nodes.len();
        let lineage = lineage(&plan, [name, kind, &row], &inputs);
        let tables = tables.map(|table| match table.clone().owned_by(name, kind, lineage) {
            Ok(table) => Arc::new(table),
            Err(error) => {
                self.builder.with_plan(|plan| plan.note(error));
                Arc::new(table)
            }
        });
        plan.tables.extend(tables.iter().cloned());
        let operator = Box::new(Boxed(make(tables)));
        plan.nodes.push(Node { name: name.to_owned(), kind, inputs, lineage, operator });
        drop(plan);
        Inner { scope: self, id, marker: PhantomData }
    }

    /// Adds an operator with a name of its own.
    fn add_named<T: Row, O: Inside + 'static, const N: usize>(
        self,
        name: &str,
        kind: &'static str,
        inputs: Vec<usize>,
        tables: [Table; N],
        make: impl FnOnce([Arc<Table>; N]) -> O,
    ) -> Inner<'s, T> {
        if let Err(error) = self.builder.with_plan(|plan| plan.claim(name)) {
            self.builder.with_plan(|plan| plan.note(error));
        }
        self.add(name, kind, inputs, tables, make)
    }
}

fn lineage(plan: &Plan, texts: [&str; 3], inputs: &[usize]) -> u64 {
    let mut hash = Hash::new();
    texts.iter().for_each(|text| hash.text(text));
    for id in inputs {
        hash.bytes(&plan.nodes.get(*id).map_or(0, |node| node.lineage).to_be_bytes());
    }
    hash.0
}

fn describe(nodes: &[Node], imports: &[(usize, usize)], builder: &Builder) -> Vec<(String, &'static str, Vec<String>)> {
    let itself = |node: &Node| if node.kind == "variable" { "(itself)".to_owned() } else { node.name.clone() };
    let name_of = |id: &usize| nodes.get(*id).map_or_else(String::new, itself);
    let describe = |(id, node): (usize, &Node)| {
        let mut from: Vec<String> = node.inputs.iter().map(name_of).collect();
        let outside = imports.iter().filter(|(_, inside)| *inside == id);
        from.extend(outside.filter_map(|(outside, _)| {
            builder.with_plan(|plan| plan.nodes.get(*outside).map(|node| node.name.clone()))
        }));
        (node.name.clone(), node.kind, from)
    };
    nodes.iter().enumerate().map(describe).filter(|(_, kind, _)| *kind != "variable").collect()
}
