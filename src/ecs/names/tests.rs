//! Names are kept where tables take them, and told apart where they do not.

use super::{key, stored_name};

#[test]
fn names_are_those_of_the_components_where_tables_take_them() {
    assert_eq!(stored_name("position"), "position");
    assert_eq!(stored_name("GridCell_2"), "gridcell_2");
    let odd = ["a.b", "a-b", "a:b", "a__b", "a_", "A.b"].map(stored_name);
    for (place, name) in odd.iter().enumerate() {
        assert!(name.starts_with("a_") && !name.contains("__"), "{name}");
        assert!(!odd[..place].contains(name), "{name} twice");
    }
    let (long, longer) = ("x".repeat(127), "x".repeat(128));
    assert_ne!(stored_name(&long), stored_name(&longer));
    assert!(stored_name(&longer).len() <= 64);
}

#[test]
fn keys_fit_a_signed_column() {
    assert!(["a", "b", "position", "a3_0123"].iter().all(|name| key(name) >> 63 == 0));
}
