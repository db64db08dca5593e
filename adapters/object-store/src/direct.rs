//! What is asked of a service without object_store: signed links, deletes with a condition, whether it is there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use http::header::{HeaderName, IF_MATCH};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::signer::Signer;
use worldstore_async::AsyncPresign;
use worldstore_core::{Access, Error, ErrorKind, Key, PresignOptions, Result};

use crate::attempts::watched;
use crate::backend::ObjectStoreBackend;
use crate::failure;

/// How long a link may be valid: what S3 and Google Cloud Storage allow.
const VALID_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long the link of a single request is valid.
const REQUEST_VALID: Duration = Duration::from_secs(300);

/// The service itself.
#[derive(Clone)]
pub(crate) struct Direct {
    /// Signs links, where that is possible.
    pub signer: Option<Arc<dyn Signer>>,
    /// Makes signed requests of its own, where links do not do.
    asks: Option<Arc<dyn Asks>>,
    client: HttpClient,
    address: String,
}

/// Makes a signed request for an object.
#[async_trait]
pub(crate) trait Asks: Send + Sync {
    /// A request without a body, with this header.
    async fn ask(&self, method: Method, path: &Path, header: (HeaderName, &str)) -> object_store::Result<HttpRequest>;
}

impl Direct {
    /// The service at this address, over the client that object_store uses.
    pub fn new(client: HttpClient, address: impl Into<String>, signer: Option<Arc<dyn Signer>>) -> Self {
        Self { signer, asks: None, client, address: address.into() }
    }

    /// Makes requests by these means instead of signed links.
    #[cfg(feature = "azure")]
    pub fn asking(mut self, asks: Arc<dyn Asks>) -> Self {
        self.asks = Some(asks);
        self
    }

    /// Deletes an object in this state, with one request.
    pub async fn delete(&self, path: &Path, etag: &str) -> object_store::Result<()> {
        let request = match (&self.asks, &self.signer) {
            (Some(asks), _) => asks.ask(Method::DELETE, path, (IF_MATCH, etag)).await?,
            (None, Some(signer)) => {
                let url = signer.signed_url(Method::DELETE, path, REQUEST_VALID).await?;
                let request = http::Request::delete(url.as_str()).header(IF_MATCH, etag);
                request.body(HttpRequestBody::empty()).map_err(failed)?
            }
            (None, None) => return Err(failed("requests cannot be signed")),
        };
        let reply = self.client.execute(request).await.map_err(failed)?;
        match reply.status() {
            status if status.is_success() => Ok(()),
            status => Err(failed(format!("status {status}"))),
        }
    }

    /// Asks the service for its root. A server that shows no folders is there nevertheless.
    pub async fn reach(&self, backend: &ObjectStoreBackend) -> Result<()> {
        let asking = async {
            let request = http::Request::head(&self.address).body(HttpRequestBody::empty()).map_err(failed)?;
            let request: HttpRequest = request;
            let status = self.client.execute(request).await.map_err(failed)?.status();
            match status.is_success() || matches!(status.as_u16(), 403 | 405) {
                true => Ok(()),
                false => Err(failed(format!("status {status}"))),
            }
        };
        let (result, seen) = watched(asking).await;
        result.map_err(|error| failure::error_of(error, seen).during("check").with("backend", backend))
    }
}

/// An error of the store for what object_store had no part in; the status that was seen says the rest.
pub(crate) fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "service", source: source.into() }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").field("signs", &self.signer.is_some()).finish_non_exhaustive()
    }
}

#[async_trait]
impl AsyncPresign for ObjectStoreBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let path = self.path(key)?;
        if options.valid_for < Duration::from_secs(1) || options.valid_for > VALID_MAX {
            return Err(Error::invalid("link is to be valid for less than a second or more than 7 days")
                .with("seconds", options.valid_for.as_secs()));
        }
        if !self.protocol.links.to(path.as_ref()) {
            return Err(Error::unsupported("links to names with such characters cannot be signed").with("key", key));
        }
        let method = match options.access {
            Access::Read => Method::GET,
            Access::Write => {
                self.declared(self.capability.write, "the store is read-only")?;
                Method::PUT
            }
        };
        let signer = self.direct.as_ref().and_then(|direct| direct.signer.as_ref());
        let signer = signer.ok_or_else(|| Error::unsupported("the store signs no links").with("backend", self))?;
        let (signed, seen) = watched(signer.signed_url(method, &path, options.valid_for)).await;
        match signed {
            Ok(url) => Ok(url.into()),
            // Nothing was asked of anybody: what is missing are credentials that can sign.
            Err(error) if !seen.watched => {
                Err(Error::new(ErrorKind::PermissionDenied, "the credentials cannot sign links")
                    .during("sign")
                    .with("backend", self)
                    .caused_by(error))
            }
            Err(error) => Err(self.error("sign", key.as_str(), error, seen)),
        }
    }
}
