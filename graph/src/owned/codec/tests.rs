//! Changes come back as they were, and damage is told.

use worldstore_core::ErrorKind;
use worldstore_cypher_runtime::{Changes, GraphMut, Map, MemoryGraph, Value};

use super::{decode, encode};

fn sample() -> Changes {
    let mut graph = MemoryGraph::new();
    graph.begin().unwrap();
    let properties = Map::new([("name".into(), Value::from("a")), ("at".into(), Value::Float(0.5))].into());
    let one = graph.create_node(vec!["Car".into(), "Red".into()], properties.clone()).unwrap();
    let other = graph.create_node(Vec::new(), Map::default()).unwrap();
    let _ = graph.create_relationship("FOLLOWS".into(), one, other, properties).unwrap();
    let _ = graph.commit().unwrap();
    let mut changes = graph.whole();
    changes.nodes.push((worldstore_cypher_runtime::NodeId(7), None));
    changes.relationships.push((worldstore_cypher_runtime::RelationshipId(8), None));
    changes.labels.push(("Gone".into(), false));
    changes
}

#[test]
fn changes_come_back() {
    let changes = sample();
    let bytes = encode(&changes).unwrap();
    let back = decode(&bytes).unwrap();
    assert_eq!(encode(&back).unwrap(), bytes);
    assert_eq!((back.nodes.len(), back.relationships.len(), back.next_id), (3, 2, changes.next_id));
    let properties = |changes: &Changes| format!("{:?}", changes.nodes[0].1.as_ref().unwrap().properties);
    assert_eq!(properties(&back), properties(&changes));
    assert_eq!((&back.labels, &back.types), (&changes.labels, &changes.types));
    assert!(back.nodes[2].1.is_none() && back.relationships[1].1.is_none());
}

/// A file as it was written stays readable.
#[test]
fn the_first_version_is_read() {
    let stored = "{\"worldstore\":\"graph changes\",\"version\":1,\"next_id\":3,\"nodes\":2,\"relationships\":1}
{\"node\":0,\"labels\":[\"Car\"],\"properties\":{\"at\":{\"float\":\"3fe0000000000000\"},\"name\":\"a\"}}
{\"node\":1}
{\"relationship\":2,\"type\":\"FOLLOWS\",\"start\":0,\"end\":0,\"properties\":{}}
";
    let read = decode(stored.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(encode(&read).unwrap()).unwrap(), stored);
    assert_eq!(read.nodes[0].1.as_ref().unwrap().properties.get("at"), Some(&Value::Float(0.5)));
}

#[test]
fn damage_is_told() {
    let text = String::from_utf8(encode(&sample()).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (wrong, kind) in [
        (String::new(), ErrorKind::Corrupt),
        (lines[1..].join("\n"), ErrorKind::Corrupt),
        (lines[..lines.len() - 1].join("\n"), ErrorKind::Corrupt),
        (text.replace("\"labels\":[\"Car\",\"Red\"],", ""), ErrorKind::Corrupt),
        (text.replace("\"start\":0,", ""), ErrorKind::Corrupt),
        (text.replace("\"node\":1,", "\"nod\":1,"), ErrorKind::Corrupt),
        (text.replace("\"names\":4", "\"names\":3"), ErrorKind::Corrupt),
        (text.replace("\"relationships\":2", &format!("\"relationships\":{}", usize::MAX)), ErrorKind::Corrupt),
        (text.replace("\"label\":\"Gone\"", "\"label\":\"Gone\",\"type\":\"T\""), ErrorKind::Corrupt),
        (text.replace("graph changes", "other changes"), ErrorKind::Corrupt),
        (text.replace("\"version\":1", "\"version\":2"), ErrorKind::Unsupported),
    ] {
        assert_ne!(wrong, text);
        assert_eq!(decode(wrong.as_bytes()).unwrap_err().kind(), kind, "{wrong}");
    }
}
