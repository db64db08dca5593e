//! Crashes and faults at every call of a piece of work, and a check of what each leaves.

mod failure;
mod faults;
mod probe;
mod report;
mod round;

use std::fmt::Display;

pub use failure::CrashFailure;
pub use report::Report;

use super::{Choice, Random, SimVfs};
use probe::Probe;

/// Images of all suites together, to which a wish for more or fewer relates.
const IMAGES_OF_ALL: u64 = 50_000;

/// Crashes work at each of its calls, takes images, and has them checked; or has calls fail.
///
/// The work is a function that uses a [`SimVfs`] and notes in a model what it was promised, before it goes on; it ends
/// at the first error, as a process would that cannot go on. The check recovers from an image and compares it with the
/// model. It may go on writing, and notes that in the model too: it may itself be crashed, and the model then goes to the
/// next check. What a check finds wrong it returns, or it panics.
///
/// Both are called many times, and with different numbers by chance: each round takes another seed.
///
/// # Threads
/// If the work has threads, the order of its calls may differ between two runs. A crash strikes at the k-th call whatever
/// that is, and the images show the state of that moment, so every failure is a true one; but it need not come again at
/// the same number. [`Report::order_varies`] and the failure say so, and a replay tries several times.
///
/// # Environment
/// - `WORLDSTORE_CRASH_IMAGES`: images of all suites together, 50,000 if it is not set; each takes its share.
/// - `WORLDSTORE_CRASH_SEED`: where rounds begin to count.
/// - `WORLDSTORE_CRASH_REPLAY`: the one image to take, as a failure tells it.
/// - `WORLDSTORE_CRASH_REPORT`: a file to which a line is added for each suite.
///
/// ```
/// use worldstore_core::vfs::sim::{Explorer, SimVfs};
/// use worldstore_core::vfs::{File, Folder, Vfs};
///
/// /// Writes a file and promises it.
/// fn work(vfs: &SimVfs, promised: &mut bool) -> std::io::Result<()> {
///     let root = vfs.root()?;
///     let file = root.create("a")?;
///     file.write_at(b"content", 0)?;
///     file.sync_data()?;
///     root.sync()?;
///     *promised = true;
///     Ok(())
/// }
///
/// let report = Explorer::new("example", 100).explore(
///     |vfs, _, promised: &mut bool| drop(work(vfs, promised)),
///     |vfs, promised| match vfs.root().and_then(|root| root.stat("a")) {
///         Ok(stat) if stat.length == 7 => Ok(()),
///         other if *promised => Err(format!("lost: {other:?}")),
///         _ => Ok(()),
///     },
/// )?;
/// assert!(report.images() > 0);
/// # Ok::<(), worldstore_core::vfs::sim::CrashFailure>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Explorer {
    name: String,
    images: u64,
    seed: u64,
    start: SimVfs,
    replay: Option<String>,
}

impl Explorer {
    /// An explorer that takes about so many images, or its share of those that the environment asks for. The name is
    /// that of the test, as one would give it to run this test alone.
    pub fn new(name: impl Display, images: u64) -> Self {
        let number = |variable: &str| std::env::var(variable).ok().and_then(|value| value.parse::<u64>().ok());
        let all = number("WORLDSTORE_CRASH_IMAGES").unwrap_or(IMAGES_OF_ALL);
        let share = u128::from(images) * u128::from(all) / u128::from(IMAGES_OF_ALL);
        let replay = std::env::var("WORLDSTORE_CRASH_REPLAY").ok();
        Self {
            seed: number("WORLDSTORE_CRASH_SEED").unwrap_or(1),
            replay,
            ..Self::fixed(name, u64::try_from(share).unwrap_or(u64::MAX).max(1))
        }
    }

    /// An explorer that takes about so many images whatever the environment says.
    pub fn fixed(name: impl Display, images: u64) -> Self {
        Self { name: name.to_string(), images, seed: 1, start: SimVfs::new(), replay: None }
    }

    /// Begins to count rounds elsewhere. Default: 1, or what the environment says.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Has all work begin with what this file system holds, all of it durable. Default: nothing.
    pub fn starting_from(self, vfs: &SimVfs) -> Self {
        Self { start: vfs.image(Choice::Everything).vfs, ..self }
    }

    /// Takes one image only: that of a [`CrashFailure::replay`].
    pub fn replaying(self, place: impl Into<String>) -> Self {
        Self { replay: Some(place.into()), ..self }
    }

    /// Crashes the work just before each of its calls that change something, and after the last; takes images each
    /// time and has them checked; crashes some of the checks too, and checks what that leaves.
    ///
    /// # Errors
    /// What the first check that failed found, and how to see it again.
    pub fn explore<M: Clone + Default>(
        &self,
        work: impl Fn(&SimVfs, &mut Random, &mut M),
        check: impl Fn(&SimVfs, &mut M) -> Result<(), String>,
    ) -> Result<Report, CrashFailure> {
        let mut probe = Probe::new(self, &work, &check);
        match &self.replay {
            Some(place) => probe.replay_at(place)?,
            None => probe.crash_everywhere()?,
        }
        Ok(probe.report.told())
    }

    /// Has each call of the work fail, once and from then on, in each way; checks what is there for the next process,
    /// and what a power cut leaves then. Counts the images of both.
    ///
    /// # Errors
    /// What the first check that failed found, and how to see it again.
    pub fn explore_faults<M: Clone + Default>(
        &self,
        work: impl Fn(&SimVfs, &mut Random, &mut M),
        check: impl Fn(&SimVfs, &mut M) -> Result<(), String>,
    ) -> Result<Report, CrashFailure> {
        let mut probe = Probe::new(self, &work, &check);
        match &self.replay {
            Some(place) => probe.replay_at(place)?,
            None => probe.fail_everywhere()?,
        }
        Ok(probe.report.told())
    }

    /// Explores crashes, and then faults, in work that has a bug planted in it. Gives the failure by which it was
    /// caught.
    ///
    /// # Errors
    /// The report of an exploration that saw nothing.
    pub fn catch<M: Clone + Default>(
        &self,
        bug: impl Display,
        work: impl Fn(&SimVfs, &mut Random, &mut M),
        check: impl Fn(&SimVfs, &mut M) -> Result<(), String>,
    ) -> Result<CrashFailure, Box<Report>> {
        let mut probe = Probe::new(self, &work, &check);
        let outcome = probe.crash_everywhere().and_then(|()| probe.fail_everywhere());
        let report = probe.report.about(&bug.to_string(), outcome.is_err()).told();
        match outcome {
            Err(failure) => Ok(failure),
            Ok(()) => Err(Box::new(report)),
        }
    }
}
