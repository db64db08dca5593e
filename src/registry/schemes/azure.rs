//! `az://container/folder`.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_object_store::AzureConfig;

use super::connection::connection;
use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let settings = &request.settings;
    let mut config = AzureConfig::from_uri(&request.uri)?.with_connection(connection(settings)?);
    if let Some(account) = settings.text("account") {
        config = config.with_account(account);
    }
    if let Some(endpoint) = settings.text("endpoint") {
        config = config.with_endpoint(endpoint);
    }
    config = match settings.one_of(&["access_key", "sas_token", "bearer_token"])? {
        Some(("access_key", key)) => config.with_access_key(key),
        Some(("sas_token", token)) => config.with_sas_token(token),
        Some((_, token)) => config.with_bearer_token(token),
        None => config,
    };
    let backend = config.connect()?;
    let service = backend.service().map(str::to_owned);
    Ok(Storage::from_async(Arc::new(backend), request.uri.trim_end_matches('/')).with_service(service))
}
