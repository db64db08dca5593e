//! Deleting many objects, with an answer for each.

use futures::StreamExt;
use futures::stream;
use worldstore_core::{Deleted, Error, Key, Result};

use crate::attempts::watched;
use crate::backend::ObjectStoreBackend;

/// Keys of one request: what S3 takes.
const KEYS_AT_ONCE: usize = 1_000;

impl ObjectStoreBackend {
    pub(crate) async fn delete_keys(&self, keys: &[Key]) -> Result<Vec<Deleted>> {
        self.declared(self.capability.write, "the store is read-only")?;
        let paths = keys.iter().map(|key| self.path(key)).collect::<Result<Vec<_>>>()?;
        let mut answers = Vec::with_capacity(keys.len());
        for (keys, paths) in keys.chunks(KEYS_AT_ONCE).zip(paths.chunks(KEYS_AT_ONCE)) {
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
}
