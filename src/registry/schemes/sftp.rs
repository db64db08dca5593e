//! `sftp://user@host/folder`.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_sftp::SftpConfig;

use crate::registry::{OpenRequest, masked};
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let settings = &request.settings;
    let mut config = SftpConfig::from_uri(&request.uri)?;
    match (settings.text("key_file"), settings.text("key_passphrase")) {
        (Some(file), passphrase) => config = config.with_key_file(file, passphrase.map(str::to_owned)),
        (None, Some(_)) => {
            return Err(settings.wrong("key_passphrase", "setting needs another one").with("needs", "key_file"));
        }
        (None, None) => {}
    }
    if let Some(password) = settings.text("password") {
        config = config.with_password(password);
    }
    if let Some(file) = settings.text("known_hosts") {
        config = config.with_known_hosts(file);
    }
    if settings.flag("agent")? == Some(true) {
        config = config.with_agent();
    }
    Ok(Storage::from_async(Arc::new(config.connect().await?), masked(request.uri.trim_end_matches('/'))))
}
