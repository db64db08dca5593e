//! Downloads that go on where an earlier one was cut short.
//!
//! The bytes gather in `.NAME.worldstore-part` beside the target. A note beside it says of which state of which object
//! they are, and how many of them are on stable storage: no others are trusted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use serde_json::{Value, json};
use worldstore::core::{Condition, Key, ObjectMeta, ReadOptions, ReadRange};
use worldstore::{Error, ErrorKind, Result};

use super::address::Address;
use super::progress::Progress;
use super::read::cut_short;

/// After so many bytes they are synced and noted.
const NOTE_BYTES: u64 = 32 << 20;

/// Copies an object to a file of this machine; its bytes, and how many of them were there before.
pub async fn download(
    source: &Address,
    meta: &ObjectMeta,
    target: &Address,
    condition: &Condition,
    progress: &Progress,
) -> Result<(u64, u64)> {
    let Some(folder) = &target.folder else {
        return Err(
            Error::unsupported("only a copy to a file of this machine can be resumed").with("target", &target.shown)
        );
    };
    let Some(version) = &meta.version else {
        return Err(Error::unsupported("the source tells no version, so that a copy cannot be resumed")
            .with("source", &source.shown));
    };
    if *condition == Condition::IfAbsent && target.store.is_file(&target.path).await? {
        return Err(taken(&target.path));
    }
    let path = folder.join(Key::new(&target.path)?.as_str());
    let source_name = json!({"source": source.shown, "version": version.as_str(), "size": meta.size});
    let mut part = Part::open(&path, source_name, meta.size)?;
    let start = part.kept;
    progress.add(start);
    if start < meta.size {
        let options = ReadOptions::default().with_range(ReadRange::From(start)).with_version(version.clone());
        let mut body = source.store.read(&source.path, &options).await?.body;
        loop {
            match body.try_next().await {
                Ok(Some(chunk)) => {
                    part.write(&chunk)?;
                    progress.add(chunk.len() as u64);
                }
                Ok(None) => break,
                Err(error) => {
                    part.note()?;
                    return Err(error);
                }
            }
        }
    }
    part.note()?;
    match meta.size.checked_sub(part.kept) {
        Some(0) => part.publish(&path, condition).map(|()| (meta.size, start)),
        Some(missing) => Err(cut_short(&source.path, missing)),
        None => Err(Error::new(ErrorKind::Corrupt, "more bytes came than the object has").with("key", &source.path)),
    }
}

fn taken(key: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, "object exists already").with("key", key)
}

/// The bytes until now.
struct Part {
    file: File,
    path: PathBuf,
    note: PathBuf,
    source: Value,
    /// Bytes that are synced and noted.
    kept: u64,
    written: u64,
}

impl Part {
    /// Goes on with the bytes of the same source, or begins anew.
    fn open(target: &Path, source: Value, size: u64) -> Result<Self> {
        let beside = |ending: &str| {
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            target.with_file_name(format!(".{name}.worldstore-part{ending}"))
        };
        let (path, note) = (beside(""), beside(".json"));
        let noted = fs::read(&note).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let kept = noted.filter(|noted| noted["of"] == source).and_then(|noted| noted["bytes"].as_u64()).unwrap_or(0);
        let mut options = OpenOptions::new();
        // A link in the place of the part would lead the bytes elsewhere.
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(Error::invalid("what gathers a copy is no file").with("path", path.display()));
        }
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(&path).map_err(|source| failed(&path, source))?;
        let length = file.metadata().map_err(|source| failed(&path, source))?.len();
        let kept = if kept <= length.min(size) { kept } else { 0 };
        file.set_len(kept).and_then(|()| file.seek(SeekFrom::Start(kept))).map_err(|source| failed(&path, source))?;
        let mut part = Self { file, path, note, source, kept, written: kept };
        part.note()?;
        Ok(part)
    }

    fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.file.write_all(chunk).map_err(|source| failed(&self.path, source))?;
        self.written += chunk.len() as u64;
        match self.written - self.kept >= NOTE_BYTES {
            true => self.note(),
            false => Ok(()),
        }
    }

    /// Syncs the bytes, then says so.
    fn note(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|source| failed(&self.path, source))?;
        let text = json!({"of": self.source, "bytes": self.written}).to_string();
        let fresh = self.note.with_extension("new");
        let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &self.note));
        written.map_err(|source| failed(&self.note, source))?;
        self.kept = self.written;
        Ok(())
    }

    /// Gives the bytes their name. A link does not replace, a rename does.
    fn publish(self, target: &Path, condition: &Condition) -> Result<()> {
        match condition {
            Condition::IfAbsent => match fs::hard_link(&self.path, target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(taken(&target.file_name().unwrap_or_default().to_string_lossy()));
                }
                linked => linked.and_then(|()| fs::remove_file(&self.path)),
            },
            _ => fs::rename(&self.path, target),
        }
        .map_err(|source| failed(target, source))?;
        fs::remove_file(&self.note).map_err(|source| failed(&self.note, source))?;
        let folder = target.parent().unwrap_or(Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| failed(folder, source))
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::io("resume", source).with("path", path.display())
}
