//! The device itself: writes of so many bytes, each synced.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use crate::Failure;

/// Bytes that the synced file has room for.
const ROOM: usize = 32 << 20;

/// A file that is written and synced, record by record.
pub struct Device {
    file: File,
    end: u64,
    is_ready: bool,
}

impl Device {
    /// A file of zeros that is synced already: a sync writes data and no metadata.
    pub fn preallocated(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)?;
        let file = File::create(folder.join("preallocated"))?;
        file.write_all_at(&vec![0; ROOM], 0)?;
        file.sync_all()?;
        Ok(Self { file, end: 0, is_ready: true })
    }

    /// A file that grows with each record.
    pub fn growing(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)?;
        Ok(Self { file: File::create(folder.join("growing"))?, end: 0, is_ready: false })
    }

    /// Writes and syncs so many records, and gives the seconds of each.
    pub fn write(&mut self, records: u64, bytes: usize) -> Result<Vec<f64>, Failure> {
        let record = vec![7; bytes];
        let mut seconds = Vec::with_capacity(records as usize);
        for _ in 0..records {
            if self.is_ready && self.end as usize + bytes > ROOM {
                self.end = 0;
            }
            let start = Instant::now();
            self.file.write_all_at(&record, self.end)?;
            self.file.sync_data()?;
            seconds.push(start.elapsed().as_secs_f64());
            self.end += bytes as u64;
        }
        Ok(seconds)
    }
}
