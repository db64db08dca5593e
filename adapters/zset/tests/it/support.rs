//! Stores that can be closed and opened again, and circuits made from lists of operators.

#[cfg(any(feature = "redb", feature = "sled", feature = "sqlite"))]
use std::path::PathBuf;

use proptest::prelude::*;
use worldstore_zset::store::{Memory, Mode, Store};
use worldstore_zset::{Builder, Changes, Circuit, Desc, Engine, Input, Output, Stream, Time, Weight, ZSet};

/// The rows of all circuits that are made here.
pub type Pair = (i64, i64);

/// A place for state that outlives its engine.
pub enum Place {
    Memory(Memory),
    #[cfg(feature = "redb")]
    Redb(tempfile::TempDir),
    #[cfg(feature = "sled")]
    Sled(tempfile::TempDir),
    #[cfg(feature = "sqlite")]
    Sqlite(tempfile::TempDir),
    #[cfg(feature = "postgres")]
    Postgres(super::server::Schema),
}

impl Place {
    /// A new place of every kind.
    pub fn all() -> Vec<Self> {
        let mut places = vec![
            Self::Memory(Memory::new()),
            #[cfg(feature = "redb")]
            Self::Redb(tempfile::tempdir().unwrap()),
            #[cfg(feature = "sled")]
            Self::Sled(tempfile::tempdir().unwrap()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(tempfile::tempdir().unwrap()),
        ];
        places.extend(Self::postgres());
        places
    }

    /// A new schema, if there is a server.
    pub fn postgres() -> Option<Self> {
        #[cfg(feature = "postgres")]
        return super::server::Schema::new().map(Self::Postgres);
        #[cfg(not(feature = "postgres"))]
        None
    }

    /// True if only one engine at a time may have the store open.
    pub fn is_exclusive(&self) -> bool {
        match self {
            #[cfg(feature = "redb")]
            Self::Redb(_) => true,
            #[cfg(feature = "sled")]
            Self::Sled(_) => true,
            _ => false,
        }
    }

    /// The file of the state.
    #[cfg(any(feature = "redb", feature = "sled", feature = "sqlite"))]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) => panic!("memory has no file"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => panic!("a server has no file"),
            #[cfg(feature = "sled")]
            Self::Sled(folder) => folder.path().join("state.sled"),
            #[cfg(feature = "redb")]
            Self::Redb(folder) => folder.path().join("state.redb"),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(folder) => folder.path().join("state.db"),
        }
    }

    /// Opens the store. Tests need not wait for the disk.
    pub fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Memory(memory) => Box::new(memory.clone()),
            #[cfg(feature = "redb")]
            Self::Redb(_) => Box::new(worldstore_zset::store::Redb::open(self.path()).unwrap()),
            #[cfg(feature = "sled")]
            Self::Sled(_) => Box::new(worldstore_zset::store::Sled::open(self.path()).unwrap()),
            #[cfg(feature = "postgres")]
            Self::Postgres(schema) => Box::new(schema.config().open().unwrap()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => {
                use worldstore_zset::store::{SqliteConfig, SqliteSync};
                Box::new(SqliteConfig::new(self.path()).with_sync(SqliteSync::Normal).open().unwrap())
            }
        }
    }
}

/// An operator for a circuit that is made from a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Map,
    FlatMap,
    Filter,
    Neg,
    Add,
    Minus,
    Join,
    LeftJoin,
    OuterJoin,
    SemiJoin,
    AntiJoin,
    AsofJoin,
    Count,
    Sum,
    Average,
    Min,
    Max,
    Reduce,
    GroupReduce,
    Aggregate,
    Distinct,
    TopK,
    FirstN,
    Hop,
    NestedFirst,
    NestedJoin,
    Closure,
}

/// All of them.
pub const OPS: &[Op] = &[
    Op::Map,
    Op::FlatMap,
    Op::Filter,
    Op::Neg,
    Op::Add,
    Op::Minus,
    Op::Join,
    Op::LeftJoin,
    Op::OuterJoin,
    Op::SemiJoin,
    Op::AntiJoin,
    Op::AsofJoin,
    Op::Count,
    Op::Sum,
    Op::Average,
    Op::Min,
    Op::Max,
    Op::Reduce,
    Op::GroupReduce,
    Op::Aggregate,
    Op::Distinct,
    Op::TopK,
    Op::FirstN,
    Op::Hop,
    Op::NestedFirst,
    Op::NestedJoin,
    Op::Closure,
];

/// An operator and the numbers of the two streams that flow into it; the two inputs are 0 and 1.
pub type Node = (Op, usize, usize);

/// A circuit with its handles.
pub struct Built {
    pub circuit: Circuit,
    pub inputs: [Input<Pair>; 2],
    pub outputs: Vec<Output<Pair>>,
}

/// Makes a circuit; each operator has an output.
pub fn build(nodes: &[Node]) -> Built {
    let builder = Builder::new();
    let (left_input, left) = builder.input::<Pair>("left");
    let (right_input, right) = builder.input::<Pair>("right");
    let streams = wired(nodes, left, right);
    let outputs = streams.iter().enumerate().map(|(index, stream)| stream.output(&format!("out{index}"))).collect();
    Built { circuit: builder.build().unwrap(), inputs: [left_input, right_input], outputs }
}

/// The streams that the operators give.
pub fn wired<'b>(nodes: &[Node], left: Stream<'b, Pair>, right: Stream<'b, Pair>) -> Vec<Stream<'b, Pair>> {
    let mut streams = vec![left, right];
    for (index, (op, left, right)) in nodes.iter().enumerate() {
        streams.push(apply(*op, &format!("op{index}"), streams[*left], streams[*right]));
    }
    streams.split_off(2)
}

/// A number small enough for rows to meet.
pub fn small(number: i64) -> i64 {
    number.rem_euclid(4)
}

/// The part of a row that is missing.
pub const MISSING: i64 = 9;

fn apply<'b>(op: Op, name: &str, left: Stream<'b, Pair>, right: Stream<'b, Pair>) -> Stream<'b, Pair> {
    let first = |row: &Pair| row.0;
    let second = |row: &Pair| row.1;
    match op {
        Op::Map => left.map(name, |row| (small(row.0 + 1), row.1)),
        Op::FlatMap => left.flat_map(name, |row| [(row.0, small(row.1)), (row.1, 0)]),
        Op::Filter => left.filter(name, |row| row.0 != row.1),
        Op::Neg => left.neg(name),
        Op::Add => left.add(name, right),
        Op::Minus => left.minus(name, right),
        Op::Join => left.join(name, right, first, first, |left, right| (left.1, right.1)),
        Op::LeftJoin => {
            left.left_join(name, right, first, first, |left, right| (left.1, right.map_or(MISSING, |row| row.1)))
        }
        Op::OuterJoin => left.outer_join(name, right, first, first, |left, right| {
            (left.map_or(MISSING, |row| row.1), right.map_or(MISSING, |row| row.1))
        }),
        Op::SemiJoin => left.semi_join(name, right, first, second),
        Op::AntiJoin => left.anti_join(name, right, first, second),
        Op::AsofJoin => left.asof_join(
            name,
            right,
            |row| (small(row.0), row.1),
            |row| (small(row.0), row.1),
            |left, right| (left.1, right.map_or(MISSING, |row| row.1)),
        ),
        Op::Count => left.count(name, first),
        Op::Sum => left.sum(name, first, second),
        Op::Average => left
            .average(&format!("{name}_avg"), first, second)
            .map(name, |(key, average)| (*key, average.sum.div_euclid(i128::from(average.count)) as i64)),
        Op::Min => left.min(name, first, second),
        Op::Max => left.max(name, first, second),
        Op::Reduce => left.reduce(&format!("{name}_sums"), |row| (row.0, row.1)).map(name, |sums| *sums),
        Op::GroupReduce => {
            left.group_reduce_flatten(name, |row| small(row.1), |row| (1_i64, row.0), |_, (count, sum)| (*count, *sum))
        }
        Op::Aggregate => left.aggregate(name, first, |key, rows| {
            let most = rows.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
            [(*key, small(most)), (small(rows.len() as i64), MISSING)]
        }),
        Op::Distinct => left.distinct(name),
        Op::TopK => left.top_k(name, 3, first, |row| Desc(row.1)),
        Op::FirstN => left.first_n(name, 4, |row| (Desc(row.1), row.0)),
        Op::Hop => left.hop(&format!("{name}_hop"), 5, 2, second).map(name, |(start, row)| (*start, row.0)),
        Op::NestedFirst => {
            let groups = left.group(&format!("{name}_by"), first).group(&format!("{name}_by_both"), |row| small(row.1));
            groups
                .first_n(&format!("{name}_first"), 2, |row| row.1)
                .flatten()
                .map(name, |((outer, _), row)| (*outer, row.1))
        }
        Op::NestedJoin => {
            let left = left.group(&format!("{name}_left_by"), first);
            let right = right.group(&format!("{name}_right_by"), first);
            let joined = left.join(&format!("{name}_join"), right, second, second, |left, right| (left.1, right.0));
            let counted = joined.distinct(&format!("{name}_set")).count(&format!("{name}_count"));
            counted.flatten().map(name, |(key, count)| (*key, *count))
        }
        Op::Closure => closure(name, left.distinct(&format!("{name}_edges"))),
    }
}

/// All pairs with a path from the first to the second.
pub fn closure<'b>(name: &str, edges: Stream<'b, Pair>) -> Stream<'b, Pair> {
    edges.builder().recursive::<Pair>(name, |scope, paths| {
        let edges = scope.import(&format!("{name}_steps"), edges);
        let longer =
            paths.join(&format!("{name}_longer"), edges, |path| path.1, |edge| edge.0, |path, edge| (path.0, edge.1));
        longer.add(&format!("{name}_paths"), edges)
    })
}

/// What happens to a circuit.
#[derive(Debug, Clone)]
pub enum Event {
    /// Changes of the two inputs in one step.
    Step(Vec<(usize, Pair, Weight)>),
    /// The store is closed and opened again.
    Reopen,
}

/// Steps with insertions and removals, mostly of rows that are there.
pub fn events(count: usize) -> impl Strategy<Value = Vec<Event>> {
    let change = (0..2_usize, (0..4_i64, 0..6_i64), prop_oneof![3 => Just(1), 2 => Just(-1), 1 => Just(2)]);
    let step = proptest::collection::vec(change, 0..6).prop_map(Event::Step);
    proptest::collection::vec(prop_oneof![5 => step, 1 => Just(Event::Reopen)], 1..count)
}

/// Lists of operators; each may read any stream before it.
pub fn circuits(count: usize) -> impl Strategy<Value = Vec<Node>> {
    let node = (prop::sample::select(OPS), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    proptest::collection::vec(node, 1..count).prop_map(|nodes| {
        let place = |(index, (op, left, right)): (usize, (Op, prop::sample::Index, prop::sample::Index))| {
            (op, left.index(index + 2), right.index(index + 2))
        };
        nodes.into_iter().enumerate().map(place).collect()
    })
}

/// A circuit on a place, with the sums of everything that went in and came out.
pub struct Running<'p> {
    nodes: Vec<Node>,
    place: &'p Place,
    engine: Option<Engine>,
    built: ([Input<Pair>; 2], Vec<Output<Pair>>),
    pub inputs: [ZSet<Pair>; 2],
    pub outputs: Vec<ZSet<Pair>>,
}

impl<'p> Running<'p> {
    /// Opens the circuit on a new place.
    pub fn new(nodes: &[Node], place: &'p Place) -> Self {
        let Built { circuit, inputs, outputs } = build(nodes);
        let engine = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
        let sums = vec![ZSet::new(); outputs.len()];
        let nodes = nodes.to_vec();
        Self { nodes, place, engine: Some(engine), built: (inputs, outputs), inputs: Default::default(), outputs: sums }
    }

    /// Applies one event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Step(changes) => self.step_at(changes, Time::none()),
            Event::Reopen => {
                self.engine = None;
                let Built { circuit, inputs, outputs } = build(&self.nodes);
                self.engine = Some(Engine::open(circuit, self.place.open(), Mode::Open).unwrap());
                self.built = (inputs, outputs);
            }
        }
    }

    /// Applies changes as a step.
    pub fn step_at(&mut self, rows: &[(usize, Pair, Weight)], time: Time) {
        let mut changes = Changes::new();
        for (input, row, weight) in rows {
            changes = changes.weigh(&self.built.0[*input], [(*row, *weight)]);
            self.inputs[*input].add(*row, *weight).unwrap();
        }
        let deltas = self.engine.as_mut().unwrap().step(changes, time).unwrap();
        for (output, sum) in self.built.1.iter().zip(&mut self.outputs) {
            deltas.apply(output, sum).unwrap();
        }
    }
}
