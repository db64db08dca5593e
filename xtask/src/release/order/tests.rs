//! Orders of publication.

use super::*;

fn needs_of_all(all: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    all.iter()
        .map(|(name, needed)| ((*name).to_owned(), needed.iter().map(|needed| (*needed).to_owned()).collect()))
        .collect()
}

#[test]
fn what_is_needed_comes_first_and_names_decide_the_rest() {
    let needs = needs_of_all(&[("a", &["c"]), ("b", &[]), ("c", &["d"]), ("d", &[]), ("e", &["a", "b"])]);
    assert_eq!(of(&needs).unwrap(), ["b", "d", "c", "a", "e"]);
}

#[test]
fn circles_are_told() {
    let needs = needs_of_all(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]);
    assert_eq!(of(&needs).unwrap_err().to_string(), "none of these can be published before the others: a, b");
}

#[test]
fn what_is_not_published_cannot_be_needed() {
    let failure = of(&needs_of_all(&[("a", &["xtask"])])).unwrap_err();
    assert_eq!(failure.to_string(), "a is published and needs xtask, which is not");
}

#[test]
fn this_workspace_has_an_order() {
    let workspace = Workspace::find().unwrap();
    let order = of(&needs(&workspace)).unwrap();
    let place = |name: &str| order.iter().position(|other| other == name).unwrap();
    assert!(place("worldstore-core") < place("worldstore-async"));
    assert!(place("worldstore-ecs-derive") < place("worldstore-ecs"));
    // Only its tests need it: it is in the manifest that is published, with a version.
    assert!(place("worldstore-cache") < place("worldstore-lance"));
    assert_eq!(place("worldstore"), order.len() - 1);
    assert!(!order.iter().any(|name| name == "xtask" || name == "worldstore-bench"));
}
