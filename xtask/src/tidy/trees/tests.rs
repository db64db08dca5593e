//! Trees of packages, as `cargo tree` gives them.

use super::*;

fn packages(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("{name} v1.0.0")).collect()
}

#[test]
fn a_family_is_its_package_and_those_named_after_it() {
    let member = Member::of("worldstore-lance", "store-lance", &[]);
    let tree = packages(&["worldstore-lance", "lance", "lance-io", "tokio-util", "balance"]);
    assert_eq!(check_absent(&member, &["iceberg", "ance"], &tree), []);
    let findings = check_absent(&member, &["tokio", "lance"], &tree);
    let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].starts_with("worldstore-lance brings tokio-util;"));
    assert!(messages[1].starts_with("worldstore-lance brings lance;"));
}

#[test]
fn the_kernel_stays_small() {
    let member = Member::of("worldstore-core", "store-core", &[]);
    let nine = packages(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
    assert_eq!(check_small(&member, &nine), None);
    let mut ten = nine;
    ten.insert("j v1.0.0".to_owned());
    let finding = check_small(&member, &ten).expect("ten are too many");
    assert!(finding.message.contains("is 10 packages, wanted below 10"), "{finding}");
}
