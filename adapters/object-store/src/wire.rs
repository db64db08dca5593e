//! The HTTP client of object_store, watched, and with the headers that it does not know of.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use crate::attempts::{self, Hint};

/// Makes clients that note how each request ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watching {
    resigns: Option<Resigns>,
    rewrites: Option<Rewrites>,
    last: Arc<Mutex<Option<Made>>>,
}

/// A client, and whether it is for objects.
type Made = (HttpClient, Arc<OnceLock<()>>);

/// Signs a request anew after a header was added, for services whose signatures cover it.
#[derive(Clone)]
pub(crate) struct Resigns(Arc<dyn Resign>);

/// Rewrites the text of successful replies to requests with this in their query.
#[derive(Debug, Clone, Copy)]
struct Rewrites {
    query: &'static str,
    rewrite: fn(&str) -> String,
}

/// See [`Resigns`].
#[async_trait]
pub(crate) trait Resign: Send + Sync {
    /// Replaces the signature.
    async fn resign(&self, request: &mut HttpRequest);
}

impl fmt::Debug for Resigns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resigns")
    }
}

impl Watching {
    /// Signs guarded requests anew.
    #[cfg(feature = "azure")]
    pub fn resigning(resign: Arc<dyn Resign>) -> Self {
        Self { resigns: Some(Resigns(resign)), ..Self::default() }
    }

    /// Rewrites the text of successful replies to requests with this in their query.
    #[cfg(any(feature = "azure", feature = "gcs", feature = "s3"))]
    pub fn rewriting(mut self, query: &'static str, rewrite: fn(&str) -> String) -> Self {
        self.rewrites = Some(Rewrites { query, rewrite });
        self
    }

    /// The client for objects of the store that was built last.
    pub fn client(&self) -> Option<HttpClient> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(client, _)| client.clone())
    }

    /// Takes the client that was made last as that for the objects of a store: builders make it after those for
    /// credentials, whose requests say nothing of a change.
    pub fn built<Store>(&self, store: Store) -> Store {
        if let Some((_, is_of_objects)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = is_of_objects.set(());
        }
        store
    }

    /// Watches a client.
    pub fn watch(&self, client: HttpClient) -> HttpClient {
        let is_of_objects = Arc::new(OnceLock::new());
        let (resigns, rewrites) = (self.resigns.clone(), self.rewrites);
        let watched = Watched { client, resigns, rewrites, is_of_objects: Arc::clone(&is_of_objects) };
        let watched = HttpClient::new(watched);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((watched.clone(), is_of_objects));
        watched
    }
}

impl HttpConnector for Watching {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.watch(ReqwestConnector::default().connect(options)?))
    }
}

#[derive(Debug)]
struct Watched {
    client: HttpClient,
    resigns: Option<Resigns>,
    rewrites: Option<Rewrites>,
    /// Set unless it asks for credentials.
    is_of_objects: Arc<OnceLock<()>>,
}

impl Watched {
    /// Adds what the guard of the call asks for, and lets its request pass once.
    async fn guard(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        let guarded = attempts::with_guard(|guard| {
            let query = request.uri().query().unwrap_or_default();
            if request.method() != guard.method || !query.contains(guard.query) {
                return Ok(false);
            }
            if std::mem::replace(&mut guard.sent, true) && guard.once {
                return Err(HttpError::new(HttpErrorKind::Unknown, Repeated));
            }
            let (name, value) = &guard.header;
            let name = HeaderName::from_static(name);
            match value {
                None => drop(request.headers_mut().remove(name)),
                Some(value) => {
                    let value = HeaderValue::from_str(value);
                    let value = value.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
                    request.headers_mut().insert(name, value);
                }
            }
            Ok(true)
        });
        if let (Some(true), Some(resigns)) = (guarded.transpose()?, &self.resigns) {
            resigns.0.resign(request).await;
        }
        Ok(())
    }
}

/// Why a request was held back.
#[derive(Debug)]
struct Repeated;

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change with a condition is not sent again")
    }
}

impl std::error::Error for Repeated {}

#[async_trait]
impl HttpService for Watched {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if self.is_of_objects.get().is_none() {
            attempts::aside();
            return self.client.execute(request).await;
        }
        self.guard(&mut request).await?;
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default();
        let rewrites = self.rewrites.filter(|rewrites| query.contains(rewrites.query));
        let reply = self.client.execute(request).await;
        match &reply {
            Ok(response) => {
                attempts::replied(response.status().as_u16(), retry_after(response), hint(response, &path));
            }
            Err(error) if error.kind() == HttpErrorKind::Connect => attempts::not_sent(),
            // object_store takes some of these for "not sent"; a connection that closes early proves no such thing.
            Err(_) => attempts::lost(),
        }
        match (reply, rewrites) {
            (Ok(response), Some(rewrites)) if response.status().is_success() => rewritten(response, rewrites).await,
            (reply, _) => reply,
        }
    }
}

async fn rewritten(response: HttpResponse, rewrites: Rewrites) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let body = body.bytes().await?;
    let body = match std::str::from_utf8(&body) {
        Ok(text) => (rewrites.rewrite)(text).into(),
        // Whoever reads it says what is wrong with it.
        Err(_) => body.into(),
    };
    Ok(HttpResponse::from_parts(parts, body))
}

/// The pause that the service asks for, in whole seconds. A date is not read: clocks differ.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn hint(response: &HttpResponse, path: &str) -> Option<Hint> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    if response.status().is_redirection() {
        let to = header(LOCATION.as_str())?.split(['?', '#']).next()?;
        let to = to.split_once("://").map_or(to, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        return (to.strip_suffix('/') == Some(path)).then_some(Hint::Folder);
    }
    match header("x-ms-error-code") {
        Some("BlobAlreadyExists") => return Some(Hint::BlobExists),
        Some("InvalidBlockList") => return Some(Hint::BlocksGone),
        _ => {}
    }
    match header("x-ms-copy-status") {
        Some("pending") => Some(Hint::CopyGoesOn),
        Some("failed" | "aborted") => Some(Hint::CopyFailed),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
