//! Tests of whole statements: what they read as.

use super::*;
use crate::ast::{Clause, ClauseKind, Direction, Edges, Source, Statement};

fn one(source: &str) -> Statement {
    match parse(source) {
        Ok(mut statements) if statements.len() == 1 => statements.remove(0),
        Ok(statements) => panic!("{} statements", statements.len()),
        Err(diagnostics) => panic!("{}", diagnostics[0].render(source)),
    }
}

/// The canonical text of a statement.
fn canonical(source: &str, expected: Expect) {
    expected.assert_eq(&one(source).to_string());
}

#[test]
fn queries() {
    canonical(
        "match (f:Flight {carrier:'AA'})-[:DEST|:VIA]->(a), (b) where f.x>1 match (a)<--() return distinct a.name as n, \
         count(*) order by n descending, a.x asc skip 1 limit $n",
        expect![
            "MATCH (f:Flight {carrier: 'AA'})-[:DEST|VIA]->(a), (b) WHERE f.x > 1 MATCH (a)<--() RETURN DISTINCT a.name AS n, count(*) ORDER BY n DESC, a.x SKIP 1 LIMIT $n"
        ],
    );
    canonical("EXPLAIN MATCH () RETURN 1", expect!["EXPLAIN MATCH () RETURN 1"]);
    canonical(
        "MATCH (`a b`:`c d` {`e f`: 1}) RETURN `a b` AS `x``y`",
        expect!["MATCH (`a b`:`c d` {`e f`: 1}) RETURN `a b` AS `x``y`"],
    );
    canonical("MATCH (from:Match) RETURN from.order", expect!["MATCH (from:Match) RETURN from.order"]);
    canonical("MATCH ( {} ) - [ {a:1} ] - ( ) RETURN 1", expect!["MATCH ({})-[{a: 1}]-() RETURN 1"]);
}

#[test]
fn relationships_point_three_ways() {
    let source = "MATCH (a)-->()<--()--()-[r]->()<-[r]-()-[]-()<-->()<-[r]->() RETURN a";
    let StatementKind::Query(query) = one(source).kind else { panic!("a query") };
    let ClauseKind::Match(matched) = &query.first.clauses[0].kind else { panic!("a MATCH") };
    let (_, hops) = matched.patterns[0].hops().unwrap();
    let directions: Vec<Direction> = hops.iter().map(|(edge, _)| edge.direction).collect();
    use Direction::{Both, Either, Left, Right};
    assert_eq!(directions, [Right, Left, Either, Right, Left, Either, Both, Both]);
    let (edge, node) = &hops[4];
    assert_eq!((edge.span.text(source), node.span.text(source)), ("<-[r]-", "()"));
}

#[test]
fn columns_are_named_as_they_were_written() {
    let source = "MATCH (a) RETURN (a.x)+ 1 , a.y AS `b c`, count( * )";
    let StatementKind::Query(query) = one(source).kind else { panic!("a query") };
    let [matched, Clause { kind: ClauseKind::Return(returns), span }] = query.first.clauses.as_slice() else {
        panic!("MATCH and RETURN")
    };
    let names: Vec<(&str, bool)> = returns.items.iter().map(|item| (item.name.as_str(), item.is_aliased)).collect();
    assert_eq!(names, [("(a.x)+ 1", false), ("b c", true), ("count( * )", false)]);
    assert_eq!(matched.span.text(source), "MATCH (a)");
    assert_eq!(span.text(source), "RETURN (a.x)+ 1 , a.y AS `b c`, count( * )");
}

#[test]
fn node_labels() {
    canonical(
        "create node label Flight virtual from partition 'lake://air/flights/{year}/{month}' key (id) compute \
         gain = dep_delay - arr_delay, speed = distance / (air_time / 60.0)",
        expect![
            "CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://air/flights/{year}/{month}' KEY id COMPUTE gain = dep_delay - arr_delay, speed = distance / (air_time / 60.0)"
        ],
    );
    canonical(
        "CREATE NODE LABEL Airport FROM FILE \"lake://air/airports.parquet\" KEY faa",
        expect!["CREATE NODE LABEL Airport FROM FILE 'lake://air/airports.parquet' KEY faa"],
    );
    canonical(
        "CREATE NODE LABEL Agent FROM TABLE 'agents' RUN 'r1' AS OF TICK -5 KEY id",
        expect!["CREATE NODE LABEL Agent FROM TABLE 'agents' RUN 'r1' AS OF TICK -5 KEY id"],
    );
    canonical(
        "CREATE NODE LABEL Key FROM TABLE 'key' KEY key",
        expect!["CREATE NODE LABEL Key FROM TABLE 'key' KEY key"],
    );
    canonical("DROP NODE LABEL Node", expect!["DROP NODE LABEL Node"]);
    canonical("show node labels", expect!["SHOW NODE LABELS"]);
}

#[test]
fn ticks_may_be_negative() {
    for (text, tick) in [("0", 0), ("-1", -1), ("-9223372036854775808", i64::MIN)] {
        let StatementKind::CreateNodeLabel(create) =
            one(&format!("CREATE NODE LABEL A FROM TABLE 'a' AS OF TICK {text}")).kind
        else {
            panic!("a label")
        };
        assert!(matches!(create.source, Source::Table { as_of: Some(as_of), .. } if as_of == tick), "{text}");
    }
    assert!(parse("CREATE NODE LABEL A FROM TABLE 'a' AS OF TICK 9223372036854775808").is_err());
}

#[test]
fn edge_types() {
    canonical(
        "CREATE EDGE TYPE DEST FROM Flight TARGET KEY (dest) REFERENCES Airport(faa)",
        expect!["CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa)"],
    );
    canonical(
        "CREATE EDGE TYPE KNOWS VIRTUAL FROM PARTITION 'lake://k' SOURCE KEY a REFERENCES P(id) TARGET KEY b REFERENCES P(id)",
        expect![
            "CREATE EDGE TYPE KNOWS VIRTUAL FROM PARTITION 'lake://k' SOURCE KEY a REFERENCES P(id) TARGET KEY b REFERENCES P(id)"
        ],
    );
    canonical(
        "CREATE EDGE TYPE KNOWS FROM TABLE 'k' RUN 'r' SOURCE KEY a REFERENCES P(id) TARGET KEY b REFERENCES P(id)",
        expect![
            "CREATE EDGE TYPE KNOWS FROM TABLE 'k' RUN 'r' SOURCE KEY a REFERENCES P(id) TARGET KEY b REFERENCES P(id)"
        ],
    );
    canonical(
        "create edge type LIKES from Person target key car references Car(id),
            from iceberg 'lake://a/metadata.json' source key a references Car(id) target key b references Person(id)",
        expect![
            "CREATE EDGE TYPE LIKES FROM Person TARGET KEY car REFERENCES Car(id), FROM iceberg 'lake://a/metadata.json' SOURCE KEY a REFERENCES Car(id) TARGET KEY b REFERENCES Person(id)"
        ],
    );
    canonical("DROP EDGE TYPE DEST", expect!["DROP EDGE TYPE DEST"]);
    canonical("SHOW EDGE TYPES", expect!["SHOW EDGE TYPES"]);
    let StatementKind::CreateEdgeType(create) =
        one("CREATE EDGE TYPE E FROM File TARGET KEY t REFERENCES File(id)").kind
    else {
        panic!("an edge type")
    };
    assert!(matches!(&create.parts[..], [Edges::ForeignKey { source, .. }] if source.text == "File"));
}

#[test]
fn a_tree_in_full() {
    let source = "MATCH (a:B) RETURN a.c";
    expect![[r#"
        Statement {
            kind: Query(
                Query {
                    as_of: None,
                    first: SingleQuery {
                        clauses: [
                            Clause {
                                kind: Match(
                                    Match {
                                        optional: false,
                                        patterns: [
                                            Path {
                                                variable: None,
                                                shortest: None,
                                                selector: None,
                                                mode: None,
                                                elements: [
                                                    Node(
                                                        NodePattern {
                                                            variable: Some(
                                                                Name {
                                                                    text: "a",
                                                                    span: Span {
                                                                        start: 7,
                                                                        end: 8,
                                                                    },
                                                                },
                                                            ),
                                                            labels: Some(
                                                                LabelExpr {
                                                                    kind: Name(
                                                                        Name {
                                                                            text: "B",
                                                                            span: Span {
                                                                                start: 9,
                                                                                end: 10,
                                                                            },
                                                                        },
                                                                    ),
                                                                    span: Span {
                                                                        start: 9,
                                                                        end: 10,
                                                                    },
                                                                },
                                                            ),
                                                            properties: None,
                                                            filter: None,
                                                            span: Span {
                                                                start: 6,
                                                                end: 11,
                                                            },
                                                        },
                                                    ),
                                                ],
                                                span: Span {
                                                    start: 6,
                                                    end: 11,
                                                },
                                            },
                                        ],
                                        filter: None,
                                    },
                                ),
                                span: Span {
                                    start: 0,
                                    end: 11,
                                },
                            },
                            Clause {
                                kind: Return(
                                    Projection {
                                        distinct: false,
                                        star: false,
                                        items: [
                                            ReturnItem {
                                                value: Expr {
                                                    kind: Property(
                                                        Expr {
                                                            kind: Variable(
                                                                "a",
                                                            ),
                                                            span: Span {
                                                                start: 19,
                                                                end: 20,
                                                            },
                                                        },
                                                        Name {
                                                            text: "c",
                                                            span: Span {
                                                                start: 21,
                                                                end: 22,
                                                            },
                                                        },
                                                    ),
                                                    span: Span {
                                                        start: 19,
                                                        end: 22,
                                                    },
                                                },
                                                name: "a.c",
                                                is_aliased: false,
                                            },
                                        ],
                                        order_by: [],
                                        skip: None,
                                        limit: None,
                                    },
                                ),
                                span: Span {
                                    start: 12,
                                    end: 22,
                                },
                            },
                        ],
                        span: Span {
                            start: 0,
                            end: 22,
                        },
                    },
                    others: [],
                    span: Span {
                        start: 0,
                        end: 22,
                    },
                },
            ),
            span: Span {
                start: 0,
                end: 22,
            },
        }"#]]
    .assert_eq(&format!("{:#?}", one(source)));
}
