//! S3 and what speaks its protocol: where the bucket is, who asks, and how its requests are watched.

use std::fmt;
use std::sync::Arc;

use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use worldstore_core::{Capability, Error, Prefix, Result};

use crate::backend::ObjectStoreBackend;
use crate::connection::{Connection, bucket_and_root, endpoint, is_on, service};
use crate::direct::Direct;
use crate::protocol::{Commits, Deletes, Protocol};
use crate::wire::Watching;

/// Which conditions the service keeps at the end of an upload in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadConditions {
    /// `If-None-Match` and `If-Match`, as Amazon S3 does.
    Kept,
    /// Only `If-None-Match`.
    IfAbsentOnly,
    /// None: a writer with a condition holds its object in memory and sends it at once.
    Missing,
}

/// Whether the service keeps `If-None-Match` and `If-Match` on puts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conditions {
    /// It does, as Amazon S3, MinIO and R2 do. The backend's `check` proves it.
    #[default]
    Kept,
    /// It does not: writes with a condition are refused before any I/O.
    Missing,
}

/// Where a bucket is and who asks for it.
///
/// What is not set here comes from the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL` or `AWS_ENDPOINT`, `AWS_ALLOW_HTTP` and the rest of what
/// object_store reads. Without any credentials those of the machine's instance role are asked for. Neither `Debug`
/// nor any error shows a secret.
#[derive(Clone)]
pub struct S3Config {
    bucket: String,
    root: Prefix,
    endpoint: Option<String>,
    region: Option<String>,
    connection: Connection,
    conditions: Conditions,
    delete_conditions: Conditions,
    upload_conditions: Option<UploadConditions>,
    credentials: Option<(String, String)>,
}

impl S3Config {
    /// Names the bucket and the folder in it that is the root, as in `s3://bucket/folder`. The folder is taken
    /// literally: nothing is decoded.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) with the reason.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let (bucket, root) = bucket_and_root(uri, &["s3"], "URI does not start with s3://")?;
        check_bucket(bucket)?;
        Ok(Self {
            bucket: bucket.to_owned(),
            root,
            endpoint: None,
            region: None,
            connection: Connection::default(),
            conditions: Conditions::default(),
            delete_conditions: Conditions::Missing,
            upload_conditions: None,
            credentials: None,
        })
    }

    /// Sets the address of the service, as in `https://minio.example:9000`; Amazon's own by default.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the region, `us-east-1` by default.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets deadlines, retries and transport.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets whether the service keeps conditions on puts.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// Sets which conditions the service keeps at the end of an upload in parts. [`UploadConditions::Kept`] by default,
    /// but [`UploadConditions::Missing`] where an endpoint is set: services differ in it. `check` proves it.
    #[must_use]
    pub fn with_upload_conditions(mut self, conditions: UploadConditions) -> Self {
        self.upload_conditions = Some(conditions);
        self
    }

    /// Sets whether the service keeps `If-Match` on deletes, as Amazon S3 does since 2025. [`Conditions::Missing`] by
    /// default: a service that ignores the condition would delete another state.
    #[must_use]
    pub fn with_delete_conditions(mut self, conditions: Conditions) -> Self {
        self.delete_conditions = conditions;
        self
    }

    /// Sets access key and secret.
    #[must_use]
    pub fn with_credentials(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.credentials = Some((access_key.into(), secret_key.into()));
        self
    }

    /// Makes the backend. No I/O: whether the bucket is there shows in the first call, or in `check`.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) for a wrong endpoint, for plain HTTP that is not allowed, and
    /// for values of the environment that cannot be read.
    pub fn connect(&self) -> Result<ObjectStoreBackend> {
        let watching = Watching::default().rewriting("list-type=2", crate::names::with_separators);
        self.connect_by(self.builder(&watching)?, &watching)
    }

    fn connect_by(&self, builder: AmazonS3Builder, watching: &Watching) -> Result<ObjectStoreBackend> {
        let elsewhere = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let elsewhere = elsewhere.map(|address| service(&address)).transpose()?;
        let conditional = watching.built(self.build(builder.clone().with_retry(self.connection.once()))?);
        let store = Arc::new(watching.built(self.build(builder)?));
        let location = format!("s3://{}", self.bucket);
        let direct = watching.client().map(|client| Direct::new(client, &*location, Some(store.clone())));
        let backend = ObjectStoreBackend::new(store, self.capability())
            .with_conditional_store(Arc::new(conditional))
            .with_name("s3", location)
            .with_root(self.root.clone())
            .with_protocol(self.protocol(elsewhere.is_some()), direct);
        Ok(match elsewhere {
            Some(service) => backend.with_service(service),
            None => backend,
        })
    }

    /// A condition on the request that finishes an upload is a header that the signature does not cover.
    fn protocol(&self, elsewhere: bool) -> Protocol {
        let default = if elsewhere { UploadConditions::Missing } else { UploadConditions::Kept };
        let commits = |if_match| Some(Commits { method: "POST", query: "uploadId=", if_match });
        let commits = match self.upload_conditions.unwrap_or(default) {
            UploadConditions::Kept => commits(true),
            UploadConditions::IfAbsentOnly => commits(false),
            UploadConditions::Missing => None,
        };
        Protocol { commits, deletes: Deletes::Direct, ..Protocol::ANY }
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::read_only();
        capability.write = true;
        capability.write_if_absent = self.conditions == Conditions::Kept;
        capability.write_if_match = self.conditions == Conditions::Kept;
        capability.delete_if_match = self.delete_conditions == Conditions::Kept;
        capability.write_tokens = true;
        capability.copy = true;
        capability.list_sorted = true;
        capability.versions = true;
        capability.durable = true;
        capability
    }

    fn builder(&self, watching: &Watching) -> Result<AmazonS3Builder> {
        let conditional_put = match self.conditions {
            Conditions::Kept => S3ConditionalPut::ETagMatch,
            Conditions::Missing => S3ConditionalPut::Disabled,
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&self.bucket)
            .with_s3_express(false)
            .with_conditional_put(conditional_put)
            .with_http_connector(watching.clone())
            .with_retry(self.connection.retry());
        for (key, value) in self.connection.settings() {
            builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some((access_key, secret_key)) = &self.credentials {
            builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key);
        }
        let http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        let http_allowed = builder.get_config_value(&http).is_some_and(|value| is_on(&value));
        if let Some(address) = builder.get_config_value(&AmazonS3ConfigKey::Endpoint) {
            endpoint(&address, http_allowed)?;
        }
        Ok(builder)
    }

    fn build(&self, builder: AmazonS3Builder) -> Result<AmazonS3> {
        builder.build().map_err(|error| {
            Error::invalid("the settings make no connection to S3").with("bucket", &self.bucket).caused_by(error)
        })
    }
}

fn check_bucket(bucket: &str) -> Result<()> {
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("bucket", bucket));
    if !(3..=63).contains(&bucket.len()) {
        return broken("name of a bucket has 3 to 63 characters");
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if !bucket.bytes().all(allowed) {
        return broken("name of a bucket has only small letters, digits, dots and hyphens");
    }
    if bucket.starts_with(['.', '-']) || bucket.ends_with(['.', '-']) || bucket.contains("..") {
        return broken("name of a bucket begins and ends with a letter or digit and has no two dots in a row");
    }
    if bucket.ends_with("--x-s3") {
        return broken("directory buckets are not supported: they list in no order");
    }
    Ok(())
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { "set" } else { "from the environment" };
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("root", &self.root)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("connection", &self.connection)
            .field("conditions", &self.conditions)
            .field("delete_conditions", &self.delete_conditions)
            .field("upload_conditions", &self.upload_conditions)
            .field("credentials", &format_args!("{credentials}"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
