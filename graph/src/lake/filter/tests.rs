//! What is told to a listing, and what is kept to ourselves.

use datafusion::logical_expr::{cast, col, lit};

use super::*;

fn columns() -> Vec<LakeColumn> {
    [("n", HiveType::Int), ("t", HiveType::Text), ("d", HiveType::Date), ("b", HiveType::Bool)]
        .map(|(name, kind)| LakeColumn::new(name, kind))
        .to_vec()
}

fn told(expr: Expr) -> Option<Filter> {
    filter(&[expr], &columns()).map(|filter| match filter {
        Filter::And(mut all) if all.len() == 1 => all.remove(0),
        other => other,
    })
}

#[test]
fn conditions_on_paths_are_told() {
    let date = || lit(ScalarValue::Date32(Some(19_782)));
    for (expr, text) in [
        (col("n").eq(lit(3_i64)), "n = 3"),
        (lit(3_i64).lt(col("n")), "n > 3"),
        (lit(3_i64).gt_eq(col("n")), "n <= 3"),
        (col("t").not_eq(lit("x")), "t <> 'x'"),
        (col("d").gt(date()), "d > date '2024-02-29'"),
        (col("b").eq(lit(true)), "b = true"),
        (col("n").between(lit(1_i64), lit(2_i64)), "n between 1 and 2"),
        (col("n").not_between(lit(1_i64), lit(2_i64)), "n not between 1 and 2"),
        (col("n").in_list(vec![lit(1_i64), lit(2_i64)], false), "n in (1, 2)"),
        (col("t").in_list(vec![lit("x")], true), "t not in ('x')"),
        (col("t").is_null(), "t is null"),
        (col("t").is_not_null(), "t is not null"),
        (!col("n").eq(lit(3_i64)), "not n = 3"),
        (col("n").eq(lit(3_i64)).and(col("t").eq(lit("x"))), "n = 3 and t = 'x'"),
        (col("n").eq(lit(3_i64)).or(col("t").eq(lit("x"))), "n = 3 or t = 'x'"),
    ] {
        assert_eq!(told(expr.clone()), Some(Filter::parse(text).unwrap()), "{expr}");
    }
}

#[test]
fn what_means_something_else_is_not() {
    for expr in [
        col("v").eq(lit(3_i64)),
        col("n").eq(lit("3")),
        col("n").eq(lit(3_i32)),
        col("n").eq(lit(ScalarValue::Int64(None))),
        col("t").eq(lit(3_i64)),
        col("n").eq(col("n")),
        cast(col("n"), arrow::datatypes::DataType::Utf8).eq(lit("3")),
        (col("n") + lit(1_i64)).eq(lit(3_i64)),
        col("t").like(lit("x%")),
        col("n").eq(lit(3_i64)).or(col("v").eq(lit(1_i64))),
        !(col("n").eq(lit(3_i64)).and(col("v").eq(lit(1_i64)))),
        col("n").in_list(vec![lit(1_i64), col("v")], false),
    ] {
        assert_eq!(told(expr.clone()), None, "{expr}");
    }
    let both = [col("v").eq(lit(1_i64)), col("n").eq(lit(3_i64))];
    assert_eq!(filter(&both, &columns()), Some(Filter::And(vec![Filter::equal("n", 3)])), "each for itself");
}
