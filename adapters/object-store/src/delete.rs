//! Deleting many objects, with an answer for each.

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use worldstore_core::{Deleted, Error, ErrorKind, Key, Result, Version};

use crate::attempts::{Guard, guarded, watched};
use crate::backend::ObjectStoreBackend;
use crate::protocol::Deletes;

/// Deletes with a condition that are under way at once: each is a request.
const CONDITIONAL_AT_ONCE: usize = 8;

impl ObjectStoreBackend {
    pub(crate) async fn delete_keys(&self, keys: &[Key]) -> Result<Vec<Deleted>> {
        self.declared(self.capability.write, "the store is read-only")?;
        let paths = keys.iter().map(|key| self.path(key)).collect::<Result<Vec<_>>>()?;
        let mut answers = Vec::with_capacity(keys.len());
        let most = self.protocol.delete_keys_max;
        for (keys, paths) in keys.chunks(most).zip(paths.chunks(most)) {
            let paths: Vec<_> = paths.iter().cloned().map(Ok).collect();
            let deleting = self.store.delete_stream(stream::iter(paths).boxed()).collect::<Vec<_>>();
            let (results, seen) = watched(deleting).await;
            let (sent, mut results) = (keys.len() == results.len(), results.into_iter());
            if sent {
                answers.extend(keys.iter().zip(results).map(|(key, result)| match result {
                    Ok(_) => Deleted::Gone,
                    Err(object_store::Error::NotFound { .. }) => Deleted::Missing,
                    Err(error) => Deleted::Failed(self.error("delete", key.as_str(), error, seen)),
                }));
                continue;
            }
            // The request failed as a whole, with one error for all its keys.
            let failed = match results.find_map(|result| result.err()) {
                Some(error) => self.error("delete", "", error, seen),
                None => Error::unexpected("the store did not answer for every key").during("delete"),
            };
            answers.extend(keys.iter().map(|key| {
                let error = Error::new(failed.kind(), failed.message()).during("delete").retry_as(failed.retry());
                Deleted::Failed(error.with("backend", self).with("key", key).caused_by(failed.to_string()))
            }));
        }
        Ok(answers)
    }

    /// Deletes each object that is in this state, with one request per key that is sent once.
    pub(crate) async fn delete_if_match(&self, keys: &[Key], version: &Version) -> Result<Vec<Deleted>> {
        let declared = self.capability.write && self.capability.delete_if_match;
        self.declared(declared, "the store has no deletes with a condition")?;
        let paths = keys.iter().map(|key| self.path(key)).collect::<Result<Vec<_>>>()?;
        let Some(text) = self.protocol.single(version) else {
            return Ok(keys.iter().map(|_| Deleted::Rejected).collect());
        };
        let deletes = keys.iter().zip(&paths).map(|(key, path)| self.delete_state(key, path, text));
        Ok(stream::iter(deletes.collect::<Vec<_>>()).buffered(CONDITIONAL_AT_ONCE).collect().await)
    }

    async fn delete_state(&self, key: &Key, path: &Path, state: &str) -> Deleted {
        let (result, seen) = match self.protocol.deletes {
            Deletes::Header(name) => {
                let guard = Guard::new("DELETE", "", name, Some(state.to_owned())).once();
                let paths = stream::iter([Ok(path.clone())]).boxed();
                let deleting = self.conditional.delete_stream(paths).try_collect::<Vec<_>>();
                let (result, seen) = guarded(Some(guard), deleting).await;
                (result.map(|_| ()), seen)
            }
            #[cfg(feature = "cloud")]
            Deletes::Direct if let Some(direct) = &self.direct => watched(direct.delete(path, state)).await,
            _ => return Deleted::Failed(Error::unsupported("the store has no deletes with a condition")),
        };
        match result {
            Ok(()) => Deleted::Deleted,
            Err(_) if seen.unclear => Deleted::Failed(
                Error::new(ErrorKind::OutcomeUnknown, "the change may or may not have been applied")
                    .during("delete")
                    .with("backend", self)
                    .with("key", key),
            ),
            Err(_) if matches!(seen.status, Some(404 | 412)) => Deleted::Rejected,
            Err(error) => Deleted::Failed(self.error("delete", key.as_str(), error, seen)),
        }
    }
}
