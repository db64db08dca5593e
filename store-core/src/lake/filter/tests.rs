//! Filters: how they are read, and what they decide when only a part is known.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::hive::HiveDate;

fn decide(text: &str, known: &[(&str, Option<&'static str>)]) -> Decision {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.decide(&|name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
}

#[test]
fn conditions_are_read() {
    let season = || Filter::equal("season", 2024);
    for (text, filter) in [
        ("season = 2024", season()),
        ("season=2024", season()),
        ("(season = 2024)", season()),
        ("season = 2024 and week < 3", season().and(Filter::compare("week", Compare::Less, 3))),
        ("season = 2024 OR season IN (1, -2)", season().or(Filter::one_of("season", [1, -2]))),
        ("not season = 2024", season().negated()),
        ("not not season = 2024", season()),
        ("week between 1 and 3", Filter::between("week", 1, 3)),
        ("week not between 1 and 3", Filter::between("week", 1, 3).negated()),
        ("unit is null", Filter::is_null("unit")),
        ("unit is not null", Filter::is_null("unit").negated()),
        ("unit not in ('a''b')", Filter::one_of("unit", ["a'b"]).negated()),
        ("\"odd name\" <> 'x'", Filter::compare("odd name", Compare::NotEqual, "x")),
        ("\"and\" = true", Filter::equal("and", true)),
        ("d >= date '2024-02-29'", Filter::compare("d", Compare::GreaterOrEqual, HiveDate::new(2024, 2, 29).unwrap())),
        ("a = 1 or b = 2 and c = 3", Filter::equal("a", 1).or(Filter::equal("b", 2).and(Filter::equal("c", 3)))),
    ] {
        assert_eq!(Filter::parse(text).unwrap(), filter, "{text}");
    }
}

#[test]
fn wrong_conditions_are_told_with_their_place() {
    let deep = "(".repeat(70);
    for (text, at) in [
        ("", 0),
        ("   ", 3),
        ("season", 0),
        ("season =", 8),
        ("season = ", 9),
        ("= 3", 0),
        ("3 = season", 0),
        ("'a' = 'b'", 0),
        ("season == 3", 8),
        ("season = 3 week = 4", 11),
        ("season = 3 and", 14),
        ("season = 3 or or", 14),
        ("season = null", 9),
        ("season is 3", 9),
        ("season not 3", 11),
        ("season not = 3", 11),
        ("season in 3", 10),
        ("season in ()", 11),
        ("season in (1 2)", 13),
        ("season in (1,", 13),
        ("season between 1", 16),
        ("season between 1 or 2", 16),
        ("(season = 1", 11),
        ("season = 1)", 10),
        ("season = 'x", 9),
        ("\"\" = 1", 0),
        ("\"x = 1", 0),
        ("season = 1.5", 9),
        ("season = 1e3", 9),
        ("season = 9223372036854775808", 9),
        ("season = -", 9),
        ("season ! 1", 7),
        ("d = date 2024", 4),
        ("d = date '2023-02-29'", 9),
        ("season = $x", 9),
        ("and = 1", 0),
        (&deep, 64),
    ] {
        let error = Filter::parse(text).err().unwrap_or_else(|| panic!("{text:?} was taken"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text:?}");
        assert_eq!(error.context().next(), Some(("at", at.to_string().as_str())), "{text:?}: {error}");
    }
}

#[test]
fn the_constant_says_how_values_are_compared() {
    for (text, value, decision) in [
        ("n = 7", "7", Decision::Always),
        ("n = 7", "007", Decision::Never),
        ("n = '007'", "007", Decision::Always),
        ("n < 10", "9", Decision::Always),
        ("n < '10'", "9", Decision::Never),
        ("n <> 7", "seven", Decision::Never),
        ("not n = 7", "seven", Decision::Never),
        ("n in (1, 2)", "2", Decision::Always),
        ("n in (1, 2)", "x", Decision::Never),
        ("not n in (1, 2)", "3", Decision::Always),
        ("n between 2 and 4", "4", Decision::Always),
        ("n between 2 and 4", "5", Decision::Never),
        ("n = true", "true", Decision::Always),
        ("n > date '2024-01-31'", "2024-02-01", Decision::Always),
        ("n > '2024-01-31'", "2024-02-01", Decision::Always),
        ("n is null", "", Decision::Never),
        ("n is not null", "", Decision::Always),
    ] {
        let value: &'static str = value;
        assert_eq!(decide(text, &[("n", Some(value))]), decision, "{text} {value}");
    }
}

#[test]
fn a_missing_value_is_neither() {
    for text in ["n = 1", "n <> 1", "not n = 1", "n in (1)", "not n in (1)", "n < 'x'", "n between 1 and 2"] {
        assert_eq!(decide(text, &[("n", None)]), Decision::Never, "{text}");
    }
    assert_eq!(decide("n is null", &[("n", None)]), Decision::Always);
    assert_eq!(decide("n is null or n = 1", &[("n", None)]), Decision::Always);
    assert_eq!(Filter::equal("n", HiveValue::Null).decide(&|_: &str| Some(None)), Decision::Never);
}

#[test]
fn a_part_decides_as_soon_as_it_can() {
    let known = [("season", Some("2023"))];
    for (text, decision) in [
        ("season = 2024 and week < 3", Decision::Never),
        ("season = 2023 and week < 3", Decision::Open),
        ("season = 2023 or week < 3", Decision::Always),
        ("season = 2024 or week < 3", Decision::Open),
        ("not (season = 2023 or week < 3)", Decision::Never),
        ("not (season = 2024 and week < 3)", Decision::Always),
        ("week is null", Decision::Open),
        ("season is not null", Decision::Always),
        ("season = 'x' and week = 1", Decision::Never),
    ] {
        assert_eq!(decide(text, &known), decision, "{text}");
    }
    assert_eq!(Filter::And(vec![]).decide(&|_: &str| None), Decision::Always);
    assert_eq!(Filter::Or(vec![]).decide(&|_: &str| None), Decision::Never);
}

#[test]
fn filters_are_checked_against_the_template() {
    let closed = Template::parse("{season:int}/part-{n}.csv").unwrap();
    let check = |text: &str| Filter::parse(text).unwrap().check(&closed);
    check("season = 2024 and n = 'x' and n < 7").unwrap();
    let error = check("season = 2024 and wek < 3").unwrap_err().to_string();
    assert!(error.contains("variable: wek, known: season n"), "{error}");
    let error = check("season in (1, 'x')").unwrap_err().to_string();
    assert!(error.contains("expected: integer, got: text"), "{error}");
    let open = Template::parse("{season}").unwrap();
    Filter::parse("region = 'eu'").unwrap().check(&open).unwrap();
    assert_eq!(
        Filter::parse("b = 1 or not a is null").unwrap().variables().into_iter().collect::<Vec<_>>(),
        ["a", "b"]
    );
}

fn filters() -> impl Strategy<Value = Filter> {
    let name = proptest::sample::select(vec!["a", "b", "c"]);
    let value = prop_oneof![
        (-1..3_i64).prop_map(HiveValue::Int),
        proptest::sample::select(vec!["", "1", "x"]).prop_map(HiveValue::from),
        Just(HiveValue::Null),
    ];
    let compare =
        proptest::sample::select(vec![Compare::Equal, Compare::NotEqual, Compare::Less, Compare::GreaterOrEqual]);
    let leaf = prop_oneof![
        (name.clone(), compare, value.clone()).prop_map(|(name, how, value)| Filter::compare(name, how, value)),
        (name.clone(), proptest::collection::vec(value, 0..3)).prop_map(|(name, values)| Filter::one_of(name, values)),
        name.prop_map(Filter::is_null),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(Filter::negated),
        ]
    })
}

proptest! {
    /// What a part decides, every completion decides alike.
    #[test]
    fn early_decisions_are_right(filter in filters()) {
        const TEXTS: [Option<&str>; 5] = [None, Some(""), Some("1"), Some("2"), Some("x")];
        for a in TEXTS {
            let early = filter.decide(&|name: &str| (name == "a").then_some(a));
            for b in TEXTS {
                for c in TEXTS {
                    let all = |name: &str| Some(match name { "a" => a, "b" => b, _ => c });
                    let late = filter.decide(&all);
                    prop_assert_ne!(late, Decision::Open);
                    prop_assert!(early == Decision::Open || early == late, "{:?} then {:?}", early, late);
                }
            }
        }
    }
}
