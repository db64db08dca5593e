//! Many keys at once: how, and what came of each.

use crate::error::{Error, Result};
use crate::kernel::{Kernel, Missing};
use crate::key::Key;
use crate::ops::Deleted;

/// Keys of one native delete: what S3 takes at most.
const DELETE_KEYS_MAX: usize = 1000;

/// What a failure of one key means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Nothing: each has its own answer.
    #[default]
    Continue,
    /// Nothing more is begun. What is under way ends, and what was not begun is [`BatchResult::Skipped`].
    Stop,
}

/// Options of calls with many keys.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchOptions {
    /// How many requests may be under way at once: 8 by default, and at least one. On the sync side these are threads.
    pub concurrency: usize,
    /// What a failure means for the other keys; nothing by default.
    pub on_error: OnError,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { concurrency: 8, on_error: OnError::default() }
    }
}

impl BatchOptions {
    /// Sets how many requests may be under way at once; 0 counts as 1.
    #[must_use]
    pub fn with_concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(1);
        self
    }

    /// Sets what a failure means for the other keys.
    #[must_use]
    pub fn with_on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }
}

/// What came of one key.
#[derive(Debug)]
#[must_use = "a key that failed is not an error of the call"]
pub enum BatchResult<Value> {
    /// It was done.
    Done(Value),
    /// It failed.
    Failed(Error),
    /// It was not begun, because another key had failed before.
    Skipped,
}

impl<Value> BatchResult<Value> {
    /// True if it was done.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// The same without the value.
    pub fn without_value(self) -> BatchResult<()> {
        match self {
            Self::Done(_) => BatchResult::Done(()),
            Self::Failed(error) => BatchResult::Failed(error),
            Self::Skipped => BatchResult::Skipped,
        }
    }

    /// The error, if it failed.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Done(_) | Self::Skipped => None,
        }
    }
}

impl<Value> From<Option<Result<Value>>> for BatchResult<Value> {
    fn from(result: Option<Result<Value>>) -> Self {
        match result {
            Some(Ok(value)) => Self::Done(value),
            Some(Err(error)) => Self::Failed(error),
            None => Self::Skipped,
        }
    }
}

/// What a delete of one key among many found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// An object, which is gone.
    Deleted,
    /// None, and that was to be ignored.
    Missing,
    /// The backend does not tell; there is none now.
    Untold,
}

/// Keys of a delete, checked and cut into native deletes. No I/O.
#[derive(Debug)]
pub struct DeletePlan {
    results: Vec<Option<Result<Removal>>>,
    batches: Vec<Vec<(usize, Key)>>,
}

impl DeletePlan {
    /// Checks all keys. One that is wrong fails; under [`OnError::Stop`] nothing is begun then.
    pub fn new(kernel: &Kernel, keys: &[&str], on_error: OnError) -> Self {
        let (mut results, mut good) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (index, key) in keys.iter().enumerate() {
            match kernel.object(key) {
                Ok(key) => {
                    good.push((index, key));
                    results.push(None);
                }
                Err(error) => results.push(Some(Err(error))),
            }
        }
        let batches = match good.len() < keys.len() && on_error == OnError::Stop {
            true => Vec::new(),
            false => good.chunks(DELETE_KEYS_MAX).map(<[_]>::to_vec).collect(),
        };
        Self { results, batches }
    }

    /// The native deletes: each key with its place in the call.
    pub fn batches(&self) -> &[Vec<(usize, Key)>] {
        &self.batches
    }

    /// Takes the answers to the native deletes, in their order; none for one that was not begun.
    pub fn finish(mut self, answers: Vec<Option<Vec<Result<Removal>>>>) -> Vec<BatchResult<Removal>> {
        for (batch, answers) in self.batches.iter().zip(answers) {
            for ((index, _), answer) in batch.iter().zip(answers.into_iter().flatten()) {
                if let Some(place) = self.results.get_mut(*index) {
                    *place = Some(answer);
                }
            }
        }
        self.results.into_iter().map(BatchResult::from).collect()
    }

    /// The answers to one native delete, one for each of its keys.
    pub fn answers(asked: &[(usize, Key)], answer: Result<Vec<Deleted>>) -> Vec<Result<Deleted>> {
        match answer {
            Ok(answers) if answers.len() == asked.len() => answers.into_iter().map(Ok).collect(),
            Ok(answers) => {
                let (told, asked_count) = (answers.len(), asked.len());
                let error = Error::unexpected("backend did not report on every key");
                let error = error.with("asked", asked_count).with("told", told);
                asked.iter().map(|(_, key)| Err(again(&error, key))).collect()
            }
            Err(error) => asked.iter().map(|(_, key)| Err(again(&error, key))).collect(),
        }
    }

    /// What an answer means, once it is known whether a key that held nothing is a folder.
    ///
    /// # Errors
    /// `Invalid` for a folder; `NotFound` for a missing object unless it is to be ignored; those of the backend.
    pub fn removal(kernel: &Kernel, key: &str, answer: Deleted, is_folder: bool, missing: Missing) -> Result<Removal> {
        match answer {
            Deleted::Deleted => Ok(Removal::Deleted),
            Deleted::Failed(error) => Err(kernel.explain(error, "delete")),
            _ if is_folder => Err(kernel.absent(key, true, "delete")),
            Deleted::Gone => Ok(Removal::Untold),
            Deleted::Missing | Deleted::Rejected => match missing {
                Missing::Ignore => Ok(Removal::Missing),
                Missing::Refuse => Err(kernel.absent(key, false, "delete")),
            },
        }
    }
}

/// An error of a whole request as the error of one of its keys.
fn again(error: &Error, key: &Key) -> Error {
    let mut own = Error::new(error.kind(), error.message()).retry_as(error.retry()).with("key", key);
    for (name, value) in error.context().filter(|(name, _)| *name != "key") {
        own = own.with(name, value);
    }
    if let Some(pause) = error.retry_after() {
        own = own.with_retry_after(pause);
    }
    own.caused_by(format!("{error:?}"))
}
