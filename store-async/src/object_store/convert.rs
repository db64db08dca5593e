//! Names and metadata, to and from those of object_store. A path is the text of a key, neither encoded nor decoded.

use std::time::SystemTime;

use object_store::path::Path;
use object_store::{GetRange, ObjectMeta, Result};
use worldstore_core::{Key, Prefix, ReadRange};

use super::error::to_object_store;

pub(super) fn key_of(path: &Path) -> Result<Key> {
    Key::new(path.as_ref()).map_err(to_object_store)
}

pub(super) fn prefix_of(path: Option<&Path>) -> Result<Prefix> {
    Prefix::new(path.map_or("", Path::as_ref)).map_err(to_object_store)
}

pub(super) fn path_of(key: &str) -> Result<Path> {
    Ok(Path::parse(key)?)
}

pub(super) fn meta_of(meta: worldstore_core::ObjectMeta) -> Result<ObjectMeta> {
    Ok(ObjectMeta {
        location: path_of(meta.key.as_str())?,
        last_modified: meta.modified.unwrap_or(SystemTime::UNIX_EPOCH).into(),
        size: meta.size,
        e_tag: meta.version.map(|version| version.to_string()),
        version: None,
    })
}

pub(super) fn range_of(range: GetRange) -> ReadRange {
    match range {
        GetRange::Bounded(range) => ReadRange::Bounded(range),
        GetRange::Offset(start) => ReadRange::From(start),
        GetRange::Suffix(length) => ReadRange::Last(length),
    }
}
