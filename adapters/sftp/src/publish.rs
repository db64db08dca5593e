//! Publishing: giving a file its name in one step, with the folders that it needs.

use worldstore_core::{Condition, Durability, Error, ErrorKind, Key, Outcome, Prefix, RenameOptions, Result};

use crate::failure::{Answer, Failure};
use crate::lookup::{Place, STAGING, links, meta_of, refuse_staging};
use crate::remote::FSYNC;
use crate::server::Inner;
use crate::session::Session;
use crate::stage::{Staged, explain, parent_of, unique_name};
use crate::wire::{FileKind, status};

/// How often a name is tried again when others add and remove the folders that it needs.
const ATTEMPTS: usize = 100;
/// How often a refusal may have no visible reason before it is reported.
const PUZZLES: usize = 3;

/// How a name is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By a rename that replaces.
    Replace,
    /// By a second link, which fails if the name is taken. The first name stays.
    Link,
}

impl From<&Condition> for Naming {
    fn from(condition: &Condition) -> Self {
        match condition {
            Condition::IfAbsent => Self::Link,
            _ => Self::Replace,
        }
    }
}

/// What became of a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    Given,
    /// An object has it already.
    Taken,
    Unknown,
}

/// Publishes a staged file. It is removed from the staging folder in any case.
pub async fn publish(
    inner: &Inner,
    mut staged: Staged,
    condition: &Condition,
    durability: Durability,
) -> Result<Outcome> {
    let attrs = staged.seal(durability != Durability::None).await?;
    let (session, key) = (staged.session.clone(), staged.key.clone());
    let meta = meta_of(&key, &attrs)?;
    if let Some(now) = attrs.modified
        && inner.sweep_is_due()
    {
        // Leftovers of others are no reason to fail.
        let _ = crate::stage::sweep(inner, &session, now).await;
    }
    let named = give_name(inner, &session, &staged.path, &key, condition.into(), durability).await;
    match named.map_err(|error| error.during("write"))? {
        Named::Taken => return Ok(Outcome::Rejected),
        Named::Unknown => return Ok(Outcome::Unknown),
        Named::Given if *condition == Condition::None => staged.mark_renamed(),
        Named::Given => {}
    }
    match sync_folder(inner, &session, &key.parent(), durability).await {
        Ok(()) => Ok(Outcome::Applied(meta)),
        // It has its name, but a power cut may take it away.
        Err(_) => Ok(Outcome::Unknown),
    }
}

/// Moves an object, over what has the name.
pub async fn rename(
    inner: &Inner,
    session: &Session,
    from: &Key,
    to: &Key,
    options: &RenameOptions,
) -> Result<Outcome> {
    refuse_staging(to.as_str())?;
    let attrs = inner.root.object(session, from, "rename").await?;
    let meta = meta_of(to, &attrs)?;
    if from == to {
        return Ok(Outcome::Applied(meta));
    }
    let path = inner.root.path(from.as_str());
    if options.durability != Durability::None && session.has(FSYNC, "1") {
        // It may have been written without.
        let synced = session.sync_file(&path).await;
        synced.map_err(|failure| failure.into_error("rename").with("key", from))?;
    }
    let named = match give_name(inner, session, &path, to, Naming::Replace, options.durability).await {
        Ok(named) => named,
        Err(error) => {
            // If the source is gone, that is why.
            inner.root.object(session, from, "rename").await?;
            return Err(error.during("rename").with("from", from));
        }
    };
    if named != Named::Given || !is_gone(session, &path).await {
        return Ok(Outcome::Unknown);
    }
    // The new name first: a crash in between leaves the object under both names, never under none.
    let mut synced = sync_folder(inner, session, &to.parent(), options.durability).await;
    if synced.is_ok() && from.parent() != to.parent() {
        synced = sync_folder(inner, session, &from.parent(), options.durability).await;
    }
    match synced {
        Ok(()) => Ok(Outcome::Applied(meta)),
        Err(_) => Ok(Outcome::Unknown),
    }
}

/// False if the name is still there after a rename that was answered as done: between two names of one file a system
/// does nothing, or another writer was at once there. Also false if it is not known.
async fn is_gone(session: &Session, path: &[u8]) -> bool {
    session.lstat(path).await.is_err_and(|failure| failure.is_missing())
}

/// Gives the file at `from` the name of a key: makes the folders that are missing, removes those without objects that
/// have the name, and tells why it could not be given.
pub async fn give_name(
    inner: &Inner,
    session: &Session,
    from: &[u8],
    key: &Key,
    naming: Naming,
    durability: Durability,
) -> Result<Named> {
    let to = inner.root.path(key.as_str());
    let with_key = |error: Error| error.with("key", key);
    let mut puzzles = 0;
    for _ in 0..ATTEMPTS {
        if let Some(failure) = ensure_parent(inner, session, key, durability).await.map_err(with_key)? {
            puzzles += 1;
            match puzzles < PUZZLES || failure.is_missing() {
                true => continue,
                false => return Err(with_key(explain(session, &inner.root.path(""), failure, "make folder").await)),
            }
        }
        let failure = match attempt(session, from, &to, naming).await {
            Ok(()) => return Ok(Named::Given),
            Err(failure) if failure.is_unclear() => return Ok(Named::Unknown),
            Err(failure @ Failure::NotSent) => return Err(with_key(failure.into_error("publish"))),
            Err(failure) => failure,
        };
        match inner.root.look(session, key.as_str(), "publish").await.map_err(with_key)? {
            Place::File(_) if naming == Naming::Link => return Ok(Named::Taken),
            Place::Folder if remove_empty(session, &to).await => continue,
            Place::Folder => return Err(with_key(Error::invalid("key is a folder"))),
            Place::Link => return Err(with_key(links())),
            Place::Other => return Err(with_key(Error::invalid("key is a special file"))),
            // What was in the way may be gone again, or the source of a rename is: its caller looks.
            Place::File(_) | Place::Missing | Place::BehindFile => puzzles += 1,
        }
        if puzzles >= PUZZLES || matches!(failure, Failure::Status { code: status::PERMISSION_DENIED, .. }) {
            return Err(with_key(puzzling(inner, session, from, key, naming, failure).await));
        }
    }
    Err(with_key(Error::new(ErrorKind::Conflict, "the folder of the key is removed time and again")))
}

async fn attempt(session: &Session, from: &[u8], to: &[u8], naming: Naming) -> Answer<()> {
    match naming {
        Naming::Replace => session.replace(from, to).await,
        Naming::Link => session.link(from, to).await,
    }
}

/// Why a name that is free was not given.
async fn puzzling(inner: &Inner, session: &Session, from: &[u8], key: &Key, naming: Naming, failure: Failure) -> Error {
    let folder = inner.root.path(key.parent().as_str());
    if let (Ok(Some(here)), Ok(Some(there))) = (session.space(parent_of(from)).await, session.space(&folder).await)
        && here.id != there.id
    {
        let message = "a file cannot be moved to another file system, which is mounted below the root";
        return Error::unsupported(message).during("publish").caused_by(failure.into_error("publish"));
    }
    if naming == Naming::Link && !failure.is_missing() {
        let probe = inner.root.path(&format!("{STAGING}/{}", unique_name()));
        let linked = session.link(from, &probe).await;
        let _ = session.remove(&probe).await;
        if let Err(refused @ Failure::Status { .. }) = linked
            && !refused.is_missing()
        {
            let message = "the server's file system gives no file a second name, so nothing can be created if absent";
            return Error::unsupported(message).during("publish").caused_by(failure.into_error("link"));
        }
    }
    explain(session, &folder, failure, "publish").await
}

/// Sees to it that the folder of a key is there, and that no link or file is on the way. Returns the failure if the
/// server refuses a folder and nothing tells why.
async fn ensure_parent(inner: &Inner, session: &Session, key: &Key, durability: Durability) -> Result<Option<Failure>> {
    let parent = key.parent();
    let failure = match inner.root.look(session, parent.as_str(), "publish").await? {
        Place::Folder => None,
        Place::Missing => make_folders(inner, session, &parent).await?,
        Place::Link => return Err(links()),
        Place::File(_) | Place::BehindFile | Place::Other => {
            return Err(Error::invalid("a folder of the key is an object"));
        }
    };
    if failure.is_none() && durability == Durability::Full && inner.server.durable {
        return sync_above(inner, session, &parent).await;
    }
    Ok(failure)
}

async fn make_folders(inner: &Inner, session: &Session, folder: &Prefix) -> Result<Option<Failure>> {
    for below in each_folder(folder) {
        let path = inner.root.path(below);
        match session.make_folder(&path, inner.config.folder_mode).await {
            Ok(()) => session.durable.forget(&path),
            // Another writer has removed the one above.
            Err(failure) if failure.is_missing() => return Ok(Some(failure)),
            // Most likely it is there.
            Err(failure @ Failure::Status { code: status::FAILURE, .. }) => match session.lstat(&path).await {
                Ok(_) => {}
                Err(missing) if missing.is_missing() => return Ok(Some(failure)),
                Err(failure) => return Err(failure.into_error("make folder")),
            },
            Err(failure) => return Err(failure.into_error("make folder").with("folder", below)),
        }
    }
    Ok(None)
}

/// Makes the names of a folder and of those above it survive a power cut, whoever made them: once for each connection.
/// Returns the failure if one of them is gone again.
async fn sync_above(inner: &Inner, session: &Session, folder: &Prefix) -> Result<Option<Failure>> {
    for below in each_folder(folder) {
        let path = inner.root.path(below);
        if session.durable.has(&path) {
            continue;
        }
        match session.sync_folder(parent_of(&path)).await {
            // A folder above that may be passed but not read cannot be synced: it is not one of ours.
            Ok(()) | Err(Failure::Status { code: status::PERMISSION_DENIED, .. }) => session.durable.learn(&path),
            Err(failure) if failure.is_missing() => return Ok(Some(failure)),
            Err(failure) => return Err(failure.into_error("sync folder").with("folder", below)),
        }
    }
    Ok(None)
}

/// The folders from the root's own down to this one; none for the root.
fn each_folder(folder: &Prefix) -> impl Iterator<Item = &str> {
    let text = folder.as_str();
    let ends = text.match_indices('/').map(|(end, _)| end).chain((!text.is_empty()).then_some(text.len()));
    ends.map(|end| &text[..end])
}

/// Removes a folder below which there are only folders. False if there is anything else, which stays.
async fn remove_empty(session: &Session, path: &[u8]) -> bool {
    match session.lstat(path).await {
        Ok(attrs) if attrs.kind() == FileKind::Folder => {}
        Ok(_) => return false,
        Err(failure) => return failure.is_missing(),
    }
    let Ok(folder) = session.open_folder(path).await else { return false };
    loop {
        match session.read_folder(&folder).await {
            Ok(Some(entries)) => {
                for entry in entries.iter().filter(|entry| !matches!(&*entry.name, b"." | b"..")) {
                    let below = [path, b"/".as_slice(), &entry.name].concat();
                    if entry.attrs.kind() != FileKind::Folder || !Box::pin(remove_empty(session, &below)).await {
                        return false;
                    }
                }
            }
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    session.durable.forget(path);
    match session.remove_folder(path).await {
        Ok(()) => true,
        Err(failure) => failure.is_missing(),
    }
}

/// Makes the names in a folder survive a power cut, where that was asked for and the server can.
pub async fn sync_folder(inner: &Inner, session: &Session, folder: &Prefix, durability: Durability) -> Answer<()> {
    match durability == Durability::Full && inner.server.durable {
        true => session.sync_folder(&inner.root.path(folder.as_str())).await,
        false => Ok(()),
    }
}
