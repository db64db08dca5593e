//! Mistakes in a query, as a person sees them.

use expect_test::expect;
use worldstore_core::ErrorKind;
use worldstore_graph::Parameters;

use crate::fixture::{graph, refusal, refused};

#[tokio::test]
async fn an_unknown_label_shows_the_line_and_a_caret() {
    let graph = graph().await;
    let shown = refused(&graph, "MATCH (a:Airport)\n  <-[:DEST]-(f:Flihgt)\nRETURN count(*)").await;
    expect![[r#"
        error: unknown label `Flihgt`
         --> 2:16
          |
        2 |   <-[:DEST]-(f:Flihgt)
          |                ^^^^^^
          = help: did you mean `Flight`?"#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn an_unknown_property_names_the_known_ones() {
    let graph = graph().await;
    expect![[r#"
        error: unknown property `deelay`
         --> 1:26
          |
        1 | MATCH (f:Flight) WHERE f.deelay > 60 RETURN count(*)
          |                          ^^^^^^
          = help: did you mean `delay`?"#]]
    .assert_eq(&refused(&graph, "MATCH (f:Flight) WHERE f.deelay > 60 RETURN count(*)").await);
}

#[tokio::test]
async fn a_syntax_error_says_what_was_expected() {
    let graph = graph().await;
    expect![[r#"
        error: expected `&`, `:`, `|`, `{`, `WHERE` or `)`, found `RETURN`
         --> 1:17
          |
        1 | MATCH (f:Flight RETURN count(*)
          |                 ^^^^^^"#]]
    .assert_eq(&refused(&graph, "MATCH (f:Flight RETURN count(*)").await);
}

#[tokio::test]
async fn mistakes_have_kinds() {
    let graph = graph().await;
    for (query, kind) in [
        ("MATCH (f:Flight RETURN 1", ErrorKind::Invalid),
        ("MATCH (f:Flight) SET f.delay = 0", ErrorKind::Unsupported),
        ("MATCH (f:Flight) RETURN g.x", ErrorKind::Invalid),
        ("MATCH (f:Flight) RETURN $x AS x", ErrorKind::Invalid),
        ("MATCH (f:Flight)-[:DST]->(a) RETURN count(*)", ErrorKind::Invalid),
        ("MATCH (f:Flight)-[f:DEST]->(a) RETURN count(*)", ErrorKind::Invalid),
        ("MATCH (f:Flight), (f:Airport) RETURN count(*)", ErrorKind::Invalid),
        ("MATCH (n:Nothing) WITH n RETURN n", ErrorKind::Invalid),
    ] {
        let error = refusal(&graph, query).await;
        assert_eq!(error.kind(), kind, "{query}: {error}");
    }
}

#[tokio::test]
async fn nothing_is_run_if_one_statement_cannot_be_parsed() {
    let graph = graph().await;
    let script = "DROP EDGE TYPE BY; MATCH (f:Flight RETURN 1; SHOW EDGE TYPES";
    assert!(graph.run(script, &Parameters::default()).await.is_err());
    let left = graph.query("SHOW EDGE TYPES", &Parameters::default()).await.unwrap();
    assert_eq!(left.rows(), 4);
}
