//! Names and folders of crates.

use super::*;

#[test]
fn names_follow_folders() {
    let right = [
        Member::of("worldstore", "", &[]),
        Member::of("worldstore-core", "store-core", &[]),
        Member::of("worldstore-graph", "graph", &[]),
        Member::of("worldstore-cypher", "graph/cypher", &[]),
        Member::of("worldstore-cypher-runtime", "graph/runtime", &[]),
        Member::of("worldstore-object-store", "adapters/object-store", &[]),
        Member::of("xtask", "xtask", &[]),
    ];
    assert_eq!(check(&right), []);
}

#[test]
fn another_name_is_found() {
    let findings = check(&[Member::of("worldstore-store-core", "store-core", &[])]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "store-core/Cargo.toml");
    assert!(findings[0].message.contains("asks for worldstore-core"), "{}", findings[0]);
}
