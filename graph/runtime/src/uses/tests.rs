//! Places of statements, and what must hold there.

use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::parse;

use super::Demand;
use super::conditions::Constants;
use crate::exec::{Options, Statement};
use crate::graph::{Compares, Condition, Towards};
use crate::value::Value;

fn condition(one: &Condition) -> String {
    let compares = match one.compares {
        Compares::Eq => "=",
        Compares::Lt => "<",
        Compares::LtEq => "<=",
        Compares::Gt => ">",
        Compares::GtEq => ">=",
        Compares::In => " in ",
    };
    format!("{}{compares}{}", one.property, one.value)
}

fn demand(one: &Demand) -> String {
    match one {
        Demand::Holds(one) => condition(one),
        Demand::Fails(one) => format!("!{}", condition(one)),
        Demand::Any(ways) => format!("({})", ways.iter().map(|way| demands(way)).collect::<Vec<_>>().join(" | ")),
    }
}

fn demands(all: &[Demand]) -> String {
    all.iter().map(demand).collect::<Vec<_>>().join(" ")
}

/// The places of a query, one per line: nodes with labels and ends, then relationships.
fn uses(source: &str) -> Vec<String> {
    let statements = parse(source).unwrap();
    let StatementKind::Query(query) = &statements[0].kind else { panic!("{source} is no query") };
    let list = Value::List([Value::Int(1), Value::Null, Value::Int(2)].into_iter().collect());
    let options = Options::default().with_parameter("one", 1_i64).with_parameter("some", list);
    let statement = Statement::new(query, &options).unwrap();
    let Some(uses) = statement.uses() else { return vec!["lost".to_owned()] };
    let nodes = uses.nodes.iter().map(|node| {
        let labels: Vec<_> = node.labels.iter().map(ToString::to_string).collect();
        let ends = node.ends.iter().map(|end| {
            let types = end.types.map_or(String::new(), ToString::to_string);
            match end.towards {
                Towards::Out => format!("{types}>"),
                Towards::In => format!(">{types}"),
                Towards::Any => format!("<{types}>"),
            }
        });
        let told = [labels.join("&"), ends.collect::<Vec<_>>().join(" "), demands(&node.demands)];
        format!("({})", told.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "))
    });
    let relationships = uses.relationships.iter().map(|one| {
        let told = [one.types.map_or(String::new(), ToString::to_string), demands(&one.demands)];
        format!("[{}]", told.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "))
    });
    nodes.chain(relationships).collect()
}

#[test]
fn conditions_with_constants_hold_where_a_variable_begins() {
    for (source, expected) in [
        ("MATCH (f:F) WHERE f.x = 1 AND f.y < 2.5 RETURN f", vec!["(F x=1 y<2.5)"]),
        ("MATCH (f:F {x: $one}) WHERE 3 >= f.y RETURN f", vec!["(F x=1 y<=3)"]),
        ("MATCH (f:F) WHERE 1 < f.x <= 5 AND f.z IN $some RETURN f", vec!["(F x>1 x<=5 z in [1, 2])"]),
        ("MATCH (f:F) WHERE f.x = 1 OR f.y = 2 RETURN f", vec!["(F (x=1 | y=2))"]),
        ("MATCH (f:F) WHERE NOT f.x = 1 RETURN f", vec!["(F !x=1)"]),
        ("MATCH (f:F) WHERE f.x = null AND f.y = rand() RETURN f", vec!["(F x in [])"]),
        ("MATCH (f:F), (g:F) WHERE f.x = g.x AND g.y = 1 RETURN f", vec!["(F)", "(F y=1)"]),
        ("MATCH (f:F WHERE f.x > 1) MATCH (f)-[:T]->(g) WHERE f.y = 1 RETURN g", vec!["(F x>1 y=1)", "(>T)", "[T]"]),
        ("UNWIND [1, 2] AS x MATCH (f:F {x: x, y: 1}) RETURN f", vec!["(F y=1)"]),
        ("MATCH (f:F) WITH f WHERE f.x = 1 RETURN f", vec!["(F x=1)"]),
        ("MATCH (f:F) WHERE f.x = 1 WITH f.y AS y MATCH (f:F) RETURN f", vec!["(F x=1)", "(F)"]),
        ("MATCH (f:F) WHERE f.x = date('2024-01-31') RETURN f", vec!["(F x='2024-01-31')"]),
        ("MATCH (f:F) WHERE f.x = date() RETURN f", vec!["(F)"]),
        ("MATCH (f:F {x: 1 / 0}) RETURN f", vec!["(F)"]),
    ] {
        assert_eq!(uses(source), expected, "{source}");
    }
}

#[test]
fn relationships_say_what_is_at_their_ends() {
    for (source, expected) in [
        ("MATCH (a:A)-[r:T {x: 1}]->(b) WHERE r.y > 2 RETURN a", vec!["(A T>)", "(>T)", "[T x=1 y>2]"]),
        ("MATCH (a)<-[:T]-(b)-[:U]-(c) RETURN a", vec!["(>T)", "(T> <U>)", "(<U>)", "[T]", "[U]"]),
        ("MATCH (a:A {x: 1})-[:T*1..3]->(b) WHERE b.y = 2 RETURN a", vec!["(A x=1)", "(<T>)", "(y=2)", "[T]"]),
        ("MATCH (a:A)-[:T]->(b:B), (a {x: 1})-[:U]->(b) RETURN a", vec!["(A T> U> x=1)", "(B >T >U)", "[T]", "[U]"]),
    ] {
        assert_eq!(uses(source), expected, "{source}");
    }
}

#[test]
fn what_lies_within_groups_and_picked_paths_takes_no_conditions() {
    for (source, expected) in [
        (
            "MATCH ANY SHORTEST (a {x: 1})-[:T]->(m {y: 2})-[:T]->(b) WHERE b.z = 3 AND m.w = 4 RETURN a",
            vec!["(T> x=1)", "(>T T>)", "(>T z=3)", "[T]", "[T]"],
        ),
        (
            "MATCH ANY SHORTEST (a)-[:T]->(m)-[:T]->(b), (m {y: 2}) RETURN a",
            vec!["(T>)", "(>T T>)", "(>T)", "[T]", "[T]"],
        ),
        ("MATCH p = shortestPath((a {x: 1})-[:T*]->(b)) RETURN p", vec!["(x=1)", "(<T>)", "()", "[T]"]),
        (
            "MATCH (a {x: 1}) ((c {y: 2})-[:T]->(d)){1,3} (b {z: 3}) RETURN a",
            vec!["(x=1)", "(T>)", "(>T)", "(z=3)", "[T]"],
        ),
    ] {
        assert_eq!(uses(source), expected, "{source}");
    }
}

#[test]
fn patterns_in_expressions_are_places_too() {
    for (source, expected) in [
        (
            "MATCH (a:A {x: 1}) WHERE EXISTS { (a)-[:T]->(b:B {y: 2}) WHERE b.z = 3 } RETURN a",
            vec!["(A x=1)", "(B >T y=2 z=3)", "[T]"],
        ),
        ("MATCH (a:A) RETURN [(a)-[:T]->(b {y: 2}) | b.x]", vec!["(A)", "(>T y=2)", "[T]"]),
        // A name of a list is none of the rows behind it.
        ("MATCH (a:A {x: size([b IN [1] | b])}) MATCH (b:B) RETURN a", vec!["(A)", "(B)"]),
        ("MATCH (a:A) RETURN a UNION MATCH (a:B {x: 1}) RETURN a", vec!["(A)", "(B x=1)"]),
        ("OPTIONAL MATCH (a:A) WHERE a.x = 1 RETURN COUNT { MATCH (a)-->(c) }", vec!["(A x=1)", "(>)", "[]"]),
    ] {
        assert_eq!(uses(source), expected, "{source}");
    }
}

#[test]
fn ids_and_changes_need_every_row() {
    for source in ["MATCH (a:A {x: 1}) RETURN id(a)", "MATCH (a:A {x: 1}) SET a.y = 2", "MERGE (a:A {x: 1})"] {
        assert_eq!(uses(source), ["lost"], "{source}");
    }
}

#[test]
fn alternatives_and_negations_are_told_as_far_as_they_are_decided() {
    for (condition, expected) in [
        ("f.x = 1 OR f.y = 2 AND f.z > 3", "(x=1 | y=2 z>3)"),
        // One way says nothing of it.
        ("f.x = 1 OR size(f.y) = 2", ""),
        ("f.x = 1 OR g.y = 2", ""),
        ("f.x = 1 OR f.x IS NULL", ""),
        ("NOT (f.x = 1 OR f.y < 2)", "!x=1 !y<2"),
        ("NOT (f.x = 1 AND f.y < 2)", "(!x=1 | !y<2)"),
        ("NOT (f.x = 1 AND size(f.y) = 2)", ""),
        ("NOT NOT f.x = 1", "x=1"),
        ("NOT (1 < f.x <= 5)", "(!x>1 | !x<=5)"),
        ("f.x = 1 XOR f.y = 2", ""),
        // Nothing is unlike null, and null is not in an empty list.
        ("NOT f.x = null", "x in []"),
        ("NOT f.x IN [1, 2]", "!x in [1, 2]"),
        ("NOT f.x IN [1, null]", "x in []"),
        ("NOT f.x IN []", ""),
        ("f.x STARTS WITH 'ab'", "x>='ab' x<'ac'"),
        ("NOT f.x STARTS WITH 'ab'", "(x<'ab' | x>='ac')"),
        ("f.x STARTS WITH ''", "x>=''"),
        ("f.x STARTS WITH 'a\u{10ffff}'", "x>='a\u{10ffff}' x<'b'"),
        ("f.x STARTS WITH '\u{d7ff}'", "x>='\u{d7ff}' x<'\u{e000}'"),
        ("f.x STARTS WITH '\u{10ffff}'", "x>='\u{10ffff}'"),
        ("NOT f.x STARTS WITH '\u{10ffff}'", "(x<'\u{10ffff}')"),
        ("f.x STARTS WITH 1", "x in []"),
        ("'ab' STARTS WITH f.x", ""),
    ] {
        let source = format!("MATCH (f:F), (g:G) WHERE {condition} RETURN f");
        let told = uses(&source).remove(0);
        let expected = if expected.is_empty() { "(F)".to_owned() } else { format!("(F {expected})") };
        assert_eq!(told, expected, "{condition}");
    }
}

#[test]
fn conditions_behind_a_match_hold_where_rows_go_on_one_by_one() {
    for (behind, expected) in [
        ("WITH f AS h WHERE h.x = 1 RETURN h", "x=1"),
        ("WITH *, 1 AS one WHERE f.x = 1 RETURN f", "x=1"),
        ("WITH DISTINCT f ORDER BY f.y WHERE f.x = 1 RETURN f", "x=1"),
        ("WITH f UNWIND [1] AS u MATCH (g:G) WHERE f.x = 1 FILTER f.y > 2 RETURN f", "x=1 y>2"),
        ("LET y = f.y FILTER f.x = 1 RETURN f", "x=1"),
        ("OPTIONAL MATCH (g:G) WHERE f.x = 1 RETURN f", ""),
        ("OPTIONAL MATCH (g:G) WHERE f.x = 1 WITH f WHERE f.y = 2 RETURN f", "y=2"),
        ("WITH f, count(*) AS n WHERE f.x = 1 RETURN n", ""),
        ("WITH f LIMIT 1 WHERE f.x = 1 RETURN f", ""),
        ("WITH f SKIP 1 WHERE f.x = 1 RETURN f", ""),
        ("WITH f.x AS x, f AS g WITH x AS f WHERE f.y = 1 RETURN f", ""),
        ("WITH f ORDER BY f.x LIMIT 2 WITH f WHERE f.x = 1 RETURN f", ""),
    ] {
        let told = uses(&format!("MATCH (f:F) {behind}")).remove(0);
        let expected = if expected.is_empty() { "(F)".to_owned() } else { format!("(F {expected})") };
        assert_eq!(told, expected, "{behind}");
    }
    let optional = "OPTIONAL MATCH (f:F)-[r:T]->(g:G) WITH f, r AS s, g WHERE s.x = 1 AND g.y = 2 RETURN f";
    assert_eq!(uses(optional), ["(F T>)", "(G >T y=2)", "[T x=1]"]);
    let between = "MATCH ANY SHORTEST (a:A)-[:T]->(m)-[:T]->(f:F) WITH m, f WHERE m.x = 1 AND f.x = 2 RETURN f";
    assert_eq!(uses(between), ["(A T>)", "(>T T>)", "(F >T x=2)", "[T]", "[T]"]);
}

#[test]
fn a_condition_holds_as_the_expression_does() {
    let options = Options::default();
    let statements = parse("MATCH (n) WHERE n.x IN [1, 'a', null] AND n.y >= 2 RETURN n").unwrap();
    let StatementKind::Query(query) = &statements[0].kind else { panic!("no query") };
    let worldstore_cypher::ast::ClauseKind::Match(one) = &query.first.clauses[0].kind else { panic!("no match") };
    let found = Constants(&options).of_filter(one.filter.as_ref().unwrap(), "n");
    let holds = |x: Value, y: Value| {
        let map = crate::testing::map(&[("x", x), ("y", y)]);
        found.iter().all(|one| matches!(one, Demand::Holds(condition) if condition.holds(&map)))
    };
    assert!(holds(Value::Int(1), Value::Float(2.0)) && holds("a".into(), Value::Int(3)));
    assert!(!holds(Value::Int(2), Value::Int(2)) && !holds(Value::Int(1), Value::Int(1)));
    assert!(!holds(Value::Int(1), "b".into()) && !holds(Value::Null, Value::Int(2)));
}
