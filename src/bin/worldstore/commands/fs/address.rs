//! From a URI to a store and a path in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore::asynchronous::AsyncStore;
use worldstore::core::Prefix;
use worldstore::registry::{Located, Naming, OpenOptions, Residence, masked};
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

/// A key or a folder of a store.
#[derive(Debug, Clone)]
pub struct Address {
    pub store: AsyncStore,
    /// The key or folder below the store's root; empty for the root.
    pub path: String,
    /// The root in this machine's file system, where it is there.
    pub folder: Option<PathBuf>,
    /// How messages name it.
    pub shown: String,
    located: Located,
}

impl Address {
    /// A folder, which need not exist but where the root is one itself. With `Create` it is made there.
    pub async fn folder(registry: &Registry, uri: &str, root: Root) -> Result<Self> {
        let located = registry.locate(uri)?;
        match located.naming {
            Naming::Folder | Naming::Url => Self::open(registry, uri, &located, &located.uri, "", root).await,
            Naming::Bucket | Naming::Container => {
                Self::open(registry, uri, &located, &located.root, &located.path, root).await
            }
        }
    }

    /// An object. Its folder has to exist where it is the root, unless it may be made.
    pub async fn object(registry: &Registry, uri: &str, root: Root) -> Result<Self> {
        let located = registry.locate(uri)?;
        if located.is_folder {
            return Err(Error::invalid("this names a folder, not an object").with("uri", masked(uri)));
        }
        Self::either(registry, uri, root).await
    }

    /// An object or a folder.
    pub async fn either(registry: &Registry, uri: &str, root: Root) -> Result<Self> {
        let located = registry.locate(uri)?;
        Self::open(registry, uri, &located, &located.root, &located.path, root).await
    }

    /// An object to be written: under the source's name if a folder is named.
    pub async fn target(registry: &Registry, uri: &str, source: &Self) -> Result<Self> {
        let located = registry.locate(uri)?;
        if located.is_folder {
            let mut target = Self::folder(registry, uri, Root::Create).await?;
            let name = source.path.rsplit('/').next().unwrap_or_default();
            target.path = Prefix::new(&target.path)?.key(name)?.to_string();
            return Ok(target.beside(source));
        }
        Ok(Self::either(registry, uri, Root::Create).await?.beside(source))
    }

    async fn open(
        registry: &Registry,
        uri: &str,
        located: &Located,
        root: &str,
        path: &str,
        made: Root,
    ) -> Result<Self> {
        let storage = registry.open_located(root, located, &OpenOptions::default().with_root(made)).await?;
        let (store, folder) = (storage.store(), storage.folder);
        Ok(Self { store, path: path.to_owned(), folder, shown: masked(uri), located: located.clone() })
    }

    /// Shares the store of another address if both are below the same root: then the store itself can copy and rename.
    pub fn beside(mut self, other: &Self) -> Self {
        let is_shared = match (&self.folder, &other.folder) {
            (Some(folder), Some(other)) => folder == other,
            // Two stores in memory are two, whatever they are called.
            (None, None) => {
                let (mine, theirs) = (&self.located, &other.located);
                mine.root == theirs.root && mine.has_settings_of(theirs) && mine.residence != Residence::Process
            }
            _ => false,
        };
        if is_shared {
            self.store = other.store.clone();
        }
        self
    }

    /// True if both are in one store.
    pub fn shares_store(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.store.backend(), other.store.backend())
    }

    /// A key below this folder.
    pub fn below(&self, rest: &str) -> Result<String> {
        Ok(Prefix::new(&self.path)?.key(rest)?.to_string())
    }

    /// A path of the store as seen from this folder.
    pub fn relative<'path>(&self, path: &'path str) -> &'path str {
        path.strip_prefix(self.path.as_str()).map_or(path, |rest| rest.trim_start_matches('/'))
    }
}

/// Refuses a target that is, or lies in, the source: it would copy what it has just copied.
pub fn refuse_inside(registry: &Registry, source: &str, target: &str) -> Result<()> {
    let (from, to) = (registry.locate(source)?, registry.locate(target)?);
    if !from.has_settings_of(&to) {
        return Ok(());
    }
    let (from, to) = (place(&from), place(&to));
    match to == from || to.starts_with(&format!("{}/", from.trim_end_matches('/'))) {
        true => Err(Error::invalid("the target lies in the source")
            .with("source", masked(source))
            .with("target", masked(target))),
        false => Ok(()),
    }
}

/// One text for one place, as far as names tell.
fn place(located: &Located) -> String {
    match located.naming {
        Naming::Folder => {
            let path = located.uri.split_once(':').map_or(located.uri.as_str(), |(scheme, rest)| match scheme {
                "file" | "local" => rest.strip_prefix("//").unwrap_or(rest),
                _ => located.uri.as_str(),
            });
            real(Path::new(path)).display().to_string()
        }
        _ => located.uri.trim_end_matches('/').to_owned(),
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = absolute.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match found {
        Some((folder, canonical)) => match absolute.strip_prefix(folder) {
            Ok(rest) if rest.as_os_str().is_empty() => canonical,
            Ok(rest) => canonical.join(rest),
            Err(_) => absolute,
        },
        None => absolute,
    }
}

#[cfg(test)]
mod tests;
