//! Manifests with and without what they need.

use super::*;

const WHOLE: &str = "[package]\nname = \"worldstore-core\"\ndescription = \"Bytes\"\ninclude.workspace = true\n\
                     [package.metadata.docs.rs]\nall-features = true\n[lints]\nworkspace = true\n";

const README: &str = "# core\n\n## Through the facade\n\n## On its own\n";

fn messages(member: Member, files: &[(&str, &str)]) -> Vec<String> {
    check(&[member], &Sources::of(files)).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_whole_crate_passes() {
    let files = [
        ("store-core/Cargo.toml", WHOLE),
        ("store-core/README.md", README),
        ("store-core/LICENSE-APACHE", ""),
        ("store-core/LICENSE-MIT", ""),
        ("store-core/examples/objects.rs", ""),
    ];
    assert_eq!(messages(Member::of("worldstore-core", "store-core", &[]), &files), [""; 0]);
}

#[test]
fn what_is_missing_is_found() {
    let found = messages(Member::of("worldstore", "", &[]), &[("Cargo.toml", "[package]\nname = \"worldstore\"\n")]);
    let expected = [
        "no `[lints] workspace = true`",
        "no `description`",
        "no README.md",
        "no `[package.metadata.docs.rs] all-features = true`",
        "no `include.workspace = true`: tests and data would be published",
        "no LICENSE-APACHE, a link to that of the root",
        "no LICENSE-MIT, a link to that of the root",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_crate_that_does_not_say_how_it_is_used_alone_is_found() {
    let files = [
        ("store-core/Cargo.toml", WHOLE),
        ("store-core/README.md", "# core\n\n## On its own\n"),
        ("store-core/LICENSE-APACHE", ""),
        ("store-core/LICENSE-MIT", ""),
    ];
    let found = messages(Member::of("worldstore-core", "store-core", &[]), &files);
    assert_eq!(found, ["store-core/README.md has no `## Through the facade`"]);
}

#[test]
fn what_is_not_published_needs_less() {
    let manifest = "[package]\nname = \"xtask\"\ndescription = \"Tasks\"\npublish = false\n[lints]\nworkspace = true\n";
    let files = [("xtask/Cargo.toml", manifest), ("xtask/README.md", "# xtask\n")];
    assert_eq!(messages(Member::of("xtask", "xtask", &[]), &files), [""; 0]);
}
