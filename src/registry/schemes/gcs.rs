//! `gs://bucket/folder`.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_object_store::GcsConfig;

use super::connection::connection;
use crate::registry::OpenRequest;
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let settings = &request.settings;
    let mut config = GcsConfig::from_uri(&request.uri)?.with_connection(connection(settings)?);
    if let Some(endpoint) = settings.text("endpoint") {
        config = config.with_endpoint(endpoint);
    }
    let mut credentials = vec!["service_account_key", "service_account_file", "bearer_token"];
    if settings.flag("anonymous")? == Some(true) {
        credentials.push("anonymous");
    }
    config = match settings.one_of(&credentials)? {
        Some(("service_account_key", key)) => config.with_service_account_key(key),
        Some(("service_account_file", path)) => config.with_service_account_file(path),
        Some(("bearer_token", token)) => config.with_bearer_token(token),
        Some(_) => config.with_no_credentials(),
        None => config,
    };
    let backend = config.connect()?;
    let service = backend.service().map(str::to_owned);
    Ok(Storage::from_async(Arc::new(backend), request.uri.trim_end_matches('/')).with_service(service))
}
