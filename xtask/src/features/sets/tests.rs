//! Trees of packages, as `cargo tree` gives them.

use super::*;

fn packages(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("{name} v1.0.0")).collect()
}

fn set(text: &str) -> Set {
    read(&format!("[[set]]\n{text}")).unwrap().remove(0)
}

#[test]
fn a_family_is_its_package_and_those_named_after_it() {
    let tree = packages(&["worldstore-lance", "lance", "lance-io", "tokio-util", "balance"]);
    assert!(
        set("package = \"worldstore-lance\"\nabsent = [\"iceberg\", \"ance\", \"worldstore-lance\"]")
            .broken_by(&tree)
            .is_empty()
    );
    let broken = set("package = \"worldstore-lance\"\nabsent = [\"tokio\", \"lance\"]").broken_by(&tree);
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken[0].starts_with("worldstore-lance with features none brings tokio-util;"), "{broken:?}");
    assert!(broken[1].starts_with("worldstore-lance with features none brings lance;"), "{broken:?}");
}

#[test]
fn what_is_to_stay_small_is_counted() {
    let set = set("package = \"a\"\npackages_max = 2");
    assert!(set.broken_by(&packages(&["a", "b"])).is_empty());
    let broken = set.broken_by(&packages(&["a", "b", "c"]));
    assert_eq!(broken, ["a with its dependencies is 3 packages, at most 2 are wanted: a v1.0.0, b v1.0.0, c v1.0.0"]);
}

#[test]
fn features_become_arguments() {
    let none = set("package = \"a\"");
    assert_eq!(
        (none.arguments().join(" "), none.title()),
        ("--no-default-features --features ".to_owned(), "none".to_owned())
    );
    assert_eq!(set("package = \"a\"\nfeatures = [\"b\", \"c\"]").arguments()[2], "b,c");
    let all = set("package = \"a\"\nfeatures = [\"all\"]");
    assert_eq!(all.arguments(), ["--all-features"]);
    let last = |set: &Set| set.arguments_beside().pop().unwrap();
    assert_eq!(last(&set("package = \"a\"\nfeatures = [\"b\", \"c\"]")), "a/b,a/c");
    assert_eq!((last(&none), last(&all)), (String::new(), "--all-features".to_owned()));
}

#[test]
fn a_word_that_is_not_known_is_refused() {
    assert!(read("[[set]]\npackage = \"a\"\nabsend = [\"b\"]").unwrap_err().to_string().contains("absend"));
}

#[test]
fn every_crate_and_feature_has_a_set_and_every_set_a_crate_and_features_that_are_there() {
    let workspace = Workspace::find().unwrap();
    let sets = all(&workspace).unwrap();
    let packages = workspace.packages();
    for set in &sets {
        let package = packages.iter().find(|package| *package.name == *set.package);
        let package = package.unwrap_or_else(|| panic!("there is no crate {}", set.package));
        let unknown = set.features.iter().find(|name| *name != "all" && !package.features.contains_key(*name));
        assert_eq!(unknown, None, "{} has no such feature", set.package);
        if let Some(program) = &set.program {
            let is_there = crate::examples::of(package).contains(program) || has_binary(package, program);
            assert!(is_there, "{} has no example and no binary {program}", set.package);
        }
    }
    for package in packages.iter().filter(|package| crate::release::order::is_published(package)) {
        let of = || sets.iter().filter(|set| *set.package == *package.name && !set.absent.is_empty());
        assert!(of().next().is_some(), "{} has a set", package.name);
        for feature in crate::features::named(package).filter(|feature| !feature.starts_with("cloud")) {
            let is_alone = |set: &Set| set.features.len() == 1 && set.features.iter().all(|one| one == feature);
            assert!(of().any(is_alone), "{} has a set with {feature} alone", package.name);
        }
    }
}
