//! `memory:`.

use std::sync::Arc;

use worldstore_core::{Error, Memory, Result};

use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    match request.uri.as_str() {
        "memory:" | "memory://" => Ok(Storage::from_sync(Arc::new(Memory::new()), "memory://root")),
        uri => Err(Error::invalid("a store in memory has no name, write `memory:`").with("uri", uri)),
    }
}
