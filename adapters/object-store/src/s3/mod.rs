//! S3 and what speaks its protocol: where the bucket is, who asks, and how its requests are watched.

mod uri;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::{ClientConfigKey, RetryConfig};
use worldstore_core::{Capability, Error, Prefix, Result};

use crate::backend::{ObjectStoreBackend, WriteTokens};
use uri::{bucket_and_root, endpoint};
use wire::Watching;

/// Whether requests may travel unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Only HTTPS, unless the environment says `AWS_ALLOW_HTTP=true`.
    #[default]
    Https,
    /// Plain HTTP too: for services on the same machine or in a trusted network.
    HttpAllowed,
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
    transport: Transport,
    conditions: Conditions,
    credentials: Option<(String, String)>,
    request_timeout: Option<Duration>,
}

impl S3Config {
    /// Names the bucket and the folder in it that is the root, as in `s3://bucket/folder`. The folder is taken
    /// literally: nothing is decoded.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) with the reason.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let (bucket, root) = bucket_and_root(uri)?;
        Ok(Self {
            bucket,
            root,
            endpoint: None,
            region: None,
            transport: Transport::default(),
            conditions: Conditions::default(),
            credentials: None,
            request_timeout: None,
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

    /// Sets whether plain HTTP is allowed.
    #[must_use]
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets whether the service keeps conditions.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// Sets access key and secret.
    #[must_use]
    pub fn with_credentials(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.credentials = Some((access_key.into(), secret_key.into()));
        self
    }

    /// Sets how long one request may take, 30 seconds by default. A put of a large object is one request.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Makes the backend. No I/O: whether the bucket is there shows in the first call, or in `check`.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) for a wrong endpoint, for plain HTTP that is not allowed, and
    /// for values of the environment that cannot be read.
    pub fn connect(&self) -> Result<ObjectStoreBackend> {
        let builder = self.builder()?;
        let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let conditional = self.build(builder.clone().with_retry(once))?;
        let store = self.build(builder)?;
        let backend = ObjectStoreBackend::new(Arc::new(store), self.capability())
            .with_conditional_store(Arc::new(conditional))
            .with_name("s3", format!("s3://{}", self.bucket))
            .with_root(self.root.clone())
            .with_write_tokens(WriteTokens::On);
        Ok(backend)
    }

    fn capability(&self) -> Capability {
        let mut capability = Capability::read_only();
        capability.write = true;
        capability.write_if_absent = self.conditions == Conditions::Kept;
        capability.write_if_match = self.conditions == Conditions::Kept;
        capability.copy = true;
        capability.list_sorted = true;
        capability.versions = true;
        capability.durable = true;
        capability
    }

    fn builder(&self) -> Result<AmazonS3Builder> {
        let conditional_put = match self.conditions {
            Conditions::Kept => S3ConditionalPut::ETagMatch,
            Conditions::Missing => S3ConditionalPut::Disabled,
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&self.bucket)
            .with_s3_express(false)
            .with_conditional_put(conditional_put)
            .with_http_connector(Watching);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if self.transport == Transport::HttpAllowed {
            builder = builder.with_allow_http(true);
        }
        if let Some((access_key, secret_key)) = &self.credentials {
            builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key);
        }
        if let Some(timeout) = self.request_timeout {
            let timeout = format!("{} ms", timeout.as_millis());
            builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), timeout);
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

/// What object_store takes for "on".
fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { "set" } else { "from the environment" };
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("root", &self.root)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("transport", &self.transport)
            .field("conditions", &self.conditions)
            .field("credentials", &format_args!("{credentials}"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
