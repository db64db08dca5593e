//! Tests of the parser: trees as canonical text with all brackets, and diagnostics as they are shown.

use expect_test::{Expect, expect};

use super::*;
use crate::ast::{ExprKind, StatementKind};
use crate::diagnostic::DiagnosticKind;

mod language;
mod queries;
mod refusals;
mod unsupported;

/// The tree with brackets around every operator.
fn bracketed(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Unary(operator, inner) => format!("({operator} {})", bracketed(inner)),
        ExprKind::Binary(operator, left, right) => format!("({} {operator} {})", bracketed(left), bracketed(right)),
        ExprKind::Comparisons(first, others) => {
            let others: String = others.iter().map(|(op, other)| format!(" {op} {}", bracketed(other))).collect();
            format!("({}{others})", bracketed(first))
        }
        ExprKind::IsNull(inner) => format!("({} IS NULL)", bracketed(inner)),
        ExprKind::IsNotNull(inner) => format!("({} IS NOT NULL)", bracketed(inner)),
        ExprKind::Property(inner, name) => format!("{}.{name}", bracketed(inner)),
        _ => expr.to_string(),
    }
}

fn check(source: &str, expected: &str) {
    match parse_expression(source) {
        Ok(expr) => assert_eq!(bracketed(&expr), expected, "{source}"),
        Err(diagnostic) => panic!("{}", diagnostic.render(source)),
    }
}

/// All diagnostics of a script, as they are shown.
fn check_errors(source: &str, expected: Expect) {
    let diagnostics = parse(source).unwrap_err();
    let rendered: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.render(source)).collect();
    expected.assert_eq(&format!("{}\n", rendered.join("\n")));
}

#[test]
fn operators_bind_as_in_opencypher() {
    check("a OR b XOR c AND NOT d = e", "(a OR (b XOR (c AND (NOT (d = e)))))");
    check("a = b IN c + d * e ^ -f.g", "(a = (b IN (c + (d * (e ^ (- f.g))))))");
    check("1 - 2 - 3", "((1 - 2) - 3)");
    check("2 ^ 3 ^ 4", "((2 ^ 3) ^ 4)");
    check("-3 ^ 2", "((- 3) ^ 2)");
    check("NOT NOT a AND b", "((NOT (NOT a)) AND b)");
    check("a % b / c", "((a % b) / c)");
    check("- - + a", "(- (- (+ a)))");
    check("a <-1", "(a < (- 1))");
    check("(1 + 2) * 3", "((1 + 2) * 3)");
    check("a or B Xor c", "(a OR (B XOR c))");
}

#[test]
fn predicates_bind_tighter_than_comparisons() {
    check("[1] + 2 IN [3] + 4", "(([1] + 2) IN ([3] + 4))");
    check("a IS NULL = b IS NOT NULL", "((a IS NULL) = (b IS NOT NULL))");
    check("NOT a IS NULL", "(NOT (a IS NULL))");
    check("a starts with b ends with c contains d", "(((a STARTS WITH b) ENDS WITH c) CONTAINS d)");
    check("a + b IS NULL IS NULL", "(((a + b) IS NULL) IS NULL)");
}

#[test]
fn comparisons_form_chains() {
    check("a < b < c", "(a < b < c)");
    check("1 <= n.x <= 2 = b", "(1 <= n.x <= 2 = b)");
    check("(a < b) < c", "((a < b) < c)");
    check("a < b AND c > d", "((a < b) AND (c > d))");
    check("NOT a < b < c", "(NOT (a < b < c))");
}

#[test]
fn operands() {
    check("a.b.c", "a.b.c");
    check("n.MATCH.`a b`", "n.MATCH.`a b`");
    check("count(*)", "count(*)");
    check("COUNT ( DISTINCT n.x )", "COUNT(DISTINCT n.x)");
    check("f()", "f()");
    check("[]", "[]");
    check("[1, [x], (y IN z)]", "[1, [x], y IN z]");
    check("[(y IN z)]", "[(y IN z)]");
    check("$a + $0 + $`b c`", "(($a + $0) + $`b c`)");
    check("TRUE AND false OR Null", "((true AND false) OR null)");
    check("case when a then 1 when b then 2 end", "CASE WHEN a THEN 1 WHEN b THEN 2 END");
    check("CASE n.x WHEN 1 THEN 'a' ELSE 'b' END", "CASE n.x WHEN 1 THEN 'a' ELSE 'b' END");
    check("'it''s'".replace("''", "\\'").as_str(), "'it\\'s'");
    check("`any`(x)", "`any`(x)");
    check("exists(n.x)", "exists(n.x)");
    check("(a) - (b)", "(a - b)");
    check("(a) - [b]", "(a - [b])");
    check("0x1F + 0o17 + .5 + 1e3", "(((31 + 15) + 0.5) + 1000.0)");
}

#[test]
fn the_least_integer_is_one_literal() {
    let expr = parse_expression("-9223372036854775808").unwrap();
    assert_eq!(expr.kind, ExprKind::Literal(crate::ast::Literal::Int(i64::MIN)));
    check("- -0x8000000000000000", "(- -9223372036854775808)");
    assert!(parse_expression("9223372036854775808").is_err());
    assert!(parse_expression("-9223372036854775809").is_err());
    assert!(parse_expression("-9223372036854775808.x").is_err());
}

#[test]
fn spans_cover_brackets_and_all_operands() {
    let source = " (a + b)  * f( c ) ";
    let expr = parse_expression(source).unwrap();
    assert_eq!(expr.span.text(source), "(a + b)  * f( c )");
    let ExprKind::Binary(_, left, right) = expr.kind else { panic!("an operator") };
    assert_eq!((left.span.text(source), right.span.text(source)), ("(a + b)", "f( c )"));
}

#[test]
fn deep_nesting_is_refused_without_exhausting_the_stack() {
    let many = 20_000;
    let cases = [
        "(".repeat(many),
        "[".repeat(many),
        "-".repeat(many) + "1",
        "NOT ".repeat(many) + "a",
        "f(".repeat(many),
        "CASE ".repeat(many),
        "a".to_string() + &" + a".repeat(many),
        "a".to_string() + &" OR a".repeat(many),
        "a".to_string() + &".a".repeat(many),
        "a".to_string() + &" IS NULL".repeat(many),
        "(a OR b XOR c AND NOT d = e IN f + g * h ^ -".repeat(many),
        "(".repeat(many) + "a" + &")".repeat(many),
        "{a: ".repeat(many),
        "a[".repeat(many),
        "a".to_string() + &"[0]".repeat(many),
        "[x IN ".repeat(many),
        "all(x IN ".repeat(many),
        "reduce(x = ".repeat(many),
        "n {x: ".repeat(many),
        "EXISTS { MATCH (a) WHERE ".repeat(many),
        "EXISTS { MATCH (a {x: ".repeat(many),
        "EXISTS { ".to_string() + &"(".repeat(many),
        "COUNT { MATCH (a) RETURN ".repeat(many),
        "[p = (a {x: ".repeat(many) + &"})-->() | 1]".repeat(many),
        "a:".to_string() + &"!".repeat(many) + "A",
        "a:".to_string() + &"(".repeat(many) + "A",
        "a:A".to_string() + &"&A".repeat(many),
        "a:A".to_string() + &"|A".repeat(many),
    ];
    for source in cases {
        let diagnostic = parse_expression(&source).unwrap_err();
        assert_eq!(diagnostic.kind, DiagnosticKind::Syntax);
        assert_eq!(diagnostic.message, "the expression is too deep", "{}", &source[..20]);
    }
}

#[test]
fn a_statement_of_too_many_clauses_that_read_is_refused() {
    let many = 200;
    let long = |before: &str, part: &str, after: &str| format!("{before}{}{after}", part.repeat(many));
    for source in [
        long("", "RETURN 1 AS a UNION ALL ", "RETURN 1 AS a"),
        long("", "RETURN 1 AS a NEXT ", "RETURN a"),
        long("WITH 1 AS a ", "FILTER a = 1 ", "RETURN a"),
        long("", "CREATE (:A) WITH 1 AS a ", "RETURN a"),
        long("RETURN COUNT { WITH 1 AS a ", "WITH a ", "RETURN a }"),
    ] {
        let wrong = parse(&source).unwrap_err();
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].message, "the statement has more than 200 clauses that read", "{}", &source[..40]);
    }
    for source in [long("", "CREATE (:A) ", "RETURN 1"), "WITH 1 AS a ".repeat(many - 1) + "RETURN a"] {
        assert_eq!(parse(&source).unwrap().len(), 1);
    }
    assert_eq!(parse(&long("", "RETURN 1 AS a;", "RETURN 1 AS a")).unwrap().len(), many + 1);
}

#[test]
fn moderate_nesting_and_long_chains_are_fine() {
    let brackets = "(".repeat(60) + "a" + &")".repeat(60);
    assert_eq!(parse_expression(&brackets).unwrap().to_string(), "a");
    let chain = "x = 0".to_string() + &" OR x = 1".repeat(400);
    assert_eq!(parse_expression(&chain).unwrap().to_string(), chain);
    let chain = "a".to_string() + &" < a".repeat(50_000);
    assert_eq!(parse_expression(&chain).unwrap().to_string(), chain);
    let list = format!("[{}0]", "0, ".repeat(50_000));
    assert!(matches!(parse_expression(&list).unwrap().kind, ExprKind::List(parts) if parts.len() == 50_001));
}

#[test]
fn chains_within_chains_do_not_grow() {
    let source = "(a < ".repeat(30) + "a" + &" < a)".repeat(30);
    let expr = parse_expression(&source).unwrap();
    // The middle of a chain needs brackets around a comparison, the last of it does not go on with one.
    assert_eq!(expr.to_string().matches('<').count(), 60);
}

#[test]
fn scripts_are_cut_at_semicolons_outside_of_texts() {
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(parse(" ; ;; // nothing ;\n /* ; */ ").unwrap(), []);
    let source = "MATCH (a) WHERE a.x = ';' RETURN a; SHOW NODE LABELS ;";
    let statements = parse(source).unwrap();
    let texts: Vec<&str> = statements.iter().map(|statement| statement.span.text(source)).collect();
    assert_eq!(texts, ["MATCH (a) WHERE a.x = ';' RETURN a", "SHOW NODE LABELS"]);
    assert_eq!(statements[1].kind, StatementKind::ShowNodeLabels);
}

#[test]
fn an_expression_is_read_alone() {
    assert_eq!(parse_expression("").unwrap_err().message, "expected an expression, found the end of the input");
    let message = parse_expression("a; b").unwrap_err().message;
    assert_eq!(message, "expected an operator or the end of the statement, found `;`");
}
