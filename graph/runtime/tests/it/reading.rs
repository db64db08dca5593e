//! What a graph is asked for: no more than the query needs.

use std::cell::RefCell;
use std::sync::Arc;

use worldstore_core::Result;
use worldstore_cypher::ast::LabelExpr;
use worldstore_cypher_runtime::{
    Graph, MemoryGraph, Node, NodeId, Nodes, Options, Order, Relationship, RelationshipId, Relationships, Scan,
    Statement, Towards, Wanted, read,
};

use crate::support::{graph, query, rows};

/// Notes what it is asked for, and counts what is taken from it.
#[derive(Debug)]
struct Spy {
    graph: MemoryGraph,
    notes: RefCell<Vec<String>>,
    taken: Arc<std::sync::atomic::AtomicUsize>,
}

impl Spy {
    fn new(source: &str) -> Self {
        Self { graph: graph(source), notes: RefCell::default(), taken: Arc::default() }
    }

    fn note(&self, what: &str, scan: &Scan<'_>) {
        let labels: Vec<String> = scan.labels.iter().map(|labels| labels.to_string()).collect();
        let conditions = scan.conditions.iter().map(|one| format!("{} {:?} {}", one.property, one.compares, one.value));
        let conditions: Vec<String> = conditions.collect();
        let wanted = wanted(scan.wanted);
        let note = format!("{what} {} [{}] {wanted}", labels.join("&"), conditions.join(", "));
        self.notes.borrow_mut().push(note);
    }

    fn counted<'g, T: 'g>(&self, items: impl Iterator<Item = T> + 'g) -> Box<dyn Iterator<Item = T> + 'g> {
        let taken = Arc::clone(&self.taken);
        Box::new(items.inspect(move |_| _ = taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
    }
}

fn wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::All => "*".to_owned(),
        Wanted::Names(names) => format!("{names:?}"),
    }
}

impl Graph for Spy {
    fn nodes<'g>(&'g self, scan: &Scan<'_>) -> Result<Nodes<'g>> {
        self.note("nodes", scan);
        // More than fits is allowed.
        Ok(self.counted(self.graph.nodes(&Scan::ALL)?))
    }

    fn node(&self, id: NodeId, of: &Wanted) -> Result<Option<Arc<Node>>> {
        self.notes.borrow_mut().push(format!("node {}", wanted(of)));
        self.graph.node(id, of)
    }

    fn relationships<'g>(&'g self, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        self.note("relationships", scan);
        Ok(self.counted(self.graph.relationships(&Scan::ALL)?))
    }

    fn relationships_of<'g>(&'g self, node: NodeId, towards: Towards, scan: &Scan<'_>) -> Result<Relationships<'g>> {
        self.note(&format!("{towards:?}"), scan);
        Ok(self.counted(self.graph.relationships_of(node, towards, &Scan::ALL)?))
    }

    fn relationship(&self, id: RelationshipId, of: &Wanted) -> Result<Option<Arc<Relationship>>> {
        self.graph.relationship(id, of)
    }

    fn node_count(&self, labels: &[&LabelExpr]) -> Option<u64> {
        self.graph.node_count(labels)
    }

    fn relationship_count(&self, types: &[&LabelExpr]) -> Option<u64> {
        self.graph.relationship_count(types)
    }
}

const PEOPLE: &str = "CREATE (:City {name: 'here'}) WITH 1 AS one UNWIND range(1, 100) AS i \
                      CREATE (p:Person {i: i, name: toString(i), age: i % 50}) \
                      WITH collect(p) AS everyone UNWIND range(0, 98) AS k WITH everyone[k] AS a, everyone[k + 1] AS b \
                      CREATE (a)-[:KNOWS {since: a.i}]->(b)";

/// The rows, and what the graph was asked for, each thing once.
fn spied(spy: &Spy, source: &str, order: Order) -> (Vec<String>, Vec<String>) {
    let answer = read(&query(source), spy, &Options::default().with_order(order)).unwrap();
    let mut notes = spy.notes.take();
    notes.dedup();
    (rows(&answer), notes)
}

#[test]
fn labels_conditions_and_properties_are_handed_on() {
    let spy = Spy::new(PEOPLE);
    let source = "MATCH (p:Person {i: 7})-[k:KNOWS WHERE k.since > 3]->(q) WHERE p.age <= 2 * 10 RETURN q.name AS name";
    let (rows, notes) = spied(&spy, source, Order::Cheapest);
    assert_eq!(rows, ["'8'"]);
    let wanted = [
        "nodes Person [i Eq 7, age LtEq 20] [\"age\", \"i\"]",
        "Out KNOWS [since Gt 3] [\"since\"]",
        "node [\"name\"]",
    ];
    assert_eq!(notes, wanted);
}

#[test]
fn what_is_known_already_narrows_the_next_scan() {
    let spy = Spy::new(PEOPLE);
    let source = "MATCH (p:Person {i: 7}) MATCH (q:Person {age: p.age, name: p.name}) RETURN id(q) = id(p) AS same";
    let (rows, notes) = spied(&spy, source, Order::Cheapest);
    assert_eq!(rows, ["true"]);
    assert_eq!(notes.last().unwrap(), "nodes Person [age Eq 7, name Eq '7'] [\"age\", \"name\"]");
}

#[test]
fn the_smaller_side_comes_first() {
    let spy = Spy::new(PEOPLE);
    let (_, notes) = spied(&spy, "MATCH (p:Person), (c:City) WHERE p.name = c.name RETURN p", Order::Cheapest);
    assert!(notes[0].starts_with("nodes City"), "{notes:?}");
    let (_, notes) = spied(&spy, "MATCH (p:Person)-[r]->(q:Person {i: 4}) RETURN r", Order::Cheapest);
    assert!(notes[0].contains("[i Eq 4]") && notes[1].starts_with("In"), "{notes:?}");
}

#[test]
fn no_more_is_read_than_rows_are_asked_for() {
    let spy = Spy::new(PEOPLE);
    for (source, most) in [
        ("MATCH (p:Person) RETURN p.i AS i LIMIT 3", 4),
        ("MATCH (p:Person)-[:KNOWS]->(q) RETURN q.i AS i LIMIT 3", 8),
        ("MATCH (p:Person) WITH p LIMIT 1 MATCH (p)-[:KNOWS*1..]->(q) RETURN q.i AS i LIMIT 2", 5),
        ("RETURN EXISTS { (:Person) } AS any", 2),
        ("MATCH (c:Person {i: 1}) RETURN EXISTS { (c)-[:KNOWS*]->(x) WHERE x.i > 3 } AS any", 110),
    ] {
        spy.taken.store(0, std::sync::atomic::Ordering::Relaxed);
        let (_, notes) = spied(&spy, source, Order::Cheapest);
        let taken = spy.taken.load(std::sync::atomic::Ordering::Relaxed);
        assert!(taken <= most, "{source}: {taken} {notes:?}");
    }
}

#[test]
fn properties_are_wanted_whole_where_they_show() {
    let spy = Spy::new(PEOPLE);
    for (source, wanted) in [
        ("MATCH (p:City) RETURN p", "*"),
        ("MATCH (p:City) RETURN p.name AS a", "[\"name\"]"),
        ("MATCH (p:City) RETURN count(p) AS a", "[]"),
        ("MATCH (p:City) RETURN labels(p) AS a", "[]"),
        ("MATCH (p:City) RETURN keys(p) AS a", "*"),
        ("MATCH (p:City) RETURN p {.name} AS a", "*"),
        ("MATCH (p:City) RETURN *", "*"),
        ("MATCH (p:City) WITH p AS q RETURN q.name AS a", "*"),
        ("MATCH (p:City) WHERE p.size IS NULL RETURN 1 AS one ORDER BY p.name", "[\"name\", \"size\"]"),
        ("MATCH x = (p:City) RETURN x", "*"),
        ("MATCH (p:City) RETURN [n IN [1] WHERE p.a = n | p.b] AS a", "[\"a\", \"b\"]"),
        ("MATCH (p:City) RETURN EXISTS { (p)-->({k: p.c}) } AS a", "[\"c\"]"),
        ("MATCH (:City {name: 'here'}) RETURN 1 AS one", "[\"name\"]"),
    ] {
        let (_, notes) = spied(&spy, source, Order::Cheapest);
        assert!(notes[0].ends_with(&format!(" {wanted}")), "{source}: {notes:?}");
    }
}

#[test]
fn a_shortest_path_as_an_expression_needs_all_properties_of_what_is_on_it() {
    let options = Options::default();
    for (source, is_whole) in [
        ("MATCH (a {i: 1}), (b {i: 2}) RETURN nodes(shortestPath((a)-[*]->(b)))", true),
        ("MATCH (a {i: 1}), (b {i: 2}) RETURN [x IN [1] | allShortestPaths((a)-[:T*]->(b))]", true),
        ("MATCH (a {i: 1}), (b {i: 2}) RETURN EXISTS { (a)-->(b) }", false),
    ] {
        let query = query(source);
        let statement = Statement::new(&query, &options).unwrap();
        assert_eq!(matches!(statement.wanted(), Wanted::All), is_whole, "{source}");
    }
}
