//! Errors keep their kind on the way through Lance.

use lance_core::Error as LanceError;
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
