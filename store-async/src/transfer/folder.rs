//! Making one folder like another.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use worldstore_core::kernel::{ListFilesOptions, Missing};
use worldstore_core::transfer::{BatchResult, OnError, Run, SyncAction, SyncOptions, SyncPlan, SyncReport, SyncStep};
use worldstore_core::{DeleteOptions, ReadOptions, Result};

use super::many::each;
use crate::backend::AsyncChunks;
use crate::store::AsyncStore;

impl AsyncStore {
    /// Makes a folder of a store, this one or another, like a folder of this one: copies what is missing or differs, and
    /// deletes what is too much if that is asked for, after all copies have succeeded. Each object appears whole or not
    /// at all; the folder as a whole does not change in one step. To go on after a failure, call it again.
    ///
    /// # Errors
    /// `Invalid` for folders of one backend of which one is in the other, or if one is an object; `ConditionFailed` if
    /// everything would be deleted because the source has nothing, `Unsupported`, those of listing. Failures of single
    /// objects are in the report.
    pub async fn sync_folder(
        &self,
        folder: &str,
        to: &AsyncStore,
        to_folder: &str,
        options: &SyncOptions,
    ) -> Result<SyncReport> {
        let mut plan = SyncPlan::new(folder, to_folder, options)?;
        if Arc::ptr_eq(&self.backend, &to.backend) {
            SyncPlan::refuse_overlap(&self.kernel.folder(folder)?, &to.kernel.folder(to_folder)?)?;
        }
        if options.run == Run::Execute {
            to.kernel.may_write(&options.transfer.to_write())?;
            to.kernel.may_delete(&DeleteOptions::default())?;
        }
        // The target first: what another brings there meanwhile is not taken for too much.
        let mut target = to.list_files(to_folder, &ListFilesOptions::recursive())?;
        while let Some(meta) = target.try_next().await? {
            plan.add_target(meta)?;
        }
        let mut source = self.list_files(folder, &ListFilesOptions::recursive())?;
        while let Some(meta) = source.try_next().await? {
            plan.add_source(meta)?;
        }
        let equal = self.equal_paths(&plan, to, options).await?;
        let (steps, unchanged) = plan.steps(options, &equal)?;
        let results = match options.run {
            Run::Dry => steps.iter().map(|_| BatchResult::Skipped).collect(),
            Run::Execute => self.take_steps(&plan, &steps, to, options).await?,
        };
        Ok(SyncReport::new(steps, results, unchanged))
    }

    /// The paths that have the same bytes on both sides.
    async fn equal_paths(&self, plan: &SyncPlan, to: &AsyncStore, options: &SyncOptions) -> Result<Vec<String>> {
        let paths = plan.to_read(options.compare);
        let batch = options.batch.clone().with_on_error(OnError::Stop);
        let compare = |index: usize| {
            let (from_key, to_key) = (plan.source_key(&paths[index]), plan.target_key(&paths[index]));
            async move {
                let left = self.read(&from_key, &ReadOptions::default()).await?.body;
                let right = to.read(&to_key, &ReadOptions::default()).await?.body;
                are_equal(Side { store: self, body: left }, Side { store: to, body: right }).await
            }
        };
        let compared = each(paths.len(), &batch, compare).await;
        let mut equal = Vec::new();
        for (path, result) in paths.into_iter().zip(compared) {
            match result {
                BatchResult::Done(true) => equal.push(path),
                BatchResult::Failed(error) => return Err(error),
                BatchResult::Done(false) | BatchResult::Skipped => {}
            }
        }
        Ok(equal)
    }

    /// Copies, and then deletes if nothing has failed.
    async fn take_steps(
        &self,
        plan: &SyncPlan,
        steps: &[SyncStep],
        to: &AsyncStore,
        options: &SyncOptions,
    ) -> Result<Vec<BatchResult<()>>> {
        let (copies, deletes) = steps.split_at(steps.partition_point(|step| step.action != SyncAction::Delete));
        let copy = |index: usize| {
            let path = &copies[index].path;
            let (from_key, to_key) = (plan.source_key(path), plan.target_key(path));
            async move { self.transfer(&from_key, to, &to_key, &options.transfer).await.map(drop) }
        };
        let mut results = each(copies.len(), &options.batch, copy).await;
        if !results.iter().all(BatchResult::is_done) {
            results.extend(deletes.iter().map(|_| BatchResult::Skipped));
            return Ok(results);
        }
        let keys: Vec<String> = deletes.iter().map(|step| plan.target_key(&step.path)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let deleted = to.delete_many(&keys, Missing::Ignore, &options.batch).await?;
        results.extend(deleted.into_iter().map(BatchResult::without_value));
        Ok(results)
    }
}

/// A body, and whose it is.
struct Side<'store> {
    store: &'store AsyncStore,
    body: AsyncChunks,
}

impl Side<'_> {
    /// The next chunk with bytes in it; an empty one at the end.
    async fn next(&mut self) -> Result<Bytes> {
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk.map_err(|error| self.store.kernel.explain(error, "sync"))?;
            if !chunk.is_empty() {
                return Ok(chunk);
            }
        }
        Ok(Bytes::new())
    }
}

async fn are_equal(mut left: Side<'_>, mut right: Side<'_>) -> Result<bool> {
    let (mut one, mut other) = (Bytes::new(), Bytes::new());
    loop {
        if one.is_empty() {
            one = left.next().await?;
        }
        if other.is_empty() {
            other = right.next().await?;
        }
        let both = one.len().min(other.len());
        if both == 0 {
            return Ok(one.is_empty() && other.is_empty());
        }
        if one.split_to(both) != other.split_to(both) {
            return Ok(false);
        }
    }
}
