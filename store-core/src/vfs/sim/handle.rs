//! Calls on open nodes: counted, failed on demand, and nothing after a crash.

use std::io::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rustix::io::Errno;

use super::fault::{Operation, Verdict};
use super::node::Body;
use super::state::State;
use crate::vfs::{Kind, Stat};

/// The number of the device that holds all files here.
const DEVICE: u64 = 0x57_53;

/// What all handles of a file system share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Told when a lock is given back, or all of them by a crash.
    freed: Condvar,
    /// The thread that made it, and whether others sync too.
    home: ThreadId,
    crowded: AtomicBool,
}

impl Shared {
    pub fn new(state: State) -> Self {
        let (freed, home, crowded) = (Condvar::new(), thread::current().id(), AtomicBool::new(false));
        Self { state: Mutex::new(state), freed, home, crowded }
    }

    /// Lets others in between, where there are any: on a busy machine a thread that yields is away for long.
    fn let_in(&self) {
        if thread::current().id() != self.home {
            self.crowded.store(true, Ordering::Relaxed);
        }
        if self.crowded.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for a lock.
    pub fn wake(&self) {
        self.freed.notify_all();
    }
}

/// An open node.
#[derive(Debug)]
pub(super) struct Handle {
    pub shared: Arc<Shared>,
    pub key: u64,
    id: u64,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.state().close_handle(self.key, self.id);
        self.shared.wake();
    }
}

impl Handle {
    /// Opens a node. The state is that of `shared`, already locked.
    pub fn open(shared: &Arc<Shared>, state: &mut State, key: u64) -> Result<Self> {
        let id = state.open_handle(key)?;
        Ok(Self { shared: Arc::clone(shared), key, id })
    }

    /// Makes a call. The body is told how many bytes it may write.
    pub fn call<T>(
        &self,
        operation: Operation,
        name: &str,
        range: Option<(u64, u64)>,
        body: impl FnOnce(&mut State, usize) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.shared.state();
        let verdict = state.judge(operation, self.key, name, range);
        self.woken(&state);
        match verdict {
            Verdict::Pass => body(&mut state, usize::MAX),
            Verdict::Short(bytes) => body(&mut state, bytes),
            Verdict::Fail(error) => Err(error),
            Verdict::FailAfter(error) => {
                let outcome = body(&mut state, usize::MAX);
                // A handle that was opened in vain takes the lock to close itself.
                drop(state);
                outcome.and(Err(error))
            }
        }
    }

    /// A crash frees those who wait for a lock: they learn of it.
    fn woken(&self, state: &State) {
        if state.crashed {
            self.shared.wake();
        }
    }

    /// Makes a call that syncs. What is written while it is under way is not covered by it, as little as on a disk.
    pub fn sync(&self, operation: Operation) -> Result<()> {
        let (until, verdict) = {
            let mut state = self.shared.state();
            let verdict = state.judge(operation, self.key, "", None);
            self.woken(&state);
            (state.order, verdict)
        };
        let failure = match verdict {
            Verdict::Pass | Verdict::Short(_) => None,
            Verdict::FailAfter(error) => Some((error, true)),
            Verdict::Fail(error) => Some((error, false)),
        };
        self.shared.let_in();
        let mut state = self.shared.state();
        if state.crashed {
            return Err(Errno::IO.into());
        }
        match failure {
            None => self.make_durable(&mut state, operation, until),
            Some((error, true)) => self.make_durable(&mut state, operation, until).and(Err(error)),
            Some((error, false)) => self.give_up(&mut state, operation, until, error),
        }
    }

    fn make_durable(&self, state: &mut State, operation: Operation, until: u64) -> Result<()> {
        match &mut state.node(self.key)?.body {
            Body::Folder(_) => state.sync_folder(self.key, until),
            Body::File(file) => {
                file.sync_data(until);
                if operation == Operation::SyncAll {
                    file.sync_meta(until);
                }
                Ok(())
            }
        }
    }

    /// A sync that fails leaves what it covered clean: no later one writes it.
    fn give_up(&self, state: &mut State, operation: Operation, until: u64, error: Error) -> Result<()> {
        match &mut state.node(self.key)?.body {
            Body::Folder(folder) => folder.log.fail(until),
            Body::File(file) => {
                file.log.fail(until);
                if operation == Operation::SyncAll {
                    file.meta_log.fail(until);
                }
            }
        }
        Err(error)
    }

    /// Locks the node, after waiting if that is wanted. False if another handle has it.
    pub fn lock(&self, wait: bool) -> Result<bool> {
        let mut state = self.shared.state();
        match state.judge(Operation::Lock, self.key, "", None) {
            Verdict::Fail(error) | Verdict::FailAfter(error) => return Err(error),
            Verdict::Pass | Verdict::Short(_) => {}
        }
        loop {
            let holder = &mut state.node(self.key)?.holder;
            if holder.is_none_or(|holder| holder == self.id) {
                *holder = Some(self.id);
                return Ok(true);
            }
            if !wait {
                return Ok(false);
            }
            state = self.shared.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.crashed {
                return Err(Errno::IO.into());
            }
        }
    }

    pub fn unlock(&self) -> Result<()> {
        let mut state = self.shared.state();
        let holder = &mut state.node(self.key)?.holder;
        if *holder == Some(self.id) {
            *holder = None;
        }
        drop(state);
        self.shared.wake();
        Ok(())
    }
}

/// What is known of a node.
pub(super) fn stat(state: &mut State, key: u64) -> Result<Stat> {
    let node = state.node(key)?;
    let (kind, length, modified) = match &node.body {
        Body::File(file) => (Kind::File, file.live.length(), file.meta.modified),
        Body::Folder(_) => (Kind::Folder, 0, node.changed),
    };
    let id = (DEVICE, node.number);
    Ok(Stat { kind, length, id, links: node.links, modified: parts(modified), changed: parts(node.changed) })
}

/// Seconds and nanoseconds since 1970.
fn parts(nanoseconds: u64) -> (i64, u32) {
    ((nanoseconds / 1_000_000_000) as i64, (nanoseconds % 1_000_000_000) as u32)
}
