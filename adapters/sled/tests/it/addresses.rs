//! URIs, and what they are refused for.

use std::sync::Arc;

use worldstore_core::{Backend, ErrorKind, Store};
use worldstore_sled::SledConfig;

#[test]
fn a_uri_names_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("sled://{}/new/a%20folder", folder.path().display());
    let backend = Arc::new(SledConfig::from_uri(&uri).unwrap().open().unwrap());
    let store = Store::new(backend.clone());
    store.write("a", "one").unwrap();
    assert_eq!(store.read_text("a").unwrap(), "one");
    assert!(folder.path().join("new/a folder").is_dir());
    assert_eq!(backend.info().root, folder.path().join("new/a folder").to_str().unwrap());
}

#[test]
fn wrong_uris_are_refused() {
    for uri in ["sled://host/x", "sled:///", "sled:///x?cache=1", "sled:///x#1", "redb:///x", "/x", ""] {
        let error = SledConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}: {error}");
        assert!(error.to_string().contains("sled:///path"), "it says what would have worked: {error}");
    }
}
