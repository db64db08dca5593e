//! A file or a folder: what is seen, what is certain to survive, and the changes between the two.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::log::Log;
use super::pages::{Pages, is_zero};
use super::room::Room;

/// A name, shared between copies.
pub(super) type Name = Arc<str>;

/// The names in a folder, with the nodes that they stand for.
pub(super) type Names = Arc<BTreeMap<Name, u64>>;

#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The number that callers see. It is given again once nothing holds the node.
    pub number: u64,
    /// The last name that it had, for messages.
    pub name: Name,
    /// Names that it has.
    pub links: u64,
    /// Open handles.
    pub handles: u64,
    /// The handle that has locked it.
    pub holder: Option<u64>,
    /// Nanoseconds since 1970.
    pub changed: u64,
    /// True once neither a name nor a handle leads to it. After a crash a name may do so again.
    pub released: bool,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    File(FileNode),
    Folder(FolderNode),
}

/// A change of the bytes of a file or of its length.
#[derive(Debug, Clone)]
pub(super) enum FileChange {
    Write { position: u64, bytes: Bytes },
    Zeros { position: u64, length: u64 },
    Length(u64),
    Grow(u64),
}

impl FileChange {
    pub fn write(position: u64, bytes: Bytes) -> Self {
        match is_zero(&bytes) {
            true => Self::Zeros { position, length: bytes.len() as u64 },
            false => Self::Write { position, bytes },
        }
    }

    pub fn apply(&self, pages: &mut Pages) {
        match self {
            Self::Write { position, bytes } => pages.write(*position, bytes),
            Self::Zeros { position, length } => pages.zero(*position, *length),
            Self::Length(length) => pages.set_length(*length),
            Self::Grow(length) => pages.grow(*length),
        }
    }
}

/// What is known of a file besides its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Meta {
    /// Nanoseconds since 1970.
    pub modified: u64,
    pub attributes: Arc<BTreeMap<String, Vec<u8>>>,
}

#[derive(Debug, Clone)]
pub(super) enum MetaChange {
    Modified(u64),
    Attribute(String, Vec<u8>),
}

impl MetaChange {
    pub fn apply(&self, meta: &mut Meta) {
        match self {
            Self::Modified(time) => meta.modified = *time,
            Self::Attribute(name, value) => {
                Arc::make_mut(&mut meta.attributes).insert(name.clone(), value.clone());
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct FileNode {
    pub live: Pages,
    pub base: Pages,
    pub log: Log<FileChange>,
    pub meta: Meta,
    pub meta_base: Meta,
    pub meta_log: Log<MetaChange>,
    pub room: Room,
}

impl FileNode {
    pub fn change(&mut self, order: u64, change: FileChange) {
        change.apply(&mut self.live);
        self.log.push(order, change);
    }

    pub fn change_meta(&mut self, order: u64, change: MetaChange) {
        change.apply(&mut self.meta);
        self.meta_log.push(order, change);
    }

    pub fn sync_data(&mut self, until: u64) {
        self.log.sync(until);
        let Self { log, base, .. } = self;
        log.fold().for_each(|change| change.apply(base));
        if self.log.is_empty() {
            self.base = self.live.clone();
        }
    }

    pub fn sync_meta(&mut self, until: u64) {
        self.meta_log.sync(until);
        let Self { meta_log, meta_base, .. } = self;
        meta_log.fold().for_each(|change| change.apply(meta_base));
        if self.meta_log.is_empty() {
            self.meta_base = self.meta.clone();
        }
    }

    /// True if a crash can leave nothing but what is seen.
    pub fn is_certain(&self) -> bool {
        self.log.is_empty() && self.meta_log.is_empty()
    }
}

/// A change of the names in a folder, in one step.
#[derive(Debug, Clone)]
pub(super) struct EntryChange {
    pub unset: Option<Name>,
    pub set: Option<(Name, u64)>,
    /// The folder to which the name went that is unset here: it is not lost before it is there.
    pub twin: Option<u64>,
}

impl EntryChange {
    pub fn set(name: Name, key: u64) -> Self {
        Self { unset: None, set: Some((name, key)), twin: None }
    }

    pub fn unset(name: Name) -> Self {
        Self { unset: Some(name), set: None, twin: None }
    }

    pub fn apply(&self, names: &mut Names) {
        let names = Arc::make_mut(names);
        if let Some(name) = &self.unset {
            names.remove(name);
        }
        if let Some((name, key)) = &self.set {
            names.insert(Arc::clone(name), *key);
        }
    }

    /// The names that it touches: a later change of one of them cannot survive without this one.
    pub fn touched(&self) -> impl Iterator<Item = &Name> {
        self.unset.iter().chain(self.set.iter().map(|(name, _)| name))
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct FolderNode {
    pub live: Names,
    pub base: Names,
    pub log: Log<EntryChange>,
}

impl FolderNode {
    pub fn change(&mut self, order: u64, change: EntryChange) {
        change.apply(&mut self.live);
        self.log.push(order, change);
    }

    /// Takes what is certain by now into the durable names.
    pub fn fold(&mut self) {
        let Self { log, base, .. } = self;
        log.fold().for_each(|change| change.apply(base));
        if self.log.is_empty() {
            self.base = Arc::clone(&self.live);
        }
    }
}
