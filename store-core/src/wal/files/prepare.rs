//! The next segment, made ready while the one before is written: full of zeros and durable, under a temporary name.
//!
//! Nothing is reserved before the log has written a quarter of its segment, so that one that is opened for little takes
//! no space from others on a disk that is nearly full.
//!
//! Writing over bytes that are there already changes nothing but them, so that a sync has no length and no map of
//! blocks to write: it takes half the time. The zeros come a piece at a time while the log advances, so that its syncs
//! wait for few of them; a log that rests, or whose groups are large, writes none. One that fills its segment before the
//! next one is full of zeros does not wait for them: what has been reserved reads as zeros too, and its syncs cost what
//! they cost anywhere.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::archive::Files;
use super::{FileOf, failed, write_all};
use crate::error::{Error, Result};
use crate::planted::Bug;
use crate::vfs::{File, Folder, Vfs};

/// Zeros that are written at once.
const ZEROS_BYTES: usize = 1 << 20;
/// Zeros that are synced at once, so that the syncs of the log wait for few of them.
const SYNC_BYTES: u64 = 1 << 20;
/// The longest pause after such a sync. Pauses are as long as the sync was.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// A file that is ready to become a segment.
#[derive(Debug)]
pub(super) struct Prepared<F> {
    pub name: String,
    pub file: F,
    pub bytes: u64,
}

/// What shall be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Order {
    name: String,
    bytes: u64,
}

/// Makes files ready, in a thread of its own or when one is asked for.
pub(super) struct Preparer<V: Vfs> {
    files: Arc<Files<V>>,
    /// One that was made and not used.
    ready: Option<Prepared<FileOf<V>>>,
    thread: Option<Worker<FileOf<V>>>,
    pace: Arc<Pace>,
}

/// How much of a hurry there is.
#[derive(Debug, Default)]
struct Pace {
    /// Nobody wants it any more.
    stop: AtomicBool,
    /// The log waits for it.
    urgent: AtomicBool,
    /// It may take its space.
    begun: AtomicBool,
    /// So many bytes of it may be made by now.
    due: AtomicU64,
}

impl Pace {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The log waits for what is made at this pace.
    fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// Waits until it may take its space. False if nobody wants it any more.
    fn wait_to_begin(&self) -> bool {
        while !self.begun.load(Ordering::Acquire) && !self.is_urgent() && !self.is_stopped() {
            thread::park();
        }
        !self.is_stopped()
    }

    /// Waits until more than so many bytes are due, or nobody cares about the pace.
    fn wait(&self, made: u64) {
        while self.due.load(Ordering::Acquire) <= made && !self.is_urgent() && !self.is_stopped() {
            thread::park();
        }
    }

    /// Leaves the disk to the log for as long as it was taken from it.
    fn pause(&self, taken: Duration) {
        if !self.is_urgent() && !self.is_stopped() {
            thread::sleep(taken.min(PAUSE_MAX));
        }
    }
}

struct Worker<F> {
    orders: Option<Sender<Order>>,
    results: Receiver<Result<Prepared<F>>>,
    /// It works on one, or has one.
    under_way: bool,
    /// Bytes of that one.
    bytes: u64,
    thread: Option<JoinHandle<()>>,
}

impl<V: Vfs> Preparer<V> {
    pub(super) fn new(files: Arc<Files<V>>, threaded: bool) -> Result<Self> {
        let pace = Arc::new(Pace::default());
        let thread = threaded.then(|| Worker::start(Arc::clone(&files), Arc::clone(&pace))).transpose()?;
        Ok(Self { files, ready: None, thread, pace })
    }

    /// Orders one, which is begun when the log has advanced.
    pub(super) fn begin(&mut self, name: String, bytes: u64) {
        if let Some(worker) = self.thread.as_mut().filter(|worker| !worker.under_way && self.ready.is_none()) {
            self.pace.begun.store(false, Ordering::Release);
            self.pace.due.store(0, Ordering::Release);
            worker.bytes = bytes;
            let sent = worker.orders.as_ref().map(|orders| orders.send(Order { name, bytes }));
            worker.under_way = matches!(sent, Some(Ok(())));
        }
    }

    /// The segment before holds so many bytes of what it can hold. `zeros` tells whether the next one is worth them.
    pub(super) fn advance(&self, written: u64, capacity: u64, zeros: bool) {
        let Some(worker) = self.thread.as_ref().filter(|worker| worker.under_way) else { return };
        if written >= capacity / 4 && !self.pace.begun.swap(true, Ordering::AcqRel) {
            worker.wake();
        }
        if !zeros {
            return;
        }
        let due = due(worker.bytes, written, capacity);
        let before = self.pace.due.load(Ordering::Relaxed);
        let is_step = due / SYNC_BYTES > before / SYNC_BYTES || due == worker.bytes;
        if due > before && is_step {
            self.pace.due.store(due, Ordering::Release);
            worker.wake();
        }
    }

    /// One that is ready. `name` and `bytes` are for one that has to be made.
    pub(super) fn take(&mut self, name: String, bytes: u64) -> Result<Prepared<FileOf<V>>> {
        if let Some(ready) = self.ready.take() {
            return Ok(ready);
        }
        if let Some(worker) = self.thread.as_mut().filter(|worker| worker.under_way) {
            worker.under_way = false;
            self.pace.urgent.store(true, Ordering::Relaxed);
            worker.wake();
            let result = worker.results.recv();
            self.pace.urgent.store(false, Ordering::Relaxed);
            return result.map_err(|_| Error::unexpected("the log's thread for segments is gone"))?;
        }
        make(&self.files, &Order { name, bytes }, None)
    }

    /// Keeps one that was not used.
    pub(super) fn give_back(&mut self, prepared: Prepared<FileOf<V>>) {
        self.ready = Some(prepared);
    }

    /// Ends the thread and removes what was not used. A crash would leave it behind, so nothing depends on it.
    pub(super) fn end(&mut self) {
        self.pace.stop.store(true, Ordering::Relaxed);
        if let Some(mut worker) = self.thread.take() {
            worker.orders = None;
            worker.wake();
            if worker.under_way {
                self.ready = worker.results.recv().ok().and_then(Result::ok);
            }
            if let Some(thread) = worker.thread.take() {
                let _ = thread.join();
            }
        }
        if let Some(prepared) = self.ready.take() {
            let _ = self.files.folder.remove(&prepared.name);
        }
    }
}

impl<V: Vfs> Drop for Preparer<V> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<F: File> Worker<F> {
    fn start<V>(files: Arc<Files<V>>, pace: Arc<Pace>) -> Result<Self>
    where
        V: Vfs,
        V::Folder: Folder<File = F>,
    {
        let (orders, waiting) = channel::<Order>();
        let (done, results) = channel();
        let work = move || {
            for order in waiting {
                if done.send(make(&files, &order, Some(&pace))).is_err() {
                    break;
                }
            }
        };
        let named = thread::Builder::new().name("worldstore-segments".into());
        let thread = named.spawn(work).map_err(|source| Error::io("start the log's thread for segments", source))?;
        Ok(Self { orders: Some(orders), results, under_way: false, bytes: 0, thread: Some(thread) })
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

/// How many of the `bytes` of a segment are due when the one before is so far: none in its first quarter, all in its
/// last.
fn due(bytes: u64, written: u64, capacity: u64) -> u64 {
    let quarter = capacity / 4;
    let far = u128::from(written.saturating_sub(quarter)) * u128::from(bytes) / u128::from(quarter.max(1) * 2);
    u64::try_from(far).map_or(bytes, |far| far.min(bytes))
}

/// Makes one; at a pace if it is made ahead.
fn make<V: Vfs>(files: &Files<V>, order: &Order, pace: Option<&Pace>) -> Result<Prepared<FileOf<V>>> {
    let name = &order.name;
    if pace.is_some_and(|pace| !pace.wait_to_begin()) {
        return Err(Error::unexpected("the log is closed").with("file", name));
    }
    let file = create(files, name).map_err(|source| failed("create", source, name))?;
    match fill(files, &file, order.bytes, pace) {
        Ok(()) => Ok(Prepared { name: name.clone(), file, bytes: order.bytes }),
        Err(source) => {
            // What it has taken is given back; a name that stays is removed when the log is opened.
            let _ = files.folder.remove(name);
            Err(failed("prepare", source, name).with("bytes", order.bytes))
        }
    }
}

fn create<V: Vfs>(files: &Files<V>, name: &str) -> io::Result<FileOf<V>> {
    match files.folder.create(name) {
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            files.folder.remove(name)?;
            files.folder.create(name)
        }
        made => made,
    }
}

fn fill<V: Vfs>(files: &Files<V>, file: &FileOf<V>, bytes: u64, pace: Option<&Pace>) -> io::Result<()> {
    let reserved = match file.allocate(0, bytes) {
        Ok(()) => true,
        Err(source) if source.kind() == io::ErrorKind::Unsupported => false,
        Err(source) => return Err(source),
    };
    let is_enough = |pace: &Pace| pace.is_stopped() || (reserved && pace.is_urgent());
    let zeros = vec![0; ZEROS_BYTES.min(bytes as usize)];
    let mut position = 0;
    while position < bytes {
        if let Some(pace) = pace {
            pace.wait(position);
            if is_enough(pace) {
                break;
            }
        }
        let part = (bytes - position).min(zeros.len() as u64) as usize;
        write_all(file, zeros.get(..part).unwrap_or_default(), position)?;
        position += part as u64;
        if position.is_multiple_of(SYNC_BYTES) && position < bytes {
            let begin = Instant::now();
            file.sync_data()?;
            if let Some(pace) = pace {
                pace.pause(begin.elapsed());
            }
        }
    }
    match files.planted.has(Bug::SkipSegmentSync) {
        true => Ok(()),
        false => file.sync_all(),
    }
}
