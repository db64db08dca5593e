//! Snapshots by name: made, kept for longer, released, listed, described.

use std::fmt;
use std::time::Duration;

use super::needs::Needs;
use super::{Snapshots, content_hash};
use crate::blocks::Hash;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Manifest, Pin, Stored};

/// How often the newest manifest is pinned anew while it is expired before that.
const ATTEMPTS: u32 = 10;

/// So many names are told when one is not found.
const NAMED: usize = 10;

/// A state that is kept under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The number of its manifest.
    pub number: u64,
    /// The hash of its manifest.
    pub hash: Hash,
    /// When its lease ends, in milliseconds since 1970; none for a tag, which stays until it is released.
    pub expires_ms: Option<u64>,
}

impl Snapshot {
    fn new(name: &str, pin: &Pin) -> Self {
        Self { name: name.to_owned(), number: pin.number, hash: pin.hash, expires_ms: pin.expires_ms }
    }

    /// True if its lease has ended at this time: it may be removed at any moment.
    pub fn has_ended(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|end| end <= now_ms)
    }
}

/// Which state is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest manifest, whatever it is when the call begins. It is kept by nothing but the rules of expiry: pin what
    /// takes long.
    Newest,
    /// The manifest with this number.
    Number(u64),
    /// The snapshot with this name.
    Named(String),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("newest"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// What is in a state. Counts and bytes are of different files and blocks: what is shared counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The number of its manifest.
    pub number: u64,
    /// The hash of what it means, see [`content_hash`].
    pub content: Hash,
    /// When its manifest was made: milliseconds since 1970 by the clock of its writer.
    pub created_ms: u64,
    /// Who has published it.
    pub writer: String,
    /// Entries.
    pub entries: u64,
    /// Files.
    pub files: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes of files and blocks.
    pub bytes: u64,
}

impl Description {
    /// Describes a manifest.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if two entries disagree on a file or a block.
    pub fn of(manifest: &Manifest) -> Result<Self> {
        let needs = Needs::of(manifest)?;
        let members = needs.members();
        let files = needs.files().count() as u64;
        Ok(Self {
            number: manifest.number,
            content: content_hash(manifest),
            created_ms: manifest.created_ms,
            writer: manifest.writer.clone(),
            entries: manifest.entries.len() as u64,
            files,
            blocks: members.len() as u64 - files,
            bytes: members.iter().fold(0, |sum, member| sum.saturating_add(member.bytes)),
        })
    }
}

impl Snapshots {
    /// Tags a state: it is kept under this name until it is [released](Self::release).
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name keeps another state, [`NotFound`](ErrorKind::NotFound) if
    /// there is no such state, [`Invalid`](ErrorKind::Invalid) for a name that is empty, longer than 1,024 bytes or has a
    /// control character; those of [`tag`](crate::manifest::Manifests::tag).
    pub fn create(&self, name: &str, which: &Which) -> Result<Snapshot> {
        self.keep(name, which, |number| self.manifests.tag(name, number).map(drop))
    }

    /// Leases a state: it is kept under this name for some time from now, and for longer if it is [renewed](Self::renew).
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub fn pin(&self, name: &str, which: &Which, time: Duration) -> Result<Snapshot> {
        self.keep(name, which, |number| self.manifests.lease(name, number, time).map(drop))
    }

    /// Lets a lease end later: after some time from now.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such lease any more, [`Invalid`](ErrorKind::Invalid) for a tag;
    /// those of [`renew`](crate::manifest::Manifests::renew).
    pub fn renew(&self, name: &str, time: Duration) -> Result<Snapshot> {
        self.manifests.renew(name, time)?;
        self.get(name)
    }

    /// Gives a snapshot up. What nothing else keeps is removed by the next expiry and collection.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none with the name; those of
    /// [`release`](crate::manifest::Manifests::release).
    pub fn release(&self, name: &str) -> Result<()> {
        match self.manifests.release(name)? {
            true => Ok(()),
            false => Err(self.unknown(name, &*self.manifests.latest()?)),
        }
    }

    /// All snapshots, sorted by name, those included whose leases have ended and are not dropped yet.
    ///
    /// # Errors
    /// As for [`latest`](crate::manifest::Manifests::latest).
    pub fn list(&self) -> Result<Vec<Snapshot>> {
        let newest = self.manifests.latest()?;
        Ok(newest.pins.iter().map(|(name, pin)| Snapshot::new(name, pin)).collect())
    }

    /// The snapshot with this name.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), telling which there are; as for [`list`](Self::list).
    pub fn get(&self, name: &str) -> Result<Snapshot> {
        let newest = self.manifests.latest()?;
        let pin = newest.pins.get(name).ok_or_else(|| self.unknown(name, &newest))?;
        Ok(Snapshot::new(name, pin))
    }

    /// The manifest of a state, checked to be the one of the chain.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such state, [`Corrupt`](ErrorKind::Corrupt) if its manifest is
    /// damaged or missing.
    pub fn manifest(&self, which: &Which) -> Result<Stored> {
        match which {
            Which::Newest => Ok(self.manifests.latest()?.as_ref().clone()),
            Which::Number(number) => self.manifests.at(*number),
            Which::Named(name) => {
                let snapshot = self.get(name)?;
                let stored = self.manifests.at(snapshot.number).map_err(|error| error.with("snapshot", name))?;
                match stored.hash == snapshot.hash {
                    true => Ok(stored),
                    false => Err(Error::new(ErrorKind::Corrupt, "the manifest is not the one that the snapshot names")
                        .with("snapshot", name)
                        .with("number", stored.number)),
                }
            }
        }
    }

    /// What is in a state, by its manifest alone.
    ///
    /// # Errors
    /// As for [`manifest`](Self::manifest).
    pub fn describe(&self, which: &Which) -> Result<Description> {
        Description::of(&*self.manifest(which)?)
    }

    fn keep(&self, name: &str, which: &Which, pin: impl Fn(u64) -> Result<()>) -> Result<Snapshot> {
        let mut attempts = 0;
        loop {
            let number = match which {
                Which::Newest => self.manifests.latest()?.number,
                Which::Number(number) => *number,
                Which::Named(name) => self.get(name)?.number,
            };
            attempts += 1;
            match pin(number) {
                Ok(()) => return self.get(name),
                // It was the newest, and is expired meanwhile: then there is a newer one.
                Err(error) if error.is_not_found() && *which == Which::Newest && attempts < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn unknown(&self, name: &str, newest: &Stored) -> Error {
        let mut known: Vec<&str> = newest.pins.keys().take(NAMED).map(String::as_str).collect();
        if newest.pins.len() > NAMED {
            known.push("…");
        }
        let error = Error::not_found("no such snapshot").with("snapshot", format!("{name:?}"));
        match known.is_empty() {
            true => error.with("known", "none"),
            false => error.with("known", known.join(", ")),
        }
    }
}
