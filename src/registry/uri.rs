//! URIs: their scheme, and the path in them. No I/O.

use std::fmt;

use worldstore_core::{Error, Result, percent};

use super::scheme::{Naming, Residence, SchemeInfo};
use super::settings::Settings;
use crate::masked::masked;

/// What separates the URI of a whole store from the path in it.
pub(super) const INSIDE: &str = "!/";

/// A URI, split into a root that can be opened and a path in it: from [`Registry::locate`](super::Registry::locate).
#[derive(Clone)]
#[non_exhaustive]
pub struct Located {
    /// The URI that was split, behind its profile. It may hold a password: show it by [`masked`].
    pub uri: String,
    /// How its scheme leads to objects.
    pub naming: Naming,
    /// Where its bytes live.
    pub residence: Residence,
    /// The URI of the root.
    pub root: String,
    /// The key or folder below the root; empty for the root itself.
    pub path: String,
    /// True if the URI says that it means a folder: it ends in `/`, or is a root.
    pub is_folder: bool,
    /// True if the URI names a whole store, or a whole profile.
    pub is_root: bool,
    pub(super) settings: Settings,
    pub(super) profile: Option<String>,
}

impl fmt::Debug for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Located");
        shown.field("root", &masked(&self.root)).field("path", &self.path).field("naming", &self.naming);
        shown.field("settings", &self.settings).field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Located {
    /// True if both are opened with the same settings, wherever those were set: only then do equal URIs mean one place, if
    /// it is not one of this machine.
    pub fn has_settings_of(&self, other: &Self) -> bool {
        self.settings.has_values_of(&other.settings)
    }
}

/// The scheme of a URI; `file` for a plain path.
pub(super) fn scheme(uri: &str) -> Result<&str> {
    match uri.split_once(':') {
        _ if uri.is_empty() => Err(Error::invalid("the path is empty").with("uri", uri)),
        Some((name, rest)) if rest.starts_with("//") || matches!(name, "memory" | "file" | "local" | "s3") => Ok(name),
        _ => Ok("file"),
    }
}

/// Checks the name of a scheme.
pub(super) fn check_scheme(name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    match name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(legal)
        && !matches!(name, "profile" | "lake")
    {
        true => Ok(()),
        false => {
            Err(Error::invalid("name of a scheme must be of small letters, digits, `+`, `-` and `.`")
                .with("scheme", name))
        }
    }
}

/// The path of a `file:` URI or a plain path.
pub(super) fn path_of(uri: &str) -> Result<&str> {
    let rest = match uri.split_once(':') {
        Some(("file" | "local", rest)) => rest,
        _ => return Ok(uri),
    };
    match rest.strip_prefix("//").unwrap_or(rest) {
        path if path.starts_with('/') => Ok(path),
        _ => Err(Error::invalid("a file URI needs an absolute path, write `file:///folder`").with("uri", uri)),
    }
}

/// Splits a URI into the root and the path below it.
pub(super) fn split(info: &SchemeInfo, uri: &str) -> Result<(String, String)> {
    match info.naming {
        Naming::Bucket => {
            let (scheme, rest) = uri.split_once("://").unwrap_or((&info.name, uri));
            let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
            Ok((format!("{scheme}://{bucket}"), folder(path).to_owned()))
        }
        Naming::Folder => Ok(split_path(path_of(uri)?)),
        Naming::Url => split_url(uri),
        Naming::Container => {
            let (root, path) = uri.split_once(INSIDE).unwrap_or((uri, ""));
            Ok((root.to_owned(), folder(path).to_owned()))
        }
    }
}

/// A path without the `/` that says that it is a folder.
fn folder(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// True if both name one folder, whatever `/` they end in.
pub(super) fn is_same_folder(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// A folder and the name in it. `.`, `..` and `/` have no name in a folder that could be written or deleted.
fn split_path(path: &str) -> (String, String) {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        _ if trimmed.is_empty() => ("/".to_owned(), String::new()),
        _ if matches!(trimmed.rsplit('/').next(), Some("." | "..")) => (trimmed.to_owned(), String::new()),
        Some(("", name)) => ("/".to_owned(), name.to_owned()),
        Some((folder, name)) => (folder.to_owned(), name.to_owned()),
        None => (".".to_owned(), trimmed.to_owned()),
    }
}

fn split_url(uri: &str) -> Result<(String, String)> {
    let trimmed = uri.trim_end_matches('/');
    let start = trimmed.find("://").map_or(0, |at| at + 3);
    match trimmed.rfind('/').filter(|at| *at >= start) {
        Some(at) => {
            let name = percent::decode(&trimmed[at + 1..]).map_err(|error| error.with("uri", masked(uri)))?;
            // The root of a server is its own root: what is above it would be another server.
            Ok((trimmed[..at].to_owned(), name))
        }
        None => Ok((trimmed.to_owned(), String::new())),
    }
}

#[cfg(test)]
mod tests;
