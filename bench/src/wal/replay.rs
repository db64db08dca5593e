//! Reading a whole log back.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::measure::{self, Row, Seen, Subject};

use super::load::Load;
use super::own::{self, Files, Objects};
use super::peer::Peer;
use super::raw::OneThread;

/// Payload bytes of the log at scale 1.
const BYTES: usize = 512 << 20;

/// Reads the same records from a raw file without looking at them, from open logs, which test every byte, and from a log
/// that is opened first, which reads it once more.
pub fn row(name: &str, folder: &Path, payload: usize, scale: usize) -> Result<Row, Failure> {
    let load = &Load::of_records(BYTES / scale / payload, payload);
    let [raw, files, objects] = [(); 3].map(|()| tempfile::tempdir_in(folder));
    let (raw, files, objects) = (raw?, files?, objects?);
    OneThread::unsynced(raw.path(), load)?;
    own::fill(&Files.open(files.path())?, load)?;
    own::fill(&Objects.open(objects.path())?, load)?;
    let (log, on_local) = (Files.open(files.path())?, Objects.open(objects.path())?);
    let opens = files.path().with_extension("copy");
    copy(files.path(), &opens)?;
    let subjects = vec![
        Subject::new("raw file", || seen(|each| OneThread.read(raw.path(), load, each))),
        Subject::new("worldstore", || seen(|each| own::read(&log, each))),
        Subject::new("worldstore, opened first", || seen(|each| Files.read(&opens, load, each))),
        Subject::new("worldstore, objects on Local", || seen(|each| own::read(&on_local, each))),
    ];
    measure::row(name, (load.each_max * payload) as u64, "byte", subjects)
}

fn seen(read: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), Failure>) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    read(&mut |record| seen.add(record))?;
    Ok(seen)
}

/// Copies the log's folder, so that another can open it.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to.join("log"))?;
    for entry in fs::read_dir(from.join("log"))? {
        let path = entry?.path();
        fs::copy(&path, to.join("log").join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
