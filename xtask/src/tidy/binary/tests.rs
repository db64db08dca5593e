//! Names that the binary may use and names that it may not.

use super::*;

#[test]
fn the_facade_passes_and_so_do_comments() {
    let text = "//! Not worldstore_core.\nuse worldstore::World;\nfn main() { print(\"worldstore_core\"); }\n";
    let below = "use worldstore_core::Key;\n";
    assert_eq!(check(&Sources::of(&[("src/bin/worldstore/main.rs", text), ("src/lib.rs", below)])), []);
}

#[test]
fn a_crate_below_is_found_also_in_a_macro() {
    let text = "use worldstore_core::Key;\nfn main() {\n    assert!(worldstore_lance::ok());\n}\n";
    let findings = check(&Sources::of(&[("src/bin/worldstore/main.rs", text), ("examples/demo.rs", text)]));
    let places: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(places, [1, 3, 1, 3]);
}
