//! First lines of files.

use super::*;

#[test]
fn only_files_of_rust_need_a_header() {
    assert_eq!(check(&Sources::of(&[("a.rs", "//! Holds a.\n"), ("b.py", "import os\n")])), []);
}

#[test]
fn a_file_without_header_is_found() {
    let findings = check(&Sources::of(&[("a.rs", "use std::fmt;\n"), ("b.rs", "//!\n"), ("c.rs", "")]));
    let paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(paths, ["a.rs", "b.rs", "c.rs"]);
}
