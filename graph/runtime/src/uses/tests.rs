//! Places of statements, and what must hold there.

use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::parse;

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

fn conditions(all: &[Condition]) -> String {
    all.iter().map(condition).collect::<Vec<_>>().join(" ")
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
        let told = [labels.join("&"), ends.collect::<Vec<_>>().join(" "), conditions(&node.conditions)];
        format!("({})", told.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "))
    });
    let relationships = uses.relationships.iter().map(|one| {
        let told = [one.types.map_or(String::new(), ToString::to_string), conditions(&one.conditions)];
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
        ("MATCH (f:F) WHERE f.x = 1 OR f.y = 2 RETURN f", vec!["(F)"]),
        ("MATCH (f:F) WHERE NOT f.x = 1 RETURN f", vec!["(F)"]),
        ("MATCH (f:F) WHERE f.x = null AND f.y = rand() RETURN f", vec!["(F x in [])"]),
        ("MATCH (f:F), (g:F) WHERE f.x = g.x AND g.y = 1 RETURN f", vec!["(F)", "(F y=1)"]),
        ("MATCH (f:F WHERE f.x > 1) MATCH (f)-[:T]->(g) WHERE f.y = 1 RETURN g", vec!["(F x>1)", "(>T)", "[T]"]),
        ("UNWIND [1, 2] AS x MATCH (f:F {x: x, y: 1}) RETURN f", vec!["(F y=1)"]),
        ("MATCH (f:F) WITH f WHERE f.x = 1 RETURN f", vec!["(F)"]),
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
fn a_condition_holds_as_the_expression_does() {
    let options = Options::default();
    let statements = parse("MATCH (n) WHERE n.x IN [1, 'a', null] AND n.y >= 2 RETURN n").unwrap();
    let StatementKind::Query(query) = &statements[0].kind else { panic!("no query") };
    let worldstore_cypher::ast::ClauseKind::Match(one) = &query.first.clauses[0].kind else { panic!("no match") };
    let found = Constants(&options).of_filter(one.filter.as_ref().unwrap(), "n");
    let holds = |x: Value, y: Value| {
        let map = crate::testing::map(&[("x", x), ("y", y)]);
        found.iter().all(|condition| condition.holds(&map))
    };
    assert!(holds(Value::Int(1), Value::Float(2.0)) && holds("a".into(), Value::Int(3)));
    assert!(!holds(Value::Int(2), Value::Int(2)) && !holds(Value::Int(1), Value::Int(1)));
    assert!(!holds(Value::Int(1), "b".into()) && !holds(Value::Null, Value::Int(2)));
}
