//! Queries that are counted over adjacencies give what joins and the interpreter give, on graphs that look random.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use worldstore_core::{Key, Memory, WriteOptions};
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{ask, cells, mounted, parquet, put};

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides) as i64
    }
}

/// Persons with ids that are far from each other or near, one perhaps without an id, and edges of which some lead nowhere, some back to where they
/// start, and some are there twice.
fn people(dice: &mut Dice, store: &Memory) {
    let persons = 2 + dice.roll(7);
    let step = if dice.roll(2) == 0 { 1 } else { 1_000_003 };
    let ids: Vec<i64> = (0..persons).map(|person| 10 + person * step).collect();
    let nobody = (dice.roll(2) == 0).then_some(None);
    let all: Int64Array = ids.iter().copied().map(Some).chain(nobody).collect();
    let ages = all.iter().map(|_| Some(dice.roll(5)).filter(|age| *age < 4));
    let ages: Int64Array = ages.collect();
    let names = all.iter().map(|id| format!("p{}", id.unwrap_or(0) % 7)).collect::<Vec<_>>();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(all) as ArrayRef),
        ("age", Arc::new(ages)),
        ("name", Arc::new(StringArray::from(names))),
    ]);
    put(store, "people.parquet", parquet(&batch.unwrap(), 3));
    follow(dice, store, &ids);
}

fn follow(dice: &mut Dice, store: &Memory, ids: &[i64]) {
    let edges = dice.roll(14);
    let mut end = || match dice.roll(12) {
        0 => None,
        1 => Some(7),
        _ => Some(ids[dice.roll(ids.len() as u64) as usize] as i32),
    };
    let (from, to): (Vec<_>, Vec<_>) = (0..edges).map(|_| (end(), end())).unzip();
    let weights: Int64Array = (0..edges).map(Some).collect();
    let batch = RecordBatch::try_from_iter([
        ("src", Arc::new(Int32Array::from(from)) as ArrayRef),
        ("dst", Arc::new(Int32Array::from(to))),
        ("weight", Arc::new(weights)),
    ]);
    put(store, "follows/part=1/a.parquet", parquet(&batch.unwrap(), 5));
}

const LABELS: &str = "
    CREATE NODE LABEL Person FROM FILE 'lake://data/people.parquet';
    CREATE EDGE TYPE F VIRTUAL FROM PARTITION 'lake://data/follows'
        SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Person(id);
    CREATE EDGE TYPE G VIRTUAL FROM PARTITION 'lake://data/follows'
        SOURCE KEY dst REFERENCES Person(id) TARGET KEY src REFERENCES Person(id);
";

/// A graph that counts, and one that does not.
async fn both(store: Memory) -> (Graph, Graph) {
    let (counting, backend) = mounted(store);
    counting.run(LABELS, &Parameters::default()).await.unwrap();
    let other = Graph::new().with_mount("data", backend).unwrap().with_adjacency_bytes(0);
    other.run(LABELS, &Parameters::default()).await.unwrap();
    (counting, other)
}

const QUERIES: [&str; 46] = [
    "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person) RETURN count(*) AS n",
    "MATCH (a:Person)-[:F]->(b) MATCH (b)-[:F]->(c) RETURN count(*) AS n",
    "MATCH (a:Person)-[:F]->(b)-[:F]->(c)-[:F]->(d) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b) MATCH (b)-[:F]->(c) MATCH (c)-[:F]->(d) MATCH (d)-[:F]->(e) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c)-[:F]->(a) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b) MATCH (b)-[:F]->(c) MATCH (c)-[:F]->(a) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c), (a)-[:F]->(c) RETURN count(*) AS n",
    "MATCH (a)-[:F]-(b)-[:F]-(c) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)<-[:F]-(c) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:G]->(c) RETURN count(*) AS n",
    "MATCH (a)-[:F|G]->(b)-[:G]->(c) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c) WHERE a.age > 1 AND c.age < 3 RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b {age: 2})-[:F]->(c) RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c) WHERE b.age IS NULL OR b.age = 1 RETURN count(a) AS n, count(*) AS m",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN c.name AS name, count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN c.id AS id, count(*) AS n, count(c.age) AS m ORDER BY n DESC, id LIMIT 3",
    "MATCH (a)-[:F]->(b)-[:F]->(c) WHERE c.age >= 0 RETURN min(c.age) AS low, max(c.id) AS high, count(DISTINCT c) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN DISTINCT a.name AS name, a.age + 1 AS next",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN c.name STARTS WITH 'p1' AS one, count(*) * 2 AS n ORDER BY one",
    "MATCH (a)-[:F]->(a)-[:F]->(b) RETURN b.id AS id, count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c)-[:F]->(d) WHERE d.name = 'p3' RETURN a.id AS id, count(*) AS n",
    "MATCH (a {id: 10})-[:F*1..3]->(b) RETURN count(*) AS n",
    "MATCH (a {id: 10})-[:F*1..3]->(b) RETURN b.id AS id, count(*) AS n",
    "MATCH (a {id: 10})-[:F*0..2]->(b) WHERE b.age > 0 RETURN b.name AS name, count(*) AS n",
    "MATCH (a)-[:F*2..3]->(b {id: 10}) RETURN a.id AS id, count(*) AS n",
    "MATCH (a)-[:F*1..2]->(b) RETURN a.id AS a, b.id AS b, count(*) AS n",
    "MATCH p = (a {id: 10})-[:F*1..3]->(b) RETURN length(p) AS length, count(*) AS n",
    "MATCH p = (a)<-[:F*0..2]-(b) RETURN a.id AS a, length(p) AS length, count(*) AS n",
    "MATCH (a {id: 10})-[:F*]->(b) RETURN count(DISTINCT b) AS n",
    "MATCH (a {id: 10})<-[:F*0..2]-(b) RETURN DISTINCT b.name AS name",
    "MATCH (a)-[:F*1..2]->(b {id: 11}) RETURN count(DISTINCT a) AS n",
    "MATCH (a)-[:F*1..3]->(b) WHERE a.age = 1 RETURN max(b.age) AS age",
    "MATCH WALK (a {id: 10})-[:F]->{1,3}(b) RETURN count(*) AS n",
    "MATCH p = WALK (a)-[:F]->{0,3}(b) RETURN b.id AS id, length(p) AS length, count(*) AS n",
    "MATCH WALK (a)<-[:F]-{2,2}(b {id: 10}) RETURN a.id AS id, count(*) AS n",
    "MATCH p = shortestPath((a {id: 10})-[:F*]->(b {id: 12})) RETURN length(p) AS length",
    "MATCH p = shortestPath((a {id: 10})-[:F*]-(b {id: 12})) RETURN length(p) AS length",
    "MATCH p = shortestPath((a {id: 10})-[:F*..2]->(b)) RETURN b.id AS id, length(p) AS length",
    "MATCH p = shortestPath((a)-[:F*]->(b)) RETURN a.id AS a, b.id AS b, length(p) AS length",
    "MATCH p = shortestPath((a)<-[:F*..3]-(b)) RETURN length(p) AS length, count(*) AS n",
    "MATCH p = shortestPath((a)-[:F*0..]-(b {id: 10})) RETURN a.age AS age, length(p) AS length, count(*) AS n",
    "MATCH p = allShortestPaths((a {id: 10})-[:F*]->(b)) RETURN b.id AS id, length(p) AS length, count(*) AS n",
    "MATCH p = allShortestPaths((a)-[:F*]->(b {id: 10})) RETURN a.id AS id, count(*) AS n",
    "MATCH p = allShortestPaths((a)<-[:F*..3]-(b)) RETURN length(p) AS length, count(*) AS n",
    "MATCH p = shortestPath((a)-[:F*]->(b)) WHERE a.age = 1 AND b.age = 2 RETURN avg(length(p)) IS NULL AS none, count(*) AS n",
    "MATCH p = shortestPath((a)-[:F*]->(b)) WHERE a.age = 1 AND b.age = 2 RETURN max(length(p)) AS far",
];

/// Refused by the adjacencies, and so answered by others.
const OTHERS: [&str; 5] = [
    "MATCH (a)-[:F]->(b)-[:F]->(c) WHERE a.age < c.age RETURN count(*) AS n",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN a.id AS a, c.id AS c",
    "MATCH (a)-[:F]->(b)-[:F]->(c) RETURN sum(c.age) AS sum",
    "MATCH (a)-[r:F]->(b)-[:F]->(c) WHERE r.weight > 2 RETURN count(*) AS n",
    "MATCH (a)-[:F*1..2]-(b) RETURN count(*) AS n",
];

async fn rows(graph: &Graph, query: &str) -> Vec<String> {
    let mut rows = cells(&ask(graph, query).await);
    if !query.contains("ORDER BY n") {
        rows.sort();
    }
    rows
}

async fn is_counted(graph: &Graph, query: &str) -> bool {
    let plan = graph.explain(query, &Parameters::default()).await.unwrap();
    plan.starts_with("counted over adjacencies")
}

#[tokio::test]
async fn counts_agree_with_joins_and_with_the_interpreter() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..5 {
        let store = Memory::new();
        people(&mut dice, &store);
        let (counting, other) = both(store).await;
        for query in QUERIES {
            let (found, expected) = (rows(&counting, query).await, rows(&other, query).await);
            assert_eq!(found, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn which_queries_are_counted_is_known() {
    let store = Memory::new();
    people(&mut Dice(7), &store);
    let (counting, other) = both(store).await;
    for query in QUERIES.into_iter().filter(|query| !query.contains("avg(")) {
        assert!(is_counted(&counting, query).await, "{query}");
        assert!(!is_counted(&other, query).await, "{query}");
    }
    for query in OTHERS {
        assert!(!is_counted(&counting, query).await, "{query}");
        assert_eq!(rows(&counting, query).await, rows(&other, query).await, "{query}");
    }
}

#[tokio::test]
async fn edges_are_read_once_and_again_when_files_change() {
    let store = Memory::new();
    people(&mut Dice(11), &store);
    let (counting, backend) = mounted(store);
    counting.run(LABELS, &Parameters::default()).await.unwrap();
    let query = "MATCH (a)-[:F]->(b) MATCH (b)-[:F]->(c) RETURN count(*) AS n";
    let first = ask(&counting, query).await;
    assert!(first.io_stats.data_bytes > 0, "{}", first.io_stats);
    let again = ask(&counting, query).await;
    assert_eq!((again.io_stats.data_bytes, again.io_stats.list_calls), (0, 1), "{}", again.io_stats);
    let batch = RecordBatch::try_from_iter([
        ("src", Arc::new(Int32Array::from(vec![10, 10])) as ArrayRef),
        ("dst", Arc::new(Int32Array::from(vec![10, 10]))),
        ("weight", Arc::new(Int64Array::from(vec![1, 2]))),
    ]);
    let body = parquet(&batch.unwrap(), 5);
    let key = Key::new("follows/part=1/b.parquet").unwrap();
    let _ = backend.write(&key, body, &WriteOptions::default()).await.unwrap();
    let changed = ask(&counting, query).await;
    assert!(changed.io_stats.data_bytes > 0);
    assert_ne!(cells(&changed), cells(&again));
    let other = Graph::new().with_mount("data", backend).unwrap().with_adjacency_bytes(0);
    other.run(LABELS, &Parameters::default()).await.unwrap();
    assert_eq!(cells(&changed), rows(&other, query).await);
}

#[tokio::test]
async fn what_queries_create_is_not_overlooked() {
    let store = Memory::new();
    people(&mut Dice(13), &store);
    let (counting, _) = both(store).await;
    let query = "MATCH (a)-->(b)-->(c) RETURN count(*) AS n";
    let before: i64 = rows(&counting, query).await[0].parse().unwrap();
    ask(&counting, "CREATE (:Town)-[:NEAR]->(:Town)-[:NEAR]->(:Town)").await;
    assert_eq!(rows(&counting, query).await, [(before + 1).to_string()]);
}

#[tokio::test]
async fn keys_that_are_there_twice_are_left_to_joins() {
    let store = Memory::new();
    let people = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 1, 2])) as ArrayRef)]);
    put(&store, "people/a.parquet", parquet(&people.unwrap(), 5));
    let edges = RecordBatch::try_from_iter([
        ("src", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("dst", Arc::new(Int64Array::from(vec![2, 1]))),
    ]);
    put(&store, "follows/a.parquet", parquet(&edges.unwrap(), 5));
    let (graph, _) = mounted(store);
    let labels = "
        CREATE NODE LABEL Person VIRTUAL FROM PARTITION 'lake://data/people';
        CREATE EDGE TYPE F VIRTUAL FROM PARTITION 'lake://data/follows'
            SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Person(id);";
    graph.run(labels, &Parameters::default()).await.unwrap();
    let query = "MATCH (a)-[:F]->(b) MATCH (b)-[:F]->(c) RETURN count(*) AS n";
    // 1 to 2 to 1: the first and the last are each one of two; 2 to 1 to 2: the middle is.
    assert_eq!(rows(&graph, query).await, ["6"]);
}
