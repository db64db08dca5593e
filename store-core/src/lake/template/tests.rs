//! Templates that are right, templates that are not, and values that come back.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::hive::{HiveDate, HiveValue, NULL, Partition};
use crate::key::{Key, Prefix};

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn values(text: &str, key: &str) -> Option<Vec<Partition>> {
    template(text).values(&Key::new(key).unwrap()).unwrap()
}

fn pairs(all: &[(&str, &str)]) -> Option<Vec<Partition>> {
    Some(all.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect())
}

/// Templates, and where each is wrong.
#[rustfmt::skip]
const WRONG: &[(&str, usize, &str)] = &[
    ("{", 0, "`{` without `}`"),
    ("{x", 0, "`{` without `}`"),
    ("a/{x", 2, "`{` without `}`"),
    ("a/{x/b}", 2, "`{` without `}`"),
    ("{x}/{y", 4, "`{` without `}`"),
    ("a={x", 2, "`{` without `}`"),
    ("}", 0, "`}` without `{`"),
    ("a}", 1, "`}` without `{`"),
    ("a/x}", 3, "`}` without `{`"),
    ("{x}}", 3, "`}` without `{`"),
    ("}{x}", 0, "`}` without `{`"),
    ("{{x}}", 1, "in its name"),
    ("{x{y}}", 2, "in its name"),
    ("{}", 1, "no name"),
    ("a/{}/b", 3, "no name"),
    ("{:int}", 1, "no name"),
    ("k={}", 3, "no name"),
    ("{x}/{x}", 4, "twice"),
    ("{x}/k={x}", 6, "twice"),
    ("{x:int}/{x:text}", 8, "twice"),
    ("{x}-{x}", 4, "twice"),
    ("{x}{y}", 3, "no text between"),
    ("a{x}{y}b", 4, "no text between"),
    ("k={x}{y}", 5, "no text between"),
    ("{x:int}{y:int}", 7, "no text between"),
    ("{x}=1", 3, "not for the key"),
    ("{x}={y}", 3, "not for the key"),
    ("a/{x}=b", 5, "not for the key"),
    ("p{x}=", 4, "not for the key"),
    ("{x y}", 2, "in its name"),
    ("{x-y}", 2, "in its name"),
    ("{x.y}", 2, "in its name"),
    ("{ x}", 1, "in its name"),
    ("{x }", 2, "in its name"),
    ("{*}", 1, "in its name"),
    ("{x=1}", 2, "in its name"),
    ("{x%20}", 2, "in its name"),
    ("{x:}", 3, "none of int"),
    ("{x:integer}", 3, "none of int"),
    ("{x:Int}", 3, "none of int"),
    ("{x:int:int}", 3, "none of int"),
    ("{x: int}", 3, "none of int"),
    ("a//b", 2, "empty segment"),
    ("/a", 0, "empty segment"),
    ("/", 0, "empty segment"),
    ("//", 0, "empty segment"),
    ("a//", 2, "empty segment"),
    ("a///b", 2, "empty segment"),
    ("{x}//{y}", 4, "empty segment"),
    (".", 0, "dot segment"),
    ("..", 0, "dot segment"),
    ("a/..", 2, "dot segment"),
    ("../a", 0, "dot segment"),
    ("a/./b", 2, "dot segment"),
    ("a/../b/{x}", 2, "dot segment"),
    ("{x}/../y", 4, "dot segment"),
    ("%", 0, "hexadecimal"),
    ("a%", 1, "hexadecimal"),
    ("a%2", 1, "hexadecimal"),
    ("a%zz", 1, "hexadecimal"),
    ("a/b%+1/c", 3, "hexadecimal"),
    ("a%{x}", 1, "hexadecimal"),
    ("%2{x}", 0, "hexadecimal"),
    ("{x}%/b", 3, "hexadecimal"),
    ("a%%41", 1, "hexadecimal"),
    ("a/*", 2, "no wildcards"),
    ("a/*.parquet", 2, "no wildcards"),
    ("a/**/b", 2, "no wildcards"),
    ("a/part-?.csv", 7, "no wildcards"),
    ("a?x=1", 1, "no wildcards"),
    ("a#b", 1, "write %23"),
    ("a\\b", 1, "backslash"),
    ("a\u{0}b", 1, "control character"),
    ("a\nb", 1, "control character"),
    ("a/\u{7f}", 2, "control character"),
    ("a/\u{85}", 2, "control character"),
    ("ü/{", 3, "`{` without `}`"),
];

#[test]
fn wrong_templates_are_told_with_their_place() {
    assert!(WRONG.len() >= 60, "{}", WRONG.len());
    for (text, at, rule) in WRONG {
        let error = Template::parse(text).err().unwrap_or_else(|| panic!("{text:?} was taken"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text:?}");
        assert!(error.message().contains(rule), "{text:?}: {error}");
        let said: Vec<_> = error.context().collect();
        assert_eq!(said[0], ("at", at.to_string().as_str()), "{text:?}: {error}");
        assert_eq!(said[1], ("template", format!("{text:?}").as_str()));
    }
}

#[test]
fn what_is_too_much_is_told() {
    let long = "a".repeat(1025);
    let error = Template::parse(&long).unwrap_err();
    assert!(error.to_string().contains("too long, at: 1024") && error.to_string().len() < 300, "{error}");
    assert!(Template::parse(&long[1..]).is_ok());
    let many: Vec<String> = (0..=VARIABLES_MAX).map(|number| format!("{{v{number}}}")).collect();
    assert!(Template::parse(&many.join("/")).unwrap_err().to_string().contains("too many variables"));
    assert!(Template::parse(&many[1..].join("/")).is_ok());
}

#[test]
fn templates_are_printed_as_they_were_written() {
    for text in [
        "",
        "a",
        "a/",
        "a/b/{x}",
        "{x}/",
        "k={x:int}/l={y:date}/part-{n:text}.parquet",
        "{a}-{b:bool}/x%20y",
        "ü/{größe}",
    ] {
        assert_eq!(template(text).to_string(), text);
        assert_eq!(text.parse::<Template>().unwrap(), template(text));
    }
}

#[test]
fn variables_and_hive_keys_become_values() {
    let season = pairs(&[("season", "2024"), ("week", "7")]);
    assert_eq!(values("tracks/{season}/{week}", "tracks/2024/7/a.parquet"), season);
    assert_eq!(values("trades", "trades/year=2026/region=eu/f.parquet"), pairs(&[("year", "2026"), ("region", "eu")]));
    assert_eq!(values("t/month={m}", "t/month=1/day=2/f.parquet"), pairs(&[("m", "1"), ("day", "2")]));
    assert_eq!(values("", "year=1/f.parquet"), pairs(&[("year", "1")]));
    assert_eq!(values("t", "t/plain/f.parquet"), pairs(&[]));
    assert_eq!(values("t/part-{n}.csv", "t/part-007.csv"), pairs(&[("n", "007")]));
    assert_eq!(values("t/{y}-{m}/", "t/2024-05-06/f"), pairs(&[("y", "2024"), ("m", "05-06")]));
    assert_eq!(values("t/{a}.b.c", "t/x.b.b.c"), pairs(&[("a", "x.b")]));
    assert_eq!(values("t/airports.csv", "t/airports.csv"), pairs(&[]));
    assert_eq!(values("{s}/airports.csv", "7/airports.csv"), pairs(&[("s", "7")]));
}

#[test]
fn escapes_and_missing_values_are_hives() {
    assert_eq!(values("t", "t/city=New%20York/f.parquet"), pairs(&[("city", "New York")]));
    assert_eq!(values("{city}", "Aix%2fNord/f"), pairs(&[("city", "Aix/Nord")]));
    assert_eq!(values("t", "t/rate=5%/f.parquet"), pairs(&[("rate", "5%")]), "as Hive and Spark read it");
    for key in ["t/c=__HIVE_DEFAULT_PARTITION__/f", "t/c=/f"] {
        let value = if key.contains("HIVE") { None } else { Some(String::new()) };
        assert_eq!(values("t/c={c}", key), Some(vec![("c".to_owned(), value)]));
    }
}

#[test]
fn other_paths_do_not_fit() {
    for (text, key) in [
        ("tracks/{season}", "other/2024/a.parquet"),
        ("tracks/{season}/{week}", "tracks/2024/a.parquet"),
        ("tracks/{season}", "tracks/a.parquet"),
        ("tracks/{season}", "tracks"),
        ("t/month={m}", "t/day=1/f.parquet"),
        ("t/part-{n}.csv", "t/part-1.txt"),
        ("t/part-{n}.csv", "t/part-1.csv/more"),
        ("t/part-{n}.csv", "t/deep/part-1.csv"),
        ("t/airports.csv/", "t/airports.csv"),
        ("{n:int}/", "007/f"),
        ("{d:date}/", "2023-02-29/f"),
        ("{x}", "%FF/f"),
        ("a-{x}-b", "a-b"),
        ("{x}-{y}.csv", "x.csv"),
    ] {
        assert_eq!(values(text, key), None, "{text} {key}");
    }
    let error = template("{year}").values(&Key::new("1/year=2/f").unwrap()).unwrap_err();
    assert!(error.to_string().contains("twice, column: year"), "{error}");
}

#[test]
fn values_become_prefixes_and_keys() {
    let template = template("tracks/{season:int}/week={week}/{day:date}_{n}.parquet");
    let date = HiveDate::new(2024, 2, 29).unwrap();
    let all = [("n", "a_b".into()), ("season", 2024.into()), ("week", HiveValue::Null), ("day", date.into())];
    let path = template.expand(&all).unwrap();
    assert_eq!(path, format!("tracks/2024/week={NULL}/2024-02-29_a_b.parquet"));
    assert_eq!(template.folder().unwrap().as_str(), "tracks");
    let prefix = |values: &[(&str, HiveValue)]| template.prefix(values).map(|prefix| prefix.as_str().to_owned());
    assert_eq!(prefix(&[("season", 2024.into())]).unwrap(), "tracks/2024");
    assert_eq!(prefix(&[("week", 1.into())]).unwrap(), "tracks");
    assert_eq!(prefix(&all).unwrap(), format!("tracks/2024/week={NULL}"), "an object is no folder");
    for wrong in [
        &[("seson", HiveValue::Int(1))][..],
        &[("season", "abc".into())],
        &[("season", 1.into()), ("season", 1.into())],
    ] {
        assert_eq!(prefix(wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong:?}");
    }
    let error = template.expand(&all[..2]).unwrap_err().to_string();
    assert!(error.contains("no value, variable: week"), "{error}");
    assert!(Template::parse("{x}").unwrap().expand(&[("x", "".into())]).is_err(), "no name is empty");
    assert!(Template::parse("{x}").unwrap().expand(&[("x", "é".repeat(600).into())]).is_err(), "too long");
}

#[test]
fn a_value_ends_where_it_should() {
    let both = |text: &str, a: &str, b: &str| {
        let template = template(text);
        let path = template.expand(&[("a", a.into()), ("b", b.into())]).unwrap();
        let file = if template.ends_in_object() { path.clone() } else { format!("{path}/f") };
        let read = template.values(&Key::new(file).unwrap()).unwrap();
        assert_eq!(read, pairs(&[("a", a), ("b", b)]), "{path}");
        path
    };
    assert_eq!(both("{a}-{b}.csv", "x-y", "-z"), "x%2Dy--z.csv");
    assert_eq!(both("{a}--{b}.csv", "x-", "y"), "x%2D--y.csv");
    assert_eq!(both("{a}/{b}", "..", "_tmp"), "%2E./%5Ftmp");
    assert_eq!(both("_{a}/.{b}", "%", "."), "_%25/.%2E");
    assert_eq!(both("k={a}/{b}", NULL, "."), "k=%5F_HIVE_DEFAULT_PARTITION__/%2E");
    assert_eq!(both("{a}é{b}.csv", "éé", "é"), "%C3%A9%C3%A9éé.csv");
    let error = template("{a}2{b}.csv").expand(&[("a", "/".into()), ("b", "".into())]).unwrap_err();
    assert!(error.message().contains("cannot be told"), "an escape would hold what ends it: {error}");
}

const TEXTS: &str = "[-a-f0-9_.=%/{} é\u{1}\u{7f}\"'*:?\\\\#]{0,8}|\\PC{0,6}";

proptest! {
    /// Whatever is written comes back, in every shape of a segment.
    #[test]
    fn hostile_values_come_back(
        shape in proptest::sample::select(vec![
            "x/{a}/k={b}/", "{a}-{b}.csv", "{a}--{b}/", "pre_{a}.{b}", "{a}é{b}.parquet", "_{a}/.{b}/",
            "k={a}.{b}/", "{a:text}/{b}", "{a}=={b}",
        ]),
        a in TEXTS, b in proptest::option::of(TEXTS),
    ) {
        let Ok(template) = Template::parse(shape) else { return Ok(()) };
        let b_value = b.clone().map_or(HiveValue::Null, HiveValue::Text);
        let path = match template.expand(&[("a", a.as_str().into()), ("b", b_value)]) {
            Ok(path) => path,
            Err(error) => {
                let is_empty = a.is_empty() || b.as_deref() == Some("");
                prop_assert!(is_empty, "only an empty name is refused here: {}", error);
                return Ok(());
            }
        };
        let key = Key::new(if template.ends_in_object() { path } else { format!("{path}/f") }).unwrap();
        let read = template.values(&key).unwrap().unwrap();
        prop_assert_eq!(read, vec![("a".to_owned(), Some(a)), ("b".to_owned(), b)]);
        prop_assert!(key.as_str().starts_with(template.folder().unwrap().as_str()));
    }

    /// Where text of digits ends a value, it is written rightly or refused, and never read as another.
    #[test]
    fn awkward_ends_are_refused_or_right(end in "[0-9a-fA-F%]{1,2}", a in TEXTS, b in TEXTS) {
        let Ok(template) = Template::parse(&format!("{{a}}{end}{{b}}.x")) else { return Ok(()) };
        if let Ok(path) = template.expand(&[("a", a.as_str().into()), ("b", b.as_str().into())]) {
            let read = template.values(&Key::new(path).unwrap()).unwrap();
            prop_assert_eq!(read, Some(vec![("a".to_owned(), Some(a)), ("b".to_owned(), Some(b))]));
        }
    }

    /// Nothing makes the parser fall over, and what it takes it prints.
    #[test]
    fn any_text_is_taken_or_told(text in "[-a-c0-9_.=%/{}:* é]{0,16}|\\PC{0,12}") {
        match Template::parse(&text) {
            Ok(template) => {
                prop_assert_eq!(template.to_string(), text);
                prop_assert!(Prefix::new(template.folder().unwrap().as_str()).is_ok());
            }
            Err(error) => {
                let at: usize = error.context().next().unwrap().1.parse().unwrap();
                prop_assert!(at <= text.len() && text.is_char_boundary(at), "{} in {:?}", at, text);
            }
        }
    }
}
