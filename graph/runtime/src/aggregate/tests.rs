//! Aggregates over a few rows.

use std::collections::BTreeMap;

use worldstore_cypher::parse_expression;

use super::{Accumulator, aggregates_of, is_aggregate};
use crate::error::Result;
use crate::eval::{Context, Env, eval};
use crate::testing::{NOW, OneNode, value};
use crate::value::Value;

/// The value of an aggregate over rows with the elements of a list as `v`.
fn over(aggregate: &str, list: &str, limit: u64) -> Result<Value> {
    let expr = parse_expression(aggregate).unwrap();
    let parameters = BTreeMap::new();
    let context = Context::new(&parameters, &OneNode, NOW, 0).with_value_bytes_max(limit);
    let names = ["v".to_owned()];
    let mut accumulator = Accumulator::new(&expr)?;
    let Value::List(list) = value(list) else { panic!("a list") };
    for item in list.iter() {
        accumulator.add(&Env::row(&names, std::slice::from_ref(item), &context))?;
    }
    accumulator.finish(&Env::row(&[], &[], &context))
}

#[test]
fn aggregates_take_rows() {
    let cases = [
        ("count(*)", "[1, null, 2]", "3"),
        ("count(v)", "[1, null, 2]", "2"),
        ("count(DISTINCT v)", "[1, 1.0, null, 2]", "2"),
        ("sum(v)", "[1, null, 2]", "3"),
        ("sum(v)", "[1, 0.5]", "1.5"),
        ("sum(v)", "[]", "0"),
        ("sum(v)", "[duration('P1D'), duration('PT1H')]", "'P1DT1H'"),
        ("avg(v)", "[1, 2]", "1.5"),
        ("avg(v)", "[]", "null"),
        ("avg(v)", "[duration('PT1H'), duration('PT2H')]", "'PT1H30M'"),
        ("min(v)", "[3, 1, null, 2.5]", "1"),
        ("max(v)", "[3, 1, null, 2.5]", "3"),
        ("max(v)", "['a', 1, [2]]", "1"),
        ("min(v)", "['a', 1, [2]]", "[2]"),
        ("min(v)", "[null]", "null"),
        ("collect(v)", "[3, null, 1]", "[3, 1]"),
        ("collect(DISTINCT v)", "[3, 3.0, 1]", "[3, 1]"),
        ("collect(v)", "[]", "[]"),
        ("stDev(v)", "[1, 2, 3, 4]", "1.2909944487358056"),
        ("stDevP(v)", "[2, 4]", "1.0"),
        ("stDev(v)", "[1]", "0.0"),
        ("percentileDisc(v, 0.5)", "[10, 20, 30]", "20"),
        ("percentileDisc(v, 0)", "[10, 20, 30]", "10"),
        ("percentileDisc(v, 1.0)", "[10, 20, 30]", "30"),
        ("percentileCont(v, 0.25)", "[10, 20, 30]", "15.0"),
        ("percentileCont(v, 0.5)", "[]", "null"),
        ("sum(v * 2)", "[1, 2]", "6"),
    ];
    for (aggregate, list, wanted) in cases {
        let found = over(aggregate, list, 1 << 20).unwrap_or_else(|error| panic!("{aggregate}: {error}"));
        assert_eq!(found.to_string(), wanted, "{aggregate} over {list}");
    }
}

#[test]
fn aggregates_refuse() {
    let cases = [
        ("sum(v)", "[9223372036854775807, 1]", "ArithmeticError IntegerOverflow"),
        ("sum(v)", "['a']", "TypeError InvalidArgumentType"),
        ("avg(v)", "[1, duration('P1D')]", "TypeError InvalidArgumentType"),
        ("percentileCont(v, 1.1)", "[1]", "ArgumentError NumberOutOfRange"),
        ("percentileDisc(v)", "[1]", "SyntaxError InvalidNumberOfArguments"),
        ("stDev(v)", "[true]", "TypeError InvalidArgumentType"),
        ("abs(v)", "[1]", "SyntaxError InvalidArgumentType"),
    ];
    for (aggregate, list, wanted) in cases {
        let error = over(aggregate, list, 1 << 20).unwrap_err();
        assert_eq!(format!("{} {}", error.class(), error.detail()), wanted, "{aggregate} over {list}");
    }
    let error = over("collect(v)", "range(1, 1000)", 10_000).unwrap_err();
    assert_eq!(error.detail().name(), "ValueTooLarge");
    let error = over("count(DISTINCT v)", "range(1, 1000)", 10_000).unwrap_err();
    assert_eq!(error.detail().name(), "ValueTooLarge");
}

#[test]
fn aggregates_are_found_and_replaced() {
    let expr = parse_expression("count(*) + sum(v.x) * 2 + size(collect(v))").unwrap();
    let found = aggregates_of(&expr);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|one| is_aggregate(one)) && !is_aggregate(&expr));
    let parameters = BTreeMap::new();
    let context = Context::new(&parameters, &OneNode, NOW, 0);
    let known: Vec<_> = found.into_iter().zip(["1", "2", "[1, 2]"].map(value)).collect();
    let row = Env::row(&[], &[], &context);
    assert_eq!(eval(&expr, &row.with_known(&known)).unwrap(), Value::Int(7));
}
