//! One suite for all storages, sync and async: what [`Storage`] promises, case by case, and random changes against a
//! model.
//!
//! ```
//! use worldstore_ecs::{Local, conformance};
//!
//! # fn main() -> worldstore_core::Result<()> {
//! conformance::run(&mut || Ok(Box::new(Local::new()))).check()?;
//! conformance::model(&mut || Ok(Box::new(Local::new())), None, 7, 200)?;
//! # Ok(()) }
//! ```

mod cases;
pub mod components;
mod direct;
pub mod kills;
mod model;
pub mod steps;

use std::fmt;

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt};
use worldstore_core::{Error, Result};

use crate::async_storage::AsyncStorage;
use crate::storage::Storage;

use direct::Direct;

/// Makes a storage without entities, apart from all that were made before.
pub type Make<'a> = dyn FnMut() -> Result<Box<dyn Storage>> + Send + 'a;

/// Makes a storage without entities, apart from all that were made before.
pub type AsyncMake<'a> = dyn FnMut() -> BoxFuture<'static, Result<Box<dyn AsyncStorage>>> + Send + 'a;

/// Ends a storage as a crash does, and opens what is left of it.
pub type Reopen<'a> = dyn FnMut(Box<dyn Storage>) -> Result<Box<dyn Storage>> + Send + 'a;

/// Ends a storage as a crash does, and opens what is left of it.
pub type AsyncReopen<'a> =
    dyn FnMut(Box<dyn AsyncStorage>) -> BoxFuture<'static, Result<Box<dyn AsyncStorage>>> + Send + 'a;

/// What became of the cases.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// The cases that passed.
    pub passed: Vec<&'static str>,
    /// The cases that failed, and why.
    pub failed: Vec<(&'static str, Error)>,
}

impl Report {
    /// An error that lists the cases that failed, if any did.
    ///
    /// # Errors
    /// `Unexpected` if a case failed.
    pub fn check(&self) -> Result<()> {
        if self.failed.is_empty() && !self.passed.is_empty() {
            return Ok(());
        }
        Err(Error::unexpected("the storage does not keep its promises").with("cases", self))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed.len(), self.failed.len())?;
        self.failed.iter().try_for_each(|(name, error)| write!(f, "\n  {name}: {error:?}"))
    }
}

/// Runs all cases on a storage.
pub fn run(make: &mut Make<'_>) -> Report {
    block_on(run_async(&mut || {
        let made = make().map(|storage| Box::new(Direct::new(storage)) as Box<dyn AsyncStorage>);
        async move { made }.boxed()
    }))
}

/// Runs all cases on an async storage.
pub async fn run_async(make: &mut AsyncMake<'_>) -> Report {
    let mut report = Report::default();
    for (name, case) in cases::ALL {
        match case(make).await {
            Ok(()) => report.passed.push(name),
            Err(error) => report.failed.push((name, error)),
        }
    }
    report
}

/// What is wrong with a storage first: whatever a model under random changes shows, or else a case. None if nothing is.
pub fn defect(make: &mut Make<'_>, mut reopen: Option<&mut Reopen<'_>>) -> Option<Error> {
    let modelled = (0..8).find_map(|seed| model(make, reopen.as_deref_mut(), seed, 200).err());
    modelled.or_else(|| run(make).check().err())
}

/// As [`defect`], of an async storage.
pub async fn defect_async(make: &mut AsyncMake<'_>, mut reopen: Option<&mut AsyncReopen<'_>>) -> Option<Error> {
    for seed in 0..8 {
        if let Err(error) = model_async(make, reopen.as_deref_mut(), seed, 200).await {
            return Some(error);
        }
    }
    run_async(make).await.check().err()
}

/// Makes random changes on a storage and on a model, and compares all that can be asked. Snapshots are restored in
/// between, into the same storage and into fresh ones; if the storage can be reopened, it crashes in between. One seed
/// gives one sequence of changes.
///
/// # Errors
/// `Unexpected` with the step if storage and model differ. Those of the storage.
pub fn model(make: &mut Make<'_>, reopen: Option<&mut Reopen<'_>>, seed: u64, steps: usize) -> Result<()> {
    let mut make = || {
        let made = make().map(Direct::new);
        async move { made }.boxed()
    };
    let Some(reopen) = reopen else { return block_on(model::run(&mut make, None, seed, steps)) };
    let mut reopen = |storage: Direct| {
        let reopened = reopen(storage.into_storage()).map(Direct::new);
        async move { reopened }.boxed()
    };
    block_on(model::run(&mut make, Some(&mut reopen), seed, steps))
}

/// As [`model`], on an async storage.
///
/// # Errors
/// As [`model`].
pub async fn model_async(
    make: &mut AsyncMake<'_>,
    reopen: Option<&mut AsyncReopen<'_>>,
    seed: u64,
    steps: usize,
) -> Result<()> {
    model::run(make, reopen, seed, steps).await
}
