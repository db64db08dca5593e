//! Fault hooks: a closure that is asked around every operation on a [`Memory`](super::Memory), and may let it fail.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{Deleted, Outcome};

/// What a hook is told.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'call> {
    /// The method: `stat`, `read`, `read_ranges`, `write`, `open_writer`, `commit`, `settle`, `delete`, `list`, `copy`,
    /// `rename` or `check`. `delete` is told once for each key.
    pub operation: &'static str,
    /// The key, that of the target for `copy` and `rename`; the folder for `list`; empty for `check`.
    pub key: &'call str,
    /// Before or after.
    pub moment: Moment,
}

/// When a hook is called. No lock is held: it may use the same memory, as another writer would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing has been done yet.
    Before,
    /// It has been done without an error, and the answer is on its way.
    After,
}

/// What a hook decides.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on.
    Pass,
    /// Answer with this error. Before, nothing is done; after, what was done stays done, as if the reply had failed.
    Fail(Error),
    /// Answer that the outcome is unknown: a lost request before, a lost reply after. Where an operation has no
    /// outcome, the error [`OutcomeUnknown`](ErrorKind::OutcomeUnknown).
    Unknown,
}

type Decide = dyn Fn(&Event<'_>) -> Verdict + Send + Sync;

/// The hook of a memory, or none.
#[derive(Clone, Default)]
pub(super) struct Hook(Option<Arc<Decide>>);

/// An answer that can say that it does not know.
pub(super) trait Answered {
    fn unknown() -> Result<Self>
    where
        Self: Sized,
    {
        Err(Error::new(ErrorKind::OutcomeUnknown, "the answer is lost"))
    }
}

impl Answered for Outcome {
    fn unknown() -> Result<Self> {
        Ok(Self::Unknown)
    }
}

impl Answered for Deleted {}
impl Answered for () {}
impl Answered for crate::ops::ObjectMeta {}
impl Answered for crate::ops::ReadReply<crate::ops::Chunks> {}
impl Answered for Vec<bytes::Bytes> {}
impl Answered for crate::ops::Settled {}
impl Answered for crate::ops::ListPage {}
impl Answered for Box<dyn crate::backend::Writer> {}

impl Hook {
    pub fn new(decide: impl Fn(&Event<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    /// Does the operation, unless the hook decides otherwise.
    #[inline]
    pub fn around<Value: Answered>(
        &self,
        operation: &'static str,
        key: &str,
        run: impl FnOnce() -> Result<Value>,
    ) -> Result<Value> {
        match &self.0 {
            None => run(),
            Some(decide) => judged(&**decide, operation, key, run),
        }
    }

    /// As [`around`](Self::around), for an operation on a key.
    #[inline]
    pub fn around_key<Value: Answered>(
        &self,
        operation: &'static str,
        key: &Key,
        run: impl FnOnce() -> Result<Value>,
    ) -> Result<Value> {
        self.around(operation, key.as_str(), run)
    }
}

#[cold]
fn judged<Value: Answered>(
    decide: &Decide,
    operation: &'static str,
    key: &str,
    run: impl FnOnce() -> Result<Value>,
) -> Result<Value> {
    match decide(&Event { operation, key, moment: Moment::Before }) {
        Verdict::Pass => {}
        Verdict::Fail(error) => return Err(error),
        Verdict::Unknown => return Value::unknown(),
    }
    let value = run()?;
    match decide(&Event { operation, key, moment: Moment::After }) {
        Verdict::Pass => Ok(value),
        Verdict::Fail(error) => Err(error),
        Verdict::Unknown => Value::unknown(),
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "hook" } else { "no hook" })
    }
}
