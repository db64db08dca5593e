//! Tests of what is unpacked.

use super::*;

#[test]
fn packages_are_unpacked_but_for_the_c_library() {
    assert!(is_wanted("libc-ares2_1.18.1-3_amd64.deb"));
    assert!(is_wanted("redis-server_5%3a7.0.15-1_amd64.deb"));
    assert!(!is_wanted("libc6_2.36-9_amd64.deb"));
    assert!(!is_wanted("lock"));
    assert!(!is_wanted("partial"));
}

#[test]
fn a_renewed_folder_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    std::fs::create_dir_all(made.join("left/over")).unwrap();
    renew(&made).unwrap();
    assert_eq!(std::fs::read_dir(&made).unwrap().count(), 0);
}
