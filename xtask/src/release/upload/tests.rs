//! Answers of the registry.

use super::*;

#[test]
fn what_the_registry_says_is_understood() {
    let there = "error: crate worldstore-core@0.2.0 already exists on crates.io index\n";
    let uploaded = "error: failed to publish worldstore-core v0.2.0 to registry at https://crates.io\n\nCaused by:\n  the remote \
                    server responded with an error (status 400 Bad Request): crate version `0.2.0` is already uploaded\n";
    let many = "error: failed to publish worldstore-core v0.2.0 to registry at https://crates.io\n\nCaused by:\n  the remote server \
                responded with an error (status 429 Too Many Requests): You have published too many new crates in a short \
                period of time.\n";
    let other = "error: failed to verify package tarball\n";
    let refusals = [there, uploaded, many, other].map(Refusal::of);
    assert_eq!(refusals, [Refusal::There, Refusal::There, Refusal::TooMany, Refusal::Other]);
}

#[test]
fn a_lock_file_tells_the_sum_of_one_version() {
    let text = "version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\nchecksum = \"old\"\n[[package]]\nname = \"a\"\n\
                version = \"0.2.0\"\nchecksum = \"new\"\n[[package]]\nname = \"there\"\nversion = \"0.0.0\"\n";
    let lock: Table = text.parse().unwrap();
    assert_eq!(locked_sum(&lock, "a", Version(0, 2, 0)).as_deref(), Some("new"));
    assert_eq!(locked_sum(&lock, "a", Version(0, 3, 0)), None);
    assert_eq!(locked_sum(&lock, "there", Version(0, 0, 0)), None);
}

#[test]
fn the_sum_of_a_file_is_the_one_that_sha256sum_tells() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    std::fs::write(&file, "abc").unwrap();
    assert_eq!(sum(&file).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
