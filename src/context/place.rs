//! Where a world of a context is: its folder in the byte store.

use std::sync::Arc;

use worldstore_async::wrap::AsyncPrefixBackend;
use worldstore_core::wrap::PrefixBackend;
use worldstore_core::{Backend, Prefix, Result};

use crate::registry::{Naming, OpenRequest, Registry, Residence, Scheme, SchemeInfo};
use crate::storage::Storage;

/// The scheme of the one URI that a world's own registry opens.
const SCHEME: &str = "context";

/// The URI of a world, and the registry that opens it.
pub(super) fn registry(
    storage: &Storage,
    residence: Residence,
    namespace: &str,
    world: &str,
) -> Result<(String, Registry)> {
    let folder = folder(storage, namespace, world)?;
    let info = SchemeInfo::new(SCHEME).with_naming(Naming::Container).with_residence(residence);
    let mut registry = Registry::empty();
    registry.register(Scheme::new(info, move |_request: OpenRequest| {
        let folder = folder.clone();
        async move { Ok(folder) }
    }))?;
    Ok((format!("{SCHEME}://{namespace}/{world}"), registry))
}

fn folder(storage: &Storage, namespace: &str, world: &str) -> Result<Storage> {
    let path = format!("{namespace}/{world}");
    let prefix = Prefix::new(&path)?;
    let sync = |backend: &Arc<dyn Backend>| Arc::new(PrefixBackend::new(backend.clone(), prefix.clone())) as _;
    Ok(Storage {
        backend: Arc::new(AsyncPrefixBackend::new(storage.backend.clone(), prefix.clone())),
        sync_backend: storage.sync_backend.as_ref().map(sync),
        location: format!("{}/{path}", storage.location),
        folder: storage.folder.as_ref().map(|folder| folder.join(namespace).join(world)),
        service: storage.service.clone(),
        metrics: Arc::default(),
    })
}

/// A location as the name of a folder: letters, digits, `-` and `.` stand for themselves, other bytes are `_` and two
/// hexadecimal digits. So no two locations have one name.
pub(super) fn file_name(location: &str) -> String {
    let mut name = String::with_capacity(location.len());
    for byte in location.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => name.push(char::from(byte)),
            byte => name.push_str(&format!("_{byte:02x}")),
        }
    }
    name
}
