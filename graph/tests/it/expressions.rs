//! What expressions mean: three values, texts, numbers, functions, derived properties.

use worldstore_graph::Parameters;

use crate::fixture::{graph, refused, rows};

/// The value of an expression, where one row is enough.
async fn value(expression: &str) -> String {
    let query = format!("MATCH (a:Airport {{faa: 'ORD'}}) RETURN {expression} AS value");
    rows(&graph().await, &query).await.remove(0)
}

#[tokio::test]
async fn arithmetic() {
    for (expression, expected) in [
        ("1 + 2 * 3", "7"),
        ("7 / 2", "3"),
        ("7 % 4", "3"),
        ("2 ^ 3", "8.0"),
        ("-(4 - 6)", "2"),
        ("7.0 / 2", "3.5"),
        ("abs(-3)", "3"),
        ("sqrt(16)", "4.0"),
        ("floor(2.7)", "2.0"),
        ("toInteger('42') + 1", "43"),
        ("toFloat('1.5')", "1.5"),
    ] {
        assert_eq!(value(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn texts() {
    for (expression, expected) in [
        ("a.name + '!'", "Chicago!"),
        ("toUpper(a.name)", "CHICAGO"),
        ("size(a.name)", "7"),
        ("substring(a.name, 1, 3)", "hic"),
        ("left(a.name, 2) + right(a.name, 1)", "Cho"),
        ("replace(a.name, 'go', 'gos')", "Chicagos"),
        ("a.name STARTS WITH 'Chi' AND a.name ENDS WITH 'go' AND a.name CONTAINS 'cag'", "true"),
        ("toString(42)", "42"),
    ] {
        assert_eq!(value(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn three_values() {
    for (expression, expected) in [
        ("null = null", "null"),
        ("null IS NULL", "true"),
        ("true OR null", "true"),
        ("true AND null", "null"),
        ("NOT null", "null"),
        ("true XOR false", "true"),
        ("1 IN [1, null]", "true"),
        ("2 IN [1, null]", "null"),
        ("coalesce(null, 3)", "3"),
        ("CASE WHEN a.faa = 'X' THEN 1 ELSE 2 END", "2"),
        ("CASE a.faa WHEN 'ORD' THEN 'here' END", "here"),
        ("CASE a.faa WHEN 'X' THEN 'here' END", "null"),
        ("1 < 2 < 3", "true"),
    ] {
        assert_eq!(value(expression).await, expected, "{expression}");
    }
    let graph = graph().await;
    // Unknown is not true: the flight without a delay is in neither.
    assert_eq!(rows(&graph, "MATCH (f:Flight) WHERE f.delay > 60 RETURN count(*) AS n").await, ["3"]);
    assert_eq!(rows(&graph, "MATCH (f:Flight) WHERE NOT f.delay > 60 RETURN count(*) AS n").await, ["4"]);
}

#[tokio::test]
async fn times() {
    assert_eq!(value("datetime('2013-01-31T05:00:00Z') < datetime('2013-02-01T00:00:00Z')").await, "true");
}

#[tokio::test]
async fn types_are_checked_before_anything_runs() {
    let graph = graph().await;
    for (expression, message) in [
        ("a.name > 3", "a text cannot be compared with a number"),
        ("a.name = true", "a text cannot be compared with a boolean"),
        ("a.name - 1", "expected a number, found a text"),
        ("NOT a.name", "expected a boolean, found a text"),
        ("a.faa IN ['a', 1]", "a text cannot be compared with a number"),
        ("sqrt(a.name)", "expected a number, found a text"),
        ("sqrt(1, 2)", "`sqrt` takes 1 argument, not 2"),
        ("toUper(a.name)", "did you mean `toUpper`?"),
        ("abs(DISTINCT 1)", "is no aggregate"),
        ("sum(count(*))", "cannot stand in another"),
        ("count(*) + size(a.name)", "neither grouped by nor in an aggregate"),
    ] {
        let error = refused(&graph, &format!("MATCH (a:Airport) RETURN {expression} AS x")).await;
        assert!(error.contains(message), "{expression}: {error}");
        assert!(error.contains("^"), "{expression}: {error}");
    }
    let error = refused(&graph, "MATCH (a:Airport) WHERE count(*) > 1 RETURN a.faa").await;
    assert!(error.contains("an aggregate cannot stand here"), "{error}");
    let error = refused(&graph, "MATCH (a:Airport) WHERE a.name RETURN a.faa").await;
    assert!(error.contains("expected a boolean"), "{error}");
}

#[tokio::test]
async fn a_value_that_cannot_be_computed_is_an_error() {
    let graph = graph().await;
    let error = refused(&graph, "MATCH (f:Flight) RETURN 1 / (f.month - f.month) AS x").await;
    assert!(error.contains("cannot be computed"), "{error}");
}

#[tokio::test]
async fn derived_properties() {
    let graph = graph().await;
    let create = "CREATE NODE LABEL Late VIRTUAL FROM PARTITION 'lake://data/flights' KEY flight
        COMPUTE hours = delay / 60.0, is_late = hours > 1.0";
    graph.query(create, &Parameters::default()).await.unwrap();
    let query = "MATCH (f:Late) WHERE f.is_late RETURN f.flight AS flight, f.hours AS hours ORDER BY flight";
    assert_eq!(rows(&graph, query).await, ["2|1.1666666666666667", "5|1.5", "6|1.0166666666666666"]);
    let unknown = "CREATE NODE LABEL Wrong VIRTUAL FROM PARTITION 'lake://data/flights' COMPUTE x = y + 1";
    let error = refused(&graph, unknown).await;
    assert!(error.contains("unknown column `y`"), "{error}");
}

#[tokio::test]
async fn derived_properties_stand_in_any_order_but_not_in_a_circle() {
    let graph = graph().await;
    let create = "CREATE NODE LABEL Late VIRTUAL FROM PARTITION 'lake://data/flights'
        COMPUTE c = b + a, b = a * 2, a = delay + month";
    graph.query(create, &Parameters::default()).await.unwrap();
    let query = "MATCH (f:Late) WHERE f.flight = 5 RETURN f.a AS a, f.b AS b, f.c AS c";
    assert_eq!(rows(&graph, query).await, ["92|184|276"]);
    for (computed, message) in [
        ("x = y + 1, y = z, z = x", "in a circle: `x`, which uses `y`, which uses `z`, which uses `x`"),
        ("k = x, x = x + 1", "in a circle: `x`, which uses `x`"),
        ("x = delay, x = month", "`x` is computed twice"),
    ] {
        let create = format!("CREATE NODE LABEL Wrong VIRTUAL FROM PARTITION 'lake://data/flights' COMPUTE {computed}");
        let error = refused(&graph, &create).await;
        assert!(error.contains(message), "{error}");
    }
}
