//! Which commits a version stands on, so that a commit that nobody builds on is not taken for one.
//!
//! A manifest is created if absent, and expiry deletes old manifests. A writer that stands still just before it creates
//! its manifest may so find the place free again, long after others took it: it creates an old version that no reader
//! will look at. Each commit therefore notes its transaction in the manifest's config, which later versions inherit;
//! and after a commit the newest version is asked whether it stands on it.

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance_io::object_store::ObjectStore;
use lance_table::format::Manifest;
use lance_table::io::commit::ManifestNamingScheme;
use lance_table::io::manifest::read_manifest;
use object_store::path::Path;
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, Key, ListOptions, Prefix, Result, StatOptions};

use crate::error::from_lance;

/// The key in a manifest's config that holds the last commits, oldest first.
const LINEAGE_KEY: &str = "worldstore.lineage";
/// So many commits are noted.
const COMMITS_MAX: usize = 16;
/// So much of the end of a transaction's id is noted: more than 60 random bits.
const ID_LETTERS: usize = 16;

/// Notes the transaction that makes this manifest.
///
/// # Errors
/// `Conflict` if the version before stands on it already: the answer to its commit was lost.
pub(crate) fn note(manifest: &mut Manifest, transaction: &str) -> Result<()> {
    if contains(&manifest.config, transaction) {
        return Err(Error::new(ErrorKind::Conflict, "the transaction is committed already"));
    }
    let id = id_of(transaction);
    let before: Vec<&str> = noted(&manifest.config).collect();
    let before = before.get(before.len().saturating_sub(COMMITS_MAX - 1)..).unwrap_or_default();
    let after = before.iter().copied().chain([id.as_str()]).collect::<Vec<_>>().join(" ");
    manifest.config_mut().insert(LINEAGE_KEY.to_owned(), after);
    Ok(())
}

/// True if a version with this config stands on the transaction. False may also be that it is too long ago.
pub(crate) fn contains(config: &HashMap<String, String>, transaction: &str) -> bool {
    let id = id_of(transaction);
    noted(config).any(|noted| noted == id)
}

fn noted(config: &HashMap<String, String>) -> impl Iterator<Item = &str> {
    config.get(LINEAGE_KEY).map_or("", String::as_str).split(' ').filter(|id| !id.is_empty())
}

fn id_of(transaction: &str) -> String {
    let letters: Vec<char> = transaction.chars().filter(|letter| *letter != '-' && *letter != ' ').collect();
    letters.iter().skip(letters.len().saturating_sub(ID_LETTERS)).collect()
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The newest version is it or stands on it.
    Holds,
    /// It came too late: the newest version does not stand on it, and none will.
    Overtaken,
}

/// A commit that was made: the version, where it is, and its manifest's config.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit<'commit> {
    pub version: u64,
    /// The folder of the table.
    pub base: &'commit Path,
    pub naming: ManifestNamingScheme,
    pub config: &'commit HashMap<String, String>,
    pub store: &'commit ObjectStore,
}

/// Whether the table stands on the commit that made this version, which must be one that [`note`] saw.
///
/// # Errors
/// `OutcomeUnknown` if that cannot be told.
pub(crate) async fn standing_of(backend: &Arc<dyn AsyncBackend>, committed: &Dataset) -> Result<Standing> {
    let store = committed.object_store(None).await.map_err(|source| untold(from_lance(source)))?;
    let (base, naming) = (&committed.branch_location().path, committed.manifest_location().naming_scheme);
    let version = committed.version().version;
    standing(backend, Commit { version, base, naming, config: committed.config(), store: &store }).await
}

/// As [`standing_of`].
///
/// # Errors
/// `OutcomeUnknown` if that cannot be told.
pub(crate) async fn standing(backend: &Arc<dyn AsyncBackend>, commit: Commit<'_>) -> Result<Standing> {
    let newest = newest(backend, commit.base).await.map_err(untold)?;
    if newest == commit.version {
        return Ok(Standing::Holds);
    }
    // As many versions later, the commit is still noted.
    let later = newest.min(commit.version + COMMITS_MAX as u64 - 1);
    let path = commit.naming.manifest_path(commit.base, later);
    let later = match read_manifest(commit.store, &path, None).await.map_err(from_lance) {
        Ok(later) => later,
        Err(error) if error.is_not_found() => return after_expiry(backend, commit, newest).await,
        Err(error) => return Err(untold(error)),
    };
    let own = noted(commit.config).last();
    match newest > commit.version && noted(&later.config).any(|id| Some(id) == own) {
        true => Ok(Standing::Holds),
        false => Ok(Standing::Overtaken),
    }
}

/// The versions after the commit have expired. If it is there and was made after the newest one, it came too late; else it may
/// have been in time, and kept by a tag or for a reader.
async fn after_expiry(backend: &Arc<dyn AsyncBackend>, commit: Commit<'_>, newest: u64) -> Result<Standing> {
    let modified = async |version| {
        let key = Key::new(commit.naming.manifest_path(commit.base, version).as_ref())?;
        backend.stat(&key, &StatOptions::default()).await.map(|meta| meta.modified)
    };
    match (modified(commit.version).await.map_err(untold)?, modified(newest).await.map_err(untold)?) {
        (Some(own), Some(newest)) if own > newest => Ok(Standing::Overtaken),
        _ => Err(untold(Error::unexpected("it is older than the newest version, or nobody knows how old"))),
    }
}

/// The number of the newest version, as the list of manifests tells it. Where lists are not sorted, Lance trusts a hint
/// instead, which the late commit itself has written.
async fn newest(backend: &Arc<dyn AsyncBackend>, base: &Path) -> Result<u64> {
    let folder = Prefix::new(base.as_ref())?.join("_versions")?;
    let is_sorted = backend.info().capability.list_sorted;
    let (mut options, mut newest) = (ListOptions::default(), 0);
    loop {
        let page = backend.list(&folder, &options).await?;
        for object in &page.objects {
            let name = object.key.as_str().rsplit('/').next().unwrap_or_default();
            let Some(naming) = ManifestNamingScheme::detect_scheme(name) else { continue };
            let Some(version) = naming.parse_version(name) else { continue };
            if is_sorted && naming == ManifestNamingScheme::V2 {
                // Their names count down.
                return Ok(version.max(newest));
            }
            newest = newest.max(version);
        }
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return Ok(newest),
        }
    }
}

fn untold(error: Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "whether the table stands on the commit cannot be told").caused_by(error)
}
