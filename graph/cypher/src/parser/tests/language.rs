//! Tests that the whole language is read, and prints as what reads the same.

use super::*;

/// One statement for each construct, and more where they meet.
const LANGUAGE: [&str; 87] = [
    "OPTIONAL MATCH (a) RETURN a",
    "MATCH (a) OPTIONAL MATCH (b) RETURN a",
    "MATCH (a) WITH a RETURN a",
    "UNWIND [1] AS x RETURN x",
    "MATCH (a) RETURN a UNION ALL MATCH (b) RETURN b",
    "CREATE (a)",
    "CREATE p = (a)-[:R]->(b)",
    "MATCH (a) CREATE (b)",
    "MERGE (a)",
    "MATCH (a) SET a.x = 1",
    "MATCH (a) DELETE a",
    "MATCH (a) DETACH DELETE a",
    "MATCH (a) REMOVE a.x",
    "CALL db.labels()",
    "PROFILE MATCH (a) RETURN a",
    "RETURN 1",
    "MATCH (a) RETURN *",
    "MATCH (a) RETURN a ORDER BY a NULLS LAST",
    "MATCH (a) RETURN a OFFSET 1",
    "MATCH (a)-[*]->(b) RETURN a",
    "MATCH (a)-[:R*1..3]->(b) RETURN a",
    "MATCH (a)-[r:R*..3 {x: 1}]->(b) RETURN a",
    "MATCH (a)-[:R]->+(b) RETURN a",
    "MATCH (a)-->{1,3}(b) RETURN a",
    "MATCH ((a)-->(b))+ RETURN a",
    "MATCH p = (a)-->(b) RETURN p",
    "MATCH shortestPath((a)-[*]->(b)) RETURN a",
    "MATCH p = allShortestPaths((a)-[*]->(b)) RETURN a",
    "MATCH ANY SHORTEST (a)-->(b) RETURN a",
    "MATCH TRAIL (a)-->(b) RETURN a",
    "MATCH (a:A:B) RETURN a",
    "MATCH (a:A|B) RETURN a",
    "MATCH (a:A&B) RETURN a",
    "MATCH (a:!A) RETURN a",
    "MATCH (a:(A|B)) RETURN a",
    "MATCH (a:%) RETURN a",
    "MATCH (a IS A) RETURN a",
    "MATCH (a)-[:!R]->(b) RETURN a",
    "MATCH (a)-[:R&S]->(b) RETURN a",
    "MATCH (a $props) RETURN a",
    "MATCH (a:A $props) RETURN a",
    "MATCH ()-[r $props]->() RETURN r",
    "MATCH (a:A WHERE a.x = 1) RETURN a",
    "MATCH (a) WHERE a.x =~ 'b' RETURN a",
    "MATCH (a) RETURN a.x || 'b'",
    "MATCH (a) RETURN a.x[0]",
    "MATCH (a) RETURN a.x[1..2]",
    "MATCH (a) RETURN {x: 1}",
    "MATCH (a) RETURN a {.x}",
    "MATCH (a) WHERE a:B RETURN a",
    "MATCH (a) WHERE (a:B) RETURN a",
    "MATCH (a) WHERE (a)-->(b) RETURN a",
    "MATCH (a) WHERE (a)--(b) RETURN a",
    "MATCH (a) WHERE NOT (a)<-[:R]-() RETURN a",
    "MATCH (a) WHERE (a)-[r]-(b) RETURN a",
    "MATCH (a) WHERE exists((a)-[:R]->()) RETURN a",
    "MATCH (a) WHERE EXISTS { (a)-->() } RETURN a",
    "MATCH (a) RETURN COUNT { (a)-->() }",
    "MATCH (a) RETURN [x IN a.l WHERE x > 1 | x]",
    "MATCH (a) RETURN [x IN a.l]",
    "MATCH (a) RETURN [(a)-->(b) | b.x]",
    "MATCH (a) RETURN [p = (a)-->(b) | p]",
    "MATCH (a) WHERE all(x IN a.l WHERE x > 1) RETURN a",
    "MATCH (a) WHERE NONE(x IN a.l WHERE x > 1) RETURN a",
    "MATCH (a) RETURN reduce(s = 0, x IN a.l | s + x)",
    "MATCH (a) RETURN date.truncate('day', a.d)",
    "MATCH (a)-[r:A|:B*2..]->(b) RETURN r",
    "MATCH p = SHORTEST 2 TRAIL PATHS (a)-[:R]->*(b) RETURN p",
    "MATCH SHORTEST 3 GROUPS (a)-->+(b) RETURN a",
    "MATCH ((x)-[:R]->(y) WHERE x.a < y.a){2,5} RETURN x",
    "MATCH (p = (a)-->(b))* RETURN p",
    "LET x = 1, y = 2 FILTER x < y FOR z IN [x, y] WITH ORDINALITY i RETURN z, i NEXT RETURN z + 1 AS z",
    "MATCH (a) RETURN a EXCEPT MATCH (b) RETURN b INTERSECT MATCH (c) RETURN c",
    "MATCH (a) SET a = {x: 1}, a += $more, a:A:B, (a).y = 2 REMOVE a.x, a:B DELETE a FINISH",
    "MERGE (a)-[:R]-(b) ON CREATE SET a.x = 1 ON MATCH SET a.x = a.x + 1 RETURN a",
    "CALL db.labels() YIELD label AS l WHERE l <> 'x' RETURN l",
    "CALL db.info",
    "CALL db.info YIELD *",
    "CALL db.ping() YIELD - RETURN 1",
    "RETURN 1_000 + 0XfF + 0o17 + 1.5e-3f + 2.0D + .5, 'it''s', \"a\"\"b\", '\\u00e9\\U01F600', INF, -Infinity, NaN",
    "RETURN CASE $x WHEN 1, 2 THEN 'a' WHEN 3 THEN 'b' ELSE 'c' END",
    "RETURN [x IN $l WHERE x IS A | x], n {.*, .a, b, c: 1}",
    "MATCH (a) RETURN DISTINCT *, a.x AS x ORDER BY x DESC NULLS FIRST OFFSET 1 LIMIT 2",
    "UNWIND [1] AS x WITH x WHERE x > 0 RETURN COLLECT { MATCH (a {x: x}) RETURN a.y }",
    "DESCRIBE NODE LABEL A",
    "DESCRIBE EDGE TYPE B",
    "MATCH (a IS A&!B|%)<-[r IS R]->(b) RETURN a",
];

#[test]
fn every_construct_is_read_and_prints_as_what_reads_the_same() {
    for source in LANGUAGE {
        let statements = parse(source).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(source)));
        assert_eq!(statements.len(), 1, "{source}");
        let printed = statements[0].to_string();
        let again = parse(&printed).unwrap_or_else(|wrong| panic!("{}", wrong[0].render(&printed)));
        assert_eq!(again[0].to_string(), printed, "{source}");
    }
}

#[test]
fn canonical_text() {
    let canonical = |source: &str| parse(source).map(|statements| statements[0].to_string());
    for (source, expected) in [
        ("match p=any shortest paths (a)-[:R]->+(b) return p", "MATCH p = ANY SHORTEST (a)-[:R]->+(b) RETURN p"),
        ("match (a:A&B)-[r:X|:Y*2..2]->() return *", "MATCH (a:A:B)-[r:X|Y*2]->() RETURN *"),
        ("return exists{(a)-->(b)}", "RETURN EXISTS { MATCH (a)-->(b) }"),
        ("return 'it''s', 0x_ff, 1_0", "RETURN 'it\\'s', 255, 10"),
        (
            "match (a) where (a:A|B) return [x in [1] where x:A | x]",
            "MATCH (a) WHERE a:(A|B) RETURN [x IN [1] WHERE x:A | x]",
        ),
        ("return all a union distinct return 1 as a", "RETURN a UNION RETURN 1 AS a"),
    ] {
        assert_eq!(canonical(source).unwrap(), expected);
    }
}

#[test]
fn patterns_and_expressions_are_told_apart() {
    for (source, is_pattern) in [
        ("(a)-->(b)", true),
        ("(a)--(b)", true),
        ("(a {x: 1})<-[r]-()", true),
        ("(a)-[:R]->(b)", true),
        ("(a)--+(b)", true),
        ("(a) - (b)", false),
        ("(a) < (b)", false),
        ("(a) - [b, c]", false),
        ("(a) - -b", false),
        ("(a:A)", false),
    ] {
        let expr = parse_expression(source).unwrap();
        assert_eq!(matches!(expr.kind, ExprKind::Pattern(_)), is_pattern, "{source}");
    }
}

#[test]
fn a_broken_clause_does_not_hide_the_next_one() {
    let source = "MATCH (a WITH a WHERE a STARTS WITH RETURN b SET x CREATE (c) RETURN +";
    let wrong = parse(source).unwrap_err();
    let places: Vec<&str> = wrong.iter().map(|wrong| wrong.span.text(source)).collect();
    assert!(places.len() > 1 && places.is_sorted_by_key(|place| place.as_ptr()), "{places:?}");
}
