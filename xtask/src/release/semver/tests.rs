//! Crates that the last release had, and one that it had not.

use super::*;
use crate::release::git::tests::repository;
use crate::release::version::Version;
use crate::workspace::Workspace;

#[test]
fn crates_of_the_last_release_are_found_wherever_they_lay() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = [
        ("Cargo.toml", "[package]\nname = \"a\"\n[workspace]\n"),
        ("old/place/Cargo.toml", "[package]\nname = \"b\"\n"),
        ("above/Cargo.toml", "[workspace]\n"),
    ];
    for (path, text) in manifests {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut found = BTreeSet::new();
    names(folder.path(), &mut found).unwrap();
    assert_eq!(found, ["a", "b"].map(str::to_owned).into());
}

#[test]
fn a_release_of_new_crates_alone_breaks_nobody() {
    let repository = repository();
    git::tag(repository.path(), Version(0, 1, 0), "").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("last")).unwrap();
    let mut workspace = Workspace::find().unwrap();
    workspace.root = repository.path().to_owned();
    let release = Release {
        workspace: &workspace,
        tree: repository.path().to_owned(),
        folder: folder.path().to_owned(),
        from: Version(0, 1, 0),
        to: Version(0, 2, 0),
        order: vec!["worldstore-new".to_owned()],
    };
    // Without a crate to compare, no program is asked for.
    check(&release, Missing::Fails).unwrap();
}
