//! Tests of versions, and of packages that are linked elsewhere.

use super::*;

#[test]
fn versions_are_found_in_what_programs_say() {
    assert_eq!(numbers("OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17"), [9, 2]);
    assert_eq!(numbers("v20.20.2\n"), [20, 20, 2]);
    assert_eq!(numbers("15"), [15]);
    assert_eq!(numbers("unknown option -- V"), [] as [u32; 0]);
}

#[test]
fn the_newest_version_is_not_the_last_in_the_alphabet() {
    let versions = ["9.6", "15", "10", "9.10"].map(str::to_owned).to_vec();
    assert_eq!(newest_first(versions), ["15", "10", "9.10", "9.6"]);
}

#[test]
fn programs_of_packages_are_found_in_their_folders_only() {
    let root = tempfile::tempdir().unwrap();
    let bin = root.path().join("usr/lib/postgresql/15/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(root.path().join("usr/lib/x")).unwrap();
    std::fs::write(bin.join("initdb"), "").unwrap();
    let program = Program::unpacked(root.path().to_owned(), "initdb").unwrap();
    assert_eq!(program.path, bin.join("initdb"));
    let libraries = root.path().join("usr/lib").to_string_lossy().into_owned();
    assert_eq!(program.environment(), [("LD_LIBRARY_PATH".to_owned(), libraries)]);
    assert!(Program::unpacked(root.path().to_owned(), "sh").is_err(), "sh is in PATH, but not among the packages");
}

#[test]
fn a_linked_tree_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir_all(from.join("bin")).unwrap();
    std::fs::write(from.join("bin/program"), "what it does").unwrap();
    std::os::unix::fs::symlink("program", from.join("bin/other")).unwrap();
    link_tree(&from, &to).unwrap();
    assert_eq!(std::fs::read_to_string(to.join("bin/other")).unwrap(), "what it does");
    assert_eq!(std::fs::read_link(to.join("bin/other")).unwrap(), Path::new("program"));
}
