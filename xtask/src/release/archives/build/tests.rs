//! Manifests that are made: around archives, and beside them.

use super::*;

fn archive(name: &str) -> Archive {
    Archive { name: name.to_owned(), folder: format!("/a/{name}-0.2.0").into(), bytes: 0 }
}

#[test]
fn archives_require_each_other() {
    let profiles: Table = "[dev]\ndebug = false\n".parse().unwrap();
    let archives = [archive("a"), archive("b")];
    let manifest = around(&archives, &["beside/tests-of-a".to_owned()], Some(&Value::Table(profiles)));
    let expected: Table = "[workspace]\nmembers = [\"a-0.2.0\", \"b-0.2.0\", \"beside/tests-of-a\"]\nresolver = \"3\"\n\
                           [patch.crates-io]\na = { path = \"a-0.2.0\" }\nb = { path = \"b-0.2.0\" }\n[profile.dev]\ndebug = false\n"
        .parse()
        .unwrap();
    assert_eq!(manifest, expected);
}

#[test]
fn what_tests_need_is_needed_beside_the_archives() {
    let workspace = Workspace::find().unwrap();
    let packages = workspace.packages();
    let archives = [archive("worldstore-core")];
    let folder = tempfile::tempdir().unwrap();
    let wanted = ["worldstore-core", "worldstore-bench", "xtask"];
    let chosen: Vec<&Package> =
        packages.into_iter().filter(|package| wanted.contains(&package.name.as_str())).collect();
    let members = write_beside(&chosen, &archives, folder.path()).unwrap();
    let expected = ["needs-of-worldstore-bench", "tests-of-worldstore-core", "tests-of-xtask", "needs-of-xtask"];
    assert_eq!(members, expected.map(|name| format!("beside/{name}")));

    let table = |member: &str| {
        let folder = folder.path().join("beside").join(member);
        assert_eq!(std::fs::read_to_string(folder.join("src/lib.rs")).unwrap(), "");
        manifest(&folder).unwrap()
    };
    // Its own features, which only tests turn on.
    let of_core = table("tests-of-worldstore-core");
    let core = &of_core["dependencies"]["worldstore-core"];
    assert_eq!(core["path"].as_str(), Some("../../worldstore-core-0.2.0"));
    assert!(core["features"].as_array().unwrap().contains(&"conformance".into()));
    // What is there on some systems alone, with the features that are asked for.
    let of_xtask = table("needs-of-xtask");
    assert!(of_xtask["target"]["cfg(unix)"]["dependencies"]["rustix"]["version"].is_str());
    assert!(of_xtask["dependencies"]["syn"]["features"].as_array().unwrap().contains(&"visit".into()));
    // What is optional is left out, as it is where nobody asks for it.
    let of_bench = table("needs-of-worldstore-bench");
    assert!(of_bench["dependencies"].get("fjall").is_some() && of_bench["dependencies"].get("lance").is_none());
}
