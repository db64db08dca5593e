//! From a URI to a byte store: the registry of schemes that are compiled in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::{Backend, Error, Memory, Result};

/// A byte store, and how others find it.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The bytes.
    pub backend: Arc<dyn AsyncBackend>,
    /// The public URI of the root, without a trailing `/`: what other readers of the tables use.
    pub location: String,
    /// The folder, where the root is one.
    pub folder: Option<PathBuf>,
}

/// Whether the root may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Make it if it is missing.
    Create,
    /// Fail with `NotFound` if it is missing.
    Existing,
}

/// What a URI names, before anything is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'uri> {
    Memory,
    Folder(&'uri Path),
    S3(&'uri str),
}

impl<'uri> Place<'uri> {
    /// Reads a URI. No I/O.
    ///
    /// # Errors
    /// `Invalid` for an unknown scheme, for a host in a `file:` URI and for what is no URI of its scheme.
    pub fn of(uri: &'uri str) -> Result<Self> {
        let refused = |rule: &str| Err(Error::invalid(rule).with("uri", uri));
        match uri.split_once(':') {
            Some(("memory", "" | "//")) => Ok(Self::Memory),
            Some(("memory", _)) => refused("a store in memory has no name, write `memory:`"),
            Some(("file", rest)) => match rest.strip_prefix("//") {
                Some(rest) if rest.starts_with('/') => Ok(Self::Folder(Path::new(rest))),
                None if rest.starts_with('/') => Ok(Self::Folder(Path::new(rest))),
                _ => refused("a file URI needs an absolute path, write `file:///folder`"),
            },
            Some(("s3", _)) => Ok(Self::S3(uri)),
            Some((scheme, rest)) if rest.starts_with("//") => {
                let known = [
                    "memory",
                    "file",
                    #[cfg(feature = "s3")]
                    "s3",
                ];
                Err(Error::invalid("unknown scheme").with("scheme", scheme).with("known", known.join(" ")))
            }
            _ if uri.is_empty() => refused("the path is empty"),
            _ => Ok(Self::Folder(Path::new(uri))),
        }
    }
}

impl Storage {
    /// Opens what a URI names: `memory:`, `file:///folder`, a plain path, or `s3://bucket/prefix` with feature `s3`.
    /// A `memory:` store is new each time.
    ///
    /// # Errors
    /// `Invalid` for an unknown scheme, `NotFound` for a missing root that may not be made, those of the backend.
    pub async fn open(uri: &str, root: Root) -> Result<Self> {
        match Place::of(uri)? {
            Place::Memory => Ok(Self::adapt(Memory::new(), "memory://root".into(), None)),
            Place::Folder(path) => Self::local(path, root),
            Place::S3(uri) => Self::s3(uri).await,
        }
    }

    fn adapt(backend: impl Backend, location: String, folder: Option<PathBuf>) -> Self {
        Self { backend: Arc::new(SyncBackendAdapter::new(Arc::new(backend))), location, folder }
    }

    #[cfg(unix)]
    fn local(path: &Path, root: Root) -> Result<Self> {
        use worldstore_core::Local;
        let local = match root {
            Root::Create => Local::new(path),
            Root::Existing => Local::open(path),
        }?;
        let absolute = path.canonicalize().map_err(|source| Error::io("open", source).with("path", path.display()))?;
        let location = format!("file://{}", absolute.display());
        Ok(Self::adapt(local, location, Some(absolute)))
    }

    #[cfg(not(unix))]
    fn local(path: &Path, _root: Root) -> Result<Self> {
        Err(Error::unsupported("local folders need a Unix file system").with("path", path.display()))
    }

    #[cfg(feature = "s3")]
    async fn s3(uri: &str) -> Result<Self> {
        let backend = worldstore_object_store::S3Config::from_uri(uri)?.connect()?;
        let location = uri.trim_end_matches('/').to_owned();
        Ok(Self { backend: Arc::new(backend), location, folder: None })
    }

    #[cfg(not(feature = "s3"))]
    async fn s3(uri: &str) -> Result<Self> {
        Err(Error::unsupported("S3 is not compiled in, build with feature s3").with("uri", uri))
    }
}
