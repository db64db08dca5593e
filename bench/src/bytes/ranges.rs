//! Many small parts of one object in one call.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use worldstore_core::{Key, ReadRangesOptions};

use super::peers::{Peers, body};
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

const OBJECT: usize = 64 << 20;
const RANGES: usize = 10_000;
const RANGE: u64 = 1024;

/// Parts that do not touch, spread over the object in an order without locality.
fn ranges(scale: usize) -> Vec<Range<u64>> {
    let (count, slots) = ((RANGES / scale) as u64, OBJECT as u64 / (2 * RANGE));
    (0..count).map(|number| number * 7_919 % slots * 2 * RANGE).map(|start| start..start + RANGE).collect()
}

pub fn local(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    fs::write(folder.join("large"), body(OBJECT, 3))?;
    let peers = Peers::local(folder)?;
    let wanted = ranges(scale);
    let file = File::open(folder.join("large"))?;
    let floor = Subject::new("std::fs", || {
        let mut seen = Seen::default();
        for range in &wanted {
            let mut part = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut part, range.start)?;
            seen.add(&part);
        }
        Ok(seen)
    });
    measured(name, &peers, &wanted, Some(floor))
}

pub fn memory(name: &str, _folder: &Path, scale: usize) -> Result<Row, Failure> {
    let peers = Peers::memory()?;
    let content = Bytes::from(body(OBJECT, 3));
    peers.store.write("large", content.clone())?;
    peers.runtime.block_on(async {
        peers.object_store.put(&object_store::path::Path::from("large"), content.clone().into()).await?;
        peers.opendal.write("large", content).await?;
        Ok::<_, Failure>(())
    })?;
    let wanted = ranges(scale);
    measured(name, &peers, &wanted, None)
}

fn measured<'run>(
    name: &str,
    peers: &'run Peers,
    wanted: &'run [Range<u64>],
    floor: Option<Subject<'run>>,
) -> Result<Row, Failure> {
    let (key, location) = (Key::new("large")?, object_store::path::Path::from("large"));
    let options = ReadRangesOptions::default();
    let mut subjects: Vec<_> = floor.into_iter().collect();
    subjects.push(Subject::new("worldstore", || Ok(seen(peers.store.read_ranges("large", wanted)?))));
    subjects.push(Subject::new("worldstore async", || {
        Ok(seen(peers.runtime.block_on(peers.async_backend.read_ranges(&key, wanted, &options))?))
    }));
    subjects.push(Subject::new("object_store", || {
        Ok(seen(peers.runtime.block_on(peers.object_store.get_ranges(&location, wanted))?))
    }));
    subjects.push(Subject::new("OpenDAL", || {
        peers.runtime.block_on(async {
            let parts = peers.opendal.reader("large").await?.fetch(wanted.to_vec()).await?;
            Ok(seen(parts.into_iter().map(|part| part.to_bytes()).collect()))
        })
    }));
    row(name, wanted.len() as u64, "op", subjects)
}

fn seen(parts: Vec<Bytes>) -> Seen {
    let mut seen = Seen::default();
    parts.iter().for_each(|part| seen.add(part));
    seen
}
