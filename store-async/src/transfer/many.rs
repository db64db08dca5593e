//! Many keys in one call.

use worldstore_core::kernel::Missing;
use worldstore_core::transfer::{BatchOptions, BatchResult, DeletePlan, OnError, Removal};
use worldstore_core::{CopyOptions, DeleteOptions, Deleted, Key, ObjectMeta, Result};

use super::pool;
use crate::store::AsyncStore;

impl AsyncStore {
    /// Deletes objects, by as few requests as the backend allows: up to 1,000 keys go in one. Answers are in the order
    /// given. A key that is wrong fails before anything is sent; under [`OnError::Stop`] nothing is sent then, and
    /// otherwise no request is begun after one in which a key failed. Unlike [`delete`](AsyncStore::delete) it does not
    /// look first where a backend does not tell whether there was an object: that is [`Removal::Untold`].
    ///
    /// # Errors
    /// `Unsupported` or `Poisoned` before any I/O. Of single keys: as for [`delete`](AsyncStore::delete).
    pub async fn delete_many(
        &self,
        keys: &[&str],
        missing: Missing,
        options: &BatchOptions,
    ) -> Result<Vec<BatchResult<Removal>>> {
        self.kernel.may_delete(&DeleteOptions::default())?;
        let plan = DeletePlan::new(&self.kernel, keys, options.on_error);
        let stops =
            |answers: &Vec<Result<Removal>>| options.on_error == OnError::Stop && answers.iter().any(Result::is_err);
        let batches = plan.batches();
        let work = |index: usize| self.delete_batch(&batches[index], keys, missing);
        let answers = pool::run(batches.len(), options.concurrency, work, stops).await;
        Ok(plan.finish(answers))
    }

    /// Copies objects without reading them, each from the first key of a pair to the second, under one condition at
    /// every target. Answers are in the order given.
    ///
    /// # Errors
    /// `Unsupported` or `Poisoned` before any I/O. Of single keys: as for [`copy`](AsyncStore::copy).
    pub async fn copy_many(
        &self,
        pairs: &[(&str, &str)],
        copy: &CopyOptions,
        options: &BatchOptions,
    ) -> Result<Vec<BatchResult<ObjectMeta>>> {
        self.kernel.may_copy(copy)?;
        Ok(each(pairs.len(), options, |index| self.copy(pairs[index].0, pairs[index].1, copy)).await)
    }

    /// Tells of each path whether it is an object or a folder. Answers are in the order given.
    ///
    /// # Errors
    /// `Poisoned` if the store was closed. Of single paths: as for [`exists`](AsyncStore::exists).
    pub async fn exists_many(&self, paths: &[&str], options: &BatchOptions) -> Result<Vec<BatchResult<bool>>> {
        self.kernel.open()?;
        Ok(each(paths.len(), options, |index| self.exists(paths[index])).await)
    }

    async fn delete_batch(&self, batch: &[(usize, Key)], keys: &[&str], missing: Missing) -> Vec<Result<Removal>> {
        let full: Vec<Key> = batch.iter().map(|(_, key)| key.clone()).collect();
        let answer = self.backend.delete(&full, &DeleteOptions::default()).await;
        let answer = answer.map_err(|error| self.kernel.explain(error, "delete"));
        let mut removals = Vec::with_capacity(batch.len());
        for (answer, (index, full)) in DeletePlan::answers(batch, answer).into_iter().zip(batch) {
            let removal = match answer {
                Ok(answer) => self.removal(answer, keys[*index], full, missing).await,
                Err(error) => Err(error),
            };
            removals.push(removal);
        }
        removals
    }

    async fn removal(&self, answer: Deleted, key: &str, full: &Key, missing: Missing) -> Result<Removal> {
        let is_folder = match answer {
            Deleted::Missing => self.is_folder_key(full).await?,
            Deleted::Gone if !self.kernel.is_flat() => self.is_folder_key(full).await?,
            _ => false,
        };
        DeletePlan::removal(&self.kernel, key, answer, is_folder, missing)
    }
}

/// One request for each item.
pub(super) async fn each<Value, Work: Future<Output = Result<Value>>>(
    count: usize,
    options: &BatchOptions,
    work: impl Fn(usize) -> Work,
) -> Vec<BatchResult<Value>> {
    let stops = |result: &Result<Value>| options.on_error == OnError::Stop && result.is_err();
    pool::run(count, options.concurrency, work, stops).await.into_iter().map(BatchResult::from).collect()
}
