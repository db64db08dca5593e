//! What a log must hold: records that tell who appended them, so that each is known again, whole or not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use worldstore_core::vfs::OsVfs;
use worldstore_core::vfs::sim::Random;
use worldstore_core::wal::{Record, RecordKind, Recovery, Wal, WalOptions};

/// The folder of the log.
pub const LOG: &str = "log";

/// Short segments, so that much is rotated.
pub fn options() -> WalOptions {
    WalOptions::new().with_segment_bytes(32 << 10)
}

/// Who appended a record, and which of its own it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub cycle: u64,
    pub writer: u64,
    /// Dense from 0.
    pub number: u64,
}

impl Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {}", self.cycle, self.writer, self.number)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u64>> = text.split(' ').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some([cycle, writer, number]) => Ok(Self { cycle: *cycle, writer: *writer, number: *number }),
            _ => Err(format!("not three numbers: {text}")),
        }
    }
}

impl Id {
    /// The record that belongs to it: its name, and bytes that only it has; now and then many.
    pub fn payload(self) -> Vec<u8> {
        let mut random = Random::of(1, &[self.cycle, self.writer, self.number]);
        let most = if random.chance(3) { 20_000 } else { 900 };
        let length = random.index(most);
        [format!("{self}\n").into_bytes(), random.bytes(length)].concat()
    }

    pub fn kind(self) -> RecordKind {
        RecordKind::new(1 + (self.number % 127) as u8).unwrap()
    }

    /// Of a record that was read; fails unless it is whole.
    pub fn of(record: &Record) -> Self {
        let line = record.payload.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let id: Id = String::from_utf8_lossy(line).parse().unwrap();
        assert!(
            record.payload == id.payload() && record.kind == id.kind(),
            "record {} of {id} is not whole",
            record.seq
        );
        id
    }
}

/// What is known of a log from outside.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Records that were acknowledged, or seen after a recovery: both have to stay.
    known: BTreeMap<u64, Id>,
    /// Records up to here may be gone.
    trimmed: u64,
    /// Acknowledgements, in all.
    pub acknowledged: u64,
}

impl Ledger {
    /// A record was acknowledged.
    pub fn acknowledge(&mut self, seq: u64, id: Id) {
        self.acknowledged += 1;
        let before = self.known.insert(seq, id);
        assert!(before.is_none_or(|before| before == id), "record {seq} is of {before:?} and {id}");
    }

    /// The last record that was acknowledged, or 0.
    pub fn last(&self) -> u64 {
        self.known.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// A trim was begun.
    pub fn trim(&mut self, through: u64) {
        self.trimmed = self.trimmed.max(through);
    }

    /// Opens the log as the next process would, and looks for everything.
    pub fn verify(&mut self, vfs: &OsVfs) -> Recovery {
        let (wal, recovery) = Wal::open(vfs, LOG, options()).unwrap();
        self.compare(&wal);
        wal.close().unwrap();
        recovery
    }

    fn compare(&mut self, wal: &Wal) {
        let first = wal.first();
        assert!(first <= self.trimmed + 1, "records before {first} are gone, and those up to {} may be", self.trimmed);
        let records: Vec<Record> = wal.replay(first - 1).unwrap().map(Result::unwrap).collect();
        let found: BTreeMap<u64, Id> = records.iter().map(|record| (record.seq, Id::of(record))).collect();
        assert!(records.iter().zip(first..).all(|(record, seq)| record.seq == seq), "numbers are dense");
        assert_eq!(records.len(), found.len());
        for (seq, id) in self.known.range(first..) {
            let found = found.get(seq);
            assert_eq!(found, Some(id), "record {seq} is lost or another");
        }
        let ids: BTreeSet<Id> = found.values().copied().collect();
        assert_eq!(ids.len(), found.len(), "a record is there twice");
        self.check_order(first, &found);
        self.known = found;
    }

    /// Records of a writer are in its order, and none is left out: only the front may be trimmed.
    fn check_order(&self, first: u64, found: &BTreeMap<u64, Id>) {
        let mut next: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for (seq, id) in found {
            let from_start = if first == 1 { Some(0) } else { None };
            let expected = next.get(&(id.cycle, id.writer)).copied().or(from_start);
            assert!(expected.is_none_or(|expected| expected == id.number), "record {seq} of {id} is out of order");
            next.insert((id.cycle, id.writer), id.number + 1);
        }
    }
}
