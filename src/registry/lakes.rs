//! What the buckets of `lake://` URIs are, and opening them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use worldstore_async::wrap::{AsyncPrefixBackend, AsyncTieredBackend};
use worldstore_core::lake::{LakeUri, Residency, SCHEME, check_bucket};
use worldstore_core::wrap::TierOptions;
use worldstore_core::{Error, Prefix, Result};

use super::scheme::{Naming, Residence, Scheme, SchemeInfo};
use super::settings::Settings;
use super::{OpenOptions, Registry, Target, masked, profiles, uri};
use crate::config::{Lookup, Profile};
use crate::storage::{Root, Storage};

/// What variables that tell one bucket begin with: `WORLDSTORE_LAKE_NFL` is the URI of `lake://nfl`. The name of the bucket
/// is in capitals, with `_` for `-` and `.`.
pub const VARIABLE_PREFIX: &str = "WORLDSTORE_LAKE_";

/// The variable with the URI below which every other bucket is, under its own name. There is no variable for a bucket that is
/// called `root`.
pub const ROOT_VARIABLE: &str = "WORLDSTORE_LAKE_ROOT";

/// What a registry was told of buckets.
#[derive(Clone, Default)]
pub(super) struct Lakes {
    given: BTreeMap<String, String>,
    variables: Option<Lookup>,
}

/// What a bucket is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount {
    /// The bucket.
    pub bucket: String,
    /// The URI of its root. It may hold a password: show it by [`masked`].
    pub uri: String,
    /// Where its bytes are.
    pub residency: Residency,
    /// Who says so.
    pub origin: Origin,
    /// Where whole objects are kept, if it is [`Residency::Tiered`].
    pub tier: Option<Tier>,
}

/// Who says what a bucket is. The first that says anything counts, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// [`Registry::with_mount`].
    Given,
    /// This variable of the environment.
    Variable(String),
    /// The configuration: file and line.
    Config(String),
    /// [`ROOT_VARIABLE`].
    Root,
}

/// Where whole objects of a bucket are kept, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tier {
    /// The URI of the store near by.
    pub cache: String,
    /// Its bounds.
    pub options: TierOptions,
}

/// Where an address leads to.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The address.
    pub uri: LakeUri,
    /// What its bucket is.
    pub mount: Mount,
    /// The URI behind the address, variables as they are. It may hold a password: show it by [`masked`].
    pub physical: String,
}

impl Registry {
    /// Says what a bucket is, whatever configuration and variables say.
    ///
    /// # Errors
    /// `Invalid` for a name that no bucket can have.
    pub fn with_mount(mut self, bucket: &str, uri: &str) -> Result<Self> {
        check_bucket(bucket)?;
        self.lakes.given.insert(bucket.to_owned(), uri.to_owned());
        Ok(self)
    }

    /// Lets variables say what buckets are: [`VARIABLE_PREFIX`] with the name of one, and [`ROOT_VARIABLE`] for all others.
    #[must_use]
    pub fn with_lake_variables(mut self, lookup: Lookup) -> Self {
        self.lakes.variables = Some(lookup);
        self
    }

    /// What a bucket is. No I/O but reading the configuration.
    ///
    /// # Errors
    /// `NotFound` if nobody says so; `Invalid` for a wrong configuration, for one that calls a remote scheme local, and for
    /// the URI of another bucket.
    pub fn mount(&self, bucket: &str) -> Result<Mount> {
        check_bucket(bucket)?;
        let about = |error: Error| error.with("bucket", bucket);
        let variable = |name: &str| self.lakes.variables.as_ref()?.get(name).filter(|text| !text.is_empty());
        let own = variable_of(bucket);
        let config = self.config_if_any().map_err(about)?;
        if let Some(uri) = self.lakes.given.get(bucket) {
            return self.plain_mount(bucket, uri.clone(), Origin::Given).map_err(about);
        }
        if let Some((name, uri)) = own.as_ref().and_then(|name| Some((name, variable(name)?))) {
            return self.plain_mount(bucket, uri, Origin::Variable(name.clone())).map_err(about);
        }
        if let Some(entry) = config.and_then(|config| config.lakes().find(|entry| entry.name() == bucket)) {
            let mount = self.configured_mount(bucket, entry);
            return mount.map_err(|error| about(error).with("at", entry.origin()));
        }
        if let Some(root) = variable(ROOT_VARIABLE) {
            let naming = self.target(&root).map_err(|error| error.with("variable", ROOT_VARIABLE))?.scheme.info.naming;
            return self.plain_mount(bucket, profiles::joined(naming, &root, bucket), Origin::Root).map_err(about);
        }
        let known = self.lakes.given.keys().map(String::as_str);
        let known: Vec<&str> =
            known.chain(config.iter().flat_map(|config| config.lakes().map(Profile::name))).collect();
        let error = about(Error::not_found("nothing says what this bucket of a lake is"));
        let error = error.with("known", if known.is_empty() { "none".to_owned() } else { known.join(" ") });
        Err(match own {
            Some(own) => error.with("variables", format!("{own} {ROOT_VARIABLE}")),
            None => error.with("variables", ROOT_VARIABLE),
        })
    }

    /// Where an address leads to. No I/O but reading the configuration.
    ///
    /// # Errors
    /// As for [`mount`](Self::mount).
    pub fn resolve_lake(&self, address: &LakeUri) -> Result<Resolved> {
        let mount = self.mount(&address.bucket)?;
        let target = self.target(&mount.uri)?;
        let physical = profiles::joined(target.scheme.info.naming, &target.uri, &address.template.to_string());
        Ok(Resolved { uri: address.clone(), mount, physical })
    }

    /// Opens the root of a bucket. What is tiered keeps objects in its cache, whose folder is made.
    ///
    /// # Errors
    /// As for [`mount`](Self::mount) and [`open`](Self::open); `NotFound` if the root is missing and may not be made.
    pub async fn open_bucket(&self, bucket: &str, options: &OpenOptions) -> Result<Storage> {
        let mount = self.mount(bucket)?;
        let about = |error: Error| error.with("bucket", bucket);
        let storage = self.open(&mount.uri, options).await.map_err(about)?;
        let Some(tier) = mount.tier else { return Ok(storage) };
        let cache = OpenOptions::default().with_root(Root::Create);
        let cache =
            self.open(&tier.cache, &cache).await.map_err(|error| about(error).with("cache", masked(&tier.cache)))?;
        let tiered = AsyncTieredBackend::open(storage.backend, cache.backend, tier.options).await.map_err(about)?;
        Ok(Storage::from_async(Arc::new(tiered), storage.location).with_service(storage.service))
    }

    /// `lake://bucket/path` as a URI like any other: the bucket is the root.
    pub(super) fn lake_target(&self, address: &str) -> Result<Target> {
        let parsed = LakeUri::parse(address)?;
        if let Some(variable) = parsed.template.variables().first() {
            return Err(Error::invalid("an address with variables names no single object or folder")
                .with("variable", &variable.name)
                .with("address", address));
        }
        let mount = self.mount(&parsed.bucket)?;
        let residence = self.target(&mount.uri)?.scheme.info.residence;
        let info = SchemeInfo::new("lake").with_naming(Naming::Bucket).with_residence(residence);
        let registry = self.clone();
        let scheme = Scheme::new(info, move |request| {
            let registry = registry.clone();
            async move {
                let options = OpenOptions::default().with_root(request.root);
                registry.open_below(&request.uri, &options).await
            }
        });
        Ok(Target { scheme, uri: address.to_owned(), settings: Settings::default(), profile: None, base: None })
    }

    /// Opens a folder of a bucket.
    async fn open_below(&self, address: &str, options: &OpenOptions) -> Result<Storage> {
        let parsed = LakeUri::parse(address)?;
        let storage = Box::pin(self.open_bucket(&parsed.bucket, options)).await?;
        let below = parsed.template.folder()?;
        if below.is_root() {
            return Ok(storage);
        }
        let location = format!("{}/{below}", storage.location.trim_end_matches('/'));
        let backend = AsyncPrefixBackend::new(storage.backend, Prefix::new(below.as_str())?);
        let opened = Storage::from_async(Arc::new(backend), location).with_service(storage.service);
        Ok(match storage.folder {
            Some(folder) => opened.with_folder(folder.join(below.as_str())),
            None => opened,
        })
    }

    fn plain_mount(&self, bucket: &str, uri: String, origin: Origin) -> Result<Mount> {
        let residency = match self.residence_of(&uri).map_err(|error| error.with("origin", &origin))? {
            Residence::Process | Residence::Folder => Residency::Local,
            Residence::Remote => Residency::Remote,
        };
        Ok(Mount { bucket: bucket.to_owned(), uri, residency, origin, tier: None })
    }

    fn configured_mount(&self, bucket: &str, entry: &Profile) -> Result<Mount> {
        let mut mount = self.plain_mount(bucket, entry.uri()?, Origin::Config(entry.origin()))?;
        let value = |key: &str| entry.keys().any(|known| known == key).then(|| entry.value(key)).transpose();
        let wrong = |why: &str, key: &str| Err(Error::invalid(why).with("key", key));
        let declared = value("residency")?.map(|text| text.parse::<Residency>()).transpose()?;
        match (declared, mount.residency) {
            (Some(Residency::Local), Residency::Remote) => {
                return wrong("a store elsewhere cannot be local, write remote or tiered", "residency");
            }
            (Some(declared), _) => mount.residency = declared,
            (None, _) => {}
        }
        let keys = ["cache", "cache_bytes_max", "object_bytes_max"];
        if mount.residency != Residency::Tiered {
            return match keys.into_iter().find(|key| entry.keys().any(|known| known == *key)) {
                Some(key) => wrong("only what is tiered has a cache, write residency = \"tiered\"", key),
                None => Ok(mount),
            };
        }
        let Some(cache) = value("cache")? else {
            return wrong("what is tiered needs the folder of its cache", "cache");
        };
        if self.residence_of(&cache)? == Residence::Remote {
            return wrong("a cache is on this machine", "cache");
        }
        let bytes = |key: &str, default: u64| match value(key)? {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(bytes) => Ok(bytes),
                Err(_) => Err(Error::invalid("value is no number of bytes").with("key", key)),
            },
        };
        let defaults = TierOptions::default();
        let options = TierOptions::default()
            .with_bytes_max(bytes("cache_bytes_max", defaults.bytes_max)?)
            .with_object_bytes_max(bytes("object_bytes_max", defaults.object_bytes_max)?);
        mount.tier = Some(Tier { cache, options });
        Ok(mount)
    }

    /// Where the bytes of a URI are, which is none of a lake.
    fn residence_of(&self, uri: &str) -> Result<Residence> {
        if uri.starts_with(SCHEME) {
            return Err(Error::invalid("a bucket of a lake cannot be another one").with("uri", uri));
        }
        let target = self.target(uri)?;
        let is_inside = target.scheme.info.naming == Naming::Container && target.uri.contains(uri::INSIDE);
        match is_inside {
            true => Err(Error::invalid("a bucket of a lake is a whole store, leave out what follows `!/`")
                .with("uri", masked(uri))),
            false => Ok(target.scheme.info.residence),
        }
    }
}

/// The variable of a bucket; none for the name that [`ROOT_VARIABLE`] has taken.
fn variable_of(bucket: &str) -> Option<String> {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let name: String = bucket.chars().map(plain).collect();
    let variable = format!("{VARIABLE_PREFIX}{name}");
    (variable != ROOT_VARIABLE).then_some(variable)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given"),
            Self::Variable(name) => f.write_str(name),
            Self::Config(at) => f.write_str(at),
            Self::Root => f.write_str(ROOT_VARIABLE),
        }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mount");
        shown.field("bucket", &self.bucket).field("uri", &masked(&self.uri)).field("residency", &self.residency);
        shown.field("origin", &self.origin).field("tier", &self.tier).finish_non_exhaustive()
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Resolved");
        shown.field("uri", &self.uri).field("mount", &self.mount).field("physical", &masked(&self.physical));
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
