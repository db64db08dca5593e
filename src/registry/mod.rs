//! From a URI to a byte store: which schemes there are, and how each is opened.
//!
//! A [`Registry`] is a value that its user makes and passes on: nothing registers itself, and there is no global one.
//! [`Registry::compiled_in`] knows what the features of this crate switch on; own schemes are added with
//! [`Registry::register`]. Profiles of a [`Config`](crate::Config) are URIs with settings under a name; what the buckets of
//! `lake://` URIs are comes from there too, from variables, and from [`Registry::with_mount`].
//!
//! ```
//! use std::sync::Arc;
//! use worldstore::core::Memory;
//! use worldstore::registry::{OpenOptions, OpenRequest, Registry, Scheme, SchemeInfo};
//! use worldstore::Storage;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> worldstore::Result<()> {
//! let mut registry = Registry::compiled_in();
//! let info = SchemeInfo::new("shelf").with_example("shelf://name").with_about("a shelf").with_settings(["width"]);
//! registry.register(Scheme::new(info, |request: OpenRequest| async move {
//!     Ok(Storage::from_sync(Arc::new(Memory::new()), request.uri))
//! }))?;
//! let storage = registry.open("shelf://books", &OpenOptions::default()).await?;
//! assert_eq!(storage.location, "shelf://books");
//!
//! let error = registry.open("shelves://books", &OpenOptions::default()).await.unwrap_err();
//! assert!(error.to_string().contains("scheme: shelves, known: memory file"));
//! # Ok(()) }
//! ```

mod known;
mod lakes;
mod profiles;
mod scheme;
mod schemes;
mod settings;
mod uri;

use std::fmt;

use worldstore_core::{Error, ErrorKind, Result};

use crate::storage::{Root, Storage};
use lakes::Lakes;
use profiles::Profiles;

pub use crate::masked::masked;
pub use lakes::{Mount, Origin, ROOT_VARIABLE, Resolved, Tier, VARIABLE_PREFIX};
pub use scheme::{Naming, OpenRequest, Residence, Scheme, SchemeInfo};
pub use settings::Settings;
pub use uri::Located;

/// The schemes that can be opened, and the profiles. Clones are independent.
#[derive(Clone)]
pub struct Registry {
    schemes: Vec<Scheme>,
    profiles: Profiles,
    lakes: Lakes,
}

/// How a store is opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Whether the root may be made; it may by default.
    pub root: Root,
    /// What the scheme is told besides the URI. Those of a profile come on top, so that these win.
    pub settings: Settings,
}

impl OpenOptions {
    /// Fails if the root is missing, where the backend can tell.
    pub fn existing() -> Self {
        Self { root: Root::Existing, ..Self::default() }
    }

    /// Sets whether the root may be made.
    #[must_use]
    pub fn with_root(mut self, root: Root) -> Self {
        self.root = root;
        self
    }

    /// Adds a setting.
    #[must_use]
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings = self.settings.with(name, value);
        self
    }
}

/// A scheme as the registry lists it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listed {
    /// What it is.
    pub info: SchemeInfo,
    /// False if its feature is off.
    pub compiled_in: bool,
}

impl Default for Registry {
    /// [`Registry::compiled_in`].
    fn default() -> Self {
        Self::compiled_in()
    }
}

impl Registry {
    /// A registry without any scheme.
    pub fn empty() -> Self {
        Self { schemes: Vec::new(), profiles: Profiles::None, lakes: Lakes::default() }
    }

    /// A registry of the schemes whose features are on.
    pub fn compiled_in() -> Self {
        let opened = |info: SchemeInfo| schemes::opener(&info.name).map(|open| Scheme { info, open });
        Self { schemes: known::known().into_iter().filter_map(opened).collect(), ..Self::empty() }
    }

    /// Adds a scheme.
    ///
    /// # Errors
    /// `Invalid` for a name that is none of small letters, digits, `+`, `-` and `.` after a letter, and for `profile` and
    /// `lake`;
    /// `AlreadyExists` if the name or an alias is taken.
    pub fn register(&mut self, scheme: Scheme) -> Result<()> {
        for name in scheme.info.names() {
            uri::check_scheme(name)?;
            if self.find(name).is_some() {
                return Err(Error::new(ErrorKind::AlreadyExists, "scheme is registered already").with("scheme", name));
            }
        }
        self.schemes.push(scheme);
        Ok(())
    }

    /// Every scheme that can be opened, and those known here whose feature is off.
    pub fn list(&self) -> Vec<Listed> {
        let mine = self.schemes.iter().map(|scheme| Listed { info: scheme.info.clone(), compiled_in: true });
        let absent = known::known().into_iter().filter(|info| self.find(&info.name).is_none());
        mine.chain(absent.map(|info| Listed { info, compiled_in: false })).collect()
    }

    /// Opens what a URI names, whole: a path behind `!/` is refused, see [`locate`](Self::locate). `profile:NAME/path`
    /// opens that path below the URI of the profile.
    ///
    /// # Errors
    /// `Invalid` for a scheme that is unknown or not compiled in (naming its feature) and for a setting that the scheme
    /// does not have; `NotFound` for a missing root that may not be made, and for a missing profile; those of the
    /// backend.
    pub async fn open(&self, uri: &str, options: &OpenOptions) -> Result<Storage> {
        let target = self.target(uri)?;
        if target.scheme.info.naming == Naming::Container && target.uri.contains(uri::INSIDE) {
            return Err(Error::invalid("the URI names a path inside of a store, leave out what follows `!/`")
                .with("uri", masked(&target.uri)));
        }
        let opened = self.open_root(&target, target.uri.clone(), options).await;
        opened.map_err(|error| target.about(error))
    }

    /// Opens a path below the URI of a profile; the empty path is the URI itself.
    ///
    /// # Errors
    /// As for [`open`](Self::open); `Invalid` if a variable of the profile is not set.
    pub async fn open_profile(&self, name: &str, path: &str, options: &OpenOptions) -> Result<Storage> {
        let separator = if path.is_empty() { "" } else { "/" };
        self.open(&format!("{}{name}{separator}{path}", profiles::SCHEME), options).await
    }

    /// Splits a URI into a root that can be opened and a path in it. No I/O but reading the configuration, if it names
    /// a profile.
    ///
    /// # Errors
    /// `Invalid` and `NotFound` as for [`open`](Self::open).
    pub fn locate(&self, uri: &str) -> Result<Located> {
        let target = self.target(uri)?;
        let (root, path) = uri::split(&target.scheme.info, &target.uri).map_err(|error| target.about(error))?;
        let is_profile = target.base.as_deref().is_some_and(|base| uri::is_same_folder(base, &target.uri));
        let is_root = path.is_empty() || is_profile;
        let is_folder = target.uri.ends_with('/') || is_root;
        let SchemeInfo { naming, residence, .. } = target.scheme.info;
        let settings = target.settings;
        Ok(Located {
            uri: target.uri,
            naming,
            residence,
            root,
            path,
            is_folder,
            is_root,
            settings,
            profile: target.profile,
        })
    }

    /// Opens a root that [`locate`](Self::locate) has found.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_located(&self, root: &str, located: &Located, options: &OpenOptions) -> Result<Storage> {
        let scheme = self.target_scheme(root)?;
        let (settings, profile) = (located.settings.clone(), located.profile.clone());
        let target = Target { scheme, uri: root.to_owned(), settings, profile, base: None };
        self.open_root(&target, root.to_owned(), options).await.map_err(|error| target.about(error))
    }

    /// Where the bytes of a URI live. No I/O but reading the configuration, if it names a profile.
    ///
    /// # Errors
    /// As for [`locate`](Self::locate).
    pub fn residence(&self, uri: &str) -> Result<Residence> {
        Ok(self.target(uri)?.scheme.info.residence)
    }

    async fn open_root(&self, target: &Target, uri: String, options: &OpenOptions) -> Result<Storage> {
        let settings = target.settings.clone().with_all(&options.settings);
        target.scheme.info.check(&settings)?;
        (target.scheme.open)(OpenRequest { uri, root: options.root, settings }).await
    }

    fn find(&self, name: &str) -> Option<&Scheme> {
        self.schemes.iter().find(|scheme| scheme.info.names().any(|other| other == name))
    }

    fn scheme_of(&self, uri: &str) -> Result<&Scheme> {
        let name = uri::scheme(uri)?;
        let unknown = |rule: String| {
            let known: Vec<&str> = self.schemes.iter().flat_map(|scheme| scheme.info.names()).collect();
            Error::invalid(rule).with("scheme", name).with("known", known.join(" "))
        };
        if let Some(scheme) = self.find(name) {
            return Ok(scheme);
        }
        let known = known::known();
        let feature = known.iter().find(|info| info.names().any(|other| other == name));
        Err(match feature.and_then(|info| info.feature.as_deref()) {
            Some(feature) => unknown(format!("scheme is not compiled in, build with feature {feature}")),
            None => unknown("unknown scheme".to_owned()),
        })
    }

    fn target_scheme(&self, root: &str) -> Result<Scheme> {
        match root.starts_with(worldstore_core::lake::SCHEME) {
            true => Ok(self.lake_target(root)?.scheme),
            false => self.scheme_of(root).cloned(),
        }
    }

    fn target(&self, uri: &str) -> Result<Target> {
        if uri.starts_with(worldstore_core::lake::SCHEME) {
            return self.lake_target(uri);
        }
        match profiles::parse(uri)? {
            Some((name, path)) => self.profile_target(name, path),
            None => Ok(Target {
                scheme: self.scheme_of(uri)?.clone(),
                uri: uri.to_owned(),
                settings: Settings::default(),
                profile: None,
                base: None,
            }),
        }
    }
}

/// What is opened, with its profile resolved.
struct Target {
    scheme: Scheme,
    uri: String,
    settings: Settings,
    profile: Option<String>,
    /// The URI of the profile itself.
    base: Option<String>,
}

impl Target {
    fn about(&self, error: Error) -> Error {
        match &self.profile {
            Some(name) => error.with("profile", name),
            None => error,
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.schemes.iter().flat_map(|scheme| scheme.info.names()).collect();
        f.debug_struct("Registry").field("schemes", &names).field("profiles", &self.profiles).finish()
    }
}

#[cfg(test)]
mod tests;
