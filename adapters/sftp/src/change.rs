//! Deleting and copying.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use worldstore_core::{CopyOptions, Deleted, Durability, Error, ErrorKind, Key, Outcome, Prefix, Result};

use crate::failure::Failure;
use crate::lookup::{Place, links, meta_of, refuse_staging};
use crate::publish::{publish, sync_folder};
use crate::server::Inner;
use crate::session::Session;
use crate::stage::{Staged, explain};
use crate::wire::status;

/// Keys of one delete that are in flight together.
const DELETES_IN_FLIGHT: usize = 16;
/// Bytes of one request to copy. The server is silent while it copies, and must not be for longer than the request
/// timeout.
const COPY_BYTES: u64 = 64 << 20;

/// Deletes objects, then makes that durable folder by folder.
pub async fn delete(inner: &Inner, session: &Session, keys: &[Key]) -> Vec<Deleted> {
    let requests: Vec<_> = keys.iter().map(|key| delete_one(inner, session, key)).collect();
    let mut answers: Vec<_> = stream::iter(requests).buffered(DELETES_IN_FLIGHT).collect().await;
    let is_deleted = |answer: &Deleted| matches!(answer, Deleted::Deleted);
    let folders: BTreeSet<Prefix> =
        keys.iter().zip(&answers).filter(|(_, answer)| is_deleted(answer)).map(|(key, _)| key.parent()).collect();
    for folder in folders {
        let Err(failure) = sync_folder(inner, session, &folder, Durability::Full).await else { continue };
        // If the folder is gone too, so are the names in it.
        if failure.is_missing() {
            continue;
        }
        for (key, answer) in keys.iter().zip(&mut answers) {
            if is_deleted(answer) && key.parent() == folder {
                *answer = Deleted::Failed(unclear(failure.clone(), key));
            }
        }
    }
    answers
}

async fn delete_one(inner: &Inner, session: &Session, key: &Key) -> Deleted {
    match try_delete(inner, session, key).await {
        Ok(deleted) => deleted,
        Err(error) => Deleted::Failed(error.during("delete").with("key", key)),
    }
}

async fn try_delete(inner: &Inner, session: &Session, key: &Key) -> Result<Deleted> {
    refuse_staging(key.as_str())?;
    match inner.root.look(session, key.as_str(), "delete").await? {
        Place::File(_) => {}
        Place::Link => return Err(links()),
        Place::Folder | Place::Other | Place::Missing | Place::BehindFile => return Ok(Deleted::Missing),
    }
    match session.remove(&inner.root.path(key.as_str())).await {
        Ok(()) => Ok(Deleted::Deleted),
        Err(failure) if failure.is_missing() => Ok(Deleted::Missing),
        Err(failure) if failure.is_unclear() => Err(unclear(failure, key)),
        Err(failure @ Failure::Status { code: status::FAILURE, .. }) => {
            match inner.root.look(session, key.as_str(), "delete").await? {
                // A folder has taken its place.
                Place::Folder | Place::Missing | Place::BehindFile => Ok(Deleted::Missing),
                _ => Err(explain(session, &inner.root.path(""), failure, "delete").await),
            }
        }
        Err(failure) => Err(failure.into_error("delete")),
    }
}

fn unclear(failure: Failure, key: &Key) -> Error {
    let message = "the object may or may not be deleted, or may come back after a power cut";
    Error::new(ErrorKind::OutcomeUnknown, message).with("key", key).caused_by(failure.into_error("delete"))
}

/// Copies an object where it is.
pub async fn copy(
    inner: &Inner,
    session: Arc<Session>,
    from: &Key,
    to: &Key,
    options: &CopyOptions,
) -> Result<Outcome> {
    let failed = |failure: Failure| failure.into_error("copy").with("key", from);
    inner.root.object(&session, from, "copy").await?;
    let source = session.open_to_read(&inner.root.path(from.as_str())).await.map_err(failed)?;
    let size = meta_of(from, &session.fstat(&source).await.map_err(failed)?)?.size;
    let mut staged = Staged::begin(inner, Arc::clone(&session), to).await?;
    for offset in (0..size).step_by(COPY_BYTES as usize) {
        let length = COPY_BYTES.min(size - offset);
        if let Err(failure) = session.copy_data(&source, offset, length, staged.file()?).await {
            return Err(explain(&session, &inner.root.staging(), failure, "copy").await.with("key", to));
        }
        staged.grow(length);
    }
    publish(inner, staged, &options.condition, options.durability).await
}
