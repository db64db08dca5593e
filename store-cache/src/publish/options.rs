//! Settings of a publisher of manifests.

use worldstore_async::wrap::Ledger;
use worldstore_core::{Error, Prefix, Result};

/// Which of the files of a state are looked at before it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileCheck {
    /// Those that the manifest before does not have. The others were looked at when they were published, and stay for as
    /// long as that is retained.
    #[default]
    New,
    /// All files of tables that have changed.
    Changed,
}

/// Settings of a [`ManifestPublisher`](super::ManifestPublisher).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PublisherOptions {
    /// So many of the newest manifests are kept, 2 at least; 64 by default. Pins keep theirs beside them.
    pub keep: u64,
    /// After so many publications older manifests are expired, 1 at least; 16 by default.
    pub expire_every: u64,
    /// How often a cut is published again while nobody knows whether it is, 1 at least; 3 by default.
    pub attempts: u32,
    /// How many files are looked at or read at once, 1 at least; 8 by default.
    pub files_at_once: usize,
    /// Which files are looked at before each publication.
    pub check: FileCheck,
    /// The folder of the tables in the backend of the manifests; its root by default. Keys of files in manifests begin
    /// with it.
    pub tables_in: Prefix,
    /// Length and hash of files that were written, by their keys below that folder. None by default: new files are read.
    pub ledger: Option<Ledger>,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            keep: 64,
            expire_every: 16,
            attempts: 3,
            files_at_once: 8,
            check: FileCheck::New,
            tables_in: Prefix::root(),
            ledger: None,
        }
    }
}

impl PublisherOptions {
    /// Sets how many manifests are kept.
    #[must_use]
    pub fn with_keep(mut self, keep: u64) -> Self {
        self.keep = keep;
        self
    }

    /// Sets after how many publications older manifests are expired.
    #[must_use]
    pub fn with_expire_every(mut self, publications: u64) -> Self {
        self.expire_every = publications;
        self
    }

    /// Sets how often a cut is published again while nobody knows whether it is.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how many files are looked at or read at once.
    #[must_use]
    pub fn with_files_at_once(mut self, files: usize) -> Self {
        self.files_at_once = files;
        self
    }

    /// Sets which files are looked at.
    #[must_use]
    pub fn with_check(mut self, check: FileCheck) -> Self {
        self.check = check;
        self
    }

    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_tables_in(mut self, folder: Prefix) -> Self {
        self.tables_in = folder;
        self
    }

    /// Takes length and hash of new files from a ledger.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.keep < 2 {
            return Err(Error::invalid("two manifests at least must be kept").with("keep", self.keep));
        }
        match self.expire_every == 0 || self.attempts == 0 || self.files_at_once == 0 {
            true => Err(Error::invalid("publications, attempts and files are 1 at least")),
            false => Ok(()),
        }
    }
}
