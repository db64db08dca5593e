//! Files of a web server, read-only: where they are, and which redirects are followed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use object_store::http::{HttpBuilder, HttpStore};
use reqwest::redirect::{Attempt, Policy};
use url::Url;
use worldstore_core::{Capability, Error, Result};

use crate::backend::ObjectStoreBackend;
use crate::connection::{Connection, Transport, endpoint};
use crate::direct::Direct;
use crate::protocol::{Protocol, Versions};
use crate::wire::Watching;

const PROTOCOL: Protocol = Protocol { versions: Versions::StrongEtag, lists: false, ..Protocol::ANY };

/// How many redirects of one request are followed.
const REDIRECTS_MAX: usize = 10;

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// Those to the same scheme, host and port.
    #[default]
    SameHost,
    /// Those to any host too, as servers do that hand out their files from elsewhere.
    AnyHost,
}

/// Where the files of a web server are.
///
/// The backend reads and does nothing else: it cannot list, for the protocol has no listings, and it writes nothing.
/// Versions are the server's strong etags. A server that makes etags from time and size, as nginx does, gives two files
/// of one size that were written in the same second the same version.
#[derive(Clone)]
pub struct HttpConfig {
    url: String,
    redirects: Redirects,
    connection: Connection,
}

impl HttpConfig {
    /// Names the folder of the server that is the root, as in `https://data.example/worlds`. It is taken as an URL:
    /// what is percent-encoded in it stays so. Keys below it are encoded here.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) with the reason.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let url = endpoint(uri, true)?;
        if url.path().contains("//") {
            return Err(Error::invalid("URL holds an empty segment").with("url", &url));
        }
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, redirects: Redirects::default(), connection: Connection::default() })
    }

    /// Sets which redirects are followed.
    #[must_use]
    pub fn with_redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Sets deadlines, retries and transport.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Makes the backend. No I/O: whether the server is there shows in the first call, or in `check`.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) for plain HTTP that is not allowed.
    pub fn connect(&self) -> Result<ObjectStoreBackend> {
        endpoint(&self.url, self.connection.transport == Transport::HttpAllowed)?;
        let watching = Watching::default();
        let connector = Connector { watching: watching.clone(), config: self.clone() };
        let store: HttpStore = HttpBuilder::new()
            .with_url(&self.url)
            .with_http_connector(connector)
            .with_retry(self.connection.retry())
            .build()
            .map_err(|error| {
                Error::invalid("the settings make no connection").with("url", &self.url).caused_by(error)
            })?;
        let store = watching.built(store);
        let direct = watching.client().map(|client| Direct::new(client, format!("{}/", self.url), None));
        let scheme = if self.url.starts_with("https") { "https" } else { "http" };
        let mut capability = Capability::read_only();
        capability.versions = true;
        Ok(ObjectStoreBackend::new(Arc::new(store), capability)
            .with_name(scheme, &*self.url)
            .with_protocol(PROTOCOL, direct))
    }
}

/// Makes a client that follows the redirects that are allowed, and no others.
#[derive(Debug)]
struct Connector {
    watching: Watching,
    config: HttpConfig,
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let (connection, redirects) = (&self.config.connection, self.config.redirects);
        let client = reqwest::Client::builder()
            .redirect(Policy::custom(move |attempt| follow(attempt, redirects)))
            .https_only(connection.transport == Transport::Https)
            .timeout(connection.request_timeout.unwrap_or(Duration::from_secs(30)))
            .connect_timeout(connection.connect_timeout.unwrap_or(Duration::from_secs(5)))
            // What is unpacked on the way has another length than the object.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .map_err(|error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) })?;
        Ok(self.watching.watch(HttpClient::new(client)))
    }
}

fn follow(attempt: Attempt<'_>, redirects: Redirects) -> reqwest::redirect::Action {
    let allowed = attempt.previous().last().is_some_and(|from| leads_on(from, attempt.url(), redirects));
    match allowed && attempt.previous().len() <= REDIRECTS_MAX {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

/// Whether a redirect is followed. One that adds a slash says that the name is a folder, which is no object.
fn leads_on(from: &Url, to: &Url, redirects: Redirects) -> bool {
    let folder = to.path().strip_suffix('/') == Some(from.path());
    !folder && (redirects == Redirects::AnyHost || from.origin() == to.origin())
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("url", &self.url)
            .field("redirects", &self.redirects)
            .field("connection", &self.connection)
            .finish()
    }
}

#[cfg(test)]
mod tests;
