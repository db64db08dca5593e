//! Tests of the canonical text.

use crate::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::span::Span;
use crate::{parse, parse_expression};

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn literal(literal: Literal) -> Expr {
    expr(ExprKind::Literal(literal))
}

#[test]
fn brackets_stay_only_where_they_are_needed() {
    let cases = [
        ("((a OR b)) AND (c)", "(a OR b) AND c"),
        ("(a AND b) OR (c AND d)", "a AND b OR c AND d"),
        ("a - (b - c) - (d)", "a - (b - c) - d"),
        ("(a - b) - c", "a - b - c"),
        ("(2 ^ 3) ^ 4", "2 ^ 3 ^ 4"),
        ("2 ^ (3 ^ 4)", "2 ^ (3 ^ 4)"),
        ("-(3 ^ 2)", "-(3 ^ 2)"),
        ("(-3) ^ 2", "-3 ^ 2"),
        ("-(-a)", "- -a"),
        ("NOT (a = b)", "NOT a = b"),
        ("(NOT a) = b", "(NOT a) = b"),
        ("(a < b) = (c < d)", "(a < b) = (c < d)"),
        ("(a IS NULL) IS NULL", "a IS NULL IS NULL"),
        ("(a + b).c", "(a + b).c"),
        ("(a.b).c", "a.b.c"),
        ("(a IN b) IN c", "a IN b IN c"),
        ("a IN (b IN c)", "a IN (b IN c)"),
        ("[(a IN b OR c)]", "[(a IN b OR c)]"),
        ("[a + b IN c]", "[a + b IN c]"),
        ("(CASE WHEN a THEN b END).c", "CASE WHEN a THEN b END.c"),
    ];
    for (source, expected) in cases {
        let printed = parse_expression(source).unwrap().to_string();
        assert_eq!(printed, expected);
        assert_eq!(parse_expression(&printed).unwrap().to_string(), expected);
    }
}

#[test]
fn literals_are_written_so_that_they_read_back() {
    let cases = [
        (Literal::Float(1.0), "1.0"),
        (Literal::Float(1e300), "1e300"),
        (Literal::Float(5e-324), "5e-324"),
        (Literal::Int(i64::MIN), "-9223372036854775808"),
        (
            Literal::Text("a'\"\\\n\t\r\u{8}\u{c}\u{0}\u{7f}ä😀".to_string()),
            "'a\\'\"\\\\\\n\\t\\r\\b\\f\\u0000\\u007Fä😀'",
        ),
    ];
    for (value, expected) in cases {
        let printed = literal(value.clone()).to_string();
        assert_eq!(printed, expected);
        assert_eq!(parse_expression(&printed).unwrap().kind, ExprKind::Literal(value));
    }
    assert_eq!(literal(Literal::Float(f64::NEG_INFINITY)).to_string(), "-INF");
    assert_eq!(literal(Literal::Float(f64::NAN)).to_string(), "NaN");
}

#[test]
fn negative_literals_are_operands_like_signs() {
    let minus_two = literal(Literal::Int(-2));
    let power = ExprKind::Binary(BinaryOp::Power, Box::new(minus_two.clone()), Box::new(literal(Literal::Float(-0.5))));
    assert_eq!(power.to_string(), "-2 ^ -0.5");
    assert_eq!(ExprKind::Unary(UnaryOp::Minus, Box::new(minus_two)).to_string(), "- -2");
}

#[test]
fn names_are_quoted_where_they_must_be() {
    let source = "MATCH (`match`:match {`1a`: `where`.where}) RETURN `all`(`a``b`.`c d`) AS `limit`, $`a b`, $limit";
    assert_eq!(parse(source).unwrap()[0].to_string(), source);
}
