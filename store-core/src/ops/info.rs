//! What a backend tells of itself.

use crate::capability::Capability;

/// What a backend is: for messages, plans and checks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BackendInfo {
    /// One word, the same in URIs, features and configuration: `memory`, `local`, `s3`.
    pub scheme: &'static str,
    /// Where the root is, without secrets.
    pub root: String,
    /// What it can do.
    pub capability: Capability,
    /// How its names are arranged; a tree by default.
    pub namespace: Namespace,
}

/// How the names of a backend are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespace {
    /// As in a file system: an object is no folder, and a key below an object is refused.
    #[default]
    Tree,
    /// Keys are plain text: `a` and `a/b` can both be objects, and a folder is what keys have in common.
    Flat,
}

impl BackendInfo {
    /// Describes a backend.
    pub fn new(scheme: &'static str, root: impl Into<String>, capability: Capability) -> Self {
        Self { scheme, root: root.into(), capability, namespace: Namespace::Tree }
    }

    /// Sets the arrangement of names.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }
}

/// Options of [`check`](crate::Backend::check).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CheckOptions {}
