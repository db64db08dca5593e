//! `s3://bucket/folder`.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_object_store::{Conditions, S3Config, UploadConditions};

use super::connection::connection;
use crate::registry::{OpenRequest, Settings};
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let settings = &request.settings;
    let mut config = S3Config::from_uri(&request.uri)?.with_connection(connection(settings)?);
    if let Some(endpoint) = settings.text("endpoint") {
        config = config.with_endpoint(endpoint);
    }
    if let Some(region) = settings.text("region") {
        config = config.with_region(region);
    }
    if let Some((key, secret)) = settings.pair("access_key_id", "secret_access_key")? {
        config = config.with_credentials(key, secret);
    }
    if let Some(conditions) = conditions(settings, "conditions")? {
        config = config.with_conditions(conditions);
    }
    if let Some(conditions) = conditions(settings, "delete_conditions")? {
        config = config.with_delete_conditions(conditions);
    }
    config = match settings.text("upload_conditions") {
        None => config,
        Some("kept") => config.with_upload_conditions(UploadConditions::Kept),
        Some("if_absent") => config.with_upload_conditions(UploadConditions::IfAbsentOnly),
        Some("missing") => config.with_upload_conditions(UploadConditions::Missing),
        Some(_) => return Err(settings.wrong("upload_conditions", "setting is none of kept, if_absent, missing")),
    };
    let backend = config.connect()?;
    let service = backend.service().map(str::to_owned);
    Ok(Storage::from_async(Arc::new(backend), request.uri.trim_end_matches('/')).with_service(service))
}

/// Whether the service keeps conditions: `true` or `false`.
fn conditions(settings: &Settings, name: &str) -> Result<Option<Conditions>> {
    let kept = settings.flag(name)?;
    Ok(kept.map(|kept| if kept { Conditions::Kept } else { Conditions::Missing }))
}
