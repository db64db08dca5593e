//! The byte layer: small objects, streams, listings and vectored reads, on local files and in memory.

mod listing;
mod memory;
mod peers;
mod ranges;
mod small;
mod streams;

use std::path::Path;

use crate::Failure;
use crate::measure::Row;

/// Runs the rows whose name contains `only`.
pub fn rows(folder: &Path, scale: usize, only: Option<&str>) -> Result<Vec<Row>, Failure> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut rows = Vec::new();
    for (name, run) in ROWS {
        if wanted(name) {
            let place = folder.join(name.replace([' ', ','], "-"));
            std::fs::create_dir_all(&place)?;
            rows.push(run(name, &place, scale)?);
            std::fs::remove_dir_all(&place)?;
        }
    }
    match rows.is_empty() {
        true => Err(format!("no row is named so; there are {:?}", ROWS.map(|(name, _)| name)).into()),
        false => Ok(rows),
    }
}

type Run = fn(&str, &Path, usize) -> Result<Row, Failure>;

const ROWS: [(&str, Run); 13] = [
    ("local head", small::head),
    ("local read 4 KiB", small::read),
    ("local write 4 KiB", small::write),
    ("local write 4 KiB durable", small::write_durable),
    ("local stream read 1 GiB", streams::read),
    ("local stream write 1 GiB", streams::write),
    ("local list 100,000 files", listing::local),
    ("local list 100,000 files in one folder", listing::one_folder),
    ("local 10,000 ranges", ranges::local),
    ("memory head", memory::head),
    ("memory read 4 KiB", memory::read),
    ("memory write 4 KiB", memory::write),
    ("memory 10,000 ranges", ranges::memory),
];
