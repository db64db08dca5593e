//! Addresses, right and wrong, and what they show.

use worldstore_core::ErrorKind;

use super::{Encryption, PostgresConfig};

#[test]
fn an_address_names_database_and_namespace_and_hides_the_password() {
    let uri = "postgres://me:p%40ss%2Fword@db.example:5433/worlds%20db?namespace=kit_1&sslmode=require";
    let config = PostgresConfig::from_uri(uri).unwrap();
    assert_eq!(config.location(), "db.example:5433/worlds%20db?namespace=kit_1");
    assert_eq!(config.encryption, Encryption::Required);
    let shown = format!("{config:?}");
    assert!(!shown.contains("ss%2F") && !shown.contains("ss/word") && !shown.contains("me:"), "{shown}");
    let config = PostgresConfig::from_uri("postgresql://localhost/a").unwrap();
    assert_eq!(config.location(), "localhost:5432/a?namespace=worldstore");
    let options = PostgresConfig::from_uri("postgres://me:p%40ss@h/worlds%20db").unwrap().options().unwrap();
    assert_eq!((options.get_username(), options.get_database()), ("me", Some("worlds db")));
}

#[test]
fn a_wrong_address_is_refused_without_repeating_the_password() {
    for (uri, reason) in [
        ("secret", "URI is none"),
        ("mysql://u:secret@h/d", "does not start with"),
        ("postgres:///d", "no host"),
        ("postgres://u:secret@h", "one database"),
        ("postgres://u:secret@h/a/b", "one database"),
        ("postgres://u:secret@h/d#x", "fragment"),
        ("postgres://u:secret@h:70000/d", "URI is none"),
        ("postgres://u:secret@h/d?sslmode=prefer", "none of disable"),
        ("postgres://u:secret@h/d?password=secret", "unknown parameter"),
        ("postgres://u:secret@h/d?namespace=", "a schema has 1 to 48"),
        ("postgres://u:secret@h/d?namespace=A", "a schema has 1 to 48"),
        ("postgres://u:secret@h/d?namespace=1a", "a schema has 1 to 48"),
        ("postgres://u:secret@h/d?namespace=a%22;drop", "a schema has 1 to 48"),
        ("postgres://u:secret@h/d?namespace=pg_catalog", "a schema has 1 to 48"),
    ] {
        let error = PostgresConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.message().contains(reason), "{uri}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn encryption_that_is_not_compiled_in_is_refused() {
    let config = PostgresConfig::from_uri("postgres://h/d?sslmode=verify-full").unwrap();
    assert_eq!(config.options().unwrap_err().kind(), ErrorKind::Unsupported);
}
