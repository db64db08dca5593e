//! Errors keep their kind on the way through Lance.

use lance_core::Error as LanceError;
use lance_core::error::CloneableError;
use worldstore_async::object_store::to_object_store;
use worldstore_core::{Error, ErrorKind};

use super::from_lance;

#[test]
fn the_kind_is_read_from_a_text_where_nothing_else_is_left() {
    for kind in [ErrorKind::Unavailable, ErrorKind::StorageFull, ErrorKind::Corrupt] {
        let whole = LanceError::from(to_object_store(Error::new(kind, "no way")));
        let copied = LanceError::io(LanceError::io(whole.to_string()).to_string());
        assert_eq!((from_lance(whole).kind(), from_lance(copied).kind()), (kind, kind));
    }
    assert_eq!(from_lance(LanceError::io("unavailable: by others")).kind(), ErrorKind::Unexpected);
}

#[test]
fn a_file_that_is_missing_is_not_found_however_deep_that_lies() {
    let copied = CloneableError(LanceError::not_found("t.lance/_versions/1.manifest")).clone().0;
    let deep = LanceError::from(object_store::Error::Generic { store: "N/A", source: Box::new(copied) });
    assert_eq!(from_lance(deep).kind(), ErrorKind::NotFound);
}
