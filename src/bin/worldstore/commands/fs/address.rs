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
        Opening { registry, uri, root, beside: None }.folder().await
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
        Opening { registry, uri, root, beside: None }.either().await
    }

    /// An object to be written: under this address's name if a folder is named.
    pub async fn target(&self, registry: &Registry, uri: &str) -> Result<Self> {
        if !registry.locate(uri)?.is_folder {
            return self.target_either(registry, uri).await;
        }
        let mut target = self.target_folder(registry, uri, Root::Create).await?;
        target.path = target.below(self.path.rsplit('/').next().unwrap_or_default())?;
        Ok(target)
    }

    /// A folder to be written, in the store of this address if it is below the same root.
    pub async fn target_folder(&self, registry: &Registry, uri: &str, root: Root) -> Result<Self> {
        Opening { registry, uri, root, beside: Some(self) }.folder().await
    }

    /// An object or a folder to be written, in the store of this address if it is below the same root.
    pub async fn target_either(&self, registry: &Registry, uri: &str) -> Result<Self> {
        Opening { registry, uri, root: Root::Create, beside: Some(self) }.either().await
    }

    /// True if both are in one store.
    pub fn shares_store(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.store.backend(), other.store.backend())
    }

    /// True if both are the root of one place under one name, whatever the settings are: whether they are one store
    /// cannot be told before something is written.
    pub fn has_root_of(&self, other: &Self) -> bool {
        self.located.naming == other.located.naming && self.located.root == other.located.root
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

/// How an address is opened.
struct Opening<'run> {
    registry: &'run Registry,
    uri: &'run str,
    root: Root,
    /// An address whose store is used if it has the same root: then the store itself can copy and rename, and what can
    /// be opened only once is.
    beside: Option<&'run Address>,
}

impl Opening<'_> {
    async fn folder(self) -> Result<Address> {
        let located = self.registry.locate(self.uri)?;
        match located.naming {
            Naming::Folder | Naming::Url => self.open(&located, &located.uri, "").await,
            Naming::Bucket | Naming::Container => self.open(&located, &located.root, &located.path).await,
        }
    }

    async fn either(self) -> Result<Address> {
        let located = self.registry.locate(self.uri)?;
        self.open(&located, &located.root, &located.path).await
    }

    async fn open(self, located: &Located, root: &str, path: &str) -> Result<Address> {
        let (path, shown) = (path.to_owned(), masked(self.uri));
        let mut located = located.clone();
        located.root = root.to_owned();
        if let Some(other) = self.beside.filter(|other| is_one(&other.located, &located)) {
            let (store, folder) = (other.store.clone(), other.folder.clone());
            return Ok(Address { store, path, folder, shown, located });
        }
        let options = OpenOptions::default().with_root(self.root);
        let storage = self.registry.open_located(root, &located, &options).await?;
        let (mut store, folder) = (storage.store(), storage.folder);
        if let Some(other) = self.beside.filter(|other| folder.is_some() && folder == other.folder) {
            store = other.store.clone();
        }
        Ok(Address { store, path, folder, shown, located })
    }
}

/// True if both roots are one store, as far as names tell. Folders tell by where they are; two stores in memory are two,
/// whatever they are called.
fn is_one(one: &Located, other: &Located) -> bool {
    let told = one.naming != Naming::Folder && one.residence != Residence::Process;
    told && one.root == other.root && one.has_settings_of(other)
}

/// True if equal URIs mean one place. On other machines the settings may lead elsewhere, on this one they do not.
fn may_be_one(one: &Located, other: &Located) -> bool {
    let is_here = |located: &Located| located.residence != Residence::Remote;
    (is_here(one) && is_here(other)) || one.has_settings_of(other)
}

/// Refuses a target that is, or lies in, the source: it would copy what it has just copied.
pub fn refuse_inside(registry: &Registry, source: &str, target: &str) -> Result<()> {
    let (from, to) = (registry.locate(source)?, registry.locate(target)?);
    if !may_be_one(&from, &to) {
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
