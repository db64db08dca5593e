//! How URIs are read and split.

use super::*;
use crate::registry::known::known;

#[test]
fn schemes_are_read() {
    for (uri, name) in [
        ("memory:", "memory"),
        ("file:/folder", "file"),
        ("local:///folder", "local"),
        ("s3://bucket", "s3"),
        ("gz://bucket", "gz"),
        ("./folder", "file"),
        ("a:b/c", "file"),
        ("C:/folder", "file"),
    ] {
        assert_eq!(scheme(uri).unwrap(), name, "{uri}");
    }
    assert!(scheme("").is_err());
}

#[test]
fn uris_are_split_into_root_and_path() {
    let split = |name: &str, uri: &str| {
        let known = known();
        split(known.iter().find(|info| info.name == name).unwrap(), uri).unwrap()
    };
    for (name, uri, root, path) in [
        ("s3", "s3://bucket", "s3://bucket", ""),
        ("s3", "s3://bucket/", "s3://bucket", ""),
        ("s3", "s3://bucket/a/b c%20#", "s3://bucket", "a/b c%20#"),
        ("az", "azure://container/a/", "azure://container", "a"),
        ("file", "a", ".", "a"),
        ("file", "a/b", "a", "b"),
        ("file", "/a", "/", "a"),
        ("file", "/", "/", ""),
        ("file", ".", ".", ""),
        ("file", "a/..", "a/..", ""),
        ("file", "a/./", "a/.", ""),
        ("file", "a//b//", "a/", "b"),
        ("file", "file:///a/b%20c", "/a", "b%20c"),
        ("http", "https://host/a%20b/c%20d", "https://host/a%20b", "c d"),
        ("http", "https://host", "https://host", ""),
        ("http", "https://host/", "https://host", ""),
        ("sqlite", "sqlite:///a/b.db", "sqlite:///a/b.db", ""),
        ("sqlite", "sqlite:///a/b.db?mode=ro!/c/d!/e", "sqlite:///a/b.db?mode=ro", "c/d!/e"),
    ] {
        assert_eq!(split(name, uri), (root.to_owned(), path.to_owned()), "{uri}");
    }
}

#[test]
fn broken_percent_encoding_is_refused() {
    for uri in ["https://host/a%2", "https://host/a%zz", "https://host/%ff"] {
        assert!(split_url(uri).is_err(), "{uri}");
    }
    assert_eq!(split_url("https://host/%E2%82%AC%2f").unwrap().1, "€/");
}
