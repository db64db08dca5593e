//! Versions in files.

use super::*;

const OLD: Version = Version(0, 1, 0);
const NEW: Version = Version(0, 2, 0);

#[test]
fn packages_and_our_requirements_move_and_others_stay() {
    let text = "[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace.dependencies]\n\
                worldstore-core = { path = \"store-core\", version = \"0.1.0\" }\nother = { version = \"0.1.0\" }\n\
                [dependencies.more]\nversion = \"0.1.0\"\n";
    let expected = "[workspace.package]\nversion = \"0.2.0\"\nedition = \"2024\"\n\n[workspace.dependencies]\n\
                    worldstore-core = { path = \"store-core\", version = \"0.2.0\" }\nother = { version = \"0.1.0\" }\n\
                    [dependencies.more]\nversion = \"0.1.0\"\n";
    assert_eq!(manifest(text, OLD, NEW), expected);
}

#[test]
fn a_package_has_its_own_version_or_the_one_of_all() {
    let table = |text: &str| -> Table { text.parse().unwrap() };
    let root = table("[workspace.package]\nversion = \"0.1.0\"\n[package]\nversion.workspace = true\n");
    assert_eq!(version(&root, &root).as_deref(), Some("0.1.0"));
    assert_eq!(version(&table("[package]\nversion = \"0.2.0\"\n"), &root).as_deref(), Some("0.2.0"));
    assert_eq!(version(&table("[package]\n"), &root), None);
}

#[test]
fn a_lock_moves_our_entries_alone() {
    let entry = |name: &str, version: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}")
    };
    let source = "source = \"registry\"\n";
    let file = |version: &str| {
        let blocks = [
            entry("worldstore", version, ""),
            entry("worldstore-core", version, "dependencies = [\n \"bytes\",\n]\n"),
            entry("worldstore-corel", "0.1.0", source),
            entry("bytes", "0.1.0", source),
        ];
        blocks.map(|block| block.trim_end().to_owned()).join("\n\n") + "\n"
    };
    let members = ["worldstore".to_owned(), "worldstore-core".to_owned()];
    assert_eq!(lock(&file("0.1.0"), &members, OLD, NEW), file("0.2.0"));
}

#[test]
fn pages_say_what_to_require() {
    let text =
        "```toml\nworldstore = { version = \"0.1\", features = [] }\nworldstore-core = \"0.1\"\nother = \"0.1\"\n```\n";
    let expected =
        "```toml\nworldstore = { version = \"0.2\", features = [] }\nworldstore-core = \"0.2\"\nother = \"0.1\"\n```\n";
    assert_eq!(page(text, OLD, NEW), expected);
    assert_eq!(page(text, OLD, Version(0, 1, 1)), text);
}

#[test]
fn files_of_a_tree_are_changed_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), "[package]\nversion = \"0.1.0\"\n").unwrap();
    std::fs::write(folder.path().join("CHANGELOG.md"), "worldstore = \"0.1\"\n").unwrap();
    let files = ["CHANGELOG.md".to_owned(), "Cargo.toml".to_owned()];
    assert_eq!(set(folder.path(), &files, &[], OLD, NEW).unwrap(), ["Cargo.toml"]);
    assert!(set(folder.path(), &files, &[], OLD, NEW).unwrap().is_empty());
    let text = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    assert_eq!(text, "[package]\nversion = \"0.2.0\"\n");
}
