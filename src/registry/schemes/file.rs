//! Folders: `file:///folder`, `local:///folder`, or a plain path.

use std::path::Path;
use std::sync::Arc;

use worldstore_core::{Error, Local, Result};

use crate::registry::OpenRequest;
use crate::registry::uri::path_of;
use crate::storage::{Root, Storage};

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let path = Path::new(path_of(&request.uri)?);
    let local = match request.root {
        Root::Create => Local::new(path),
        Root::Existing => Local::open(path),
    }?;
    let absolute = path.canonicalize().map_err(|source| Error::io("open", source).with("path", path.display()))?;
    let location = format!("file://{}", absolute.display());
    Ok(Storage::from_sync(Arc::new(local), location).with_folder(absolute))
}
