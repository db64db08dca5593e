//! Finding out what a key names without following a link: every folder on the way is looked at, all at once.
//!
//! The protocol has no way to open a path that promises to follow no link, so between the look and the use of a path
//! someone with write access to the root can still put a link in its place.

use std::time::{Duration, UNIX_EPOCH};

use futures::future::join_all;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, Result};

use crate::failure::Answer;
use crate::session::Session;
use crate::wire::{Attrs, FileKind};

/// The folder below the root where objects are staged. No key may begin with it.
pub const STAGING: &str = ".worldstore-staging";

/// The root folder's absolute path on the server, as bytes and without a trailing slash; empty for `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(Vec<u8>);

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    File(Attrs),
    Folder,
    /// Neither file nor folder nor link.
    Other,
    Missing,
    /// It or a folder on the way is a symbolic link.
    Link,
    /// A folder on the way is a file.
    BehindFile,
}

impl Root {
    pub fn new(path: &[u8]) -> Self {
        Self(path.strip_suffix(b"/").unwrap_or(path).to_vec())
    }

    /// The path of a key or prefix; the root's own for the empty text.
    pub fn path(&self, below: &str) -> Vec<u8> {
        match (self.0.is_empty(), below.is_empty()) {
            (true, true) => b"/".to_vec(),
            (_, true) => self.0.clone(),
            _ => [&self.0, b"/".as_slice(), below.as_bytes()].concat(),
        }
    }

    pub fn staging(&self) -> Vec<u8> {
        self.path(STAGING)
    }

    /// As text, for messages.
    pub fn display(&self) -> String {
        String::from_utf8_lossy(&self.path("")).into_owned()
    }

    /// What a key or prefix names; the empty text is the root.
    ///
    /// # Errors
    /// `NotFound` if the root itself is gone: everything below it would only seem to be missing.
    pub async fn look(&self, session: &Session, below: &str, operation: &'static str) -> Result<Place> {
        let ends = below.match_indices('/').map(|(end, _)| end).chain([below.len()]);
        let paths = [""].into_iter().chain(ends.filter(|end| *end > 0).map(|end| &below[..end]));
        let looks: Vec<_> = paths.map(|path| self.path(path)).collect();
        let answers = join_all(looks.iter().map(|path| session.lstat(path))).await;
        self.judge(answers, operation)
    }

    fn judge(&self, answers: Vec<Answer<Attrs>>, operation: &'static str) -> Result<Place> {
        let last = answers.len() - 1;
        for (place, answer) in answers.into_iter().enumerate() {
            let attrs = match answer {
                Ok(attrs) => attrs,
                Err(failure) if failure.is_missing() && place > 0 => return Ok(Place::Missing),
                Err(failure) if failure.is_missing() => {
                    return Err(Error::not_found("the root folder is gone")
                        .during(operation)
                        .with("root", self.display()));
                }
                Err(failure) => return Err(failure.into_error(operation)),
            };
            match attrs.kind() {
                FileKind::Link => return Ok(Place::Link),
                FileKind::Folder if place < last => {}
                FileKind::Folder => return Ok(Place::Folder),
                FileKind::File | FileKind::Other if place < last => return Ok(Place::BehindFile),
                FileKind::File => return Ok(Place::File(attrs)),
                FileKind::Other => return Ok(Place::Other),
            }
        }
        Ok(Place::Missing)
    }

    /// The attributes of an object.
    ///
    /// # Errors
    /// `NotFound` if there is none, `PermissionDenied` if a link is in its place or on the way.
    pub async fn object(&self, session: &Session, key: &Key, operation: &'static str) -> Result<Attrs> {
        refuse_staging(key.as_str())?;
        let place = self.look(session, key.as_str(), operation).await.map_err(|error| error.with("key", key))?;
        let error = match place {
            Place::File(attrs) => return Ok(attrs),
            Place::Link => links(),
            Place::Missing | Place::BehindFile => Error::not_found("no such object"),
            Place::Folder | Place::Other => Error::not_found("no such object, the key is a folder or a special file"),
        };
        Err(error.during(operation).with("key", key))
    }
}

pub fn links() -> Error {
    Error::new(ErrorKind::PermissionDenied, "symbolic links are not followed")
}

pub fn refuse_staging(key: &str) -> Result<()> {
    match key.split('/').next() == Some(STAGING) {
        true => Err(Error::invalid("keys of the staging folder are reserved").with("key", key)),
        false => Ok(()),
    }
}

/// Metadata of an object from the server's attributes.
///
/// # Errors
/// `Unsupported` if the server does not tell the size.
pub fn meta_of(key: &Key, attrs: &Attrs) -> Result<ObjectMeta> {
    let Some(size) = attrs.size else {
        return Err(Error::unsupported("the server does not tell the size of a file").with("key", key));
    };
    let meta = ObjectMeta::new(key.clone(), size);
    Ok(match attrs.modified {
        Some(seconds) => meta.with_modified(UNIX_EPOCH + Duration::from_secs(seconds.into())),
        None => meta,
    })
}
