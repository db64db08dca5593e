//! Templates: what they match, and what they refuse.

use worldstore_core::{ErrorKind, Key};

use super::{Address, Template};

fn values(template: &str, key: &str) -> Option<Vec<(String, Option<String>)>> {
    Template::parse(template).unwrap().values(&Key::new(key).unwrap()).unwrap()
}

fn pairs(all: &[(&str, &str)]) -> Option<Vec<(String, Option<String>)>> {
    Some(all.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect())
}

#[test]
fn variables_and_hive_keys_become_values() {
    assert_eq!(
        values("tracks/{season}/{week}", "tracks/2024/7/a.parquet"),
        pairs(&[("season", "2024"), ("week", "7")])
    );
    assert_eq!(values("trades", "trades/year=2026/region=eu/f.parquet"), pairs(&[("year", "2026"), ("region", "eu")]));
    assert_eq!(values("t/month={m}", "t/month=1/day=2/f.parquet"), pairs(&[("m", "1"), ("day", "2")]));
    assert_eq!(values("", "year=1/f.parquet"), pairs(&[("year", "1")]));
    assert_eq!(values("t", "t/plain/f.parquet"), pairs(&[]));
}

#[test]
fn escapes_and_missing_values_are_hives() {
    assert_eq!(values("t", "t/city=New%20York/f.parquet"), pairs(&[("city", "New York")]));
    assert_eq!(values("t", "t/rate=5%/f.parquet"), pairs(&[("rate", "5%")]));
    assert_eq!(values("t", "t/c=__HIVE_DEFAULT_PARTITION__/f.parquet"), Some(vec![("c".to_owned(), None)]));
}

#[test]
fn other_paths_do_not_fit() {
    assert_eq!(values("tracks/{season}", "other/2024/a.parquet"), None);
    assert_eq!(values("tracks/{season}/{week}", "tracks/2024/a.parquet"), None);
    assert_eq!(values("t/month={m}", "t/day=1/f.parquet"), None);
}

#[test]
fn wrong_templates_are_refused() {
    for wrong in ["a//b", "a/{x", "a/x}", "a/{x}=1", "a/b{x}", "a/{}", "{x}/{x}", "a/{x y}"] {
        let error = Template::parse(wrong).err().unwrap_or_else(|| panic!("{wrong} was taken"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong}");
    }
    for wrong in ["s3://a/b", "lake://", "lake:///x"] {
        assert_eq!(Address::parse(wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn the_folder_ends_before_the_first_variable() {
    assert_eq!(Template::parse("a/b/{x}/c").unwrap().folder().unwrap().as_str(), "a/b");
    assert_eq!(Template::parse("{x}").unwrap().folder().unwrap().as_str(), "");
}
