//! URIs and settings that are wrong, and secrets that do not show.

use worldstore_core::ErrorKind;

use super::*;
use crate::connection::Transport;

#[test]
fn a_uri_names_bucket_and_root_literally() {
    let config = S3Config::from_uri("s3://some-bucket.v2/a folder/100%/é/").expect("a valid URI");
    assert_eq!((config.bucket.as_str(), config.root.as_str()), ("some-bucket.v2", "a folder/100%/é"));
    for root in ["s3://some-bucket", "s3://some-bucket/"] {
        assert!(S3Config::from_uri(root).expect("a valid URI").root.is_root());
    }
}

#[test]
fn a_wrong_uri_is_refused_with_its_reason() {
    for (uri, reason) in [
        ("bucket/folder", "start with s3://"),
        ("s3a://bucket", "start with s3://"),
        ("s3://", "names no bucket"),
        ("s3:///folder", "names no bucket"),
        ("s3://ab", "3 to 63"),
        ("s3://Upper", "small letters"),
        ("s3://-lead", "begins and ends"),
        ("s3://a..b", "two dots"),
        ("s3://fast--x-s3/x", "directory buckets"),
        ("s3://key:secret@bucket", "neither user nor port"),
        ("s3://bucket:9000/x", "neither user nor port"),
        ("s3://bucket/x?versionId=1", "neither query"),
        ("s3://bucket/a//b", "empty segment"),
        ("s3://bucket/a/../b", "dot segment"),
        ("s3://bucket/a//", "empty segment"),
    ] {
        let error = S3Config::from_uri(uri).expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains(reason), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn plain_http_must_be_allowed() {
    let config = S3Config::from_uri("s3://bucket").expect("a valid URI").with_credentials("key", "hidden");
    let plain = config.clone().with_endpoint("http://127.0.0.1:9");
    let error = plain.connect().expect_err("plain HTTP");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let allowed = Connection::default().with_transport(Transport::HttpAllowed);
    assert!(plain.with_connection(allowed).connect().is_ok());
    for endpoint in ["ftp://host", "no url", "https://user:hidden@host", "https://host/?x=1"] {
        let error = config.clone().with_endpoint(endpoint).connect().expect_err(endpoint);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}

#[test]
fn secrets_do_not_show() {
    let config = S3Config::from_uri("s3://bucket/root").expect("a valid URI").with_credentials("AKIA", "hidden");
    let backend = config.connect().expect("a backend");
    for text in [format!("{config:?}"), format!("{config:#?}"), backend.to_string()] {
        assert!(!text.contains("hidden") && !text.contains("AKIA"), "{text}");
    }
    assert!(!format!("{backend:?}").contains("hidden"));
    assert_eq!(backend.to_string(), "s3(s3://bucket/root)");
}
