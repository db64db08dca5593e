//! Manifests with and without what they need.

use super::*;

const WHOLE: &str = "[package]\nname = \"worldstore-core\"\ndescription = \"Bytes\"\n[lints]\nworkspace = true\n";

#[test]
fn a_whole_crate_passes() {
    let sources = Sources::of(&[("store-core/Cargo.toml", WHOLE), ("store-core/README.md", "# core\n")]);
    assert_eq!(check(&[Member::of("worldstore-core", "store-core", &[])], &sources), []);
}

#[test]
fn what_is_missing_is_found() {
    let sources = Sources::of(&[("Cargo.toml", "[package]\nname = \"worldstore\"\n")]);
    let findings = check(&[Member::of("worldstore", "", &[])], &sources);
    let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["no `[lints] workspace = true`", "no `description`", "no README.md"]);
}
