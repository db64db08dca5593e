//! Both ends of a transfer that are files outside of any store.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use super::crc::Crc32c;
use super::meter::Meter;
use super::options::{TransferOptions, Verify};
use super::partial::{Pin, beside, checksum_of, next_chunk, take_up};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{Condition, Durability, ObjectMeta};

/// Bytes of one chunk of an upload.
const CHUNK_BYTES: usize = 1 << 20;
/// After so many bytes, what is there of a download that can be gone on with is noted down.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// A local file that is read once, front to back.
#[derive(Debug)]
pub struct LocalSource {
    path: PathBuf,
    file: File,
    at_open: Metadata,
}

impl LocalSource {
    /// Opens it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`; `Invalid` for what is no file.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::io("upload", source).with("path", path.display());
        let expect_file = |about: &Metadata| match about.is_file() {
            true => Ok(()),
            false => Err(Error::invalid("only a file can be uploaded").during("upload").with("path", path.display())),
        };
        // Opening a pipe would wait for its other end.
        expect_file(&fs::metadata(path).map_err(failed)?)?;
        let file = File::open(path).map_err(failed)?;
        let at_open = file.metadata().map_err(failed)?;
        expect_file(&at_open)?;
        Ok(Self { path: path.to_owned(), file, at_open })
    }

    /// Bytes that it had when it was opened.
    pub fn bytes(&self) -> u64 {
        self.at_open.len()
    }

    /// The next chunk, of at most 1 MiB; none at the end.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        next_chunk(&mut self.file, CHUNK_BYTES).map_err(|source| self.failed(source))
    }

    /// Checks that nobody has written to it since it was opened, as far as length and time of the last write tell.
    ///
    /// # Errors
    /// `Conflict` otherwise.
    pub fn expect_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|source| self.failed(source))?;
        let state = |metadata: &Metadata| (metadata.len(), metadata.modified().ok());
        match state(&now) == state(&self.at_open) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Conflict, "file changed while it was uploaded")
                .during("upload")
                .with("path", self.path.display())),
        }
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::io("upload", source).with("path", self.path.display())
    }
}

/// A local file in the making: under another name beside its place until it is published. Dropped before, it leaves
/// nothing, or if it can be gone on with, what is there of it.
#[derive(Debug)]
pub struct LocalTarget {
    path: PathBuf,
    temp: PathBuf,
    file: File,
    condition: Condition,
    durability: Durability,
    verify: Verify,
    done: u64,
    checksum: Crc32c,
    /// The source, if the download can be gone on with.
    pin: Option<Pin>,
    resumed: u64,
    /// Folders whose entries have to be synced.
    folders: Vec<PathBuf>,
    published: bool,
}

impl LocalTarget {
    /// Begins it. Folders that are missing are made. With a source that has a version, it goes on where an earlier one
    /// of that version broke off, and can be gone on with.
    ///
    /// # Errors
    /// `AlreadyExists` if it was to be absent, `Unsupported` for a version to match, `Conflict` if another download goes
    /// on with the same partial file, `Invalid` for a folder; those of the file system.
    pub fn begin(path: &Path, options: &TransferOptions, source: Option<&ObjectMeta>) -> Result<Self> {
        let failed = |source| Error::io("download", source).with("path", path.display());
        match &options.condition {
            Condition::None => {}
            Condition::IfAbsent if fs::symlink_metadata(path).is_err() => {}
            Condition::IfAbsent => return Err(exists(path)),
            Condition::IfMatch(_) => {
                let error = Error::unsupported("a local file has no version to match");
                return Err(error.during("download").with("path", path.display()));
            }
        }
        if path.is_dir() || path.file_name().is_none() {
            return Err(Error::invalid("target is a folder").during("download").with("path", path.display()));
        }
        let folders = make_folders(path).map_err(failed)?;
        let pin = source.and_then(Pin::of);
        let temp = match pin {
            Some(_) => beside(path, ".worldstore-part"),
            None => beside(path, &unique_suffix()),
        };
        let open = || {
            let mut open = OpenOptions::new();
            open.read(true).write(true).create(true).create_new(pin.is_none()).truncate(false);
            open.open(&temp).map_err(failed)
        };
        let mut file = open()?;
        let pin = match pin.clone() {
            Some(pin) => {
                lock(&file, &temp)?;
                if has_names(&file) {
                    // A download that was killed had given it its name: it belongs to whoever reads that.
                    fs::remove_file(&temp).map_err(failed)?;
                    file = open()?;
                    lock(&file, &temp)?;
                }
                Some(take_up(&mut file, Pin::load(&pin_path(path))?, pin).map_err(failed)?)
            }
            None => None,
        };
        let (done, checksum) = pin.as_ref().map_or((0, Crc32c::new()), |pin| (pin.done, pin.checksum));
        Ok(Self {
            path: path.to_owned(),
            temp,
            file,
            condition: options.condition.clone(),
            durability: options.durability,
            verify: options.verify,
            done,
            checksum,
            pin,
            resumed: done,
            folders,
            published: false,
        })
    }

    /// Bytes that an earlier download has brought.
    pub fn resumed_bytes(&self) -> u64 {
        self.resumed
    }

    /// Checksum of what is there.
    pub fn checksum(&self) -> Crc32c {
        self.checksum
    }

    /// Appends bytes, given the checksum of all with them.
    ///
    /// # Errors
    /// `StorageFull` and the like.
    pub fn append(&mut self, chunk: &Bytes, checksum: Crc32c) -> Result<()> {
        use std::io::Write;
        self.file.write_all(chunk).map_err(|source| self.failed(source))?;
        self.done += chunk.len() as u64;
        self.checksum = checksum;
        match &self.pin {
            Some(pin) if self.done - pin.done >= CHECKPOINT_BYTES => self.checkpoint(),
            _ => Ok(()),
        }
    }

    /// Gives it its name, in one step. A symbolic link in its place is replaced, not followed.
    ///
    /// # Errors
    /// `AlreadyExists` if it was to be absent, `Corrupt` if what is read back is not what was written, `OutcomeUnknown` for
    /// what fails once it has its name; those of the file system.
    pub fn publish(mut self) -> Result<()> {
        let failed = |source| Error::io("download", source).with("path", self.path.display());
        if self.durability != Durability::None {
            self.file.sync_all().map_err(failed)?;
        }
        if self.verify == Verify::ReadBack {
            let got = checksum_of(&mut self.file, self.done).map_err(failed)?.unwrap_or_default();
            if let Err(error) = Meter::expect(self.checksum, got) {
                // What is damaged is nothing to go on with.
                if self.pin.take().is_some() {
                    remove_if_there(&pin_path(&self.path)).map_err(failed)?;
                }
                return Err(error.during("download").with("path", self.path.display()));
            }
        }
        match self.condition {
            Condition::None => fs::rename(&self.temp, &self.path).map_err(failed)?,
            _ => match fs::hard_link(&self.temp, &self.path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(&self.path)),
                Err(error) => return Err(failed(error)),
            },
        }
        self.published = true;
        self.keep_name().map_err(|source| {
            Error::new(ErrorKind::OutcomeUnknown, "the file has its name, and may not outlive a power cut")
                .during("download")
                .with("path", self.path.display())
                .caused_by(source)
        })
    }

    /// Removes the other names, and makes the one that it has durable.
    fn keep_name(&self) -> std::io::Result<()> {
        if self.condition != Condition::None {
            fs::remove_file(&self.temp)?;
        }
        if self.pin.is_some() {
            remove_if_there(&pin_path(&self.path))?;
        }
        if self.durability == Durability::Full {
            for folder in &self.folders {
                File::open(folder).and_then(|folder| folder.sync_all())?;
            }
        }
        Ok(())
    }

    /// Notes down how much of the partial file can be trusted: no more than is on the disk.
    fn checkpoint(&mut self) -> Result<()> {
        if self.durability != Durability::None {
            self.file.sync_data().map_err(|source| self.failed(source))?;
        }
        let Some(pin) = &mut self.pin else { return Ok(()) };
        (pin.done, pin.checksum) = (self.done, self.checksum);
        pin.store(&pin_path(&self.path), self.durability)
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::io("download", source).with("path", self.path.display())
    }
}

impl Drop for LocalTarget {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // What fails here costs the next download time, and nothing else: without a note it begins anew.
        let _ = match self.pin {
            Some(_) => self.checkpoint(),
            None => fs::remove_file(&self.temp).map_err(|source| self.failed(source)),
        };
    }
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists, "file exists already").during("download").with("path", path.display())
}

fn pin_path(path: &Path) -> PathBuf {
    beside(path, ".worldstore-pin")
}

/// Two downloads must not write to one partial file, and neither to one that has got its name meanwhile.
fn lock(file: &File, temp: &Path) -> Result<()> {
    let busy = || {
        Error::new(ErrorKind::Conflict, "another download goes on with this file")
            .during("download")
            .with("path", temp.display())
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(source)) => return Err(Error::io("download", source).with("path", temp.display())),
    }
    match is_still(file, temp) {
        true => Ok(()),
        false => Err(busy()),
    }
}

#[cfg(unix)]
fn is_still(file: &File, temp: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(temp)) {
        (Ok(opened), Ok(named)) => identity(opened) == identity(named),
        _ => false,
    }
}

/// True if a file has another name besides that of a partial one.
#[cfg(unix)]
fn has_names(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|about| about.nlink() > 1)
}

#[cfg(not(unix))]
fn has_names(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn is_still(_: &File, temp: &Path) -> bool {
    temp.exists()
}

/// Makes the folders that a file needs, and names those that got a new entry, the file's own included.
fn make_folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut folders = vec![parent.clone()];
    let mut missing = parent.as_path();
    while missing != Path::new(".") && !missing.exists() {
        match missing.parent() {
            Some(above) if above != Path::new("") => missing = above,
            _ => missing = Path::new("."),
        }
        folders.push(missing.to_owned());
    }
    fs::create_dir_all(&parent)?;
    Ok(folders)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unique_suffix() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(".worldstore-tmp-{:x}-{:x}-{count:x}", std::process::id(), now.as_nanos())
}

#[cfg(test)]
mod tests;
