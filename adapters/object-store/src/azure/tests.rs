//! URIs and settings that are wrong, and secrets that do not show.

use worldstore_core::ErrorKind;

use super::*;
use crate::connection::Transport;

const KEY: &str = "aGlkZGVuLWhpZGRlbg==";

#[test]
fn a_uri_names_container_and_root_literally() {
    for uri in ["az://some-box/a folder/100%/é/", "azure://some-box/a folder/100%/é"] {
        let config = AzureConfig::from_uri(uri).expect("a valid URI");
        assert_eq!((config.container.as_str(), config.root.as_str()), ("some-box", "a folder/100%/é"));
    }
}

#[test]
fn a_wrong_uri_is_refused_with_its_reason() {
    for (uri, reason) in [
        ("abfs://box", "starts neither with az://"),
        ("az:///x", "names no bucket"),
        ("az://ab", "3 to 63"),
        ("az://Upper", "small letters"),
        ("az://a.b.c", "small letters"),
        ("az://a--b", "two hyphens"),
        ("az://key:secret@box", "neither user nor port"),
        ("az://box/x?sig=secret", "neither query"),
        ("az://box/a//b", "empty segment"),
    ] {
        let error = AzureConfig::from_uri(uri).expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains(reason), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn plain_http_must_be_allowed_and_secrets_do_not_show() {
    let config = AzureConfig::from_uri("az://box/root").expect("a valid URI");
    let config = config.with_account("someone").with_access_key(KEY);
    let plain = config.clone().with_endpoint("http://127.0.0.1:9/someone");
    assert_eq!(plain.connect().expect_err("plain HTTP").kind(), ErrorKind::Invalid);
    let allowed = Connection::default().with_transport(Transport::HttpAllowed);
    assert!(plain.with_connection(allowed).connect().is_ok());
    let backend = config.connect().expect("a backend");
    for text in [format!("{config:?}"), backend.to_string(), format!("{backend:?}")] {
        assert!(!text.contains(KEY), "{text}");
    }
    assert_eq!(backend.to_string(), "az(az://box/root)");
}

#[test]
fn a_shared_access_signature_signs_no_links() {
    let config = AzureConfig::from_uri("az://box").expect("a valid URI").with_account("someone");
    let backend = config.with_sas_token("sv=2022&sig=hidden").connect().expect("a backend");
    assert!(worldstore_async::AsyncBackend::presign(&backend).is_none());
    assert!(!format!("{backend:?}").contains("hidden"));
}

#[test]
fn the_service_is_told_apart_from_others() {
    let config = AzureConfig::from_uri("az://box").expect("a valid URI").with_account("someone").with_access_key(KEY);
    let backend = config.connect().expect("a backend");
    assert_eq!(backend.service(), Some("https://someone.blob.core.windows.net"));
    let backend = config.with_endpoint("https://Here.example:443/").connect().expect("a backend");
    assert_eq!(backend.service(), Some("https://here.example"));
}
