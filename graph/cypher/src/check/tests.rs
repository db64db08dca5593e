//! Tests of the check, beside those over the TCK.

use expect_test::expect;

use super::*;
use crate::parse;

fn details(source: &str) -> Vec<Detail> {
    let statements = parse(source).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(source)));
    statements.iter().flat_map(check).filter_map(|wrong| wrong.detail).collect()
}

#[test]
fn a_mistake_shows_its_place() {
    let source = "MATCH (person)-[:KNOWS]->(friend)\nRETURN persn.name, friend.name";
    let wrong = check(&parse(source).unwrap()[0]);
    expect![[r#"
        error: unknown variable `persn`
         --> 2:8
          |
        2 | RETURN persn.name, friend.name
          |        ^^^^^
          = help: did you mean `person`?"#]]
    .assert_eq(&wrong[0].render(source));
    assert_eq!(wrong[0].detail.map(Detail::name), Some("UndefinedVariable"));
    assert_eq!(wrong.len(), 1);
}

#[test]
fn what_the_tck_does_not_ask() {
    use Detail::*;
    for (source, expected) in [
        ("MATCH (a) RETURN reduce(s = 0, x IN a.l | s + x + a.y + z)", vec![UndefinedVariable]),
        ("MATCH (a) RETURN COUNT { (a)-->(b) WHERE b.x > a.x }", vec![]),
        ("MATCH (a) RETURN COUNT { (a)-->(b) WHERE c.x > a.x }", vec![UndefinedVariable]),
        ("MATCH (a) WHERE EXISTS { CREATE (b) } RETURN a", vec![InvalidClauseComposition]),
        ("MATCH ((x)-[r]->(y) WHERE x.a < y.a){2} RETURN size(x), r[0].z", vec![]),
        ("MATCH (x), ((x)-->(y)){2} RETURN y", vec![VariableAlreadyBound]),
        ("MATCH (a WHERE a.x > b.x), (b) RETURN a", vec![]),
        ("MATCH (a)-[r*]->(b) RETURN r.x", vec![InvalidArgumentType]),
        ("LET x = 1 LET x = 2 RETURN x", vec![VariableAlreadyBound]),
        ("LET x = 'a' RETURN x - 1", vec![InvalidArgumentType]),
        ("FOR x IN [1, 2] WITH ORDINALITY i FILTER x > i RETURN y", vec![UndefinedVariable]),
        ("RETURN 1 AS a NEXT RETURN a + 1 AS b", vec![]),
        ("RETURN 1 AS a NEXT RETURN b", vec![UndefinedVariable]),
        ("RETURN 1 AS a EXCEPT RETURN 2 AS b", vec![DifferentColumnsInUnion]),
        ("RETURN 1 AS a UNION CREATE (:A)", vec![DifferentColumnsInUnion]),
        ("CREATE (:A) UNION ALL RETURN 1 AS a", vec![DifferentColumnsInUnion]),
        ("CREATE (:A) UNION ALL CREATE (:B)", vec![]),
        ("RETURN 1 AS a UNION CALL my.own()", vec![]),
        ("RETURN COUNT { MATCH (a) UNION MATCH (b) RETURN b }", vec![DifferentColumnsInUnion]),
        ("MATCH (a) RETURN a.x + sum(a.y)", vec![AmbiguousAggregationExpression]),
        ("MATCH (a) RETURN a.x, a.x + sum(a.y)", vec![]),
        ("MATCH (a) RETURN [x IN collect(a.x) | x + 1], a.y", vec![]),
        ("MATCH (a) RETURN a {.x, y: count(*)}", vec![]),
        ("UNWIND [1] AS x RETURN sum(max(x))", vec![NestedAggregation]),
        ("MATCH (a) SET a.x = count(*)", vec![InvalidAggregation]),
        ("RETURN toUper('x')", vec![UnknownFunction]),
        ("RETURN my.own(1)", vec![]),
        ("MATCH p = shortestPath((a)-[r*]->(b)) RETURN length(p), r", vec![]),
        ("MATCH (a), (b) RETURN shortestPath((a)-[*]->(b))", vec![]),
        ("CREATE (a:A|B)", vec![UnexpectedSyntax]),
        ("CREATE ((a)-->(b))", vec![UnexpectedSyntax]),
        ("RETURN 1 LIMIT 'a'", vec![InvalidArgumentType]),
        ("MATCH (a) RETURN a.x AS x ORDER BY x, a.y", vec![]),
        ("SHOW NODE LABELS", vec![]),
    ] {
        assert_eq!(details(source), expected, "{source}");
    }
}
