//! Every text comes back, every wrong path is told, and types are those of all values.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

#[test]
fn what_hive_escapes_is_escaped() {
    let special = "\u{1}\u{1f}\"#%'*/:=?\\\u{7f}{[]^";
    let escaped = segment("k", Some(special)).unwrap();
    assert_eq!(escaped, "k=%01%1F%22%23%25%27%2A%2F%3A%3D%3F%5C%7F%7B%5B%5D%5E");
    assert_eq!(parse_segment(&escaped).unwrap(), ("k".to_owned(), Some(special.to_owned())));
    assert_eq!(segment("k", Some("a b,ü}~")).unwrap(), "k=a b,ü}~", "the rest stays readable");
    assert_eq!(segment("a=b", Some("1")).unwrap(), "a%3Db=1");
    assert_eq!(parse_segment("k=a%2fb=c").unwrap().1.unwrap(), "a/b=c", "others write small digits and bare signs");
}

#[test]
fn a_missing_value_is_no_text() {
    assert_eq!(segment("k", None).unwrap(), "k=__HIVE_DEFAULT_PARTITION__");
    assert_eq!(parse("k=__HIVE_DEFAULT_PARTITION__").unwrap(), [("k".to_owned(), None)]);
    for text in ["", NULL, "null", "%"] {
        let path = path(&[("k", text.into())]).unwrap();
        assert_eq!(parse(&path).unwrap(), [("k".to_owned(), Some(text.to_owned()))], "{path}");
    }
}

#[test]
fn wrong_paths_are_told() {
    for wrong in ["a", "=1", "a=1/b", "a=1//b=2", "a=1/", "a=%", "a=%2", "a=%zz", "a=%+1", "a=%FF", "a=1/a=2", "%3=1"] {
        assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
    assert_eq!(path(&[("", HiveValue::Null)]).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(path(&[("a", HiveValue::Null), ("a", HiveValue::Null)]).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(parse("").unwrap().is_empty());
}

#[test]
fn folders_of_an_object_are_read() {
    let key = Key::new("data/year=2024/more/unit=a%2Fb/part=0.parquet").unwrap();
    let expected = [("year".to_owned(), Some("2024".to_owned())), ("unit".to_owned(), Some("a/b".to_owned()))];
    assert_eq!(of_key(&key).unwrap(), expected);
    assert!(of_key(&Key::new("year=2024").unwrap()).unwrap().is_empty(), "a file is no folder");
    assert_eq!(of_key(&Key::new("a=1/a=2/f").unwrap()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn what_others_have_written_is_told() {
    let told = |name: &str, value: Option<&str>| Some((name.to_owned(), value.map(str::to_owned)));
    assert_eq!(tell("rate=5%"), told("rate", Some("5%")));
    assert_eq!(tell("a%3Db=c=d%2f"), told("a=b", Some("c=d/")));
    assert_eq!(tell("k=__HIVE_DEFAULT_PARTITION__"), told("k", None));
    assert_eq!(tell("k="), told("k", Some("")));
    assert_eq!([tell("plain"), tell("=1"), tell("k=%FF"), tell("%FF=1")], [None, None, None, None]);
}

#[test]
fn the_type_is_that_of_all_values() {
    let infer = |texts: &[&str]| infer(texts.iter().map(|text| Some(*text)).chain([None]));
    assert_eq!(infer(&["1", "-20", "0"]), HiveType::Int);
    assert_eq!(infer(&["1", "007"]), HiveType::Text, "a zero in front would be lost");
    for lossy in ["+1", "-0", "9223372036854775808", "1.0", " 1", "1_0", "٣"] {
        assert_eq!(infer(&["1", lossy]), HiveType::Text, "{lossy}");
    }
    assert_eq!(infer(&["true", "false"]), HiveType::Bool);
    assert_eq!(infer(&["true", "False"]), HiveType::Text);
    assert_eq!(infer(&["2024-02-29", "1999-12-31"]), HiveType::Date);
    assert_eq!(infer(&["2024-02-29", "2023-02-29"]), HiveType::Text, "one that does not exist");
    assert_eq!(infer(&["1", "true"]), HiveType::Text);
    assert_eq!(infer(&[]), HiveType::Text);
}

#[test]
fn days_are_counted() {
    for (text, days) in
        [("1970-01-01", 0), ("1969-12-31", -1), ("2000-03-01", 11017), ("2024-02-29", 19782), ("0000-01-01", -719528)]
    {
        let HiveValue::Date(date) = HiveType::Date.read(Some(text)).unwrap() else { panic!("{text} is a date") };
        assert_eq!((date.days_since_1970(), date.to_string()), (days, text.to_owned()));
        assert_eq!(HiveDate::from_days_since_1970(days).unwrap(), date);
    }
    for days in (-719_528..2_932_897).step_by(1_009) {
        assert_eq!(HiveDate::from_days_since_1970(days).unwrap().days_since_1970(), days);
    }
    for days in [-719_529, 2_932_897, i32::MIN, i32::MAX] {
        assert_eq!(HiveDate::from_days_since_1970(days).unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(HiveDate::new(2023, 2, 29).unwrap_err().kind(), ErrorKind::Invalid);
}

proptest! {
    #[test]
    fn every_text_comes_back(name in ".+", value in proptest::option::of(".*"), other in "[^a]+") {
        prop_assume!(name != other);
        let all = [(name.clone(), value.clone()), (other, Some(String::new()))];
        let segments: Vec<_> = all.iter().map(|(name, value)| segment(name, value.as_deref()).unwrap()).collect();
        let path = segments.join("/");
        prop_assert_eq!(parse(&path).unwrap(), all);
        if path.len() < 1000 {
            prop_assert!(Key::new(format!("{path}/file")).is_ok(), "a path is part of a key: {}", path);
        }
    }

    #[test]
    fn every_control_character_comes_back(value in "\\PC*[\\x00-\\x1f\\x7f-\\x9f]\\PC*") {
        let segment = segment("k", Some(&value)).unwrap();
        prop_assert!(Key::new(&segment).is_ok());
        prop_assert_eq!(parse_segment(&segment).unwrap().1.unwrap(), value);
    }

    #[test]
    fn typed_values_come_back(number in any::<i64>(), flag in any::<bool>()) {
        for value in [HiveValue::Int(number), HiveValue::Bool(flag)] {
            let text = value.text();
            prop_assert_eq!(infer([text.as_deref()]).read(text.as_deref()).unwrap(), value);
        }
    }
}
