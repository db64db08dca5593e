//! The log as its users hold it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;

use super::engine::{Appended, Engine, Waiting};
use super::files::{self, Opened, Recovery};
use super::format::frame_bytes;
use super::objects::{self, ObjectRecovery};
use super::options::{OverBudget, WalOptions, check_payload};
use super::record::{Record, RecordKind};
use super::sink::{Archive, Records, Sink, Trimmed};
use super::stats::WalStats;
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::vfs::Vfs;

/// An open log. Clones are the same log, for as many threads as there are.
///
/// When the last one is dropped, what was appended is made durable, and the log is closed. That takes a sync; in async code
/// it is better done with [`close`](Self::close) where blocking is allowed.
#[derive(Clone)]
pub struct Wal {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<Engine>,
    archive: Arc<dyn Archive>,
    over_budget: OverBudget,
    epoch: u64,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

impl Wal {
    /// Opens the log in a folder below the root, and makes it if there is none. The folder is its alone.
    ///
    /// All of the log is read. What the last writer was writing when it was stopped is cut off, if none of it was
    /// acknowledged. Then the writers before are locked out.
    ///
    /// # Errors
    /// `Conflict` if another has it open. `Corrupt` if it is damaged in a way that no crash leaves: then nothing of it was
    /// changed, and [`salvage`](super::salvage) copies what can be read. `Unsupported` if it is of a later version of
    /// the format. `Invalid` if an option is. `StorageFull` and others of the file system.
    pub fn open<V: Vfs>(vfs: &V, folder: &str, options: WalOptions) -> Result<(Self, Recovery)> {
        let Opened { sink, files, recovery } = files::open(vfs, folder, &options, 1)?;
        let archive = Arc::new(files::FileArchive(files));
        let state = Reopened { last: recovery.last, bytes: recovery.bytes, epoch: recovery.epoch };
        let wal = Self::start(Box::new(sink), archive, state, &options)?;
        Ok((wal, recovery))
    }

    /// Opens the log in a folder of a backend, and makes it if there is none. The folder is its alone.
    ///
    /// Names and sizes of all its objects are looked at, and the last one is read; the others are tested when they are
    /// replayed. Then the writers before are locked out. Of the options, those of segments and locks mean nothing here.
    /// What is durable is what the backend says: [`Capability::durable`](crate::Capability::durable). A write that fails in
    /// passing is tried again for about a second; for reads, and for longer, there is
    /// [`RetryBackend`](crate::wrap::RetryBackend).
    ///
    /// # Errors
    /// `Unsupported` unless the backend has `write_if_absent` and `list_sorted`. `Corrupt` if objects are missing or the
    /// last one is damaged. `Conflict` if others open it all the time. `OutcomeUnknown` and others of the backend; opening
    /// again does no harm.
    pub fn open_objects(
        backend: Arc<dyn Backend>,
        folder: Prefix,
        options: WalOptions,
    ) -> Result<(Self, ObjectRecovery)> {
        options.check()?;
        // A backend may block for long, or not be callable from tasks at all.
        let options = options.with_lead_within(Duration::ZERO);
        let objects::Opened { sink, archive, recovery } = objects::open(backend, folder, options.planted)?;
        let state = Reopened { last: recovery.last, bytes: recovery.bytes, epoch: recovery.epoch };
        let wal = Self::start(Box::new(sink), Arc::new(archive), state, &options)?;
        Ok((wal, recovery))
    }

    /// A log on a sink and an archive that are open.
    pub(crate) fn start(
        sink: Box<dyn Sink>,
        archive: Arc<dyn Archive>,
        state: Reopened,
        options: &WalOptions,
    ) -> Result<Self> {
        let engine = Engine::new(sink, state.last, state.bytes, options.settings());
        let flusher = Mutex::new(engine.start()?);
        let (over_budget, epoch) = (options.over_budget, state.epoch);
        Ok(Self { inner: Arc::new(Inner { engine, archive, over_budget, epoch, flusher }) })
    }

    /// Appends a record. It has its number then, and is on its way: [`Appended`] tells when it is durable.
    ///
    /// Over budget it waits or fails, as [`WalOptions::over_budget`] says.
    ///
    /// # Errors
    /// `Invalid`: the payload is larger than 256 MiB, or than a budget. `Unavailable`: over budget. `StorageFull`: there was
    /// no room for records before; it is looked for again. `Poisoned`, `Fenced`: the log has failed, or is closed.
    /// In each case nothing was appended.
    pub fn append(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<Appended> {
        let payload = checked(payload.into())?;
        self.inner.engine.append(kind.get(), payload, self.inner.over_budget)
    }

    /// Appends a record as [`append`](Self::append) does, and never waits for room.
    ///
    /// # Errors
    /// As for [`append`](Self::append); `Unavailable` over budget.
    pub fn try_append(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<Appended> {
        self.inner.engine.append(kind.get(), checked(payload.into())?, OverBudget::Refuse)
    }

    /// Appends a record as [`try_append`](Self::try_append) does, for a task that awaits it at once: the fastest way for
    /// those. The [`Appended`] has to be awaited to its end, waited for or dropped: one that is polled once and then left
    /// alone is written only with records of others. See [`WalOptions::lead_within`].
    ///
    /// # Errors
    /// As for [`try_append`](Self::try_append).
    pub fn try_append_awaited(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<Appended> {
        self.inner.engine.append_awaited(kind.get(), checked(payload.into())?)
    }

    /// Appends a record, waits until it is durable, and gives its number: the fastest way for one who waits anyway.
    ///
    /// # Errors
    /// As for [`append`](Self::append) and [`Appended::wait`].
    pub fn append_durable(&self, kind: RecordKind, payload: impl Into<Bytes>) -> Result<u64> {
        self.inner.engine.append_durable(kind.get(), checked(payload.into())?)
    }

    /// Waits until a record with so many bytes may be within the budgets. It promises nothing: another may be faster.
    ///
    /// # Errors
    /// `Invalid` if it never will.
    pub fn room(&self, payload_bytes: usize) -> Result<Waiting> {
        check_payload(payload_bytes)?;
        self.inner.engine.room(payload_bytes)
    }

    /// The first record that is kept, or that will be: 1 until the log is trimmed.
    pub fn first(&self) -> u64 {
        self.inner.archive.first()
    }

    /// The last record that was appended, durable or not. One less than the first if there is none.
    pub fn last(&self) -> u64 {
        self.inner.engine.last()
    }

    /// The last record that is durable; all before it are.
    pub fn durable(&self) -> u64 {
        self.inner.engine.durable()
    }

    /// Waits until a record, and all before it, are durable.
    ///
    /// # Errors
    /// `Invalid` if no such record was appended; otherwise as for [`Appended::wait`].
    pub fn wait_durable(&self, seq: u64) -> Result<()> {
        match seq <= self.durable() {
            true => Ok(()),
            false => self.until_durable(seq)?.wait(),
        }
    }

    /// As [`wait_durable`](Self::wait_durable), as a future too.
    ///
    /// # Errors
    /// As for [`wait_durable`](Self::wait_durable).
    pub fn until_durable(&self, seq: u64) -> Result<Waiting> {
        self.inner.engine.until_durable(seq)
    }

    /// Whether a record with so many bytes may ever be within the budgets.
    pub fn fits(&self, payload_bytes: usize) -> bool {
        check_payload(payload_bytes).is_ok() && self.inner.engine.fits(frame_bytes(payload_bytes) as u64).is_ok()
    }

    /// What happens over budget.
    pub fn over_budget(&self) -> OverBudget {
        self.inner.over_budget
    }

    /// Reads records after a number, in their order, up to the last one that is durable now. They are read as they are asked
    /// for, with little memory. Trimming them meanwhile ends it with `NotFound`.
    ///
    /// # Errors
    /// `NotFound` if records after that one were trimmed already: from [`first`](Self::first) minus one on all are
    /// there. `Invalid` if no such record is durable.
    pub fn replay(&self, after: u64) -> Result<Replay> {
        let through = self.durable();
        if after > through {
            let error = Error::invalid("record is not durable").with("after", after);
            return Err(error.with("durable", through));
        }
        Ok(Replay(self.inner.archive.replay(after, through)?))
    }

    /// Forgets records up to a number, because they are kept elsewhere. Whole segments go, from the oldest on; the last
    /// one stays, and if all its records may go and are many, it is a new one then. What went stays gone after a crash.
    ///
    /// # Errors
    /// `Invalid` if no such record is durable. `Poisoned` if a name could not be removed durably, or the log has failed
    /// before; `Fenced` if it is known that another has the log by now; `StorageFull` if there is no room to note where the
    /// log begins. Where a trim fails otherwise, appending goes on.
    pub fn trim(&self, through: u64) -> Result<Trimmed> {
        let durable = self.durable();
        if through > durable {
            let error = Error::invalid("record is not durable").with("through", through);
            return Err(error.with("durable", durable));
        }
        self.inner.engine.failed()?;
        if through == durable {
            self.inner.engine.turn(through)?;
        }
        let trimmed = self.inner.archive.trim(through);
        self.inner.engine.trimmed(through, &trimmed.as_ref().map(|trimmed| trimmed.bytes).map_err(Clone::clone));
        trimmed.map_err(|failure| failure.error())
    }

    /// Figures.
    pub fn stats(&self) -> WalStats {
        let counts = self.inner.engine.counts();
        WalStats {
            epoch: self.inner.epoch,
            first: self.first(),
            last: counts.last,
            durable: self.durable(),
            unsynced_bytes: counts.unsynced_bytes,
            retained_bytes: counts.retained_bytes,
            segments: self.inner.archive.segments(),
            groups: counts.groups,
            records: counts.records,
            largest_group: counts.largest_group,
            bytes: counts.bytes,
        }
    }

    /// Makes durable what was appended, ends the threads and lets go of the log, for all clones: what they append from
    /// now on fails.
    ///
    /// # Errors
    /// As for [`Appended::wait`]. The log is let go of all the same.
    pub fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

/// What a sink was found to hold when it was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reopened {
    /// The last record.
    pub last: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// The epoch of this writer.
    pub epoch: u64,
}

fn checked(payload: Bytes) -> Result<Bytes> {
    check_payload(payload.len())?;
    Ok(payload)
}

impl Inner {
    fn close(&self) -> Result<()> {
        let flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner).take();
        close(&self.engine, flusher)
    }
}

fn close(engine: &Engine, flusher: Option<JoinHandle<()>>) -> Result<()> {
    engine.close(|| {
        if let Some(flusher) = flusher {
            let _ = flusher.join();
        }
    })
}

impl Drop for Inner {
    /// Who wants to know has waited for the records, or called `close`.
    fn drop(&mut self) {
        if !self.engine.is_led_here() {
            let _ = self.close();
            return;
        }
        // A waker has dropped the last handle, in the thread that writes: it cannot wait for itself.
        let engine = Arc::clone(&self.engine);
        let flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = thread::Builder::new().name("worldstore-log-end".into()).spawn(move || close(&engine, flusher));
    }
}

impl fmt::Debug for Wal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = &self.inner.archive;
        f.debug_struct("Wal").field("durable", &self.durable()).field("archive", archive).finish_non_exhaustive()
    }
}

/// Records of a log, read as they are asked for. It ends after the first error.
pub struct Replay(Records);

impl Iterator for Replay {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        self.0.next()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}
