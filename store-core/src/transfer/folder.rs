//! Making one folder like another.

use std::sync::Arc;

use super::batch::{BatchResult, OnError};
use super::many::each;
use super::plan::{SyncAction, SyncPlan, SyncStep, are_equal};
use super::sync::{Run, SyncOptions, SyncReport};
use crate::error::Result;
use crate::kernel::{ListFilesOptions, Missing};
use crate::ops::{Chunks, DeleteOptions, ReadOptions};
use crate::store::Store;

impl Store {
    /// Makes a folder of a store, this one or another, like a folder of this one: copies what is missing or differs, and
    /// deletes what is too much if that is asked for, after all copies have succeeded. Each object appears whole or not
    /// at all; the folder as a whole does not change in one step. To go on after a failure, call it again.
    ///
    /// # Errors
    /// `Invalid` for folders of one backend of which one is in the other, or if one is an object; `ConditionFailed` if
    /// everything would be deleted because the source has nothing, `Unsupported`, those of listing. Failures of single
    /// objects are in the report.
    pub fn sync_folder(&self, folder: &str, to: &Store, to_folder: &str, options: &SyncOptions) -> Result<SyncReport> {
        let mut plan = SyncPlan::new(folder, to_folder, options)?;
        if Arc::ptr_eq(&self.backend, &to.backend) {
            SyncPlan::refuse_overlap(&self.kernel.folder(folder)?, &to.kernel.folder(to_folder)?)?;
        }
        if options.run == Run::Execute {
            to.kernel.may_write(&options.transfer.to_write())?;
            to.kernel.may_delete(&DeleteOptions::default())?;
        }
        // The target first: what another brings there meanwhile is not taken for too much.
        for meta in to.list_files(to_folder, &ListFilesOptions::recursive())? {
            plan.add_target(meta?)?;
        }
        for meta in self.list_files(folder, &ListFilesOptions::recursive())? {
            plan.add_source(meta?)?;
        }
        let equal = self.equal_paths(&plan, to, options)?;
        let (steps, unchanged) = plan.steps(options, &equal)?;
        let results = match options.run {
            Run::Dry => steps.iter().map(|_| BatchResult::Skipped).collect(),
            Run::Execute => self.take_steps(&plan, &steps, to, options)?,
        };
        Ok(SyncReport::new(steps, results, unchanged))
    }

    /// The paths that have the same bytes on both sides.
    fn equal_paths(&self, plan: &SyncPlan, to: &Store, options: &SyncOptions) -> Result<Vec<String>> {
        let paths = plan.to_read(options.compare);
        let batch = options.batch.clone().with_on_error(OnError::Stop);
        let compared = each(&paths, &batch, |path| {
            let left = self.read(&plan.source_key(path), &ReadOptions::default())?.body;
            let right = to.read(&plan.target_key(path), &ReadOptions::default())?.body;
            are_equal(next_of(self, left), next_of(to, right))
        });
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
    fn take_steps(
        &self,
        plan: &SyncPlan,
        steps: &[SyncStep],
        to: &Store,
        options: &SyncOptions,
    ) -> Result<Vec<BatchResult<()>>> {
        let (copies, deletes) = steps.split_at(steps.partition_point(|step| step.action != SyncAction::Delete));
        let mut results = each(copies, &options.batch, |step| {
            let (from_key, to_key) = (plan.source_key(&step.path), plan.target_key(&step.path));
            self.transfer(&from_key, to, &to_key, &options.transfer).map(drop)
        });
        if !results.iter().all(BatchResult::is_done) {
            results.extend(deletes.iter().map(|_| BatchResult::Skipped));
            return Ok(results);
        }
        let keys: Vec<String> = deletes.iter().map(|step| plan.target_key(&step.path)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let deleted = to.delete_many(&keys, Missing::Ignore, &options.batch)?;
        results.extend(deleted.into_iter().map(BatchResult::without_value));
        Ok(results)
    }
}

fn next_of(store: &Store, mut body: Chunks) -> impl FnMut() -> Result<Option<bytes::Bytes>> {
    move || body.next().transpose().map_err(|error| store.kernel.explain(error, "sync"))
}
