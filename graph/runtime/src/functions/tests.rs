//! Functions, group by group.

use std::collections::BTreeMap;

use worldstore_cypher::parse_expression;

use super::Functions;
use crate::error::{Result, RuntimeError};
use crate::eval::{Context, Env, eval};
use crate::testing::{NOW, OneNode, all_are, all_fail, value};
use crate::value::Value;

#[test]
fn entities_answer() {
    all_are(
        "labels(n) => ['Person', 'Admin']
         type(r) => 'KNOWS'
         id(n) => 1
         elementId(r) => '7'
         properties(n) => {name: 'Ann'}
         keys({b: 1, a: null}) => ['a', 'b']
         keys(r) => ['since']
         nodes(p) => [(:Person:Admin {name: 'Ann'}), ()]
         relationships(p) => [[:KNOWS {since: 2001}]]
         length(p) => 1
         startNode(r) => (:Person)
         endNode(r) => null
         labels(null) => null
         type(null) => null
         length(x) => null
         exists(n.name) => true
         exists(n.age) => false
         id(gone) => 2",
    );
    all_fail(
        "labels(p) => TypeError InvalidArgumentValue
         type(n) => TypeError InvalidArgumentValue
         keys(1) => TypeError InvalidArgumentType
         length(1) => TypeError InvalidArgumentType
         properties(1) => TypeError InvalidArgumentType
         labels() => SyntaxError UnknownFunction
         nothing(1) => SyntaxError UnknownFunction
         no.thing(1) => SyntaxError UnknownFunction
         `a name that is longer than any function has, by far, and goes on and on and on`(1) => SyntaxError UnknownFunction",
    );
}

#[test]
fn lists_answer() {
    all_are(
        "size([1, 2]) => 2
         size('ä€😀') => 3
         head([]) => null
         head([1, 2]) => 1
         last([1, 2]) => 2
         tail([1, 2]) => [2]
         tail([]) => []
         reverse([1, 2]) => [2, 1]
         reverse('abc') => 'cba'
         isEmpty([]) => true
         isEmpty({a: 1}) => false
         isEmpty('') => true
         range(0, 10, 3) => [0, 3, 6, 9]
         range(3, 1) => []
         range(3, 1, -1) => [3, 2, 1]
         range(1, 1) => [1]
         range(0, -9223372036854775808, -9223372036854775808) => [0, -9223372036854775808]
         coalesce(null, 1, 1 / 0) => 1
         coalesce(null) => null
         nullIf(1, 1.0) => null
         nullIf(1, 2) => 1
         size(null) => null",
    );
    all_fail(
        "range(1, 2, 0) => ArgumentError NumberOutOfRange
         range(1, 'a') => ArgumentError InvalidArgumentType
         size(1) => TypeError InvalidArgumentType
         head('a') => TypeError InvalidArgumentType",
    );
}

#[test]
fn texts_answer() {
    all_are(
        "toUpper('äb') => 'ÄB'
         toLower('ÄB') => 'äb'
         trim(' a ') => 'a'
         lTrim(' a ') => 'a '
         rTrim(' a ') => ' a'
         left('äbc', 2) => 'äb'
         right('äbc', 2) => 'bc'
         right('a', 5) => 'a'
         substring('hello', 1) => 'ello'
         substring('hello', 1, 3) => 'ell'
         substring('hello', 9) => ''
         replace('hello', 'l', 'w') => 'hewwo'
         split('a,b,c', ',') => ['a', 'b', 'c']
         split('abc', '') => ['a', 'b', 'c']
         split('abc', ['']) => ['a', 'b', 'c']
         split('a,bc', [',', '']) => ['a', 'b', 'c']
         split('a,b;c', [',', ';']) => ['a', 'b', 'c']
         char_length('äb') => 2
         replace(null, 'a', 'b') => null
         left('a', null) => null",
    );
    all_fail(
        "left('a', -1) => ArgumentError NegativeIntegerArgument
         substring('a', 0, -1) => ArgumentError NegativeIntegerArgument
         toUpper(1) => TypeError InvalidArgumentType
         replace('a', 1, 'b') => TypeError InvalidArgumentType",
    );
}

#[test]
fn numbers_answer() {
    all_are(
        "abs(-1) => 1
         abs(-1.5) => 1.5
         ceil(1.2) => 2.0
         floor(-1.2) => -2.0
         round(2.5) => 3.0
         round(-2.5) => -2.0
         round(-2.6) => -3.0
         round(0.49999999999999994) => 0.0
         round(-0.5) => 0.0
         round(4503599627370497.0) = 4503599627370497.0 => true
         round(3.14159, 2) => 3.14
         round(2.5, 0, 'HALF_EVEN') => 2.0
         round(-1.25, 1, 'UP') => -1.3
         sign(-3) => -1
         sign(0.0) => 0
         sqrt(16) => 4.0
         exp(0) => 1.0
         log(e()) => 1.0
         log10(100) => 2.0
         sin(0) => 0.0
         cos(0) => 1.0
         atan2(0, 1) => 0.0
         degrees(pi()) => 180.0
         radians(180) = pi() => true
         haversin(0) => 0.0
         isNaN(0.0 / 0.0) => true
         isNaN(1) => false
         0 <= rand() < 1 => true
         sqrt(null) => null
         sqrt(-1) => NaN",
    );
    all_fail(
        "abs('a') => TypeError InvalidArgumentType
         abs(-9223372036854775808) => ArithmeticError IntegerOverflow
         round(1.5, -1) => ArgumentError NumberOutOfRange
         round(1.5, 1, 'SIDEWAYS') => ArgumentError InvalidArgumentValue",
    );
    let Value::Text(uuid) = value("randomUUID()") else { panic!("a text") };
    assert_eq!((uuid.len(), uuid.matches('-').count(), uuid.get(14..15)), (36, 4, Some("4")));
    assert_eq!(value("rand() <> rand()"), Value::Bool(true));
}

#[test]
fn types_are_converted() {
    all_are(
        "toInteger('42') => 42
         toInteger(' -42 ') => -42
         toInteger('1.9') => 1
         toInteger(-1.9) => -1
         toInteger('x') => null
         toInteger('99999999999999999999') => null
         toInteger(1e300) => null
         toIntegerOrNull([1]) => null
         toFloat('1.5') => 1.5
         toFloat(1) => 1.0
         toFloat('nan') => null
         toFloatOrNull({}) => null
         toBoolean('TRUE') => true
         toBoolean('x') => null
         toBooleanOrNull(1.5) => null
         toString(1) => '1'
         toString(1.0) => '1.0'
         toString(true) => 'true'
         toString(date('2020-01-01')) => '2020-01-01'
         toStringOrNull([1]) => null
         toIntegerList(['1', 'x', 2.5]) => [1, null, 2]
         valueType(1) => 'INTEGER NOT NULL'
         toInteger(null) => null",
    );
    all_fail(
        "toInteger([1]) => TypeError InvalidArgumentValue
         toFloat(true) => TypeError InvalidArgumentValue
         toBoolean(1.5) => TypeError InvalidArgumentValue
         toString({}) => TypeError InvalidArgumentValue",
    );
}

/// `double.it(x)`.
#[derive(Debug)]
struct Double;

impl Functions for Double {
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Option<Value>> {
        match (name, arguments) {
            ("double.it", [value]) => Ok(value.as_int().map(|int| Value::Int(int * 2))),
            ("abs", _) => Err(RuntimeError::unsupported("the language has this function")),
            _ => Ok(None),
        }
    }
}

#[test]
fn callers_add_functions() {
    let parameters = BTreeMap::new();
    let context = Context::new(&parameters, &OneNode, NOW, 0).with_functions(Some(&Double));
    let found = |text: &str| eval(&parse_expression(text).unwrap(), &Env::row(&[], &[], &context));
    assert_eq!(found("Double.It(abs(-21))").unwrap(), Value::Int(42));
    assert_eq!(found("double.it(1, 2)").unwrap_err().detail().name(), "UnknownFunction");
}
