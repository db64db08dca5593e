//! URLs that are wrong, and redirects that are not followed.

use worldstore_core::ErrorKind;

use super::*;

#[test]
fn a_wrong_url_is_refused_with_its_reason() {
    for (url, reason) in [
        ("ftp://host/x", "neither http nor https"),
        ("no url", "no URL"),
        ("https://user:hidden@host", "credentials"),
        ("https://host/x?token=hidden", "query"),
        ("https://host/a//b", "empty segment"),
    ] {
        let error = HttpConfig::from_uri(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
        assert!(error.to_string().contains(reason), "{url}: {error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}

#[test]
fn plain_http_must_be_allowed() {
    let plain = HttpConfig::from_uri("http://127.0.0.1:9/x/").expect("a valid URL");
    assert_eq!(plain.connect().expect_err("plain HTTP").kind(), ErrorKind::Invalid);
    let allowed = Connection::default().with_transport(Transport::HttpAllowed);
    let backend = plain.with_connection(allowed).connect().expect("a backend");
    assert_eq!(backend.to_string(), "http(http://127.0.0.1:9/x)");
}

#[test]
fn redirects_stay_on_the_host_and_folders_are_not_entered() {
    let url = |text| Url::parse(text).expect("a URL");
    let from = url("https://host/a");
    for (to, same, any) in [
        ("https://host/b", true, true),
        ("https://host:444/b", false, true),
        ("http://host/b", false, true),
        ("https://other/a", false, true),
        ("https://host/a/", false, false),
        ("https://other/a/", false, false),
    ] {
        assert_eq!(leads_on(&from, &url(to), Redirects::SameHost), same, "{to}");
        assert_eq!(leads_on(&from, &url(to), Redirects::AnyHost), any, "{to}");
    }
}
