//! Circuits over live views of a graph: what they keep is what the query gives, and they go on behind the time of their state.

use serde::{Deserialize, Serialize};
use worldstore::ErrorKind;
use worldstore::graph::{Graph, Parameters, Value};
use worldstore::zset::store::{Memory, Mode};
use worldstore::zset::{Builder, Cache, LiveCircuit, LiveFeed, Real, Row, ZSet};

use crate::bed::{Bed, on_each_format, rows};

on_each_format!(a_circuit_follows_a_query, a_circuit_goes_on_in_another_process);

/// A row of the live view; its other column is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Move {
    entity: u64,
    x: Real,
}

const MOVES: &str =
    "CREATE LIVE VIEW moves AS MATCH (p:position) WHERE p.x > 0 RETURN p.x AS x, p.tick AS tick, p.entity AS entity";

struct Counts {
    circuit: LiveCircuit,
    kept: Cache<(u64, i64)>,
}

/// How many moves each entity has made.
fn counts(memory: &Memory, mode: Mode, graph: &Graph) -> Counts {
    let builder = Builder::new();
    let (feed, moves) = LiveFeed::new::<Move>(&builder, "moves");
    let kept = moves.count("counts", |row| row.entity).cache("kept");
    let circuit = LiveCircuit::open(builder.build().unwrap(), memory.clone(), mode, feed, graph, "moves").unwrap();
    Counts { circuit, kept }
}

impl Counts {
    /// The counts, after they have followed; and the time.
    async fn now(&mut self) -> (Vec<(u64, i64)>, i64) {
        let _ = self.circuit.advance().await.unwrap();
        let engine = self.circuit.engine().unwrap();
        let kept = engine.read(&self.kept).unwrap().all().unwrap();
        let rows = kept.into_iter().map(|(row, weight)| {
            assert_eq!(weight, 1);
            row
        });
        (rows.collect(), engine.time().unwrap())
    }
}

async fn ask(graph: &Graph, text: &str) {
    let _ = graph.query(text, &Parameters::default()).await.unwrap();
}

async fn a_circuit_follows_a_query(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0), (2, -1.0)])).await.unwrap();
    let graph = world.graph().await.unwrap();
    ask(&graph, MOVES).await;
    let mut counts = counts(&Memory::new(), Mode::CreateTables, &graph);
    assert_eq!(counts.now().await.0, [(1, 1)]);
    for tick in 2..=6 {
        let receipt = run.append(tick, "position", &rows(&[(1, 0.5), (2, tick as f64 - 3.5)])).await.unwrap();
        if tick % 2 == 0 {
            world.flush().await.unwrap();
        }
        let expected = [(1, tick), (2, (tick - 3).max(0))].into_iter().filter(|(_, count)| *count > 0);
        assert_eq!(counts.now().await, (expected.collect(), receipt.seq as i64));
    }
    assert!(counts.circuit.advance().await.unwrap().is_empty(), "nothing has changed");
}

async fn a_circuit_goes_on_in_another_process(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let memory = Memory::new();
    let _ = run.append(1, "position", &rows(&[(1, -1.0)])).await.unwrap();
    {
        let graph = world.graph().await.unwrap();
        ask(&graph, MOVES).await;
        let mut counts = counts(&memory, Mode::CreateTables, &graph);
        assert_eq!(counts.now().await.0, [], "no row yet, but it is known what the view asks");
        let _ = run.append(2, "position", &rows(&[(1, 1.0), (2, 1.0)])).await.unwrap();
        assert_eq!(counts.now().await.0, [(1, 1), (2, 1)]);
    }
    let _ = run.append(3, "position", &rows(&[(2, 1.0), (3, 1.0)])).await.unwrap();
    // Another graph knows nothing of the one before.
    let graph = world.graph().await.unwrap();
    let other = "CREATE LIVE VIEW moves AS MATCH (p:position) RETURN p.x AS x, p.tick AS tick, p.entity AS entity";
    ask(&graph, other).await;
    let error = counts(&memory, Mode::Open, &graph).circuit.advance().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    ask(&graph, "DROP LIVE VIEW moves").await;
    ask(&graph, MOVES).await;
    let mut again = counts(&memory, Mode::Open, &graph);
    let deltas = again.circuit.advance().await.unwrap();
    assert_eq!(deltas.len(), 1, "what came before is not applied again");
    assert_eq!(again.now().await.0, [(1, 1), (2, 2), (3, 1)]);
}

/// A circuit that keeps rows of a view as they are.
fn kept<T: Row>(memory: &Memory, mode: Mode, graph: &Graph) -> (LiveCircuit, Cache<T>) {
    let builder = Builder::new();
    let (feed, rows) = LiveFeed::new::<T>(&builder, "rows");
    let cache = rows.cache("cache");
    let circuit = LiveCircuit::open(builder.build().unwrap(), memory.clone(), mode, feed, graph, "cars").unwrap();
    (circuit, cache)
}

fn rows_of<T: Row>(circuit: &mut LiveCircuit, cache: &Cache<T>) -> ZSet<T> {
    circuit.engine().unwrap().read(cache).unwrap().all().unwrap()
}

#[tokio::test]
async fn rows_of_views_are_typed_and_times_that_ended_are_refused() {
    type Car = (String, Option<i64>, Vec<i64>, String);
    let graph = Graph::new();
    ask(&graph, "CREATE (:Car {name: 'a', n: 1, tags: [1, 2], day: date('2026-02-03')}), (:Car {name: 'b', tags: [], day: date('2026-02-04')})").await;
    ask(&graph, "CREATE LIVE VIEW cars AS MATCH (c:Car) RETURN c.name, c.n, c.tags, c.day").await;
    let memory = Memory::new();
    let (mut circuit, cache) = kept::<Car>(&memory, Mode::CreateTables, &graph);
    let _ = circuit.advance().await.unwrap();
    let car = |name: &str, n, tags: &[i64], day: &str| (name.to_owned(), n, tags.to_vec(), day.to_owned());
    let (a, b) = (car("a", Some(1), &[1, 2], "2026-02-03"), car("b", None, &[], "2026-02-04"));
    assert_eq!(rows_of(&mut circuit, &cache), ZSet::from_rows([a, b.clone()]).unwrap());
    ask(&graph, "MATCH (c:Car {name: 'a'}) DELETE c").await;
    let _ = circuit.advance().await.unwrap();
    assert_eq!(rows_of(&mut circuit, &cache), ZSet::from_rows([b]).unwrap());
    // In another process the times of this view begin anew, and say nothing about those of the state.
    drop(circuit);
    let (mut circuit, _) = kept::<Car>(&memory, Mode::Open, &graph);
    let error = circuit.advance().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // A row that does not fit is refused, and nothing of it is kept.
    for (name, error) in [
        ("few", kept::<(String, Option<i64>)>(&Memory::new(), Mode::CreateTables, &graph).0.advance().await),
        ("null", kept::<(String, i64, Vec<i64>, String)>(&Memory::new(), Mode::CreateTables, &graph).0.advance().await),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error}");
    }
    let _ = graph.query("DROP LIVE VIEW cars", &Parameters::default()).await.unwrap();
    let (mut circuit, _) = kept::<Car>(&Memory::new(), Mode::CreateTables, &graph);
    assert_eq!(circuit.advance().await.unwrap_err().kind(), ErrorKind::NotFound);
    let parameters = Parameters::default().with("least", Value::Int(1));
    let view = "CREATE LIVE VIEW cars AS MATCH (c:Car) WHERE c.n >= $least RETURN c.n AS n";
    let _ = graph.query(view, &parameters).await.unwrap();
    let definition = graph.subscribe("cars", None).await.unwrap().definition();
    assert!(definition.contains("$least = 1"), "{definition}");
}

/// What another circuit has applied is not applied again, and what failed is tried again.
#[tokio::test]
async fn changes_come_once_however_circuits_race_and_fail() {
    let graph = Graph::new();
    ask(&graph, "CREATE (:Car {n: 1})").await;
    ask(&graph, "CREATE LIVE VIEW cars AS MATCH (c:Car) RETURN c.n AS n").await;
    let memory = Memory::new();
    let open = |mode| {
        let builder = Builder::new();
        let (feed, rows) = LiveFeed::new::<(i64,)>(&builder, "rows");
        let total = rows.sum("total", |_| (), |row| row.0).cache("kept");
        let circuit = LiveCircuit::open(builder.build().unwrap(), memory.clone(), mode, feed, &graph, "cars").unwrap();
        (circuit, total)
    };
    let (mut one, total) = open(Mode::CreateTables);
    let (mut other, _) = open(Mode::Open);
    let now = |circuit: &mut LiveCircuit| rows_of(circuit, &total).into_iter().map(|((_, sum), _)| sum).sum::<i64>();
    let (first, second) = tokio::join!(one.advance(), other.advance());
    assert!(first.is_ok() != second.is_ok(), "{first:?} and {second:?}");
    let (mut one, late, error) = match first {
        Ok(_) => (one, other, second.unwrap_err()),
        Err(error) => (other, one, error),
    };
    assert!(matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::Unsupported), "{error}");
    drop(late);
    assert_eq!(now(&mut one), 1);
    // A sum that leaves its range is not passed over: the rows come when it fits again.
    ask(&graph, "CREATE (:Car {n: 9223372036854775807})").await;
    for _ in 0..2 {
        assert_eq!(one.advance().await.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(now(&mut one), 1);
    }
    ask(&graph, "CREATE (:Car {n: -5})").await;
    assert_eq!(one.advance().await.unwrap_err().kind(), ErrorKind::Invalid, "the steps before come first");
    // Declared anew, the view counts its times anew.
    ask(&graph, "DROP LIVE VIEW cars").await;
    ask(&graph, "CREATE LIVE VIEW cars AS MATCH (c:Car) RETURN c.n AS n").await;
    assert_eq!(one.advance().await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn both_zeros_and_all_that_are_no_numbers_are_one() {
    let graph = Graph::new();
    ask(&graph, "CREATE (:Car {id: 1, x: 0.0}), (:Car {id: 2, x: -0.0}), (:Car {id: 3, x: 0.0 / 0.0})").await;
    ask(&graph, "CREATE LIVE VIEW cars AS MATCH (c:Car) RETURN c.x").await;
    let (mut circuit, cache) = kept::<(Real,)>(&Memory::new(), Mode::CreateTables, &graph);
    for (id, left) in [(0, 2), (1, 2), (2, 1), (3, 0)] {
        ask(&graph, &format!("MATCH (c:Car {{id: {id}}}) DELETE c")).await;
        let _ = circuit.advance().await.unwrap();
        assert_eq!(rows_of(&mut circuit, &cache).into_iter().count(), left, "without {id}");
    }
}
