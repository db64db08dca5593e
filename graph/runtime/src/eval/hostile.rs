//! Every operator and function with values of every type: there are errors, but no panics.

use worldstore_cypher::parse_expression;

use super::eval;
use crate::error::Result;
use crate::functions;
use crate::testing::{value, with_env};
use crate::value::Value;

/// A value of every type, and those at the edges of their ranges.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "-0.0",
    "(0.0 / 0.0)",
    "(1 / 0.0)",
    "1e300",
    "''",
    "'äbc'",
    "'P1Y'",
    "'2020-02-29T12:00[Europe/Berlin]'",
    "[]",
    "[null, 1, 'a']",
    "{}",
    "{year: 2020, month: 2, day: 30}",
    "{hour: 9223372036854775807, timezone: 'Asia/Tokyo'}",
    "n",
    "gone",
    "r",
    "p",
    "date('+999999999-12-31')",
    "localtime('23:59:59.999999999')",
    "time('00:00+18:00')",
    "localdatetime('-999999999-01-01')",
    "datetime('2020-02-29T12:00[Europe/Berlin]')",
    "duration({months: 9223372036854775807, days: -9223372036854775808, seconds: 9223372036854775807})",
];

const OPERATORS: &[&str] = &[
    "OR",
    "XOR",
    "AND",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "IN",
    "STARTS WITH",
    "ENDS WITH",
    "CONTAINS",
    "=~",
    "||",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
];

const FUNCTIONS: &[&str] = &[
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "char_length",
    "coalesce",
    "cos",
    "cosh",
    "cot",
    "coth",
    "date",
    "date.truncate",
    "datetime",
    "datetime.fromEpoch",
    "datetime.fromEpochMillis",
    "datetime.truncate",
    "degrees",
    "duration",
    "duration.between",
    "duration.inDays",
    "duration.inMonths",
    "duration.inSeconds",
    "elementId",
    "endNode",
    "exists",
    "exp",
    "floor",
    "haversin",
    "head",
    "id",
    "isEmpty",
    "isNaN",
    "keys",
    "labels",
    "last",
    "left",
    "length",
    "localdatetime",
    "localdatetime.truncate",
    "localtime",
    "localtime.truncate",
    "log",
    "log10",
    "nodes",
    "nullIf",
    "pow",
    "properties",
    "radians",
    "relationships",
    "replace",
    "reverse",
    "right",
    "round",
    "sign",
    "sin",
    "sinh",
    "size",
    "split",
    "sqrt",
    "startNode",
    "substring",
    "tail",
    "tan",
    "tanh",
    "time",
    "time.statement",
    "time.truncate",
    "toBoolean",
    "toBooleanOrNull",
    "toFloat",
    "toFloatList",
    "toInteger",
    "toIntegerOrNull",
    "toLower",
    "toString",
    "toStringList",
    "toUpper",
    "trim",
    "type",
    "valueType",
    "range",
];

/// Prints what comes out, which must not panic either.
fn look_at(result: Result<Value>) {
    match result {
        Ok(value) => drop(value.to_string()),
        Err(error) => drop(error.to_string()),
    }
}

fn values() -> Vec<Value> {
    VALUES.iter().map(|text| value(text)).collect()
}

#[test]
fn operators_take_anything() {
    let unary = [
        "NOT a",
        "-a",
        "+a",
        "a.year",
        "a.epochMillis",
        "a.monthsOfYear",
        "a['year']",
        "a[-1..]",
        "a[..9]",
        "a IS NULL",
        "a:A",
        "a {.*, .b}",
        "[x IN a | x]",
        "reduce(x = a, y IN a | x + y)",
        "CASE a WHEN 1 THEN 2 END",
    ];
    let binary = OPERATORS.iter().map(|operator| format!("a {operator} b"));
    let binary = binary.chain(["a[b]", "[1, 2, 3][a..b]", "a < b <= a", "b IN [a, b]"].map(str::to_owned));
    let binary: Vec<_> = binary.map(|text| parse_expression(&text).unwrap()).collect();
    let unary = unary.map(|text| parse_expression(text).unwrap());
    let values = values();
    with_env(1 << 16, |env| {
        for left in &values {
            let with_left = env.with("a", left);
            unary.iter().for_each(|expr| look_at(eval(expr, &with_left)));
            for right in &values {
                let both = with_left.with("b", right);
                binary.iter().for_each(|expr| look_at(eval(expr, &both)));
            }
        }
    });
}

#[test]
fn functions_take_anything() {
    let values = values();
    let texts = |texts: &[&str]| texts.iter().map(|text| value(text)).collect::<Vec<_>>();
    let pairs = ["1.5", "2", "'abc'", "1", "'abc'", "'b'", "0", "5", "-5", "5"];
    let units = ["millennium", "weekYear", "week", "day", "hour", "microsecond"].map(|unit| format!("'{unit}'"));
    let moments = ["datetime('2020-02-29T12:00[Europe/Berlin]')", "date('-999999999-01-01')", "localtime('12:00')"];
    let mut firsts: Vec<Vec<Value>> = pairs.chunks(2).map(texts).collect();
    firsts.extend(units.iter().flat_map(|unit| moments.map(|moment| texts(&[unit, moment]))));
    with_env(1 << 16, |env| {
        let call = |name: &str, arguments: &[Value]| {
            let result = functions::dispatch(&name.to_ascii_lowercase(), arguments, env);
            look_at(result.map(Value::from));
        };
        for function in FUNCTIONS {
            call(function, &[]);
            for first in &values {
                call(function, std::slice::from_ref(first));
                values.iter().for_each(|second| call(function, &[first.clone(), second.clone()]));
                for pair in &firsts {
                    call(function, &[pair.as_slice(), std::slice::from_ref(first)].concat());
                }
            }
        }
    });
}
