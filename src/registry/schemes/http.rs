//! `http://host/folder` and `https://host/folder`.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_object_store::{HttpConfig, Redirects, Transport};

use super::connection::connection;
use crate::registry::OpenRequest;
use crate::storage::Storage;

/// Who writes `http://` means it: plain HTTP is allowed then, and otherwise only if a setting says so.
pub async fn open(request: OpenRequest) -> Result<Storage> {
    let settings = &request.settings;
    let mut connection = connection(settings)?;
    if request.uri.starts_with("http:") && settings.flag("allow_http")? != Some(false) {
        connection = connection.with_transport(Transport::HttpAllowed);
    }
    let mut config = HttpConfig::from_uri(&request.uri)?.with_connection(connection);
    config = match settings.text("redirects") {
        None => config,
        Some("same_host") => config.with_redirects(Redirects::SameHost),
        Some("any_host") => config.with_redirects(Redirects::AnyHost),
        Some(_) => return Err(settings.wrong("redirects", "setting is neither same_host nor any_host")),
    };
    Ok(Storage::from_async(Arc::new(config.connect()?), request.uri.trim_end_matches('/')))
}
