//! What cargo is told of.

use super::is_of_our_package;

#[test]
fn builds_do_not_see_which_package_started_them() {
    for variable in
        ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]
    {
        assert!(is_of_our_package(variable), "{variable}");
    }
    for variable in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "CARGO_BUILD_JOBS", "PATH"] {
        assert!(!is_of_our_package(variable), "{variable}");
    }
}
