//! Reading a whole log back.

use std::path::Path;

use crate::Failure;
use crate::measure::{self, Row, Seen, Subject};

use super::load::Load;
use super::peer::Peer;
use super::raw::OneThread;

/// Payload bytes of the log at scale 1.
const BYTES: usize = 512 << 20;

/// Reads the same records from a raw file, without looking at them, and from the log, which checks every byte.
pub fn row(name: &str, folder: &Path, payload: usize, scale: usize) -> Result<Row, Failure> {
    let load = &Load::of_records(BYTES / scale / payload, payload);
    let raw = tempfile::tempdir_in(folder)?;
    OneThread::unsynced(raw.path(), load)?;
    let subjects = vec![read("raw file", &OneThread, raw.path(), load)];
    measure::row(name, (load.each_max * payload) as u64, "byte", subjects)
}

fn read<'run>(name: &'static str, peer: &'run dyn Peer, folder: &'run Path, load: &'run Load) -> Subject<'run> {
    Subject::new(name, move || {
        let mut seen = Seen::default();
        peer.read(folder, load, &mut |record| seen.add(record))?;
        Ok(seen)
    })
}
