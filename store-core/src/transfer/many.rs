//! Many keys in one call.

use super::batch::{BatchOptions, BatchResult, DeletePlan, OnError, Removal};
use super::pool;
use crate::error::Result;
use crate::kernel::Missing;
use crate::key::Key;
use crate::ops::*;
use crate::store::Store;

impl Store {
    /// Deletes objects, by as few requests as the backend allows: up to 1,000 keys go in one. Answers are in the order
    /// given. A key that is wrong fails before anything is sent; under [`OnError::Stop`] nothing is sent then, and
    /// otherwise no request is begun after one in which a key failed. Unlike [`delete`](Store::delete) it does not look
    /// first where a backend does not tell whether there was an object: that is [`Removal::Untold`].
    ///
    /// # Errors
    /// `Unsupported` or `Poisoned` before any I/O. Of single keys: as for [`delete`](Store::delete).
    pub fn delete_many(
        &self,
        keys: &[&str],
        missing: Missing,
        options: &BatchOptions,
    ) -> Result<Vec<BatchResult<Removal>>> {
        self.kernel.may_delete(&DeleteOptions::default())?;
        let plan = DeletePlan::new(&self.kernel, keys, options.on_error);
        let stops =
            |answers: &Vec<Result<Removal>>| options.on_error == OnError::Stop && answers.iter().any(Result::is_err);
        let work = |batch: &Vec<(usize, Key)>| self.delete_batch(batch, keys, missing);
        let answers = pool::run(plan.batches(), options.concurrency, work, stops);
        Ok(plan.finish(answers))
    }

    /// Copies objects without reading them, each from the first key of a pair to the second, under one condition at
    /// every target. Answers are in the order given.
    ///
    /// # Errors
    /// `Unsupported` or `Poisoned` before any I/O. Of single keys: as for [`copy`](Store::copy).
    pub fn copy_many(
        &self,
        pairs: &[(&str, &str)],
        copy: &CopyOptions,
        options: &BatchOptions,
    ) -> Result<Vec<BatchResult<ObjectMeta>>> {
        self.kernel.may_copy(copy)?;
        Ok(each(pairs, options, |(from, to)| self.copy(from, to, copy)))
    }

    /// Tells of each path whether it is an object or a folder. Answers are in the order given.
    ///
    /// # Errors
    /// `Poisoned` if the store was closed. Of single paths: as for [`exists`](Store::exists).
    pub fn exists_many(&self, paths: &[&str], options: &BatchOptions) -> Result<Vec<BatchResult<bool>>> {
        self.kernel.open()?;
        Ok(each(paths, options, |path| self.exists(path)))
    }

    fn delete_batch(&self, batch: &[(usize, Key)], keys: &[&str], missing: Missing) -> Vec<Result<Removal>> {
        let full: Vec<Key> = batch.iter().map(|(_, key)| key.clone()).collect();
        let answer = self.backend.delete(&full, &DeleteOptions::default());
        let answer = answer.map_err(|error| self.kernel.explain(error, "delete"));
        let answers = DeletePlan::answers(batch, answer);
        answers
            .into_iter()
            .zip(batch)
            .map(|(answer, (index, full))| {
                let (answer, key) = (answer?, keys[*index]);
                let is_folder = match answer {
                    Deleted::Missing => self.is_folder_key(full)?,
                    Deleted::Gone if !self.kernel.is_flat() => self.is_folder_key(full)?,
                    _ => false,
                };
                DeletePlan::removal(&self.kernel, key, answer, is_folder, missing)
            })
            .collect()
    }
}

/// One request for each item.
pub(super) fn each<Item: Sync, Value: Send>(
    items: &[Item],
    options: &BatchOptions,
    work: impl Fn(&Item) -> Result<Value> + Sync,
) -> Vec<BatchResult<Value>> {
    let stops = |result: &Result<Value>| options.on_error == OnError::Stop && result.is_err();
    pool::run(items, options.concurrency, work, stops).into_iter().map(BatchResult::from).collect()
}
