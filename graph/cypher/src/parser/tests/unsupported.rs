//! Tests that what other dialects have is refused by name.

use super::*;

/// Construct by construct: the statement, the message without `not supported: `, and the text that it points at.
const UNSUPPORTED: [(&str, &str, &str); 15] = [
    ("CREATE INDEX i FOR (n:L) ON (n.x)", "CREATE INDEX", "CREATE INDEX"),
    ("DROP CONSTRAINT c", "DROP CONSTRAINT", "DROP CONSTRAINT"),
    ("SHOW FUNCTIONS", "SHOW FUNCTIONS", "SHOW FUNCTIONS"),
    ("MATCH (a) CALL { RETURN 1 } RETURN a", "CALL { … }", "{"),
    ("MATCH (a) FOREACH (x IN [1] | SET a.x = x)", "FOREACH", "FOREACH"),
    ("LOAD CSV FROM 'x' AS y RETURN y", "LOAD CSV", "LOAD"),
    ("MATCH (a) USING INDEX a:L(x) RETURN a", "USING", "USING"),
    ("MATCH REPEATABLE ELEMENTS (a) RETURN a", "match modes", "REPEATABLE"),
    ("MATCH (a)~(b) RETURN a", "`~` in a pattern", "~"),
    ("MATCH (a) WHERE a.x IS NOT TYPED INT RETURN a", "predicates on types", "TYPED"),
    ("CREATE NODE LABEL A (x INT) FROM FILE 'a'", "columns of a label", "("),
    ("CREATE EDGE TYPE A FROM B TARGET KEY (x, y) REFERENCES C(d)", "keys of several columns", ","),
    ("MATCH (a) RETURN filter(x IN a.l WHERE x > 1)", "`filter(…)`", "filter"),
    ("MATCH (a:$label) RETURN a", "parameters in place of labels", "$label"),
    ("MATCH ANY $k (a)-->(b) RETURN a", "parameters as a number of paths", "$k"),
];

#[test]
fn what_other_dialects_have_is_refused_by_name() {
    for (source, what, place) in UNSUPPORTED {
        let diagnostics = parse(source).expect_err(source);
        let [diagnostic] = diagnostics.as_slice() else { panic!("one diagnostic for {source}") };
        assert_eq!(diagnostic.kind, DiagnosticKind::Unsupported, "{source}: {diagnostic}");
        assert_eq!(diagnostic.message, format!("not supported: {what}"), "{source}");
        assert_eq!(diagnostic.span.text(source), place, "{source}");
    }
}
