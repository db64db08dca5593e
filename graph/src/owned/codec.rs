//! What statements have changed, as bytes: lines of JSON, of which the first says what follows.
//!
//! ```text
//! {"worldstore":"graph changes","version":1,"next_id":3,"nodes":2,"relationships":1}
//! {"node":0,"labels":["Car"],"properties":{"name":"a"}}
//! {"node":1}
//! {"relationship":2,"type":"FOLLOWS","start":0,"end":0,"properties":{}}
//! {"known":true,"label":"Lorry"}
//! {"known":false,"type":"MEETS"}
//! ```
//!
//! What has nothing but its id is gone. The lines about names, of which the first says how many there are unless it is none,
//! are about labels and types that nothing may have any more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher_runtime::{Changes, Node, NodeId, Relationship, RelationshipId};

use super::value::{properties_from_json, properties_to_json};

const NAME: &str = "graph changes";
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    worldstore: String,
    version: u32,
    next_id: u64,
    nodes: usize,
    relationships: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    names: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameLine {
    known: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeLine {
    node: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationshipLine {
    relationship: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
}

/// Changes as bytes.
///
/// # Errors
/// `Unsupported` for a value that cannot be stored.
pub(super) fn encode(changes: &Changes) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = Head {
        worldstore: NAME.to_owned(),
        version: VERSION,
        next_id: changes.next_id,
        nodes: changes.nodes.len(),
        relationships: changes.relationships.len(),
        names: changes.labels.len() + changes.types.len(),
    };
    write(&mut bytes, &head)?;
    for (id, now) in &changes.nodes {
        let properties = now.as_ref().map(|node| properties_to_json(&node.properties)).transpose()?;
        let labels = now.as_ref().map(|node| node.labels.iter().map(ToString::to_string).collect());
        write(&mut bytes, &NodeLine { node: id.0, labels, properties })?;
    }
    for (id, now) in &changes.relationships {
        let properties = now.as_ref().map(|one| properties_to_json(&one.properties)).transpose()?;
        let line = RelationshipLine {
            relationship: id.0,
            r#type: now.as_ref().map(|one| one.kind.to_string()),
            start: now.as_ref().map(|one| one.start.0),
            end: now.as_ref().map(|one| one.end.0),
            properties,
        };
        write(&mut bytes, &line)?;
    }
    for (label, known) in &changes.labels {
        write(&mut bytes, &NameLine { known: *known, label: Some(label.to_string()), r#type: None })?;
    }
    for (kind, known) in &changes.types {
        write(&mut bytes, &NameLine { known: *known, label: None, r#type: Some(kind.to_string()) })?;
    }
    Ok(bytes)
}

fn write(bytes: &mut Vec<u8>, line: &impl Serialize) -> Result<()> {
    let failed = |source| Error::unexpected("changes cannot be written").caused_by(source);
    serde_json::to_writer(&mut *bytes, line).map_err(failed)?;
    bytes.push(b'\n');
    Ok(())
}

/// Changes of bytes.
///
/// # Errors
/// `Corrupt`; `Unsupported` for those of a later version.
pub(super) fn decode(bytes: &[u8]) -> Result<Changes> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let head: Head = match lines.next() {
        Some((place, line)) => read(line, place)?,
        None => return Err(corrupt("changes are empty")),
    };
    if head.worldstore != NAME {
        return Err(corrupt("this is something else than changes").with("found", head.worldstore));
    }
    if head.version > VERSION {
        return Err(Error::unsupported("changes are of a later version").with("version", head.version));
    }
    let things = head.nodes.checked_add(head.relationships);
    let things = things.ok_or_else(|| corrupt("changes are not as many as they say"))?;
    let mut changes = Changes { next_id: head.next_id, ..Changes::default() };
    for (place, line) in lines {
        match place {
            _ if place <= head.nodes => changes.nodes.push(node(read(line, place)?)?),
            _ if place <= things => changes.relationships.push(relationship(read(line, place)?)?),
            _ => name(read(line, place)?, &mut changes)?,
        }
    }
    let names = changes.labels.len() + changes.types.len();
    let found = (changes.nodes.len(), changes.relationships.len(), names);
    match found == (head.nodes, head.relationships, head.names) {
        true => Ok(changes),
        false => Err(corrupt("changes are not as many as they say")),
    }
}

fn name(line: NameLine, changes: &mut Changes) -> Result<()> {
    match (line.label, line.r#type) {
        (Some(label), None) => changes.labels.push((label.into(), line.known)),
        (None, Some(kind)) => changes.types.push((kind.into(), line.known)),
        _ => return Err(corrupt("a name is either a label or a type")),
    }
    Ok(())
}

fn node(line: NodeLine) -> Result<(NodeId, Option<Arc<Node>>)> {
    let id = NodeId(line.node);
    let now = match (line.labels, line.properties) {
        (None, None) => None,
        (Some(labels), Some(properties)) => {
            let (labels, properties) =
                (labels.into_iter().map(Arc::from).collect(), properties_from_json(&properties)?);
            Some(Arc::new(Node { id, labels, properties, deleted: false }))
        }
        _ => return Err(corrupt("a part of a node is missing").with("node", id.0)),
    };
    Ok((id, now))
}

fn relationship(line: RelationshipLine) -> Result<(RelationshipId, Option<Arc<Relationship>>)> {
    let id = RelationshipId(line.relationship);
    let now = match (line.r#type, line.start, line.end, line.properties) {
        (None, None, None, None) => None,
        (Some(kind), Some(start), Some(end), Some(properties)) => {
            let (start, end, kind) = (NodeId(start), NodeId(end), Arc::from(kind));
            let properties = properties_from_json(&properties)?;
            Some(Arc::new(Relationship { id, kind, start, end, properties, deleted: false }))
        }
        _ => return Err(corrupt("a part of a relationship is missing").with("relationship", id.0)),
    };
    Ok((id, now))
}

fn read<'line, Line: Deserialize<'line>>(line: &'line [u8], place: usize) -> Result<Line> {
    serde_json::from_slice(line)
        .map_err(|source| corrupt("a change cannot be read").with("line", place + 1).caused_by(source))
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests;
