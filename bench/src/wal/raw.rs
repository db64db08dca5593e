//! The limit: `pwrite` and `fdatasync` on a file that is zero-filled and synced before.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::Failure;

use super::load::{HEADER, Load};
use super::peer::Peer;
use super::race::{Run, race};

const NAME: &str = "raw";
/// The first byte of a frame's header: a zero-filled tail has none.
const MARK: u8 = 1;

/// One thread that writes the records of all writers with one call and syncs them: nobody is woken, nothing is checked.
pub struct OneThread;

impl OneThread {
    /// Writes all records without waiting for the device after each.
    pub fn unsynced(folder: &Path, load: &Load) -> Result<(), Failure> {
        let (file, mut records, mut group) = (preallocated(folder, 0)?, load.records(0), Vec::new());
        for number in 0..load.each_max {
            group.clear();
            frame(&mut group, records.step());
            file.write_all_at(&group, (number * group.len()) as u64)?;
        }
        Ok(file.sync_all()?)
    }
}

impl Peer for OneThread {
    fn name(&self) -> &'static str {
        "raw, one thread"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let file = preallocated(folder, load.bytes_max())?;
        let mut writers: Vec<_> = (0..load.writers).map(|writer| load.records(writer)).collect();
        let (mut groups, mut group, mut warm) = (Vec::with_capacity(load.each_max), Vec::new(), 0);
        let mut write = |number: usize| {
            group.clear();
            writers.iter_mut().for_each(|records| frame(&mut group, records.step()));
            file.write_all_at(&group, (number * group.len()) as u64)?;
            file.sync_data()
        };
        let begin = Instant::now();
        while warm < load.warm_max() && begin.elapsed() < load.warm_up() {
            write(warm)?;
            warm += 1;
        }
        let start = Instant::now();
        let mut end = start;
        while groups.len() + warm < load.each_max && end.duration_since(start) < load.time {
            write(groups.len() + warm)?;
            let now = Instant::now();
            groups.push(u64::try_from(now.duration_since(end).as_nanos())?);
            end = now;
        }
        let appended = vec![(groups.len() + warm) as u64; load.writers];
        let latencies = groups.into_iter().flat_map(|time| std::iter::repeat_n(time, load.writers)).collect();
        Ok(Run { took: end - start, appended, latencies })
    }

    fn read(&self, folder: &Path, load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        read(folder, load, each)
    }
}

/// Group commit by hand: writers put frames into a buffer, a thread writes and syncs what has gathered and wakes them.
pub struct GroupCommit;

impl Peer for GroupCommit {
    fn name(&self) -> &'static str {
        "raw, group commit"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let file = preallocated(folder, load.bytes_max())?;
        let queue = Queue::default();
        thread::scope(|scope| {
            let flusher = scope.spawn(|| queue.flush_all(&file));
            let run = race(load, |record| queue.append(record));
            queue.lock().is_closed = true;
            queue.gathered.notify_one();
            flusher.join().map_err(|_| "the flusher panicked")??;
            run
        })
    }

    fn read(&self, folder: &Path, load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        read(folder, load, each)
    }
}

#[derive(Default)]
struct Queue {
    pending: Mutex<Pending>,
    gathered: Condvar,
    durable: AtomicU64,
}

#[derive(Default)]
struct Pending {
    frames: Vec<u8>,
    waiting: Vec<Thread>,
    last: u64,
    is_closed: bool,
    has_failed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, record: &[u8]) -> Result<(), Failure> {
        let number = {
            let mut pending = self.lock();
            if pending.has_failed {
                return Err("an earlier write failed".into());
            }
            frame(&mut pending.frames, record);
            pending.waiting.push(thread::current());
            pending.last += 1;
            pending.last
        };
        self.gathered.notify_one();
        while self.durable.load(Ordering::Acquire) < number {
            thread::park();
        }
        match self.lock().has_failed {
            true => Err("the write failed".into()),
            false => Ok(()),
        }
    }

    fn flush_all(&self, file: &File) -> io::Result<()> {
        let (mut group, mut waiting, mut end) = (Vec::new(), Vec::new(), 0);
        loop {
            let last = {
                let mut pending = self.lock();
                while pending.frames.is_empty() && !pending.is_closed {
                    pending = self.gathered.wait(pending).unwrap_or_else(PoisonError::into_inner);
                }
                if pending.frames.is_empty() {
                    return Ok(());
                }
                std::mem::swap(&mut pending.frames, &mut group);
                std::mem::swap(&mut pending.waiting, &mut waiting);
                pending.last
            };
            let written = file.write_all_at(&group, end).and_then(|()| file.sync_data());
            self.lock().has_failed |= written.is_err();
            end += group.len() as u64;
            group.clear();
            self.durable.store(last, Ordering::Release);
            waiting.drain(..).for_each(|thread| thread.unpark());
            written?;
        }
    }
}

fn frame(frames: &mut Vec<u8>, record: &[u8]) {
    frames.extend_from_slice(&[MARK; HEADER]);
    frames.extend_from_slice(record);
}

/// A file full of zeros, on the device.
fn preallocated(folder: &Path, bytes: usize) -> io::Result<File> {
    let file = File::options().create_new(true).read(true).write(true).open(folder.join(NAME))?;
    let zeros = vec![0; 1 << 20];
    for start in (0..bytes).step_by(zeros.len()) {
        file.write_all_at(&zeros[..zeros.len().min(bytes - start)], start as u64)?;
    }
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Reads the frames in pieces of about 1 MiB, and looks at nothing but where they end.
fn read(folder: &Path, load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    let (file, mut start) = (File::open(folder.join(NAME))?, 0);
    let bytes = fs::metadata(folder.join(NAME))?.len();
    let mut piece = vec![0; load.frame() * ((1 << 20) / load.frame()).max(1)];
    while start < bytes {
        let length = piece.len().min(usize::try_from(bytes - start)?);
        file.read_exact_at(&mut piece[..length], start)?;
        for frame in piece[..length].chunks_exact(load.frame()) {
            if frame[0] != MARK {
                return Ok(());
            }
            each(&frame[HEADER..]);
        }
        start += length as u64;
    }
    Ok(())
}
