//! `redb:///folder/file.redb`.

use worldstore_core::Result;
use worldstore_redb::RedbConfig;

use super::blocking;
use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let config = RedbConfig::from_uri(&request.uri)?;
    blocking(&request.uri, move || config.open()).await
}
