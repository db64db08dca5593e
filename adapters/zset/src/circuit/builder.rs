//! Building a circuit: the builder, its streams, and the handles to inputs and outputs.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use worldstore_core::{Error, Result};

use super::{Circuit, Kind, Operator, Plan, Spec, When};
use crate::batch::{Codec, Erased, Slots};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::table::Table;

/// Every circuit has a number, so that a handle of another one is noticed.
static CIRCUITS: AtomicU64 = AtomicU64::new(1);

/// Builds a circuit. See [`Stream`] for the operators.
pub struct Builder {
    id: u64,
    plan: RefCell<Plan>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { id: CIRCUITS.fetch_add(1, Ordering::Relaxed), plan: RefCell::default() }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("operators", &self.plan.borrow().nodes.len()).finish()
    }
}

/// Where rows come in, for [`Engine::insert`](crate::Engine::insert) and its like.
pub struct Input<T> {
    pub(crate) circuit: u64,
    pub(crate) id: usize,
    marker: PhantomData<fn(T)>,
}

/// Where changes come out, for [`Deltas::get`](crate::Deltas::get).
pub struct Output<T> {
    pub(crate) circuit: u64,
    pub(crate) id: usize,
    marker: PhantomData<fn() -> T>,
}

/// Changes of a collection of rows, flowing from one operator to others.
///
/// A stream belongs to its builder and is a plain reference: copy it as you like. Each method adds an operator under a
/// name: lower-case letters, digits and single underscores, at most 48 bytes, beginning with a letter, unique in the
/// circuit.
///
/// All functions given to operators must be pure: the same argument, the same answer, in every process that opens the
/// store. An operator takes back what it gave by computing it again.
pub struct Stream<'b, T> {
    pub(crate) builder: &'b Builder,
    pub(crate) id: usize,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Stream<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Stream<'_, T> {}

impl Builder {
    /// A builder without operators.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input: the rows of a collection as the caller inserts and removes them.
    pub fn input<T: Row>(&self, name: &str) -> (Input<T>, Stream<'_, T>) {
        let stream = self.add(name, "input", &[], [], |[]| Source);
        (Input { circuit: self.id, id: stream.id, marker: PhantomData }, stream)
    }

    /// Ends the building.
    ///
    /// # Errors
    /// `Invalid` for the first mistake: an operator without a name or with one that is not allowed, two with the same
    /// name, streams of another builder, an operator that would keep values of a type that [cannot be read
    /// again](crate::encode).
    pub fn build(self) -> Result<Circuit> {
        Ok(Circuit { id: self.id, nodes: self.plan.into_inner().finish()? })
    }

    /// Adds an operator that runs when something flows into it.
    pub(crate) fn add<T: Row, O: Operator + 'static, const N: usize>(
        &self,
        name: &str,
        kind: impl Into<Kind>,
        inputs: &[usize],
        tables: [Table; N],
        make: impl FnOnce([Arc<Table>; N]) -> O,
    ) -> Stream<'_, T> {
        self.add_when(When::Changed, name, kind, inputs, tables, make)
    }

    /// Adds an operator.
    pub(crate) fn add_when<T: Row, O: Operator + 'static, const N: usize>(
        &self,
        when: When,
        name: &str,
        kind: impl Into<Kind>,
        inputs: &[usize],
        tables: [Table; N],
        make: impl FnOnce([Arc<Table>; N]) -> O,
    ) -> Stream<'_, T> {
        let (inputs, row, codec) = (inputs.to_vec(), Shape::of::<T>().text(), Codec::of::<T>());
        let spec = Spec { name, kind: kind.into(), inputs, row, codec, when };
        let id = self.plan.borrow_mut().add(spec, tables, make);
        Stream { builder: self, id, marker: PhantomData }
    }

    /// Adds an operator that has others inside.
    pub(crate) fn add_composed<T: Row>(
        &self,
        spec: Spec<'_>,
        tables: Vec<Arc<Table>>,
        inside: Vec<(String, &'static str, Vec<String>)>,
        operator: Box<dyn Operator>,
    ) -> Stream<'_, T> {
        let id = self.plan.borrow_mut().add_composed(spec, tables, inside, operator);
        Stream { builder: self, id, marker: PhantomData }
    }

    /// The number of the circuit.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Gives access to the graph.
    pub(crate) fn with_plan<R>(&self, action: impl FnOnce(&mut Plan) -> R) -> R {
        action(&mut self.plan.borrow_mut())
    }
}

impl<'b, T: Row> Stream<'b, T> {
    /// The builder that the stream belongs to.
    pub fn builder(self) -> &'b Builder {
        self.builder
    }

    /// Makes the changes of the stream visible in the result of each step.
    pub fn output(self, name: &str) -> Output<T> {
        let stream: Stream<'_, T> = self.builder.add(name, "output", &[self.id], [], |[]| Sink(self.id));
        Output { circuit: self.builder.id, id: stream.id, marker: PhantomData }
    }

    /// The number of another stream that flows into the same operator.
    pub(crate) fn peer<U>(&self, name: &str, other: Stream<'b, U>) -> usize {
        if !std::ptr::eq(self.builder, other.builder) {
            let error = Error::invalid("a stream of another builder flows into an operator");
            self.builder.with_plan(|plan| plan.note(error.with("operator", name)));
        }
        other.id
    }
}

/// An input: the engine puts the rows into its slot.
struct Source;

impl Operator for Source {
    fn step(&self, _: &Slots, _: &mut Step<'_>) -> Result<Option<Erased>> {
        Ok(None)
    }
}

/// An output: passes on what it gets.
struct Sink(usize);

impl Operator for Sink {
    fn step(&self, slots: &Slots, _: &mut Step<'_>) -> Result<Option<Erased>> {
        Ok(slots.erased(self.0).cloned())
    }
}
