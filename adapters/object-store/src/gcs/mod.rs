//! Google Cloud Storage: where the bucket is and who asks.

mod listing;

use std::fmt;
use std::sync::Arc;

use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ClientConfigKey, StaticCredentialProvider};
use worldstore_core::{Capability, Error, Prefix, Result};

use crate::backend::ObjectStoreBackend;
use crate::connection::{Connection, Transport, bucket_and_root, endpoint, service};
use crate::direct::Direct;
use crate::names::with_separators;
use crate::protocol::{CopyHeader, Deletes, Links, Protocol, Versions};
use crate::read::GENERATION_MATCH;
use crate::wire::Watching;

/// Uploads in parts take no condition here. Copies get theirs from us, for object_store 0.13 mixes up its two modes.
const PROTOCOL: Protocol = Protocol {
    versions: Versions::Generation,
    deletes: Deletes::Header(GENERATION_MATCH),
    copy_header: Some(CopyHeader::Generation(GENERATION_MATCH)),
    links: Links::NoMarks,
    ..Protocol::ANY
};

/// Where a bucket is and who asks for it.
///
/// What is not set here comes from the environment: `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_SERVICE_ACCOUNT_KEY`,
/// `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_BASE_URL` and the rest of what object_store reads. Without any credentials
/// those of the machine's service account are asked for. Neither `Debug` nor any error shows a secret.
#[derive(Clone)]
pub struct GcsConfig {
    bucket: String,
    root: Prefix,
    endpoint: Option<String>,
    connection: Connection,
    credentials: Option<Credentials>,
}

#[derive(Clone)]
enum Credentials {
    Key(String),
    File(String),
    BearerToken(String),
    Anonymous,
}

impl GcsConfig {
    /// Names the bucket and the folder in it that is the root, as in `gs://bucket/folder`. The folder is taken
    /// literally: nothing is decoded.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) with the reason.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let (bucket, root) = bucket_and_root(uri, &["gs"], "URI does not start with gs://")?;
        check_bucket(bucket)?;
        let (bucket, connection) = (bucket.to_owned(), Connection::default());
        Ok(Self { bucket, root, endpoint: None, connection, credentials: None })
    }

    /// Sets the address of the service, `https://storage.googleapis.com` by default.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets deadlines, retries and transport; the environment has no say in whether plain HTTP is allowed.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Uses the key of a service account: the text of its JSON file.
    #[must_use]
    pub fn with_service_account_key(mut self, key: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::Key(key.into()));
        self
    }

    /// Uses the key of a service account in a file.
    #[must_use]
    pub fn with_service_account_file(mut self, path: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::File(path.into()));
        self
    }

    /// Uses an access token as it is.
    #[must_use]
    pub fn with_bearer_token(mut self, token: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::BearerToken(token.into()));
        self
    }

    /// Asks without credentials: public buckets can be read so.
    #[must_use]
    pub fn with_no_credentials(mut self) -> Self {
        self.credentials = Some(Credentials::Anonymous);
        self
    }

    /// Makes the backend. No I/O but reading a key file: whether the bucket is there shows in the first call, or in
    /// `check`.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) for a wrong endpoint, for plain HTTP that is not allowed, and
    /// for a key that cannot be read.
    pub fn connect(&self) -> Result<ObjectStoreBackend> {
        let watching = Watching::default()
            .rewriting("list-type=2", |listing| listing::with_generations(&with_separators(listing)));
        let builder = self.builder(&watching)?;
        let elsewhere = builder.get_config_value(&GoogleConfigKey::BaseUrl);
        let elsewhere = elsewhere.map(|address| service(&address)).transpose()?;
        let conditional = watching.built(self.build(builder.clone().with_retry(self.connection.once()))?);
        let store = Arc::new(watching.built(self.build(builder)?));
        let location = format!("gs://{}", self.bucket);
        let direct = watching.client().map(|client| Direct::new(client, &*location, Some(store.clone())));
        let backend = ObjectStoreBackend::new(store, capability())
            .with_conditional_store(Arc::new(conditional))
            .with_name("gs", location)
            .with_root(self.root.clone())
            .with_protocol(PROTOCOL, direct);
        Ok(match elsewhere {
            Some(service) => backend.with_service(service),
            None => backend,
        })
    }

    fn builder(&self, watching: &Watching) -> Result<GoogleCloudStorageBuilder> {
        // object_store allows plain HTTP here unless told otherwise.
        let http = GoogleConfigKey::Client(ClientConfigKey::AllowHttp);
        let mut builder = GoogleCloudStorageBuilder::from_env()
            .with_bucket_name(&self.bucket)
            .with_http_connector(watching.clone())
            .with_retry(self.connection.retry())
            .with_config(http, "false");
        for (key, value) in self.connection.settings() {
            builder = builder.with_config(GoogleConfigKey::Client(key), value);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_base_url(endpoint.trim_end_matches('/'));
        }
        let token = |bearer: String| Arc::new(StaticCredentialProvider::new(GcpCredential { bearer }));
        builder = match &self.credentials {
            Some(Credentials::Key(key)) => builder.with_service_account_key(key),
            Some(Credentials::File(path)) => builder.with_service_account_path(path),
            Some(Credentials::BearerToken(bearer)) => builder.with_credentials(token(bearer.clone())),
            Some(Credentials::Anonymous) => builder.with_credentials(token(String::new())),
            None => builder,
        };
        if let Some(address) = builder.get_config_value(&GoogleConfigKey::BaseUrl) {
            endpoint(&address, self.connection.transport == Transport::HttpAllowed)?;
        }
        Ok(builder)
    }

    fn build(&self, builder: GoogleCloudStorageBuilder) -> Result<GoogleCloudStorage> {
        builder.build().map_err(|error| {
            // The source may quote the key.
            let message = "the settings make no connection to Google Cloud Storage";
            let error = Error::invalid(message).with("bucket", &self.bucket).caused_by(error);
            match &self.credentials {
                Some(Credentials::Key(_)) => {
                    Error::invalid("the key of the service account cannot be used").with("bucket", &self.bucket)
                }
                _ => error,
            }
        })
    }
}

fn capability() -> Capability {
    let mut capability = Capability::read_only();
    capability.write = true;
    capability.write_if_absent = true;
    capability.write_if_match = true;
    capability.delete_if_match = true;
    capability.write_tokens = true;
    capability.copy = true;
    capability.copy_if_absent = true;
    capability.copy_if_match = true;
    capability.list_sorted = true;
    capability.versions = true;
    capability.durable = true;
    capability
}

fn check_bucket(bucket: &str) -> Result<()> {
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("bucket", bucket));
    if !(3..=222).contains(&bucket.len()) {
        return broken("name of a bucket has 3 to 222 characters");
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    if !bucket.bytes().all(allowed) {
        return broken("name of a bucket has only small letters, digits, dots, hyphens and underscores");
    }
    if bucket.starts_with(['.', '-', '_']) || bucket.ends_with(['.', '-', '_']) {
        return broken("name of a bucket begins and ends with a letter or digit");
    }
    Ok(())
}

impl fmt::Debug for GcsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = match self.credentials {
            None => "from the environment",
            Some(Credentials::Anonymous) => "none",
            Some(_) => "set",
        };
        f.debug_struct("GcsConfig")
            .field("bucket", &self.bucket)
            .field("root", &self.root)
            .field("endpoint", &self.endpoint)
            .field("connection", &self.connection)
            .field("credentials", &format_args!("{credentials}"))
            .finish()
    }
}

#[cfg(test)]
mod tests;
