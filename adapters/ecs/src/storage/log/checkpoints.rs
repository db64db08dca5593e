//! Snapshots beside the log: which there are, when the next is due, which may go.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use worldstore_core::{
    Backend, Condition, DeleteOptions, Deleted, Error, Key, ListOptions, Prefix, ReadOptions, Result, WriteOptions,
};

use super::LogConfig;
use crate::error::corrupt;
use crate::snapshot;
use crate::state::State;

/// So many snapshots are kept: the newest, and one to fall back to by hand.
const KEPT: usize = 2;

/// The snapshots of a log.
pub(super) struct Checkpoints {
    backend: Arc<dyn Backend>,
    folder: Prefix,
    /// The records that snapshots were written at, in order.
    records: Vec<u64>,
    grown_bytes: u64,
    grown_batches: u64,
    due_bytes: u64,
    due_batches: u64,
    pub trouble: Option<Error>,
}

impl Checkpoints {
    /// Finds the snapshots, and reads the newest with the record that it was written at.
    pub fn open(config: &LogConfig) -> Result<(Self, Option<(u64, State<'static>)>)> {
        let (backend, folder) = (Arc::clone(&config.backend), config.prefix.join("snapshots")?);
        let (due_bytes, due_batches) = (config.snapshot_bytes, config.snapshot_batches);
        let (records, trouble) = (Vec::new(), None);
        let mut found =
            Self { backend, folder, records, grown_bytes: 0, grown_batches: 0, due_bytes, due_batches, trouble };
        found.records = found.list()?;
        let newest = match found.records.last() {
            Some(record) => Some((*record, found.read(*record)?)),
            None => None,
        };
        Ok((found, newest))
    }

    fn list(&self) -> Result<Vec<u64>> {
        let mut records = Vec::new();
        let mut options = ListOptions::default();
        loop {
            let page = self.backend.list(&self.folder, &options)?;
            for meta in &page.objects {
                let name = meta.key.as_str().rsplit('/').next().unwrap_or_default();
                let foreign = || corrupt("the folder of snapshots holds something else").with("key", &meta.key);
                records.push(name.parse().map_err(|_| foreign())?);
            }
            match page.next {
                Some(token) => options = ListOptions::default().with_token(token),
                None => break,
            }
        }
        records.sort_unstable();
        Ok(records)
    }

    fn key(&self, record: u64) -> Result<Key> {
        self.folder.key(format!("{record:020}"))
    }

    fn read(&self, record: u64) -> Result<State<'static>> {
        let key = self.key(record)?;
        let mut body = BytesMut::new();
        for chunk in self.backend.read(&key, &ReadOptions::default())?.body {
            body.extend_from_slice(&chunk?);
        }
        snapshot::read_unchecked(&body.freeze(), &[]).map_err(|error| error.with("key", &key))
    }

    /// Writes a snapshot, and removes those that are not needed any more.
    pub fn write(&mut self, record: u64, state: &State<'_>) -> Result<()> {
        if self.records.last() == Some(&record) {
            return Ok(());
        }
        let (key, body) = (self.key(record)?, Bytes::from(snapshot::write(state)?));
        let options = WriteOptions::if_absent();
        let outcome = self.backend.write(&key, body, &options)?;
        // One that is there already is the same: records are never written twice.
        match outcome.applied(&key, &Condition::IfAbsent) {
            Err(error) if error.kind() != worldstore_core::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.records.push(record);
        (self.grown_bytes, self.grown_batches) = (0, 0);
        let old = self.records.len().saturating_sub(KEPT);
        let keys = self.records.iter().take(old).map(|record| self.key(*record)).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Ok(());
        }
        for deleted in self.backend.delete(&keys, &DeleteOptions::default())? {
            if let Deleted::Failed(error) = deleted {
                return Err(error);
            }
        }
        self.records.drain(..old);
        Ok(())
    }

    pub fn grew(&mut self, bytes: u64) {
        self.grown_bytes += bytes;
        self.grown_batches += 1;
    }

    pub fn is_due(&self) -> bool {
        self.grown_bytes >= self.due_bytes || self.grown_batches >= self.due_batches
    }

    /// The record of the newest snapshot; 0 if there is none.
    pub fn last(&self) -> u64 {
        self.records.last().copied().unwrap_or_default()
    }

    /// The record of the oldest snapshot if there are as many as are kept, before which nothing of the log is needed.
    pub fn oldest(&self) -> u64 {
        if self.records.len() < KEPT { 0 } else { self.records.first().copied().unwrap_or_default() }
    }
}
