//! Addresses and names, right and wrong.

use worldstore_core::ErrorKind;
use worldstore_sql_query::SqlQueryConfig;

#[test]
fn a_wrong_address_is_refused_without_repeating_the_password() {
    for (uri, reason) in [
        ("secret", "no scheme"),
        ("mysql://u:secret@h/d", "neither sqlite nor postgres"),
        ("sqlite://a/b.db", "no absolute path"),
        ("sqlite:///a.db?mode=rw", "no absolute path without query"),
        ("sqlite:///a%00.db", "none"),
        ("postgres://u:secret@h:x/d", "URI is none"),
        ("postgres:///d", "no host"),
        ("postgres://u:secret@h", "no database"),
        ("postgres://u:secret@h/d?password=secret", "query or fragment"),
    ] {
        let error = SqlQueryConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.message().contains(reason), "{uri}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let config = SqlQueryConfig::from_uri("postgres://user:secret@h/d").unwrap().with_query("a", "SELECT 1").unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("h:5432/d") && !shown.contains("secret") && !shown.contains("user"), "{shown}");
}

#[test]
fn names_are_keys_and_no_two_are_one() {
    let config = || SqlQueryConfig::from_uri("sqlite:///a%20b.db").unwrap().with_query("a/b", "SELECT 1").unwrap();
    for name in ["a/b", "", "/a", "a//b", "..\\a"] {
        let error = config().with_query(name, "SELECT 2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    assert!(config().with_query("a", "SELECT 2").is_ok());
}
