//! Wrong queries: the place in the text, exit code 2, nothing changed.

use std::fs;

use expect_test::{Expect, expect};

use super::desk::{Desk, data};

fn refused(desk: &Desk, query: &str, more: &[&str], shown: Expect) {
    shown.assert_eq(&desk.refused(&[&["query", query], more].concat(), &[]));
    desk.refused(&[&["explain", query], more].concat(), &[]);
}

#[test]
fn mistakes_are_shown_in_the_text() {
    let desk = Desk::with_world();
    let world = ["--world", "world"];
    refused(
        &desk,
        "MATCH (f:flights)\nRETRUN count(*)",
        &world,
        expect![[r#"
            error: expected a relationship, `,`, `WHERE`, `RETURN`, `MATCH`, `OPTIONAL`, `WITH` or `UNWIND`, found `RETRUN`
             --> 2:1
              |
            2 | RETRUN count(*)
              | ^^^^^^
              = help: did you mean `RETURN`?
        "#]],
    );
    refused(
        &desk,
        "MATCH (f:flihgts) RETURN count(*)",
        &world,
        expect![[r#"
        error: unknown label `flihgts`
         --> 1:10
          |
        1 | MATCH (f:flihgts) RETURN count(*)
          |          ^^^^^^^
          = help: did you mean `flights`?
    "#]],
    );
    refused(
        &desk,
        "MATCH (f:flights) WHERE f.carier = 'UA' RETURN count(*)",
        &world,
        expect![[r#"
        error: unknown property `carier`
         --> 1:27
          |
        1 | MATCH (f:flights) WHERE f.carier = 'UA' RETURN count(*)
          |                           ^^^^^^
          = help: did you mean `carrier`?
    "#]],
    );
    refused(
        &desk,
        "MATCH (f:flights) WHERE f.carrier = $carrier RETURN count(*)",
        &world,
        expect![[r#"
        error: parameter `$carrier` has no value
         --> 1:37
          |
        1 | MATCH (f:flights) WHERE f.carrier = $carrier RETURN count(*)
          |                                     ^^^^^^^^
          = help: no parameter was given
    "#]],
    );
}

#[test]
fn files_that_are_not_as_said() {
    let desk = Desk::new();
    let mount = format!("--mount=air={}", data(""));
    let label = |template: &str| {
        format!("CREATE NODE LABEL F VIRTUAL FROM PARTITION '{template}'; MATCH (f:F) RETURN count(*)")
    };
    desk.refused(&["query", &label("lake://air/trains/{month}"), &mount], &["trains"]);
    desk.refused(&["query", &label("lake://sea/flights/{month}"), &mount], &["sea"]);
    let bytes = fs::read(data("airlines.parquet")).unwrap();
    desk.write("lake/day=1/part.parquet", &bytes);
    desk.write("lake/day=2/part.parquet", &bytes[..bytes.len() / 2]);
    let readme = concat!("--mount=home=", env!("CARGO_MANIFEST_DIR"));
    let text = "CREATE NODE LABEL F FROM FILE 'lake://home/README.md' KEY a; MATCH (f:F) RETURN count(*)";
    desk.refused(&["query", text, readme], &["of no kind that is known", "file: README.md"]);
    let outside = label("lake://air/../flights");
    desk.refused(&["query", &outside, &mount], &["../flights"]);
    let query = label("lake://here/lake");
    desk.refused(&["query", &query, "--mount", "here=."], &["corrupt", "day=2/part.parquet", "help: restore"]);
}

#[test]
fn arguments_that_cannot_be() {
    let desk = Desk::with_world();
    let query = "MATCH (f:flights) RETURN count(*)";
    let with = |more: &[&str], messages: &[&str]| {
        desk.refused(&[&["query", query, "-w", "world"], more].concat(), messages);
    };
    with(&["--param", "carrier"], &["NAME=VALUE", "param: carrier"]);
    with(&["--param", "=1"], &["NAME=VALUE"]);
    with(&["--param", "a=1", "--param", "a=2"], &["given twice", "param: a"]);
    with(&["--param", "a=9223372036854775808"], &["64 bits", "param: a"]);
    with(&["--mount", "air"], &["NAME=URI", "mount: air"]);
    with(&["--mount", "air=nowhere"], &["not found", "path: nowhere", "mount: air"]);
    with(&["--mount", "air=gz://bucket"], &["unknown scheme", "mount: air"]);
    with(&["--run", "sunny"], &["no such run", "run: sunny"]);
    with(&["--file", "query.cypher"], &["cannot be used with"]);
    desk.refused(&["query", query, "--run", "main"], &["--world"]);
    desk.refused(&["query", query, "-w", "nowhere"], &["not found", "path: nowhere"]);
    desk.refused(&["query", "--file", "query.cypher"], &["not found", "query.cypher"]);
    desk.write("bytes.cypher", b"MATCH \xff");
    desk.refused(&["query", "--file", "bytes.cypher"], &["not UTF-8", "file: bytes.cypher", "byte: 6"]);
    desk.refused(&["query", "--file", "."], &["is a directory", "file: ."]);
    for text in ["", "  ", ";", "// nothing but words"] {
        desk.refused(&["query", text], &["the query is empty"]);
    }
    desk.refused(&["explain", ""], &["the query is empty"]);
    desk.refused(&["explain", ";"], &["there is no query to explain"]);
    desk.refused(&["query"], &["the query is empty"]);
}
