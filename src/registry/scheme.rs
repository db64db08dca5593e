//! A scheme: what it is called, how its URIs are read, how it is opened.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use worldstore_core::{Error, Result};

use super::settings::Settings;
use crate::masked::masked;
use crate::storage::{Root, Storage};

/// What the opener of a scheme is asked for.
#[derive(Clone)]
#[non_exhaustive]
pub struct OpenRequest {
    /// The URI. It may hold a password: show it by [`masked`].
    pub uri: String,
    /// Whether the root may be made, where the backend can make one.
    pub root: Root,
    /// What it is told besides. All names are among those of its [`SchemeInfo`].
    pub settings: Settings,
}

impl fmt::Debug for OpenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OpenRequest");
        shown.field("uri", &masked(&self.uri)).field("root", &self.root).field("settings", &self.settings);
        shown.finish()
    }
}

pub(super) type Opener = Arc<dyn Fn(OpenRequest) -> BoxFuture<'static, Result<Storage>> + Send + Sync>;

/// A scheme and what opens it.
#[derive(Clone)]
pub struct Scheme {
    pub(super) info: SchemeInfo,
    pub(super) open: Opener,
}

impl Scheme {
    /// Makes a scheme from a closure that opens it.
    pub fn new<Opening>(info: SchemeInfo, open: impl Fn(OpenRequest) -> Opening + Send + Sync + 'static) -> Self
    where
        Opening: Future<Output = Result<Storage>> + Send + 'static,
    {
        Self { info, open: Arc::new(move |request| open(request).boxed()) }
    }

    /// What it is.
    pub fn info(&self) -> &SchemeInfo {
        &self.info
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheme").field("info", &self.info).finish_non_exhaustive()
    }
}

/// How the URIs of a scheme lead to objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `scheme://bucket/folder/object`: the bucket is the root.
    #[default]
    Bucket,
    /// `/folder/object`: any folder can be the root.
    Folder,
    /// `scheme://host/folder/object`: any folder can be the root. The object's name is percent-encoded.
    Url,
    /// `URI!/folder/object`: the URI names a whole store, and what follows `!/` is inside.
    Container,
}

/// Where bytes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Residence {
    /// In the process: they end with it.
    Process,
    /// In a folder that other programs see too.
    Folder,
    /// Elsewhere.
    #[default]
    Remote,
}

/// What a scheme is.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SchemeInfo {
    /// Its name in URIs.
    pub name: String,
    /// Other names in URIs.
    pub aliases: Vec<String>,
    /// The feature of the crate `worldstore` that brings it; none for what is always there, and for own schemes.
    pub feature: Option<String>,
    /// A URI as it looks.
    pub example: String,
    /// One line on what it is.
    pub about: String,
    /// The names of its settings.
    pub settings: Vec<String>,
    /// How its URIs lead to objects.
    pub naming: Naming,
    /// Where its bytes live.
    pub residence: Residence,
}

impl SchemeInfo {
    /// A scheme of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds another name.
    #[must_use]
    pub fn with_alias(mut self, name: impl Into<String>) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// Sets the feature.
    #[must_use]
    pub fn with_feature(mut self, feature: impl Into<String>) -> Self {
        self.feature = Some(feature.into());
        self
    }

    /// Sets the example.
    #[must_use]
    pub fn with_example(mut self, uri: impl Into<String>) -> Self {
        self.example = uri.into();
        self
    }

    /// Sets the line on what it is.
    #[must_use]
    pub fn with_about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Sets the names of its settings.
    #[must_use]
    pub fn with_settings<Name: Into<String>>(mut self, names: impl IntoIterator<Item = Name>) -> Self {
        self.settings = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how its URIs lead to objects; [`Naming::Bucket`] by default.
    #[must_use]
    pub fn with_naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Sets where its bytes live; [`Residence::Remote`] by default.
    #[must_use]
    pub fn with_residence(mut self, residence: Residence) -> Self {
        self.residence = residence;
        self
    }

    /// Its name and the other ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// Refuses settings that it does not have.
    pub(super) fn check(&self, settings: &Settings) -> Result<()> {
        match settings.names().find(|name| !self.settings.iter().any(|known| known == name)) {
            Some(name) => Err(settings.about(name, self.unknown(name))),
            None => Ok(()),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let known = if self.settings.is_empty() { "none".to_owned() } else { self.settings.join(" ") };
        Error::invalid("unknown setting").with("setting", name).with("scheme", &self.name).with("known", known)
    }
}
