//! What is pushed of which condition.

use arrow::datatypes::Field;
use datafusion::logical_expr::{col, lit};

use super::*;

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("n", DataType::Int32, true),
        Field::new("u", DataType::UInt64, true),
        Field::new("x", DataType::Float64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("on", DataType::Boolean, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Second, None), true),
        Field::new("kind", DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), true),
    ])
}

/// The predicate, with `~` before it where it is weaker than the condition; `-` for none.
fn pushed(filter: Expr) -> String {
    match translate(&filter, &schema()) {
        Some(pushed) => format!("{}{}", if pushed.is_exact { "" } else { "~" }, Shown(&pushed.predicate)),
        None => "-".to_owned(),
    }
}

#[test]
fn what_is_understood_is_exact() {
    let cases = [
        (col("n").gt(lit(3_i32)), "n > 3"),
        (lit(3_i32).gt(col("n")), "n < 3"),
        (col("u").eq(lit(u64::MAX)), "u = 18446744073709551615"),
        (col("on"), "on = true"),
        (Expr::Not(Box::new(col("on"))), "not (on = true)"),
        (col("name").not_eq(lit("a'b")), "name <> 'a''b'"),
        (col("kind").eq(lit("a")), "kind = 'a'"),
        (col("x").is_null().or(col("x").lt_eq(lit(0.5))), "(x is null or x <= 0.5)"),
        (col("n").between(lit(1_i32), lit(2_i32)), "(n >= 1 and n <= 2)"),
        (col("n").in_list(vec![lit(1_i32), lit(2_i32)], true), "not ((n = 1 or n = 2))"),
    ];
    for (filter, expected) in cases {
        assert_eq!(pushed(filter.clone()), expected, "{filter}");
    }
}

#[test]
fn what_is_half_understood_is_weaker() {
    let unknown = || (col("n") + lit(1_i32)).eq(lit(2_i32));
    let known = || col("n").eq(lit(1_i32));
    assert_eq!(pushed(known().and(unknown())), "~n = 1");
    assert_eq!(pushed(known().and(unknown()).or(col("u").is_null())), "~(n = 1 or u is null)");
    assert_eq!(pushed(known().or(unknown())), "-");
    assert_eq!(pushed(Expr::Not(Box::new(known().and(unknown())))), "-", "its negation would be stronger");
}

#[test]
fn what_could_change_a_value_is_left_to_datafusion() {
    let null = || lit(ScalarValue::Int32(None));
    let many = (0..=IN_LIST_MAX as i32).map(lit).collect();
    for filter in [
        col("n").eq(null()),
        col("n").in_list(vec![lit(1_i32), null()], true),
        col("n").in_list(many, false),
        col("n").eq(lit(1.5)),
        col("x").gt(lit(f64::NAN)),
        col("at").gt(lit(ScalarValue::TimestampMicrosecond(Some(1), None))),
        col("missing").eq(lit(1_i32)),
        col("name").like(lit("a%")),
        col("n").eq(col("u")),
    ] {
        assert_eq!(pushed(filter.clone()), "-", "{filter}");
    }
}
