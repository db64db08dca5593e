//! Imports along the layers and against them.

use super::*;

fn members(graph: &[&str], sled: &[&str]) -> Vec<Member> {
    vec![
        Member::of("worldstore-core", "store-core", &["bytes"]),
        Member::of("worldstore-cache", "store-cache", &["worldstore-core", "tokio"]),
        Member::of("worldstore-graph", "graph", graph),
        Member::of("worldstore-sled", "adapters/sled", sled),
        Member::of("worldstore", "", &["worldstore-core", "worldstore-cache", "worldstore-graph"]),
    ]
}

#[test]
fn layers_are_kept() {
    assert_eq!(check(&members(&["worldstore-core", "datafusion"], &["worldstore-core", "sled"])), []);
}

#[test]
fn an_import_against_the_layers_is_found() {
    let findings = check(&members(&["worldstore-cache"], &["worldstore-graph"]));
    let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].starts_with("worldstore-graph imports worldstore-cache; it may import worldstore-core"));
    assert!(messages[1].starts_with("worldstore-sled imports worldstore-graph"));
}

#[test]
fn a_crate_outside_the_layers_is_found() {
    let findings = check(&[Member::of("worldstore-other", "other", &[])]);
    assert!(findings[0].message.contains("has no place in the layers"), "{findings:?}");
}
