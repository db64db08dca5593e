//! URIs, and what they are refused for.

use std::sync::Arc;

use worldstore_core::{Backend, ErrorKind, Store};
use worldstore_redb::{Missing, RedbConfig};

#[test]
fn a_uri_names_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("redb://{}/a%20file.redb", folder.path().display());
    let backend = Arc::new(RedbConfig::from_uri(&uri).unwrap().open().unwrap());
    let store = Store::new(backend.clone());
    store.write("a", "one").unwrap();
    assert_eq!(store.read_text("a").unwrap(), "one");
    assert!(folder.path().join("a file.redb").is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.path().join("a file.redb").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(backend.info().root, folder.path().join("a file.redb").to_str().unwrap());
}

#[test]
fn wrong_uris_are_refused() {
    for uri in ["redb://host/file", "redb:///", "redb:///file?cache=1", "redb:///file#1", "sled:///file", "/file", ""] {
        let error = RedbConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}: {error}");
        assert!(error.to_string().contains("redb:///path"), "it says what would have worked: {error}");
    }
}

#[test]
fn what_is_missing_is_made_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |config: RedbConfig| config.open().unwrap_err().kind();
    assert_eq!(kind(RedbConfig::new(folder.path().join("none/file.redb"))), ErrorKind::NotFound);
    let config = RedbConfig::new(folder.path().join("file.redb"));
    assert_eq!(kind(config.clone().with_missing(Missing::Refuse)), ErrorKind::NotFound);
    drop(config.open().unwrap());
    drop(config.with_missing(Missing::Refuse).open().unwrap());
    assert_eq!(kind(RedbConfig::new(folder.path())), ErrorKind::Invalid);
}
