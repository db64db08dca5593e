//! Addresses, right and wrong.

use std::path::Path;
use std::time::Duration;

use worldstore_core::ErrorKind;

use super::{OpenMode, SqliteConfig};

#[test]
fn an_address_names_file_and_settings() {
    let config = SqliteConfig::from_uri("sqlite:///a/b.db").unwrap();
    assert_eq!((config.path.as_path(), config.mode), (Path::new("/a/b.db"), OpenMode::Create));
    assert_eq!(config.busy_timeout, Duration::from_secs(10));
    let config = SqliteConfig::from_uri("sqlite:///a%20b/%C3%A9%23?mode=ro&busy_timeout_ms=250").unwrap();
    assert_eq!((config.path.as_path(), config.mode), (Path::new("/a b/é#"), OpenMode::ReadOnly));
    assert_eq!(config.busy_timeout, Duration::from_millis(250));
}

#[test]
fn a_wrong_address_is_refused_with_the_part_that_is_wrong() {
    for (uri, reason) in [
        ("file:///a.db", "does not start with"),
        ("sqlite:a.db", "does not start with"),
        ("sqlite://a/b.db", "no absolute path"),
        ("sqlite://", "no absolute path"),
        ("sqlite:///a/", "names no file"),
        ("sqlite:///a%00b", "names no file"),
        ("sqlite:///a#b", "fragment"),
        ("sqlite:///a%2", "hexadecimal"),
        ("sqlite:///a%é1", "hexadecimal"),
        ("sqlite:///a%FF", "no UTF-8"),
        ("sqlite:///a?mode=memory", "mode is none of"),
        ("sqlite:///a?busy_timeout_ms=-1", "no number of milliseconds"),
        ("sqlite:///a?cache=shared", "unknown parameter"),
    ] {
        let error = SqliteConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.message().contains(reason), "{uri}: {error}");
    }
}
