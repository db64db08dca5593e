//! A statement that fails leaves no trace.

use worldstore_cypher_runtime::{MemoryGraph, Options, execute};

use crate::support::{error, graph, query, rows, run};

const GRAPH: &str = "CREATE (a:A {x: 1})-[:T {y: 1}]->(b:B {x: 0}), (b)-[:T]->(:C)";

/// Everything in the graph, as text.
fn dump(graph: &mut MemoryGraph) -> Vec<String> {
    let nodes = "MATCH (n) RETURN id(n) AS id, n ORDER BY id";
    let relationships = "MATCH (a)-[r]->(b) RETURN id(r) AS id, id(a), r, id(b) ORDER BY id";
    let parts = [nodes, relationships, "MATCH (n:A|B|C|D) RETURN id(n) AS id ORDER BY id"];
    parts.iter().flat_map(|part| rows(&run(graph, part).unwrap())).collect()
}

#[test]
fn a_statement_that_fails_leaves_no_trace() {
    for source in [
        "CREATE (:D) WITH 1 AS one MATCH (n) RETURN 1 / n.x",
        "MATCH (n) SET n.z = 1 / n.x",
        "MATCH (n:A) SET n:D SET n.z = {map: 1}",
        "MATCH (n) REMOVE n.x, n:B WITH n RETURN id(n) / 0",
        "MATCH (a:A) MERGE (a)-[:U]->(d:D) ON CREATE SET d.x = [{}]",
        "MATCH (c:C) DETACH DELETE c WITH c RETURN c.x",
        "MATCH (a:A)-[r]->() DELETE r WITH r RETURN r.y",
        "MATCH (b:B) CREATE (b)-[:T]->(b) WITH b DELETE b",
        "UNWIND [2, 1, 0] AS x MERGE (n:D {x: 1 / x})",
        "UNWIND [1, null] AS x MERGE (n:D {x: x})",
    ] {
        let mut graph = graph(GRAPH);
        let before = dump(&mut graph);
        error(&mut graph, source);
        assert_eq!(dump(&mut graph), before, "{source}");
        // The graph can be changed again.
        run(&mut graph, "CREATE (:D)").unwrap();
    }
}

#[test]
fn a_sink_that_fails_does_not_undo() {
    use worldstore_cypher_runtime::{ErrorClass, ErrorDetail, RuntimeError, Sink, Statement, Value};
    struct Refuses;
    impl Sink for Refuses {
        fn columns(&mut self, _: &[String]) -> worldstore_cypher_runtime::Result<()> {
            Err(RuntimeError::new(ErrorClass::LimitError, ErrorDetail::Cancelled, "no"))
        }

        fn row(&mut self, _: Vec<Value>) -> worldstore_cypher_runtime::Result<()> {
            Ok(())
        }
    }
    let mut graph = MemoryGraph::new();
    let (query, options) = (query("CREATE (n:D) RETURN n"), Options::default());
    let statement = Statement::new(&query, &options).unwrap();
    assert!(statement.writes());
    assert!(statement.write(&mut graph, &mut Refuses).is_err());
    // It is told of rows only after everything is kept.
    assert_eq!(rows(&run(&mut graph, "MATCH (n:D) RETURN count(*) AS n").unwrap()), ["1"]);
}

#[test]
fn what_writes_needs_a_graph_that_can_be_changed() {
    let (query, options) = (query("CREATE (n)"), Options::default());
    let graph = MemoryGraph::new();
    let error = worldstore_cypher_runtime::read(&query, &graph, &options).unwrap_err();
    assert_eq!(error.class().name(), "Unsupported");
}

#[test]
fn effects_are_those_of_the_state() {
    let mut graph = graph(GRAPH);
    let effects =
        |graph: &mut MemoryGraph, source: &str| execute(&query(source), graph, &Options::default()).unwrap().effects;
    assert_eq!(effects(&mut graph, "MATCH (n) SET n.x = n.x, n:A REMOVE n.nothing").labels_created, 0);
    let swapped = effects(&mut graph, "MATCH (b:B) REMOVE b:B SET b:D, b.x = 5");
    assert_eq!((swapped.labels_created, swapped.labels_deleted), (1, 1));
    assert_eq!((swapped.properties_created, swapped.properties_deleted), (1, 1));
    let gone = effects(&mut graph, "MATCH (n) DETACH DELETE n CREATE (m:New)-[:T]->(m) DETACH DELETE m");
    assert_eq!((gone.nodes_created, gone.nodes_deleted, gone.relationships_deleted), (0, 3, 2));
}
