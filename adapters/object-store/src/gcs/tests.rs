//! URIs and settings that are wrong, and secrets that do not show.

use worldstore_core::{ErrorKind, Version};

use super::*;

#[test]
fn a_wrong_uri_is_refused_with_its_reason() {
    for (uri, reason) in [
        ("gcs://bucket", "start with gs://"),
        ("gs://", "names no bucket"),
        ("gs://ab", "3 to 222"),
        ("gs://Upper", "small letters"),
        ("gs://_lead", "begins and ends"),
        ("gs://key:secret@bucket", "neither user nor port"),
        ("gs://bucket/x#1", "neither query"),
        ("gs://bucket/a/../b", "dot segment"),
    ] {
        let error = GcsConfig::from_uri(uri).expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains(reason), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn plain_http_must_be_allowed_and_secrets_do_not_show() {
    let config = GcsConfig::from_uri("gs://some_bucket/root").expect("a valid URI").with_bearer_token("hidden");
    let plain = config.clone().with_endpoint("http://127.0.0.1:9");
    assert_eq!(plain.connect().expect_err("plain HTTP").kind(), ErrorKind::Invalid);
    let allowed = Connection::default().with_transport(Transport::HttpAllowed);
    assert!(plain.with_connection(allowed).connect().is_ok());
    let backend = config.connect().expect("a backend");
    for text in [format!("{config:?}"), backend.to_string(), format!("{backend:?}")] {
        assert!(!text.contains("hidden"), "{text}");
    }
    assert_eq!(backend.to_string(), "gs(gs://some_bucket/root)");
    let broken = GcsConfig::from_uri("gs://bucket").expect("a valid URI").with_service_account_key("{hidden");
    let error = broken.connect().expect_err("a broken key");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}

#[test]
fn listings_show_generations() {
    let object = |etag: &str, rest: &str| format!("<Contents><Key>k</Key><ETag>{etag}</ETag>{rest}</Contents>");
    let generation = "<Generation>17</Generation>";
    let listing = |etag| format!("<L>{}{}</L>", object(etag, generation), object("\"b\"", ""));
    assert_eq!(listing::with_generations(&listing("\"a\"")), listing("17"));
    assert_eq!(PROTOCOL.version(Some("17".into()), None), Some(Version::new("17")));
    for strange in ["", "<L/>", "<Contents>", "<Contents><ETag></Contents><Generation>1</Generation>"] {
        assert_eq!(listing::with_generations(strange), strange);
    }
}

#[test]
fn versions_are_generations() {
    assert_eq!(PROTOCOL.version(Some("\"etag\"".into()), Some("17".into())), Some(Version::new("17")));
    assert_eq!(PROTOCOL.version(Some("\"etag\"".into()), None), None);
    assert_eq!(PROTOCOL.single(&Version::new("17")), Some("17"));
    for wild in ["", "0", "*", "1,2", "\"etag\""] {
        assert_eq!(PROTOCOL.single(&Version::new(wild)), None, "{wild}");
    }
}

#[test]
fn the_service_is_told_apart_from_others() {
    let config = GcsConfig::from_uri("gs://bucket").expect("a valid URI");
    let backend = config.with_endpoint("https://Here.example:443/").connect().expect("a backend");
    assert_eq!(backend.service(), Some("https://here.example"));
}
