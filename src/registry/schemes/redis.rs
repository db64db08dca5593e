//! `redis://host:6379/0`.

use worldstore_core::Result;
use worldstore_redis::RedisConfig;

use super::blocking;
use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let config = RedisConfig::from_uri(&request.uri)?;
    blocking(&request.uri, move || config.connect()).await
}
