//! Figures of a log.

/// What an engine counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub last: u64,
    pub unsynced_bytes: u64,
    pub retained_bytes: u64,
    pub groups: u64,
    pub records: u64,
    pub largest_group: usize,
    pub bytes: u64,
}

impl Counts {
    pub(crate) fn note_group(&mut self, records: usize, bytes: u64) {
        self.groups += 1;
        self.records += records as u64;
        self.bytes += bytes;
        self.largest_group = self.largest_group.max(records);
    }
}

/// Figures of a log at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalStats {
    /// The epoch of this writer.
    pub epoch: u64,
    /// The first record that is kept, or that will be.
    pub first: u64,
    /// The last record that was taken on.
    pub last: u64,
    /// The last record that is durable.
    pub durable: u64,
    /// Bytes of frames that are not durable yet.
    pub unsynced_bytes: u64,
    /// Bytes of frames in the log.
    pub retained_bytes: u64,
    /// Segments, or objects of a log on a backend.
    pub segments: usize,
    /// Groups that this writer made durable, with one sync each.
    pub groups: u64,
    /// Records in them.
    pub records: u64,
    /// Records in the largest.
    pub largest_group: usize,
    /// Bytes of frames in them.
    pub bytes: u64,
}
