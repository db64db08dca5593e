//! A script of the kind that users write, end to end.

use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::{DiagnosticKind, parse};

/// Statements over the flights of New York, one per line of its canonical form.
pub const SCRIPT: &str = r#"
// Flights stay in the lake, airports are read into memory.
CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://air/flights/month={month}/day={day}'
    KEY (id)
    COMPUTE gain = dep_delay - arr_delay, is_late = arr_delay > 15 AND NOT cancelled;
CREATE NODE LABEL Airport FROM FILE "lake://air/airports.parquet" KEY faa;
CREATE NODE LABEL Agent FROM TABLE 'agents' RUN 'run-1' AS OF TICK 12 KEY id;
CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa);
CREATE EDGE TYPE ROUTE FROM TABLE 'routes'
    SOURCE KEY origin REFERENCES Airport(faa)
    TARGET KEY dest REFERENCES Airport(faa);
SHOW NODE LABELS; SHOW EDGE TYPES;
/* Late flights by airport. */
MATCH (f:Flight {carrier: $carrier})-[:DEST]->(a:Airport)
WHERE f.month IN [1, 2] AND 10 < f.arr_delay <= 60 AND a.name STARTS WITH 'San'
RETURN a.name AS airport, count(*) AS flights, avg(f.arr_delay)
ORDER BY flights DESC, airport SKIP 1 LIMIT 10;
EXPLAIN MATCH (a)<-[r:DEST|ROUTE]-(b), (c:`Odd label`) WHERE r.x IS NOT NULL
RETURN DISTINCT CASE WHEN a.x > 1 THEN 'many' ELSE 'few' END AS `how many`;
DROP EDGE TYPE DEST;
DROP NODE LABEL Flight
"#;

#[test]
fn a_script_is_read_and_printed() {
    let statements = parse(SCRIPT).unwrap();
    let printed: Vec<String> = statements.iter().map(ToString::to_string).collect();
    assert_eq!(statements.len(), 11);
    assert!(matches!(statements[8].kind, StatementKind::Explain(_)));
    assert_eq!(
        printed[7],
        "MATCH (f:Flight {carrier: $carrier})-[:DEST]->(a:Airport) \
         WHERE f.month IN [1, 2] AND 10 < f.arr_delay <= 60 AND a.name STARTS WITH 'San' \
         RETURN a.name AS airport, count(*) AS flights, avg(f.arr_delay) ORDER BY flights DESC, airport SKIP 1 LIMIT 10"
    );
    let again = parse(&printed.join(";")).unwrap();
    assert_eq!(again.iter().map(ToString::to_string).collect::<Vec<_>>(), printed);
}

#[test]
fn broken_statements_do_not_hide_each_other() {
    let source =
        SCRIPT.replace("REFERENCES", "REFRENCES").replace("ORDER BY", "FOREACH (x IN a | SET x.y = 1) ORDER BY");
    let diagnostics = parse(&source).unwrap_err();
    let kinds: Vec<DiagnosticKind> = diagnostics.iter().map(|diagnostic| diagnostic.kind).collect();
    assert_eq!(kinds, [DiagnosticKind::Syntax, DiagnosticKind::Syntax, DiagnosticKind::Syntax]);
    assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `REFERENCES`?"));
    assert!(diagnostics.is_sorted_by_key(|diagnostic| diagnostic.span.start));
}
