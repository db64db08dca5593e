//! Staging: an object in the making, as a file in the hidden folder, until it gets its name.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use worldstore_core::{Error, ErrorKind, Key, Result};

use crate::failure::{Answer, Failure};
use crate::lookup::links;
use crate::read::WINDOW_BYTES;
use crate::remote::{self, FSYNC};
use crate::server::Inner;
use crate::session::{Handle, Pending, Session};
use crate::wire::{Attrs, FileKind, status};

/// Staged files that are older than this belong to a writer that is gone. In seconds, by the server's clock.
const STALE_SECONDS: u32 = 24 * 3600;

/// A file in the staging folder. Dropping it removes the file.
pub struct Staged {
    pub session: Arc<Session>,
    pub path: Vec<u8>,
    pub key: Key,
    file: Option<Handle>,
    size: u64,
    in_flight: VecDeque<Pending>,
    /// A write has failed or was given up: the bytes may have a hole, and must never get a name.
    is_broken: bool,
    remover: Remover,
}

/// Removes a file once nobody needs it under this name, also if its making was given up half way.
struct Remover {
    session: Arc<Session>,
    path: Vec<u8>,
    is_needed: bool,
}

impl Drop for Remover {
    fn drop(&mut self) {
        // Requests are carried out in order: whatever is still in flight for the file comes first. After a lost
        // connection the file stays until it is swept.
        if self.is_needed {
            self.session.post(remote::remove(&self.path));
        }
    }
}

impl Staged {
    pub async fn begin(inner: &Inner, session: Arc<Session>, key: &Key) -> Result<Self> {
        let failed = |error: Error| error.during("write").with("key", key);
        ensure_staging(inner, &session).await.map_err(failed)?;
        let path = inner.root.path(&format!("{}/{}", crate::lookup::STAGING, unique_name()));
        let remover = Remover { session: Arc::clone(&session), path: path.clone(), is_needed: true };
        let file = match session.create(&path, inner.config.file_mode).await {
            Ok(file) => Some(file),
            Err(failure) => return Err(failed(explain(&session, &inner.root.staging(), failure, "write").await)),
        };
        let (key, in_flight) = (key.clone(), VecDeque::new());
        Ok(Self { session, path, key, file, size: 0, in_flight, is_broken: false, remover })
    }

    /// The file, for the server to copy into.
    pub fn file(&self) -> Result<&Handle> {
        self.file.as_ref().ok_or_else(|| Error::new(ErrorKind::Poisoned, "the object is closed").with("key", &self.key))
    }

    /// Notes that the server has written so many bytes.
    pub fn grow(&mut self, bytes: u64) {
        self.size += bytes;
    }

    /// Sends bytes, and waits only for what goes beyond the window.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.refuse_broken()?;
        // Until this is through: whoever gives it up half way leaves a hole.
        self.is_broken = true;
        let bytes_max = self.session.limits.write_bytes;
        let window = (WINDOW_BYTES / bytes_max).max(1) as usize;
        for chunk in bytes.chunks(bytes_max as usize) {
            while self.in_flight.len() >= window {
                self.settle_one().await?;
            }
            let sent = match &self.file {
                Some(file) => self.session.send_write(file, self.size, chunk).await,
                None => Err(Failure::NotSent),
            };
            let pending = sent.map_err(|failure| failure.into_error("write").with("key", &self.key))?;
            self.in_flight.push_back(pending);
            self.size += chunk.len() as u64;
        }
        self.is_broken = false;
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<()> {
        let Some(pending) = self.in_flight.pop_front() else { return Ok(()) };
        match self.session.answer(pending).await {
            Ok(_) => Ok(()),
            Err(failure) => {
                let folder = parent_of(&self.path);
                Err(explain(&self.session, folder, failure, "write").await.with("key", &self.key))
            }
        }
    }

    pub fn refuse_broken(&self) -> Result<()> {
        match self.is_broken {
            true => {
                let message = "an earlier write to this object failed, it can only be aborted";
                Err(Error::new(ErrorKind::Poisoned, message).during("write").with("key", &self.key))
            }
            false => Ok(()),
        }
    }

    /// Waits for everything to be written, syncs and closes the file. Returns its attributes.
    pub async fn seal(&mut self, sync: bool) -> Result<Attrs> {
        self.refuse_broken()?;
        self.is_broken = true;
        while !self.in_flight.is_empty() {
            self.settle_one().await?;
        }
        let attrs = self.sync_and_close(sync).await;
        let attrs = attrs.map_err(|failure| failure.into_error("write").with("key", &self.key))?;
        if attrs.size != Some(self.size) {
            let message = "the server has stored another number of bytes than were written";
            return Err(Error::new(ErrorKind::Corrupt, message)
                .during("write")
                .with("key", &self.key)
                .with("written", self.size)
                .with("stored", format!("{:?}", attrs.size)));
        }
        self.is_broken = false;
        Ok(attrs)
    }

    async fn sync_and_close(&mut self, sync: bool) -> Answer<Attrs> {
        let Some(file) = self.file.take() else { return Err(Failure::NotSent) };
        let synced = async {
            match sync && self.session.has(FSYNC, "1") {
                true => self.session.sync(&file).await,
                false => Ok(()),
            }
        };
        let (attrs, ()) = futures::try_join!(self.session.fstat(&file), synced)?;
        self.session.close_handle(file).await?;
        Ok(attrs)
    }

    /// Notes that the file no longer has its staged name.
    pub fn mark_renamed(&mut self) {
        self.remover.is_needed = false;
    }

    /// Removes the file and waits for that.
    pub async fn discard(mut self) -> Result<()> {
        self.file = None;
        let removed = self.session.remove(&self.path).await;
        self.remover.is_needed = removed.is_err();
        removed.map_err(|failure| failure.into_error("abort").with("key", &self.key))
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Sees to it that the staging folder is there and is a folder.
async fn ensure_staging(inner: &Inner, session: &Session) -> Result<()> {
    let path = inner.root.staging();
    for _ in 0..2 {
        match session.lstat(&path).await {
            Ok(attrs) => {
                return match attrs.kind() {
                    FileKind::Folder => Ok(()),
                    FileKind::Link => Err(links().with("path", String::from_utf8_lossy(&path))),
                    _ => Err(Error::invalid("the name of the staging folder is taken by something else")
                        .with("path", String::from_utf8_lossy(&path))),
                };
            }
            Err(failure) if failure.is_missing() => match session.make_folder(&path, inner.config.folder_mode).await {
                Ok(()) => {}
                Err(failure @ Failure::Status { code: status::FAILURE, .. }) => {
                    // Another writer may have made it; if not, nobody can.
                    if session.lstat(&path).await.is_err() {
                        return Err(explain(session, &inner.root.path(""), failure, "write").await);
                    }
                }
                Err(failure) if failure.is_missing() => {
                    return Err(Error::not_found("the root folder is gone").with("root", inner.root.display()));
                }
                Err(failure) => return Err(failure.into_error("write")),
            },
            Err(failure) => return Err(failure.into_error("write")),
        }
    }
    Err(Error::new(ErrorKind::Conflict, "the staging folder is removed time and again"))
}

/// Finds out what a failure without a reason may mean: the protocol has one code for a full disk and all else.
pub async fn explain(session: &Session, folder: &[u8], failure: Failure, operation: &'static str) -> Error {
    let is_puzzling = matches!(failure, Failure::Status { code: status::FAILURE, .. });
    let error = failure.into_error(operation);
    if !is_puzzling {
        return error;
    }
    let (kind, message) = match session.space(folder).await {
        Ok(Some(space)) if space.is_read_only => (ErrorKind::PermissionDenied, "the file system is read-only"),
        Ok(Some(space)) if space.blocks_available == 0 => (ErrorKind::StorageFull, "no space is left"),
        Ok(Some(space)) if space.files_available == 0 => (ErrorKind::StorageFull, "no more files can be made"),
        _ => return error,
    };
    Error::new(kind, message).during(operation).caused_by(error)
}

/// Removes what writers that are long gone left in the staging folder; `now` is the server's time.
pub async fn sweep(inner: &Inner, session: &Session, now: u32) -> Answer<()> {
    let folder = session.open_folder(&inner.root.staging()).await?;
    while let Some(entries) = session.read_folder(&folder).await? {
        for entry in entries {
            let is_stale = entry.attrs.modified.is_some_and(|at| at < now.saturating_sub(STALE_SECONDS));
            if is_stale && entry.attrs.kind() == FileKind::File {
                let path = [&inner.root.staging(), b"/".as_slice(), &entry.name].concat();
                // Another writer may have swept it already.
                let _ = session.remove(&path).await;
            }
        }
    }
    Ok(())
}

pub fn parent_of(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(slash) => &path[..slash],
    }
}

/// A name that no other writer uses: process, time, a counter, and an address of this process's memory, which differs
/// from machine to machine. The file is made exclusively, so a name that was used after all is an error, not a mixture.
pub fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{:x}-{count:x}", std::process::id(), now.as_nanos(), &raw const COUNTER as usize)
}
