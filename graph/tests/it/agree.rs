//! What is planned gives what the interpreter gives: numbers at their ends, NaN and both zeros, groups of constants, and
//! nodes that look alike.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
    UInt32Array,
};
use worldstore_core::Memory;
use worldstore_graph::{Graph, Parameters, Value};

use crate::fixture::{cells, mounted, parquet, put, texts};

/// Numbers at the ends of their types, floats of all kinds, and rows that are twice the same.
async fn graph() -> Graph {
    let store = Memory::new();
    let floats = [f64::NAN, -0.0, 0.0, 1.5, -2.5, f64::NEG_INFINITY, -f64::NAN, 7.5];
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..8)) as ArrayRef),
        ("kind", texts(&["a", "a", "a", "a", "b", "c", "d", "b"])),
        ("tiny", Arc::new(Int8Array::from(vec![127, -128, 1, 2, 3, 4, 5, 6]))),
        ("small", Arc::new(Int32Array::from(vec![i32::MAX, i32::MIN, 1, 2, 3, 4, 5, 6]))),
        ("plain", Arc::new(UInt32Array::from(vec![0, u32::MAX, 1, 2, 3, 4, 5, 6]))),
        ("big", Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, i64::MAX, 1, 2, 3, 4, 5]))),
        ("x", Arc::new(Float64Array::from(floats.to_vec()))),
        ("text", texts(&[" a", "\tb\n", "abc", "42.7", "1e3", "", "\u{a0}x\u{2003}", "7"])),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values((0..8).map(|hour| hour * 3_600_000_000)))),
        ("on", Arc::new(Date32Array::from_iter_values(0..8))),
    ]);
    put(&store, "t/part=1/a.parquet", parquet(&batch.unwrap(), 3));
    let twins = RecordBatch::try_from_iter([
        ("a", texts(&["x", "x", "y"])),
        ("b", texts(&["x", "x", "x"])),
        ("w", Arc::new(Int64Array::from(vec![1, 1, 2])) as ArrayRef),
    ]);
    put(&store, "twins.parquet", parquet(&twins.unwrap(), 100));
    let keys = RecordBatch::try_from_iter([("k", texts(&["x", "y"]))]);
    put(&store, "keys.parquet", parquet(&keys.unwrap(), 100));
    let (graph, _) = mounted(store);
    let labels = "
        CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://data/t' KEY id COMPUTE double = small * 2, product = small * small;
        CREATE NODE LABEL Twin FROM FILE 'lake://data/twins.parquet';
        CREATE NODE LABEL K FROM FILE 'lake://data/keys.parquet' KEY k;
        CREATE EDGE TYPE LIKES FROM FILE 'lake://data/twins.parquet'
            SOURCE KEY a REFERENCES K(k) TARGET KEY b REFERENCES K(k);
    ";
    graph.run(labels, &Parameters::default()).await.unwrap();
    graph
}

/// The rows of a query, or that it fails.
async fn outcome(graph: &Graph, query: &str) -> Result<Vec<String>, String> {
    let parameters = Parameters::default().with("one", Value::from(1)).with("text", Value::from("x"));
    let result = graph.query(query, &parameters).await.map_err(|error| format!("{error:?}"))?;
    // Both ways to write a float that is whole, and both zeros.
    let cell = |cell: &str| match cell.parse::<f64>() {
        Ok(number) if !number.is_nan() => format!("{:?}", number + 0.0),
        _ => cell.to_owned(),
    };
    let mut rows: Vec<_> =
        cells(&result).iter().map(|row| row.split('|').map(cell).collect::<Vec<_>>().join("|")).collect();
    if !query.contains("ORDER BY") {
        rows.sort();
    }
    Ok(rows)
}

/// Asks each query as it is, and by the interpreter: the rows are the same, or both fail.
async fn agree(pattern: &str, rests: &[&str]) {
    let graph = graph().await;
    let mut wrong = Vec::new();
    for rest in rests {
        let asked = outcome(&graph, &format!("MATCH {pattern} {rest}")).await;
        let walked = outcome(&graph, &format!("UNWIND [1] AS one MATCH {pattern} WITH * {rest}")).await;
        let is_same = match (&asked, &walked) {
            (Ok(asked), Ok(walked)) => asked == walked,
            (asked, walked) => asked.is_err() && walked.is_err(),
        };
        if !is_same {
            wrong.push(format!("{rest}\nasked  {asked:?}\nwalked {walked:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// True if the query is joins, and not walked.
async fn is_planned(query: &str) -> bool {
    let explained = graph().await.explain(query, &Parameters::default()).await.unwrap();
    !explained.starts_with("interpreter")
}

#[tokio::test]
async fn whole_numbers_have_64_bits_and_never_wrap() {
    agree(
        "(t:T)",
        &[
            "RETURN t.id AS id, t.small * t.small AS n, t.small + t.small AS m, t.small - t.plain AS o",
            "RETURN t.id AS id, t.tiny * t.tiny AS n, -t.tiny AS m, -t.small AS o, -t.plain AS p, abs(t.small) AS q",
            "RETURN t.id AS id, t.plain - t.id AS n, t.tiny / t.plain AS m",
            "RETURN t.id AS id, t.plain * t.plain AS n",
            "RETURN t.id AS id, t.big + 1 AS n",
            "RETURN t.id AS id, t.big - 1 AS n",
            "RETURN t.id AS id, t.big * 2 AS n",
            "RETURN t.id AS id, -t.big AS n",
            "RETURN t.id AS id, t.id * t.id * t.id + t.small AS n",
            "WHERE t.big + t.id > 5 RETURN count(*) AS n",
            "WHERE t.id > 2 RETURN sum(t.big) AS n, sum(t.small) AS m, sum(t.plain) AS o, sum(t.x) AS p",
            "RETURN sum(t.big) AS n",
            "RETURN sum(t.small) AS n, sum(t.plain) AS m, sum(t.tiny) AS o, sum(t.part) AS p",
            "RETURN t.kind AS kind, sum(t.small) AS n, sum(DISTINCT t.tiny) AS m",
            "WHERE t.id < 0 RETURN sum(t.big) AS n, sum(t.plain) AS m",
        ],
    )
    .await;
    for query in [
        "MATCH (t:T) WHERE t.small * 2 + t.id < 100 RETURN sum(t.big) AS n, sum(t.small) AS m",
        "MATCH (t:T) WHERE t.double > 5 RETURN t.id + 1 AS n",
    ] {
        assert!(is_planned(query).await, "{query}");
    }
}

#[tokio::test]
async fn computed_columns_have_64_bits() {
    let graph = graph().await;
    let found = outcome(&graph, "MATCH (t:T) WHERE t.id < 2 RETURN t.double AS d, t.product AS p ORDER BY d").await;
    assert_eq!(found.unwrap(), ["-4294967296.0|4.611686018427388e18", "4294967294.0|4.6116860141324206e18"]);
}

#[tokio::test]
async fn floats_have_one_zero_and_one_nan() {
    agree(
        "(t:T)",
        &[
            "RETURN min(t.x) AS low, max(t.x) AS high",
            "RETURN t.kind AS kind, min(t.x) AS low, max(t.x) AS high, count(DISTINCT t.x) AS n",
            "WHERE t.id <> 1 RETURN t.kind AS kind, min(t.x) AS low, max(t.x) AS high",
            "RETURN t.x AS x, count(*) AS n",
            "RETURN t.x AS x, count(*) AS n ORDER BY t.x, n",
            "RETURN t.x + 1 AS x, max(t.id) AS n ORDER BY x DESC",
            "RETURN DISTINCT t.x AS x",
            "RETURN DISTINCT t.x AS x, t.kind AS kind ORDER BY x, kind",
            "RETURN DISTINCT t.x * 0 AS x",
            "RETURN count(DISTINCT t.x) AS n, count(DISTINCT t.x * 0) AS m",
            "RETURN t.id AS id ORDER BY t.x, t.id DESC",
            "RETURN t.id AS id ORDER BY t.x DESC, t.id LIMIT 3",
            "RETURN t.id AS id ORDER BY t.x * 2, t.id LIMIT 4",
            "WHERE t.id < 0 RETURN min(t.x) AS low, max(t.x) AS high",
            "RETURN max(t.small) AS n, min(t.text) AS text, max(t.at) AS at",
        ],
    )
    .await;
    for query in ["RETURN t.x AS x, max(t.x) AS n", "RETURN DISTINCT t.x AS x", "RETURN t.id AS id ORDER BY t.x, t.id"]
    {
        assert!(is_planned(&format!("MATCH (t:T) {query}")).await, "{query}");
    }
}

#[tokio::test]
async fn groups_by_constants_are_there_if_rows_are() {
    agree(
        "(t:T)",
        &[
            "WHERE t.id = 99 RETURN 'x' AS k, count(*) AS n",
            "WHERE t.id = 99 RETURN 'x' AS k, sum(t.id) AS n, max(t.id) AS m",
            "WHERE t.part = 99 RETURN 'x' AS k, 1 + 1 AS two, count(*) AS n",
            "WHERE t.part = 99 RETURN count(*) AS n",
            "WHERE t.id = 99 RETURN $one AS k, count(*) AS n",
            "WHERE t.id = 99 RETURN $text + 'y' AS k, max(t.id) AS n",
            "WHERE t.id = 99 RETURN 'x' AS k, t.kind AS kind, count(*) AS n",
            "WHERE t.id <> 3 RETURN 'x' AS k, sum(t.id) AS n",
            "RETURN 'x' AS k, count(*) AS n",
            "RETURN $one AS k, max(t.id) AS n ORDER BY k",
        ],
    )
    .await;
    assert!(is_planned("MATCH (t:T) RETURN 'x' AS k, count(*) AS n").await);
}

#[tokio::test]
async fn what_looks_alike_is_not_the_same() {
    agree(
        "(n:Twin)",
        &[
            "RETURN DISTINCT n",
            "RETURN n, count(*) AS c",
            "WITH n RETURN count(DISTINCT n) AS c",
            "RETURN n.a AS a, count(*) AS c",
        ],
    )
    .await;
    agree(
        "(k:K)-[r:LIKES]->(m:K)",
        &[
            "RETURN count(DISTINCT r) AS c",
            "RETURN DISTINCT r",
            "RETURN r, count(*) AS c",
            "RETURN DISTINCT k, m.k AS m",
            "RETURN k, count(*) AS c",
            "RETURN count(DISTINCT k) AS c",
        ],
    )
    .await;
    agree(
        "(k:K)-[r:LIKES]->(m:K) MATCH (:K)-[s:LIKES]->(:K)",
        &[
            "WHERE r = s RETURN count(*) AS c",
            "WHERE r <> s RETURN count(*) AS c",
            "WHERE r IN [s] RETURN count(*) AS c",
        ],
    )
    .await;
    for query in ["MATCH (k:K)-[r:LIKES]->(m:K) RETURN DISTINCT k", "MATCH (n:Twin) RETURN n"] {
        assert!(is_planned(query).await, "{query}");
    }
}

#[tokio::test]
async fn functions_are_the_same() {
    agree(
        "(t:T)",
        &[
            "WHERE t.kind = 'c' RETURN stDev(t.id) AS n, stDevP(t.id) AS m",
            "WHERE t.id = 99 RETURN stDev(t.id) AS n, stDevP(t.id) AS m",
            "RETURN t.kind AS kind, stDev(t.id) AS n, stDevP(t.small) AS m",
            "RETURN t.id AS id, round(t.x) AS a, round(t.x - 0.25) AS b, round(t.id - 3.5) AS c, round(t.id) AS d",
            "RETURN t.id AS id, round(0.49999999999999994) AS a, round(9007199254740993.0) AS b",
            "RETURN t.id AS id, toInteger(t.text) AS n",
            "RETURN t.id AS id, toInteger(t.x) AS n, toInteger(t.plain) AS m, toInteger(t.id > 2) AS o",
            "RETURN t.id AS id, toInteger(t.x * 1e300) AS n",
            "RETURN t.id AS id, toFloat(t.text) AS n",
            "RETURN t.id AS id, toFloat(t.small) AS n",
            "RETURN t.id AS id, toString(t.x) AS n",
            "RETURN t.id AS id, toString(t.at) AS n, toString(t.on) AS m",
            "RETURN t.id AS id, toString(t.id) AS n, toString(t.text) AS m, toString(t.id > 2) AS o",
            "RETURN t.id AS id, '<' + trim(t.text) + '>' AS a, '<' + ltrim(t.text) + '>' AS b, '<' + rtrim(t.text) + '>' AS c",
            "RETURN t.id AS id, left(t.text, 2) AS a, right(t.text, 1) AS b, substring(t.text, 1) AS c, substring(t.text, 1, 1) AS d",
            "RETURN left(t.text, 1 - 2) AS a",
            "RETURN right(t.text, t.id - 3) AS a",
            "RETURN substring(t.text, t.id - 3) AS a",
            "RETURN substring(t.text, 0, t.id - 3) AS a",
            "RETURN t.id AS id, t.at < datetime('1970-01-01T03:00:00Z') AS a",
            "RETURN t.id AS id, t.on = datetime('1970-01-02T00:00:00Z') AS a, t.at = t.on AS b",
            "WHERE NOT t.at = datetime('1970-01-01T03:00:00Z') RETURN t.id AS id",
            "RETURN t.id AS id, t.at IN [datetime('1970-01-01T03:00:00Z')] AS a",
            "RETURN t.id AS id, t.at < localdatetime('1970-01-01T03:00:00') AS a, t.on > date('1970-01-03') AS b",
            "RETURN t.id AS id, sign(t.x) AS a, sign(t.id - 3) AS b, abs(t.x) AS c",
        ],
    )
    .await;
    for query in
        ["stDev(t.id) AS n", "round(t.x) AS n", "trim(t.text) AS n", "left(t.text, 2) AS n", "toInteger(t.x) AS n"]
    {
        assert!(is_planned(&format!("MATCH (t:T) RETURN {query}")).await, "{query}");
    }
}

#[tokio::test]
async fn infinite_values_of_one_column_do_not_end_queries_about_others() {
    let graph = graph().await;
    for (condition, rows) in [("t.id = 1", 1), ("t.id < 3", 3), ("t.id > 1", 6), ("t.id > 1 AND t.x < 0", 2)] {
        for begin in ["", "UNWIND [1] AS one "] {
            let query = format!("{begin}MATCH (t:T) WHERE {condition} RETURN t.id AS id, t.x AS x");
            assert_eq!(outcome(&graph, &query).await.map(|found| found.len()), Ok(rows), "{query}");
        }
    }
}
