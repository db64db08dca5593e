//! The graph in memory: reads by label and type, statements that are undone whole, and what they changed.

use std::sync::Arc;

use super::{Changes, MemoryGraph};
use crate::graph::{Compares, Condition, EntityId, Graph, GraphMut, Scan, SideEffects, Towards, Wanted};
use crate::value::{Map, NodeId, Value};

fn map(entries: &[(&str, i64)]) -> Map {
    entries.iter().map(|(name, value)| (Arc::from(*name), Value::Int(*value))).collect()
}

fn labels(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

/// `(:A:B {x: 1})-[:T]->(:B)`, and a loop at the second.
fn sample() -> (MemoryGraph, [NodeId; 2]) {
    let mut graph = MemoryGraph::new();
    graph.begin().unwrap();
    let first = graph.create_node(labels(&["A", "B"]), map(&[("x", 1)])).unwrap();
    let second = graph.create_node(labels(&["B"]), Map::default()).unwrap();
    graph.create_relationship("T".into(), first, second, Map::default()).unwrap();
    graph.create_relationship("T".into(), second, second, Map::default()).unwrap();
    graph.commit().unwrap();
    graph.index_property("x");
    (graph, [first, second])
}

/// The nodes with this `x`.
fn by_x(graph: &MemoryGraph, value: i64) -> Vec<NodeId> {
    let condition = Condition { property: "x".into(), compares: Compares::Eq, value: Value::Int(value) };
    let conditions = [condition];
    let scan = Scan::new(&[], &conditions, &Wanted::All);
    graph.nodes(&scan).unwrap().map(|node| node.unwrap().id).collect()
}

/// Everything there is, as text.
fn dump(graph: &MemoryGraph) -> String {
    let nodes: Vec<_> = graph.nodes(&Scan::ALL).unwrap().map(|node| format!("{:?}", node.unwrap())).collect();
    let ends: Vec<_> = graph.relationships(&Scan::ALL).unwrap().map(|one| format!("{:?}", one.unwrap())).collect();
    let mut labels: Vec<_> = graph.labels.iter().filter(|(_, nodes)| !nodes.is_empty()).collect();
    labels.sort();
    let index: Vec<_> = (0..4).map(|value| by_x(graph, value)).collect();
    let attached: Vec<_> = graph.nodes.iter().map(|(id, entry)| (id, &entry.out, &entry.into)).collect();
    format!("{nodes:?} {ends:?} {labels:?} {attached:?} {index:?}")
}

#[test]
fn loops_are_given_once() {
    let (graph, [first, second]) = sample();
    let count = |node, towards| graph.relationships_of(node, towards, &Scan::ALL).unwrap().count();
    assert_eq!([Towards::Out, Towards::In, Towards::Any].map(|towards| count(first, towards)), [1, 0, 1]);
    assert_eq!([Towards::Out, Towards::In, Towards::Any].map(|towards| count(second, towards)), [1, 2, 2]);
}

#[test]
fn a_statement_is_undone_whole() {
    let (mut graph, [first, second]) = sample();
    let before = dump(&graph);
    graph.begin().unwrap();
    let ids: Vec<_> = graph.relationships(&Scan::ALL).unwrap().map(|one| one.unwrap().id).collect();
    ids.into_iter().for_each(|id| graph.delete_relationship(id).unwrap());
    graph.delete_node(first).unwrap();
    graph.replace_labels(second, labels(&["C"])).unwrap();
    graph.replace_properties(EntityId::Node(second), map(&[("y", 2)])).unwrap();
    let third = graph.create_node(labels(&["A"]), Map::default()).unwrap();
    graph.create_relationship("U".into(), third, second, Map::default()).unwrap();
    assert_ne!(dump(&graph), before);
    graph.rollback().unwrap();
    assert_eq!(dump(&graph), before);
    assert!(graph.node(third, &Wanted::All).unwrap().is_none());
}

#[test]
fn effects_compare_states() {
    let (mut graph, [first, second]) = sample();
    graph.begin().unwrap();
    graph.replace_properties(EntityId::Node(first), map(&[("x", 2), ("y", 1)])).unwrap();
    graph.replace_properties(EntityId::Node(second), map(&[("z", 1)])).unwrap();
    graph.replace_properties(EntityId::Node(second), Map::default()).unwrap();
    graph.replace_labels(first, labels(&["B", "C"])).unwrap();
    let passing = graph.create_node(labels(&["D"]), map(&[("x", 1)])).unwrap();
    graph.delete_node(passing).unwrap();
    let wanted = SideEffects {
        properties_created: 2,
        properties_deleted: 1,
        labels_created: 1,
        labels_deleted: 1,
        ..SideEffects::default()
    };
    assert_eq!(graph.commit().unwrap(), wanted);
}

#[test]
fn a_connected_node_stays() {
    let (mut graph, [first, _]) = sample();
    graph.begin().unwrap();
    let error = graph.delete_node(first).unwrap_err();
    assert_eq!(error.kind(), worldstore_core::ErrorKind::Conflict);
    graph.rollback().unwrap();
}

#[test]
fn changes_need_a_statement() {
    let mut graph = MemoryGraph::new();
    assert!(graph.create_node(Vec::new(), Map::default()).is_err());
    graph.begin().unwrap();
    assert!(graph.begin().is_err());
}

#[test]
fn an_index_knows_what_is_there_now() {
    let (mut graph, [first, second]) = sample();
    graph.begin().unwrap();
    graph.replace_properties(EntityId::Node(first), map(&[("x", 2), ("y", 1)])).unwrap();
    graph.replace_properties(EntityId::Node(second), map(&[("x", 2)])).unwrap();
    let third = graph.create_node(Vec::new(), map(&[("x", 1)])).unwrap();
    assert_eq!((by_x(&graph, 1), by_x(&graph, 2), by_x(&graph, 3)), (vec![third], vec![first, second], vec![]));
    graph.delete_node(third).unwrap();
    graph.replace_properties(EntityId::Node(second), Map::default()).unwrap();
    assert_eq!((by_x(&graph, 1), by_x(&graph, 2)), (vec![], vec![first]));
    graph.rollback().unwrap();
    assert_eq!((by_x(&graph, 1), by_x(&graph, 2)), (vec![first], vec![]));
    let plain = MemoryGraph::new();
    assert_eq!(by_x(&plain, 1), []);
}

/// Everything of a graph, in a form that compares.
fn told(graph: &MemoryGraph) -> Vec<String> {
    let whole = graph.whole();
    let nodes = whole.nodes.iter().map(|(id, node)| format!("{id:?} {:?}", node.as_ref().map(|node| &node.labels)));
    let relationships = whole.relationships.iter().map(|(id, one)| format!("{id:?} {one:?}"));
    nodes.chain(relationships).chain([whole.next_id.to_string()]).collect()
}

#[test]
fn changes_make_the_same_graph_elsewhere() {
    let (mut here, mut there) = (MemoryGraph::new(), MemoryGraph::new());
    assert_eq!(here.changes().unwrap_err().kind(), worldstore_core::ErrorKind::Invalid);
    here.begin().unwrap();
    let one = here.create_node(vec!["A".into()], Map::default()).unwrap();
    let other = here.create_node(vec!["B".into()], Map::default()).unwrap();
    let gone = here.create_node(vec!["C".into()], Map::default()).unwrap();
    here.delete_node(gone).unwrap();
    let kept = here.create_relationship("R".into(), one, other, Map::default()).unwrap();
    let changes = here.changes().unwrap();
    assert_eq!((changes.nodes.len(), changes.relationships.len()), (2, 1), "what came and went was never there");
    let _ = here.commit().unwrap();
    there.apply(changes).unwrap();
    assert_eq!(told(&there), told(&here));

    here.begin().unwrap();
    here.delete_relationship(kept).unwrap();
    here.delete_node(one).unwrap();
    here.replace_labels(other, vec!["D".into()]).unwrap();
    let changes = here.changes().unwrap();
    let _ = here.commit().unwrap();
    there.apply(changes.clone()).unwrap();
    assert_eq!(told(&there), told(&here));
    let mut fresh = MemoryGraph::new();
    fresh.apply(here.whole()).unwrap();
    assert_eq!(told(&fresh), told(&here));
}

#[test]
fn changes_of_another_graph_are_refused() {
    let mut here = MemoryGraph::new();
    here.begin().unwrap();
    let one = here.create_node(Vec::new(), Map::default()).unwrap();
    let _ = here.create_relationship("R".into(), one, one, Map::default()).unwrap();
    let mut changes = here.changes().unwrap();
    let _ = here.commit().unwrap();
    changes.nodes.clear();
    assert_eq!(MemoryGraph::new().apply(changes).unwrap_err().kind(), worldstore_core::ErrorKind::Corrupt);
    here.begin().unwrap();
    assert_eq!(here.apply(MemoryGraph::new().whole()).unwrap_err().kind(), worldstore_core::ErrorKind::Conflict);
}

#[test]
fn names_are_known_until_they_are_forgotten() {
    let names = |graph: &MemoryGraph| {
        let all: Vec<_> = graph.known_labels().chain(graph.known_types()).map(ToString::to_string).collect();
        all.join(" ")
    };
    let (mut graph, [first, second]) = sample();
    graph.begin().unwrap();
    graph.create_node(labels(&["Undone"]), Map::default()).unwrap();
    graph.rollback().unwrap();
    assert_eq!(names(&graph), "A B T");
    graph.begin().unwrap();
    let all: Vec<_> = graph.relationships(&Scan::ALL).unwrap().map(|one| one.unwrap().id).collect();
    all.into_iter().for_each(|id| graph.delete_relationship(id).unwrap());
    [first, second].into_iter().for_each(|id| graph.delete_node(id).unwrap());
    let passing = graph.create_node(labels(&["Passing"]), Map::default()).unwrap();
    graph.delete_node(passing).unwrap();
    graph.commit().unwrap();
    assert_eq!(names(&graph), "A B T");
    let mut again = MemoryGraph::new();
    again.apply(graph.whole()).unwrap();
    assert_eq!(names(&again), "A B T");
    again
        .apply(Changes { labels: vec![("B".into(), false)], types: vec![("T".into(), false)], ..Changes::default() })
        .unwrap();
    assert_eq!(names(&again), "A");
}
