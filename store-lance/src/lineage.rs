//! Which commits a version stands on, so that a commit that nobody builds on is not taken for one.
//!
//! A manifest is created if absent, and expiry deletes old manifests. A writer that stands still just before it creates
//! its manifest may so find the place free again, long after others took it: it creates an old version that no reader
//! will look at. Each commit therefore notes its transaction in the manifest's config, which later versions inherit;
//! and after a commit the newest version is asked whether it stands on it.

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance_table::format::Manifest;
use lance_table::io::commit::ManifestNamingScheme;
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, ListOptions, Prefix, Result};

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

/// Whether the table stands on the commit that made this version, which must be one that [`note`] saw.
///
/// # Errors
/// `OutcomeUnknown` if that cannot be told.
pub(crate) async fn standing(backend: &Arc<dyn AsyncBackend>, committed: &Dataset) -> Result<Standing> {
    let version = committed.version().version;
    let newest = newest(backend, committed).await.map_err(untold)?;
    if newest == version {
        return Ok(Standing::Holds);
    }
    // As many versions later, the commit is still noted.
    let later = newest.min(version + COMMITS_MAX as u64 - 1);
    let later = committed.checkout_version(later).await.map_err(|source| untold(from_lance(source)))?;
    let own = noted(committed.config()).last();
    match newest > version && noted(later.config()).any(|id| Some(id) == own) {
        true => Ok(Standing::Holds),
        false => Ok(Standing::Overtaken),
    }
}

/// The number of the newest version, as the list of manifests tells it.
async fn newest(backend: &Arc<dyn AsyncBackend>, dataset: &Dataset) -> Result<u64> {
    if backend.info().capability.list_sorted {
        return dataset.latest_version_id().await.map_err(from_lance);
    }
    // On such a store Lance trusts a hint, which the late commit itself has written.
    let folder = dataset.versions_dir();
    let (mut options, mut newest) = (ListOptions::default(), 0);
    loop {
        let page = backend.list(&Prefix::new(folder.as_ref())?, &options).await?;
        let name = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
        let names = page.objects.iter().map(|object| name(object.key.as_str()));
        let versions = names.filter_map(|name| ManifestNamingScheme::detect_scheme(&name)?.parse_version(&name));
        newest = versions.fold(newest, u64::max);
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return Ok(newest),
        }
    }
}

fn untold(error: Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "whether the table stands on the commit cannot be told").caused_by(error)
}
