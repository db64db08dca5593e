//! Addresses, right and wrong.

use super::*;
use crate::error::ErrorKind;

#[test]
fn addresses_are_read_and_printed() {
    for (text, bucket, template) in [
        ("lake://nfl/tracks/{season}/{week}", "nfl", "tracks/{season}/{week}"),
        ("lake://prod/trades/", "prod", "trades/"),
        ("lake://a-b_c.9/", "a-b_c.9", ""),
        ("lake://UPPER/season={season:int}/part-{n}.parquet", "UPPER", "season={season:int}/part-{n}.parquet"),
    ] {
        let uri = LakeUri::parse(text).unwrap();
        assert_eq!((uri.bucket.as_str(), uri.template.to_string().as_str()), (bucket, template));
        assert_eq!(uri.to_string(), text);
        assert_eq!(text.parse::<LakeUri>().unwrap(), uri);
    }
    assert_eq!(LakeUri::parse("lake://nfl").unwrap(), LakeUri::parse("lake://nfl/").unwrap());
}

#[test]
fn wrong_addresses_are_told_with_their_place() {
    let long = format!("lake://{}/x", "b".repeat(64));
    for (text, at, rule) in [
        ("", 0, "lake://"),
        ("s3://a/b", 0, "lake://"),
        ("LAKE://a/b", 0, "lake://"),
        ("lake:/a/b", 0, "lake://"),
        ("lake://", 7, "no bucket"),
        ("lake:///x", 7, "no bucket"),
        ("lake://{b}/x", 7, "be a variable"),
        ("lake://a{b}/x", 8, "be a variable"),
        ("lake://b}/x", 8, "be a variable"),
        ("lake://user@host/x", 11, "another character"),
        ("lake://a:9/x", 8, "another character"),
        ("lake://a%20b/x", 8, "another character"),
        ("lake://a b/x", 8, "another character"),
        ("lake://ü/x", 7, "another character"),
        ("lake://./x", 7, "dot segment"),
        ("lake://../x", 7, "dot segment"),
        (&long, 70, "bucket is too long"),
        ("lake://b/../x", 9, "dot segment"),
        ("lake://b//x", 9, "empty segment"),
        ("lake://b/a/{x", 11, "`{` without `}`"),
        ("lake://b/a/{x}/{x}", 15, "twice"),
        ("lake://b/a%2", 10, "hexadecimal"),
        ("lake://b/a?version=1", 10, "wildcards"),
    ] {
        let error = LakeUri::parse(text).err().unwrap_or_else(|| panic!("{text:?} was taken"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text:?}");
        assert!(error.message().contains(rule), "{text:?}: {error}");
        assert_eq!(error.context().next(), Some(("at", at.to_string().as_str())), "{text:?}: {error}");
    }
}

#[test]
fn names_of_buckets_are_checked() {
    for name in ["a", "A-b_c.9", &"b".repeat(63)] {
        check_bucket(name).unwrap();
    }
    for name in ["", "a/b", "a/", "..", "{b}", "a b", &"b".repeat(64)] {
        assert_eq!(check_bucket(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}
