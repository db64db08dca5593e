//! Operators, access, comprehensions, and limits.

use std::collections::BTreeMap;

use worldstore_cypher::parse_expression;

use super::{Context, Env, eval, holds};
use crate::error::ErrorDetail;
use crate::testing::{NOW, OneNode, all_are, all_fail, limited};
use crate::value::{Value, equals};

#[test]
fn conditions_have_three_values() {
    all_are(
        "true AND null => null
         false AND null => false
         null AND false => false
         null OR true => true
         null OR false => null
         true XOR null => null
         true XOR false => true
         NOT null => null
         null = null => null
         null <> 1 => null
         null IS NULL => true
         1 IS NOT NULL => true
         false AND 1 / 0 = 1 => false
         1 < 2 < 3 => true
         1 < 3 < 2 => false
         1 < null < 0 => null
         3 < 2 < null => false",
    );
}

#[test]
fn comparisons_follow_types() {
    all_are(
        "1 = 1.0 => true
         [1, null] = [1, 2] => null
         [1, null] = [2, null] => false
         [1] = [1, null] => false
         {a: 1} = {a: 1.0} => true
         {a: null} = {a: 1} => null
         {a: null} = {b: null} => false
         1 = '1' => false
         1 < '1' => null
         'a' < 'b' => true
         [1, 2] < [1, 3] => true
         [1] < [1, 0] => true
         [1, null] < [1, 2] => null
         0.0 / 0.0 = 0.0 / 0.0 => false
         0.0 / 0.0 <> 0.0 / 0.0 => true
         0.0 / 0.0 < 1 => false
         0.0 / 0.0 < 'a' => null
         duration('P1D') < duration('P2D') => null
         n = n => true
         n < r => null
         2 IN [1, 2, null] => true
         3 IN [1, 2, null] => null
         null IN [] => false
         [1] IN [[1, null], [1]] => true
         1 IN null => null",
    );
    all_fail("1 IN 1 => TypeError InvalidArgumentType");
}

#[test]
fn arithmetic_never_wraps() {
    all_are(
        "7 / 2 => 3
         -7 / 2 => -3
         7 / 2.0 => 3.5
         -7 % 3 => -1
         1 / 0.0 => Infinity
         2 ^ 3 => 8.0
         2 ^ 3 ^ 2 => 64.0
         1 + 2 * 3 => 7
         -9223372036854775808 => -9223372036854775808
         -9223372036854775808 % -1 => 0
         null + 1 => null
         1 + null => null
         'a' + 'b' => 'ab'
         'a' + 1 => 'a1'
         1.5 + 'a' => '1.5a'
         [1] + 2 => [1, 2]
         1 + [2] => [1, 2]
         [1] + [2] => [1, 2]
         [1] + null => null
         'a' || 'b' => 'ab'
         [1] || [2] => [1, 2]
         'a' || null => null",
    );
    all_fail(
        "9223372036854775807 + 1 => ArithmeticError IntegerOverflow
         -9223372036854775807 - 2 => ArithmeticError IntegerOverflow
         9223372036854775807 * 2 => ArithmeticError IntegerOverflow
         -9223372036854775808 / -1 => ArithmeticError IntegerOverflow
         1 / 0 => ArithmeticError DivisionByZero
         1 % 0 => ArithmeticError DivisionByZero
         true + 1 => TypeError InvalidArgumentType
         'a' || 1 => TypeError InvalidArgumentType
         NOT 1 => TypeError InvalidArgumentType
         'a' - 'b' => TypeError InvalidArgumentType",
    );
}

#[test]
fn texts_match() {
    all_are(
        "'abc' STARTS WITH 'ab' => true
         'abc' ENDS WITH 'bc' => true
         'abc' CONTAINS '' => true
         'abc' CONTAINS 1 => null
         'abc' STARTS WITH null => null
         'abc' =~ 'a.c' => true
         'xabc' =~ 'a.c' => false
         'ABC' =~ '(?i)abc' => true
         'b' =~ 'a|b' => true
         'ab' =~ 'a|b' => false
         null =~ 'a' => null",
    );
    all_fail(
        "'a' =~ '(' => ArgumentError InvalidRegularExpression
         'a' =~ 'a)(b' => ArgumentError InvalidRegularExpression
         'a' =~ '((a{1000}){1000}){1000}' => ArgumentError InvalidRegularExpression",
    );
}

#[test]
fn elements_and_properties_are_found() {
    all_are(
        "[1, 2, 3][0] => 1
         [1, 2, 3][-1] => 3
         [1, 2, 3][5] => null
         [1, 2, 3][-9223372036854775808] => null
         [1, 2, 3][null] => null
         [1, 2, 3][1..] => [2, 3]
         [1, 2, 3][..-1] => [1, 2]
         [1, 2, 3][2..1] => []
         [1, 2, 3][-9..9] => [1, 2, 3]
         [1, 2, 3][1..null] => null
         {a: 1}.a => 1
         {a: 1}.b => null
         {a: 1}['a'] => 1
         n.name => 'Ann'
         n['name'] => 'Ann'
         n.age => null
         x.age => null
         r.since => 2001
         n:Person => true
         n:Person&Admin => true
         n:Person&!Admin => false
         n:Nobody|Admin => true
         r:KNOWS => true
         x:Person => null
         n {.name, .age, also: 1 + 1, x} => {age: null, also: 2, name: 'Ann', x: null}
         n {.*} => {name: 'Ann'}
         x {.*} => null
         $one + 1 => 2",
    );
    all_fail(
        "[1]['a'] => TypeError ListElementAccessByNonInteger
         [1][1.0] => TypeError ListElementAccessByNonInteger
         {a: 1}[1] => TypeError MapElementAccessByNonString
         true[0] => TypeError InvalidArgumentType
         1.a => TypeError InvalidArgumentType
         gone.name => EntityNotFound DeletedEntityAccess
         gone:A => EntityNotFound DeletedEntityAccess
         labels(gone) => EntityNotFound DeletedEntityAccess
         $two => ParameterMissing MissingParameter
         y => SyntaxError UndefinedVariable",
    );
}

#[test]
fn comprehensions_bind_their_variables() {
    all_are(
        "[y IN [1, 2, 3] WHERE y > 1 | y * 10] => [20, 30]
         [y IN [1, 2] | [x IN [y] | x + y]] => [[2], [4]]
         [y IN [1, 2]] => [1, 2]
         [y IN [1, null] WHERE y = 1] => [1]
         [y IN null | y] => null
         all(y IN [] WHERE false) => true
         all(y IN [1, null] WHERE y > 0) => null
         all(y IN [-1, null] WHERE y > 0) => false
         any(y IN [1, null] WHERE y > 0) => true
         any(y IN [-1, null] WHERE y > 0) => null
         none(y IN [1, null] WHERE y > 0) => false
         none(y IN [-1, null] WHERE y > 0) => null
         single(y IN [1, 2] WHERE y > 0) => false
         single(y IN [1, -1] WHERE y > 0) => true
         single(y IN [1, null] WHERE y > 0) => null
         single(y IN [1, null, 2] WHERE y > 0) => false
         all(y IN null WHERE true) => null
         reduce(sum = 0, y IN [1, 2, 3] | sum + y) => 6
         reduce(sum = 0, y IN null | sum + y) => null
         CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END => 'b'
         CASE null WHEN null THEN 'a' ELSE 'b' END => 'b'
         CASE WHEN null THEN 'a' WHEN true THEN 'b' END => 'b'
         CASE 3 WHEN 1, 3 THEN 'a' END => 'a'
         CASE WHEN false THEN 1 END => null",
    );
    all_fail(
        "[y IN 1 | y] => TypeError InvalidArgumentType
         any(y IN [1] WHERE y) => TypeError InvalidArgumentType",
    );
}

#[test]
fn what_would_be_too_large_is_refused_before_it_is_built() {
    let hostile = [
        "range(1, 1000000000000)",
        "range(-9223372036854775808, 9223372036854775807)",
        "reduce(text = 'a', y IN range(1, 60) | text + text)",
        "reduce(list = [1], y IN range(1, 60) | list + list)",
        "reduce(list = [1], y IN range(1, 60) | [list, list])",
        "reduce(list = [1], y IN range(1, 2000) | [list])",
        "reduce(entries = {a: 1}, y IN range(1, 2000) | {a: entries})",
        "[y IN range(1, 1000) | range(1, 1000)]",
        "split(reduce(text = 'a', y IN range(1, 15) | text + text), '')",
        "replace(reduce(text = 'a', y IN range(1, 10) | text + text), 'a', toString(range(1, 9)[0]) + 'bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz')",
    ];
    for text in hostile {
        let error = limited(text, 40_000).map(|value| value.bytes()).unwrap_err();
        assert_eq!(error.detail(), ErrorDetail::ValueTooLarge, "{text}");
    }
    assert_eq!(limited("size(range(1, 1000))", 40_000).ok(), Some(Value::Int(1000)));
    assert_eq!(
        limited("range(9223372036854775806, 9223372036854775807)", 40_000).unwrap().to_string(),
        "[9223372036854775806, 9223372036854775807]"
    );
}

#[test]
fn nesting_is_bounded() {
    let deep = |times: u32| limited(&format!("reduce(list = 1, y IN range(1, {times}) | [list])"), 1 << 24);
    assert!(deep(100).is_ok());
    let error = deep(101).unwrap_err();
    assert!(error.message().contains("deep"), "{error}");
}

#[test]
fn the_last_of_equal_names_counts() {
    let parameters = BTreeMap::new();
    let context = Context::new(&parameters, &OneNode, NOW, 0);
    let names = ["a", "a"].map(str::to_owned);
    let row = [Value::Int(1), Value::Int(2)];
    assert_eq!(Env::row(&names, &row, &context).find("a"), Some(&Value::Int(2)));
}

#[test]
fn the_highest_tree_fits_the_stack() {
    let text = format!("0{}", " + 1".repeat(480));
    assert_eq!(limited(&text, 1 << 20).ok(), Some(Value::Int(480)));
}

#[test]
fn errors_know_their_place() {
    let error = limited("1 + [1, 2][1 / 0]", 1 << 20).unwrap_err();
    assert_eq!(error.span().map(|span| (span.start, span.end)), Some((11, 16)));
    assert_eq!(error.to_string(), "an integer is divided by zero (ArithmeticError: DivisionByZero)");
}

#[test]
fn inner_variables_hide_outer_ones() {
    let parameters = BTreeMap::new();
    let context = Context::new(&parameters, &OneNode, NOW, 0);
    let (names, values) = (["a", "b"].map(str::to_owned), [Value::Int(1), Value::Int(2)]);
    let row = Env::row(&names, &values, &context);
    let three = Value::Int(3);
    let inner = row.with("a", &three);
    let read = |env: &Env<'_>| eval(&parse_expression("a * 10 + b").unwrap(), env).unwrap();
    assert_eq!((read(&row), read(&inner)), (Value::Int(12), Value::Int(32)));
    assert_eq!(inner.names(), ["a", "a", "b"]);
    let condition = parse_expression("a = 3").unwrap();
    assert!(holds(&condition, &inner).unwrap());
    let known = [(&condition, Value::Null)];
    assert!(!holds(&condition, &inner.with_known(&known)).unwrap());
}

#[test]
fn long_lists_have_what_they_are_searched_for() {
    let lists = ["range(1, 20)", "range(1, 20) + [null]", "range(1, 20) + [0.0 / 0.0]", "range(1, 20) + [[7]]", "[]"];
    let values = ["7", "7.0", "7.5", "0.0 / 0.0", "null", "'7'", "[7]", "[null]", "n", "date('2020-01-01')"];
    let expr = parse_expression("value IN list").unwrap();
    crate::testing::with_env(1 << 20, |env| {
        for list in lists {
            let list = crate::testing::value(list);
            for value in values.map(crate::testing::value) {
                let both = env.with("list", &list);
                let both = both.with("value", &value);
                // The first time it is searched, then it is looked up.
                let answers: Vec<_> = (0..3).map(|_| eval(&expr, &both).unwrap()).collect();
                let Value::List(items) = &list else { panic!("a list") };
                let each: Vec<_> = items.iter().map(|item| equals(item, &value)).collect();
                let wanted = match (each.contains(&Some(true)), each.contains(&None)) {
                    (true, _) => Value::Bool(true),
                    (false, true) => Value::Null,
                    (false, false) => Value::Bool(false),
                };
                assert_eq!(answers, [wanted.clone(), wanted.clone(), wanted], "{value} IN {list}");
            }
        }
    });
}
