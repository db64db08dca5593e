//! The settings: which database, which queries, and the limits of a result.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use worldstore_core::{Error, Result};

use crate::queries::Queries;

/// How long a query may take unless configured.
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of values that a result may have unless configured.
pub const RESULT_BYTES_MAX: usize = 256 << 20;
/// Bytes of results that are kept for those who read on, unless configured.
pub const CACHE_BYTES_MAX: usize = 64 << 20;

/// Which database, which queries, which limits.
#[derive(Clone)]
pub struct SqlQueryConfig {
    pub(crate) source: Source,
    pub(crate) queries: Queries,
    pub(crate) limits: Limits,
}

#[derive(Clone)]
pub(crate) enum Source {
    Sqlite(PathBuf),
    Postgres(Url),
}

#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub timeout: Duration,
    pub result_bytes_max: usize,
    pub cache_bytes_max: usize,
}

impl SqlQueryConfig {
    /// Reads `sqlite:///folder/file.db` or `postgres://user:password@host:port/database`. Queries are added by
    /// [`with_query`](Self::with_query).
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong. The address is not repeated: it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let source = match uri.split_once("://") {
            Some(("sqlite", rest)) => Source::Sqlite(path(rest)?),
            Some(("postgres" | "postgresql", _)) => Source::Postgres(database(uri)?),
            Some((scheme, _)) => {
                return Err(Error::invalid("scheme is neither sqlite nor postgres").with("scheme", scheme));
            }
            None => return Err(Error::invalid("URI has no scheme: write sqlite:// or postgres://")),
        };
        let limits = Limits { timeout: TIMEOUT, result_bytes_max: RESULT_BYTES_MAX, cache_bytes_max: CACHE_BYTES_MAX };
        Ok(Self { source, queries: Queries::default(), limits })
    }

    /// Adds a query under a name, which may have folders: `daily/sales`. Rows come in the order of the query: without
    /// `ORDER BY` the bytes, and so the version, may differ although the rows are the same.
    ///
    /// # Errors
    /// `Invalid` for a name that is no key, or that another query has.
    pub fn with_query(mut self, name: &str, sql: &str) -> Result<Self> {
        self.queries.add(name, sql)?;
        Ok(self)
    }

    /// Sets how long a query may take before the call fails as unavailable; [`TIMEOUT`] (60 s) by default.
    #[must_use]
    pub fn with_timeout(mut self, time: Duration) -> Self {
        self.limits.timeout = time;
        self
    }

    /// Sets how many bytes the values of a result may have; [`RESULT_BYTES_MAX`] (256 MiB) by default, 2 GiB at most. A
    /// larger result is refused, not cut. While a result is made, it is in memory about twice.
    #[must_use]
    pub fn with_result_bytes_max(mut self, bytes_max: usize) -> Self {
        self.limits.result_bytes_max = bytes_max.min(i32::MAX as usize);
        self
    }

    /// Sets how many bytes of results are kept for reads that are pinned to their version; [`CACHE_BYTES_MAX`]
    /// (64 MiB) by default. What is no longer kept is made again, and refused if it has changed.
    #[must_use]
    pub fn with_cache_bytes_max(mut self, bytes_max: usize) -> Self {
        self.limits.cache_bytes_max = bytes_max;
        self
    }

    /// Where it is, without secrets.
    pub(crate) fn location(&self) -> String {
        match &self.source {
            Source::Sqlite(path) => path.display().to_string(),
            Source::Postgres(url) => {
                format!("{}:{}{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432), url.path())
            }
        }
    }
}

fn path(rest: &str) -> Result<PathBuf> {
    if !rest.starts_with('/') || rest.contains(['?', '#']) {
        return Err(Error::invalid("URI is no absolute path without query: write sqlite:///folder/file.db"));
    }
    let path = Url::parse(&format!("file://{rest}")).ok().and_then(|url| url.to_file_path().ok());
    let path = path.filter(|path| !path.as_os_str().as_encoded_bytes().contains(&0));
    path.ok_or_else(|| Error::invalid("path of the URI is none"))
}

fn database(uri: &str) -> Result<Url> {
    let url = Url::parse(uri).map_err(|error| Error::invalid("URI is none").caused_by(error))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Error::invalid("URI names no host"));
    }
    if url.path().trim_start_matches('/').is_empty() {
        return Err(Error::invalid("URI names no database: write postgres://host/database"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::invalid("URI has a query or fragment"));
    }
    Ok(url)
}

impl fmt::Debug for SqlQueryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlQueryConfig")
            .field("location", &self.location())
            .field("queries", &self.queries.each().map(|entry| &*entry.name).collect::<Vec<_>>())
            .field("limits", &self.limits)
            .finish()
    }
}
