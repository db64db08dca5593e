//! Making one folder like another: how, and what came of it.

use super::batch::{BatchOptions, BatchResult};
use super::options::TransferOptions;
use super::plan::{SyncAction, SyncStep};
use crate::error::Error;

/// When two objects count as equal. Objects of different size never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    /// They have the same size.
    Size,
    /// They have the same size, and the target was written after the source, or at the same moment. Clocks of two
    /// services may differ, and a source that is written while it is copied looks older than its copy. Without times
    /// nothing counts as equal.
    #[default]
    SizeAndTime,
    /// They have the same size and the same version: for two stores of one service whose versions depend on nothing but
    /// the bytes. Without versions nothing counts as equal.
    SizeAndVersion,
    /// They have the same bytes. Both sides are read, also in a dry run.
    Content,
}

/// What becomes of objects that only the target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extras {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted, once every copy has succeeded, and not at all if one has not.
    Delete,
}

/// Whether anything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Run {
    /// It is.
    #[default]
    Execute,
    /// Nothing is written or deleted; the report has the steps.
    Dry,
}

/// What a source without objects means when extras are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptySource {
    /// A mistake: a wrong name, or a folder that is gone. It is refused.
    #[default]
    Refuse,
    /// That the target shall be empty.
    Allow,
}

/// Options of [`sync_folder`](crate::Store::sync_folder).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SyncOptions {
    /// When two objects count as equal; by size and time by default.
    pub compare: Compare,
    /// What becomes of objects that only the target has; they stay by default.
    pub extras: Extras,
    /// Whether anything is done; yes by default.
    pub run: Run,
    /// What a source without objects means when extras are deleted; a mistake by default.
    pub empty_source: EmptySource,
    /// How many requests may be under way at once, and what a failure means for other objects.
    pub batch: BatchOptions,
    /// How each object is copied. It has no condition, for each object has another version.
    pub transfer: TransferOptions,
}

impl SyncOptions {
    /// Sets when two objects count as equal.
    #[must_use]
    pub fn with_compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Sets what becomes of objects that only the target has.
    #[must_use]
    pub fn with_extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Sets whether anything is done.
    #[must_use]
    pub fn with_run(mut self, run: Run) -> Self {
        self.run = run;
        self
    }

    /// Sets what a source without objects means when extras are deleted.
    #[must_use]
    pub fn with_empty_source(mut self, empty_source: EmptySource) -> Self {
        self.empty_source = empty_source;
        self
    }

    /// Sets how many requests may be under way, and what a failure means.
    #[must_use]
    pub fn with_batch(mut self, batch: BatchOptions) -> Self {
        self.batch = batch;
        self
    }

    /// Sets how each object is copied.
    #[must_use]
    pub fn with_transfer(mut self, transfer: TransferOptions) -> Self {
        self.transfer = transfer;
        self
    }
}

/// What came of a sync: the plan, and for each of its steps what became of it. In a dry run all are
/// [`BatchResult::Skipped`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SyncReport {
    /// The plan: copies in the order of their paths, then deletes.
    pub steps: Vec<SyncStep>,
    /// What became of each step, in the same order.
    pub results: Vec<BatchResult<()>>,
    /// Objects that were equal.
    pub unchanged: u64,
}

impl SyncReport {
    /// Puts the parts together.
    pub fn new(steps: Vec<SyncStep>, results: Vec<BatchResult<()>>, unchanged: u64) -> Self {
        Self { steps, results, unchanged }
    }

    /// How many objects were copied.
    pub fn copied(&self) -> u64 {
        self.done().filter(|step| step.action != SyncAction::Delete).count() as u64
    }

    /// Bytes of the objects that were copied.
    pub fn copied_bytes(&self) -> u64 {
        self.done().filter(|step| step.action != SyncAction::Delete).map(|step| step.bytes).sum()
    }

    /// How many objects were deleted, or were gone already.
    pub fn deleted(&self) -> u64 {
        self.done().filter(|step| step.action == SyncAction::Delete).count() as u64
    }

    /// Steps that failed, each with its error.
    pub fn failures(&self) -> impl Iterator<Item = (&SyncStep, &Error)> {
        self.steps.iter().zip(&self.results).filter_map(|(step, result)| Some((step, result.error()?)))
    }

    /// Steps that were not begun.
    pub fn skipped(&self) -> u64 {
        self.results.iter().filter(|result| matches!(result, BatchResult::Skipped)).count() as u64
    }

    fn done(&self) -> impl Iterator<Item = &SyncStep> {
        self.steps.iter().zip(&self.results).filter(|(_, result)| result.is_done()).map(|(step, _)| step)
    }
}
