//! Which crate of ours may import which: the layers, from what the manifests say.

use super::finding::Finding;
use super::source::Member;

/// The layers, lowest first: a crate, and which of ours it may name under `[dependencies]`.
const LAYERS: &[(&str, &[&str])] = &[
    ("worldstore-core", &[]),
    ("worldstore-cypher", &[]),
    ("worldstore-cypher-runtime", &["worldstore-core", "worldstore-cypher"]),
    ("worldstore-async", &["worldstore-core"]),
    ("worldstore-archetype", &["worldstore-core"]),
    ("worldstore-cache", &["worldstore-core", "worldstore-async"]),
    ("worldstore-lance", &["worldstore-core", "worldstore-async"]),
    ("worldstore-db-common", &["worldstore-core"]),
    ("worldstore-iceberg", &["worldstore-core", "worldstore-async", "worldstore-db-common"]),
    ("worldstore-dataset", &["worldstore-core"]),
    ("worldstore-datafusion", &["worldstore-core", "worldstore-async"]),
    (
        "worldstore-graph",
        &[
            "worldstore-core",
            "worldstore-async",
            "worldstore-cypher",
            "worldstore-cypher-runtime",
            "worldstore-datafusion",
            "worldstore-zset",
        ],
    ),
    ("worldstore-ecs", &["worldstore-core", "worldstore-async", "worldstore-ecs-derive", "worldstore-db-common"]),
    ("worldstore-ecs-derive", &[]),
    (
        "worldstore-bench",
        &["worldstore", "worldstore-core", "worldstore-async", "worldstore-ecs", "worldstore-graph", "worldstore-zset"],
    ),
    ("worldstore-bevy", &["worldstore"]),
    ("worldstore-fuzz", &["worldstore-core", "worldstore-async", "worldstore-cypher", "worldstore-graph"]),
    ("xtask", &[]),
];

/// Adapters stand side by side, each for one system.
const ADAPTER: &[&str] = &["worldstore-core", "worldstore-async", "worldstore-db-common"];

/// Finds imports against the layers, and crates that have no place in them.
pub fn check(members: &[Member]) -> Vec<Finding> {
    members.iter().flat_map(|member| check_member(member, members)).collect()
}

fn check_member(member: &Member, members: &[Member]) -> Vec<Finding> {
    // The facade puts all together.
    if member.folder.is_empty() {
        return Vec::new();
    }
    let Some(allowed) = allowed(member) else {
        let message = format!("{} has no place in the layers: give it one in xtask/src/tidy/imports.rs", member.name);
        return vec![Finding::new("imports", member.manifest(), 0, message)];
    };
    let ours = member.imports.iter().filter(|import| members.iter().any(|other| other.name == **import));
    let wrong = ours.filter(|import| !allowed.contains(&import.as_str()));
    wrong.map(|import| finding(member, import, allowed)).collect()
}

fn allowed(member: &Member) -> Option<&'static [&'static str]> {
    let layer = LAYERS.iter().find(|(name, _)| *name == member.name).map(|(_, allowed)| *allowed);
    layer.or(member.folder.starts_with("adapters/").then_some(ADAPTER))
}

fn finding(member: &Member, import: &str, allowed: &[&str]) -> Finding {
    let allowed = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
    let message = format!("{} imports {import}; it may import {allowed}", member.name);
    Finding::new("imports", member.manifest(), 0, message)
}

#[cfg(test)]
mod tests;
