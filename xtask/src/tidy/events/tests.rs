//! Events of a file, and those of the chapter.

use super::*;

const LISTED: (&str, &str) = (CHAPTER, "| warn | it failed | `error` |\n");

#[test]
fn an_event_that_is_listed_is_fine_also_over_several_lines() {
    let file =
        "fn a() {\n    tracing::warn!(\n        target: \"worldstore\", %error,\n        \"it failed\"\n    );\n}\n";
    let one_line = "fn a() {\n    b.map_err(|_| tracing::warn!(target: \"worldstore\", \"it failed\"))\n}\n";
    assert_eq!(check(&Sources::of(&[LISTED, ("a/src/a.rs", file), ("a/src/b.rs", one_line)])), []);
}

#[test]
fn another_target_and_a_text_that_is_not_listed_are_found() {
    let file = "fn a() {\n    tracing::error!(\"it is lost\");\n}\n";
    let findings = check(&Sources::of(&[LISTED, ("a/src/a.rs", file), ("a/tests/b.rs", file)]));
    let told: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
    assert_eq!(told, [("a/src/a.rs", 2), ("a/src/a.rs", 2)]);
    assert!(findings[0].message.contains("target"), "{findings:?}");
    assert!(findings[1].message.contains("it is lost"), "{findings:?}");
}
