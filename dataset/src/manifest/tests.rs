//! What is stored comes back, and no damage goes unnoticed.

use arrow::datatypes::{DataType, Field, Schema};

use super::*;

fn body() -> Body {
    let schema = Schema::new(vec![Field::new("city", DataType::Utf8, true), Field::new("n", DataType::Int64, false)]);
    let first =
        Body { schema: Some(StoredSchema::of(&schema).unwrap()), partition_by: vec!["city".into()], ..Body::default() };
    let mut body = first.next(Uuid::from_u128(7));
    body.files = vec![DataFile::new("data/city=a/f.parquet".into(), 3, 100, vec![Some("a".into())])];
    body.retired = vec![Retired { path: "data/city=b/g.parquet".into(), at_ms: 12 }];
    body
}

#[test]
fn what_is_stored_comes_back() {
    let manifest = Manifest::decode(&body().encode().unwrap()).unwrap();
    assert_eq!(*manifest.body(), body());
    assert_eq!((manifest.sequence(), manifest.rows(), manifest.schema().fields().len()), (1, 3, 2));
    assert_eq!(manifest.layout().unwrap().in_files.fields().len(), 1);
}

#[test]
fn no_damage_goes_unnoticed() {
    let bytes = body().encode().unwrap();
    let version = std::str::from_utf8(&bytes).unwrap().find("\"version\":1").unwrap() + "\"version\":".len();
    for at in 0..bytes.len() {
        for flipped in [1, 2, 32, 128] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flipped;
            let kind = Manifest::decode(&damaged).unwrap_err().kind();
            let expected = kind == ErrorKind::Corrupt || (at == version && kind == ErrorKind::Unsupported);
            assert!(expected, "byte {at} by {flipped}: {kind}");
        }
        assert_eq!(Manifest::decode(&bytes[..at]).unwrap_err().kind(), ErrorKind::Corrupt, "cut at {at}");
    }
}

#[test]
fn another_version_is_not_damage() {
    let text = String::from_utf8(body().encode().unwrap().to_vec()).unwrap();
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert_eq!(Manifest::decode(newer.as_bytes()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_manifest_that_contradicts_itself_is_damaged() {
    let mut other = body();
    other.files[0].partition.clear();
    assert_eq!(Manifest::decode(&other.encode().unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    let mut other = body();
    other.partition_by = vec!["none".into()];
    assert_eq!(Manifest::decode(&other.encode().unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    let mut other = body();
    other.files[0].path = "elsewhere/f.parquet".into();
    assert_eq!(Manifest::decode(&other.encode().unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn only_the_newest_commits_are_remembered() {
    let mut body = body();
    for number in 0..1000 {
        body = body.next(Uuid::from_u128(number));
    }
    assert_eq!((body.sequence, body.recent.len()), (1001, RECENT_MAX));
    assert_eq!(body.recent.last(), Some(&Uuid::from_u128(999).to_string()));
}
