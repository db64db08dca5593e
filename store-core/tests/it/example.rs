//! The example of a backend of one's own conforms, and survives a torn end of its file.

use std::io::Write;

#[path = "../../examples/custom_backend.rs"]
#[allow(dead_code)]
mod custom_backend;

#[test]
fn the_example_conforms() {
    let folder = tempfile::tempdir().unwrap();
    custom_backend::show(&folder.path().join("objects.journal")).unwrap();
}

#[test]
fn the_example_cuts_off_a_torn_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objects.journal");
    let mut file = std::fs::File::create(&path).unwrap();
    // It promises more bytes than follow.
    file.write_all(&[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, b'k', b'b']).unwrap();
    custom_backend::show(&path).unwrap();
}
