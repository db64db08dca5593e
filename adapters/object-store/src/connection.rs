//! What all services are configured with: transport, deadlines, retries.

use std::time::Duration;

use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};
use url::Url;
use worldstore_core::{Error, Prefix, Result};

/// Whether requests may travel unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Only HTTPS, unless the environment says otherwise where the service has a variable for it.
    #[default]
    Https,
    /// Plain HTTP too: for services on the same machine or in a trusted network.
    HttpAllowed,
}

/// How a service is reached: the same settings for every service.
///
/// A request that fails in a way that may pass is sent again after a pause that grows from 0.1 to 15 seconds, unless
/// it is a change with a condition: that is sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Whether plain HTTP is allowed; it is not by default.
    pub transport: Transport,
    /// How long one request may take, body included; 30 seconds by default.
    pub request_timeout: Option<Duration>,
    /// How long connecting may take; 5 seconds by default.
    pub connect_timeout: Option<Duration>,
    /// How often a request is sent again at most; 10 times by default.
    pub retries_max: usize,
    /// After this time since the first attempt no further one begins; 3 minutes by default. A call takes at most this
    /// long and one request and one pause more.
    pub retry_budget: Duration,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            request_timeout: None,
            connect_timeout: None,
            retries_max: 10,
            retry_budget: Duration::from_secs(180),
        }
    }
}

impl Connection {
    /// Sets whether plain HTTP is allowed.
    #[must_use]
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets how long one request may take, body included. A put of a large object is one request.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Sets how long connecting may take.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Sets how often a request is sent again at most, and until when.
    #[must_use]
    pub fn with_retries(mut self, retries_max: usize, retry_budget: Duration) -> Self {
        (self.retries_max, self.retry_budget) = (retries_max, retry_budget);
        self
    }

    /// The retries of object_store.
    pub(crate) fn retry(&self) -> RetryConfig {
        let backoff = BackoffConfig::default();
        let max_backoff = backoff.max_backoff.min(self.retry_budget).max(Duration::from_millis(1));
        let init_backoff = backoff.init_backoff.min(max_backoff);
        let backoff = BackoffConfig { init_backoff, max_backoff, ..backoff };
        RetryConfig { backoff, max_retries: self.retries_max, retry_timeout: self.retry_budget }
    }

    /// No retries.
    pub(crate) fn once(&self) -> RetryConfig {
        RetryConfig { max_retries: 0, ..self.retry() }
    }

    /// What was set, in the terms of object_store.
    pub(crate) fn settings(&self) -> Vec<(ClientConfigKey, String)> {
        let mut settings = Vec::new();
        if self.transport == Transport::HttpAllowed {
            settings.push((ClientConfigKey::AllowHttp, "true".to_owned()));
        }
        let timeouts =
            [(ClientConfigKey::Timeout, self.request_timeout), (ClientConfigKey::ConnectTimeout, self.connect_timeout)];
        for (key, timeout) in timeouts {
            settings.extend(timeout.map(|timeout| (key, format!("{} ms", timeout.as_millis().max(1)))));
        }
        settings
    }
}

/// What object_store takes for "on".
#[cfg(any(feature = "s3", feature = "azure"))]
pub(crate) fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
}

/// Bucket and root of `scheme://bucket/folder`, for one of these schemes. The folder is taken literally.
pub(crate) fn bucket_and_root<'uri>(
    uri: &'uri str,
    schemes: &[&str],
    wrong_scheme: &'static str,
) -> Result<(&'uri str, Prefix)> {
    let broken = |reason: &'static str| Err(Error::invalid(reason));
    let rest = schemes.iter().find_map(|scheme| uri.strip_prefix(scheme)?.strip_prefix("://"));
    let Some(rest) = rest else { return broken(wrong_scheme) };
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    // What looks like credentials is not repeated in the message.
    if bucket.contains(['@', ':']) {
        return broken("URI of a bucket holds neither user nor port: give an endpoint and credentials");
    }
    if uri.contains(['?', '#']) {
        return broken("URI of a bucket has neither query nor fragment");
    }
    if bucket.is_empty() {
        return broken("URI names no bucket");
    }
    let root = Prefix::new(folder.strip_suffix('/').unwrap_or(folder)).map_err(|error| error.with("uri", uri))?;
    Ok((bucket, root))
}

/// Checks the address of a service. What looks like credentials is not repeated in the message.
pub(crate) fn endpoint(address: &str, http_allowed: bool) -> Result<Url> {
    let url = Url::parse(address).map_err(|error| Error::invalid("endpoint is no URL").caused_by(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid("endpoint holds credentials: set them apart from it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::invalid("endpoint has a query or fragment"));
    }
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("endpoint", address));
    match url.scheme() {
        "https" => {}
        "http" if http_allowed => {}
        "http" => return broken("endpoint is plain HTTP, which is not allowed"),
        _ => return broken("endpoint is neither http nor https"),
    }
    Ok(url)
}

/// An endpoint as it is compared: the host in small letters, no port that goes without saying, no `/` at the end.
pub(crate) fn service(address: &str) -> Result<String> {
    Ok(endpoint(address, true)?.as_str().trim_end_matches('/').to_owned())
}
