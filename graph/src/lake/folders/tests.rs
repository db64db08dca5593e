//! Times of directories that a file system really gives.

use std::fs;

use super::*;

#[test]
fn a_name_that_appears_or_vanishes_is_seen() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("t/k=1/x")).unwrap();
    fs::create_dir_all(root.path().join("t/k=2")).unwrap();
    let times = LocalFolders::new(root.path());
    let prefix = Prefix::new("t").unwrap();
    let state = times.folders(&prefix).unwrap();
    let mut names: Vec<&str> = state.folders.iter().map(|(folder, _)| folder.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["t", "t/k=1", "t/k=1/x", "t/k=2"], "empty ones too");
    assert!(!state.is_settled, "a folder that has just changed may change again within one tick of its clock");
    assert!(!times.is_same(&state).unwrap());

    let old = SystemTime::now() - Duration::from_secs(60);
    let set = |folder: &str| fs::File::open(root.path().join(folder)).unwrap().set_modified(old).unwrap();
    ["t", "t/k=1", "t/k=1/x", "t/k=2"].into_iter().for_each(set);
    let state = times.folders(&prefix).unwrap();
    assert!(state.is_settled && times.is_same(&state).unwrap());
    fs::write(root.path().join("t/k=2/f.parquet"), "f").unwrap();
    assert!(!times.is_same(&state).unwrap());
    set("t/k=2");
    assert!(times.is_same(&state).unwrap());
    fs::remove_dir(root.path().join("t/k=1/x")).unwrap();
    set("t/k=1");
    assert!(!times.is_same(&state).unwrap(), "it is gone");
    assert_eq!(times.folders(&Prefix::new("none").unwrap()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("t")).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("t/k=1")).unwrap();
    let error = LocalFolders::new(root.path()).folders(&Prefix::new("t").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
