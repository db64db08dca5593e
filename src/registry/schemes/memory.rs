//! `memory:`.

use std::sync::Arc;

use worldstore_async::AsyncMemory;
use worldstore_core::{Error, Memory, Result};

use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    match request.uri.as_str() {
        "memory:" | "memory://" => {
            let memory = Arc::new(Memory::new());
            // Memory never blocks: async callers need no other thread for it.
            let backend = Arc::new(AsyncMemory::from(Arc::clone(&memory)));
            Ok(Storage { backend, ..Storage::from_sync(memory, "memory://root") })
        }
        uri => Err(Error::invalid("a store in memory has no name, write `memory:`").with("uri", uri)),
    }
}
