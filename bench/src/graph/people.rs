//! Patterns over people who follow each other, in the words of each engine.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use tokio::runtime::Runtime;
use worldstore_async::SyncBackendAdapter;
use worldstore_core::Local;
use worldstore_graph::{Graph, Parameters};

use super::{answer, data};
use crate::Failure;
use crate::measure::Seen;

/// A question. An engine without words for it, or that does not end on it, is left out.
#[derive(Debug)]
pub struct Pattern {
    pub name: &'static str,
    pub cypher: &'static str,
    pub sql: Option<&'static str>,
    pub kuzu: Option<&'static str>,
}

/// Fixed hops, then runs and shortest paths. Kuzu and Ladybug count walks; where that makes a difference, so do we, by a
/// `MATCH` for each hop, or they by `TRAIL`.
pub const PATTERNS: &[Pattern] = &[
    Pattern {
        name: "top followed",
        cypher: "MATCH (a:Person)-[:F]->(b:Person) RETURN b.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 3",
        sql: Some("SELECT dst, count(*) AS n FROM follows GROUP BY dst ORDER BY n DESC, dst LIMIT 3"),
        kuzu: Some("MATCH (a:Person)-[:F]->(b:Person) RETURN b.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 3"),
    },
    Pattern {
        name: "two hops",
        cypher: "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person) RETURN count(*) AS n",
        sql: Some("SELECT count(*) FROM follows x JOIN follows y ON x.dst = y.src"),
        kuzu: Some("MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person) RETURN count(*)"),
    },
    Pattern {
        name: "two hops with conditions",
        cypher: "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person) WHERE b.age < 30 AND c.age > 50 RETURN count(*) AS n",
        sql: Some(
            "SELECT count(*) FROM follows x JOIN person b ON x.dst = b.id JOIN follows y ON b.id = y.src
             JOIN person c ON y.dst = c.id WHERE b.age < 30 AND c.age > 50",
        ),
        kuzu: Some(
            "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person) WHERE b.age < 30 AND c.age > 50 RETURN count(*)",
        ),
    },
    Pattern {
        name: "three hops from some",
        cypher: "MATCH (a:Person)-[:F]->(b:Person) MATCH (b)-[:F]->(c:Person) MATCH (c)-[:F]->(d:Person)
                 WHERE a.id < 100 RETURN count(*) AS n",
        sql: Some(
            "SELECT count(*) FROM follows x JOIN follows y ON x.dst = y.src JOIN follows z ON y.dst = z.src
             WHERE x.src < 100",
        ),
        kuzu: Some(
            "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person)-[:F]->(d:Person) WHERE a.id < 100 RETURN count(*)",
        ),
    },
    Pattern {
        name: "chain of five hops",
        cypher: "MATCH (a:Person)-[:F]->(b:Person) MATCH (b)-[:F]->(c:Person) MATCH (c)-[:F]->(d:Person)
                 MATCH (d)-[:F]->(e:Person) MATCH (e)-[:F]->(f:Person) RETURN count(*) AS n",
        // Sums by hand: DuckDB would make every chain, as Kuzu does, which does not end on this.
        sql: Some(
            "WITH x AS (SELECT dst AS id, count(*) AS n FROM follows GROUP BY dst),
             y AS (SELECT dst AS id, sum(n) AS n FROM x JOIN follows ON id = src GROUP BY dst),
             z AS (SELECT dst AS id, sum(n) AS n FROM y JOIN follows ON id = src GROUP BY dst),
             w AS (SELECT dst AS id, sum(n) AS n FROM z JOIN follows ON id = src GROUP BY dst)
             SELECT sum(n) FROM w JOIN follows ON id = src",
        ),
        kuzu: None,
    },
    Pattern {
        name: "triangles",
        cypher: "MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person)-[:F]->(a) RETURN count(*) AS n",
        sql: Some(
            "SELECT count(*) FROM follows x JOIN follows y ON x.dst = y.src
             JOIN follows z ON y.dst = z.src AND z.dst = x.src",
        ),
        kuzu: Some("MATCH (a:Person)-[:F]->(b:Person)-[:F]->(c:Person)-[:F]->(a) RETURN count(*)"),
    },
    Pattern {
        name: "trails of 1 to 3",
        cypher: "MATCH (a:Person {id: 77})-[:F*1..3]->(b:Person) RETURN count(*) AS n",
        sql: None,
        kuzu: Some("MATCH (a:Person {id: 77})-[:F* TRAIL 1..3]->(b:Person) RETURN count(*)"),
    },
    Pattern {
        name: "within 1 to 4",
        cypher: "MATCH (a:Person {id: 77})-[:F*1..4]->(b:Person) RETURN count(DISTINCT b) AS n",
        sql: None,
        kuzu: Some("MATCH (a:Person {id: 77})-[:F*1..4]->(b:Person) RETURN count(DISTINCT b.id)"),
    },
    Pattern {
        name: "shortest path",
        cypher: "MATCH p = shortestPath((a:Person {id: 77})-[:F*]->(b:Person {id: 99000})) RETURN length(p) AS n",
        sql: None,
        kuzu: Some("MATCH p = (a:Person {id: 77})-[:F* SHORTEST 1..30]->(b:Person {id: 99000}) RETURN length(p)"),
    },
    Pattern {
        name: "shortest paths to all",
        cypher: "MATCH p = shortestPath((a:Person {id: 77})-[:F*]->(b:Person))
                 RETURN length(p) AS l, count(*) AS n ORDER BY l",
        sql: None,
        kuzu: Some(
            "MATCH p = (a:Person {id: 77})-[:F* SHORTEST 1..30]->(b:Person)
             WHERE b.id <> 77 RETURN length(p) AS l, count(*) AS n ORDER BY l",
        ),
    },
];

/// So many people, each of whom follows 20 others: some are followed by very many. Nobody follows himself, or anybody twice.
pub fn files(folder: &Path, people: i64) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut dice = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let ages: Int64Array = (0..people).map(|_| Some(15 + (dice() * 70.0) as i64)).collect();
    let ids: Int64Array = (0..people).map(Some).collect();
    let persons = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("age", Arc::new(ages))])?;
    let edges = people * 20;
    let (mut seen, mut from, mut to) = (HashSet::new(), Vec::new(), Vec::new());
    while (from.len() as i64) < edges {
        // Both ends by power laws, in different orders: the much followed are not those who follow many.
        let start = (dice().powf(1.5) * people as f64) as i64;
        let end = ((dice().powf(3.0) * people as f64) as i64 * 7_919 + 13) % people;
        if start != end && seen.insert((start, end)) {
            from.push(start);
            to.push(end);
        }
    }
    let columns = [("src", Arc::new(Int64Array::from(from)) as ArrayRef), ("dst", Arc::new(Int64Array::from(to)))];
    data::write_zstd(&folder.join("person.parquet"), &persons)?;
    data::write_zstd(&folder.join("follows.parquet"), &RecordBatch::try_from_iter(columns)?)
}

/// Worldstore over those files.
pub struct People(Graph);

impl People {
    pub fn open(folder: &Path, runtime: &Runtime) -> Result<Self, Failure> {
        let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::open(folder)?)));
        let graph = Graph::new().with_mount("people", backend)?;
        let labels = "CREATE NODE LABEL Person FROM FILE 'lake://people/person.parquet' KEY id;
            CREATE EDGE TYPE F FROM FILE 'lake://people/follows.parquet'
                SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Person(id);";
        runtime.block_on(graph.run(labels, &Parameters::default()))?;
        Ok(Self(graph))
    }

    pub fn ask(&self, runtime: &Runtime, pattern: &Pattern) -> Result<Seen, Failure> {
        let result = runtime.block_on(self.0.query(pattern.cypher, &Parameters::default()))?;
        answer::of_batches(&result.batches)
    }
}
