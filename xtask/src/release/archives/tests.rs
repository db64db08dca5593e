//! Archives with what they need, and without.

use super::*;

fn archive(folder: &Path, manifest: &str, files: &[&str]) -> Archive {
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    files.iter().for_each(|file| std::fs::write(folder.join(file), "").unwrap());
    Archive { name: "worldstore-redb".to_owned(), folder: folder.to_owned(), bytes: 2000 }
}

const WHOLE: [&str; 4] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "src"];

fn ours() -> BTreeSet<String> {
    ["worldstore-core", "worldstore-redb"].map(str::to_owned).into()
}

#[test]
fn a_whole_archive_passes() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[package]\nversion = \"0.2.0\"\n[dependencies.worldstore-core]\nversion = \"0.2.0\"\n[dependencies.redb]\n\
                    version = \"4\"\n";
    let archive = archive(folder.path(), manifest, &WHOLE);
    assert!(inspect(&archive, &ours(), Version(0, 2, 0)).unwrap().is_empty());
}

#[test]
fn what_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        "[package]\nversion = \"0.2.0\"\n[dependencies]\nworldstore-core = \"0.1.0\"\nredb = { path = \"../redb\" }\n";
    let mut archive = archive(folder.path(), manifest, &["LICENSE-APACHE", "LICENSE-MIT", "src", "data"]);
    archive.bytes = BYTES_MAX + 1;
    let wrong = inspect(&archive, &ours(), Version(0, 2, 0)).unwrap();
    let expected = [
        "README.md is missing",
        "data is in it; `include` in the manifest says what should be",
        "it has 1024 KiB, more than 1024",
        "redb is not taken from the registry",
        "worldstore-core is required in another version than 0.2.0",
    ];
    assert_eq!(wrong, expected);
    let wrong = requirements(&Table::new(), &ours(), Version(0, 2, 0));
    assert_eq!(wrong, ["its version is missing, not 0.2.0"]);
}

#[test]
fn archives_of_an_earlier_try_are_not_taken_for_new() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["worldstore-redb-0.2.0.crate", "worldstore-redb-0.1.0.crate", "other-0.2.0.crate"];
    files.iter().for_each(|file| std::fs::write(folder.path().join(file), "").unwrap());
    let names = ["worldstore-core", "worldstore-redb"].map(str::to_owned);
    remove_packed(folder.path(), &names, Version(0, 2, 0)).unwrap();
    assert_eq!(files.map(|file| folder.path().join(file).exists()), [false, true, true]);
}
