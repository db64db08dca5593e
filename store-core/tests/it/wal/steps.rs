//! Random steps on a log and on a list, with power cuts among the steps.

use proptest::prelude::*;
use worldstore_core::vfs::sim::{Choice, SimVfs};
use worldstore_core::wal::{RecordKind, Wal, WalReader};

use super::history::PATH;
use super::{records, small};

#[derive(Debug, Clone)]
enum Step {
    /// A group of records of such lengths.
    Append(Vec<usize>),
    /// Records that nobody waits for.
    Leave(usize),
    /// Trims so many parts of 255 of what is durable.
    Trim(u8),
    /// Takes the power away.
    Cut(u64),
    /// Closes and opens.
    Close,
    /// Drops and opens.
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0..1500_usize, 1..6).prop_map(Step::Append),
        1 => (0..6000_usize).prop_map(Step::Leave),
        2 => any::<u8>().prop_map(Step::Trim),
        2 => any::<u64>().prop_map(Step::Cut),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

struct Run {
    vfs: SimVfs,
    wal: Wal,
    /// By number minus one. Those behind `durable` may or may not be there after a cut.
    sent: Vec<Vec<u8>>,
    durable: usize,
    trimmed: u64,
}

impl Run {
    fn reopen(&mut self) {
        let reader = WalReader::open(&self.vfs, PATH).unwrap().verify().unwrap();
        let (wal, recovery) = Wal::open(&self.vfs, PATH, small()).unwrap();
        assert_eq!(reader.segments.is_empty(), recovery.segments == 0);
        if !reader.segments.is_empty() {
            assert_eq!((reader.first(), reader.last()), (recovery.first, recovery.last));
        }
        self.wal = wal;
        let last = recovery.last as usize;
        assert!(last >= self.durable && last <= self.sent.len(), "{last} of {}..={}", self.durable, self.sent.len());
        assert!(recovery.first <= self.trimmed + 1);
        self.sent.truncate(last);
        self.durable = last;
        let first = recovery.first as usize;
        let kept = records(&self.wal);
        assert_eq!(kept.len(), last + 1 - first);
        for ((seq, payload), sent) in kept.iter().zip(&self.sent[first - 1..]) {
            assert_eq!((*seq as usize, &payload[..]), (*seq as usize, &sent[..]));
        }
    }

    fn append(&mut self, length: usize) -> worldstore_core::wal::Appended {
        let mut payload = (self.sent.len() as u64).to_le_bytes().to_vec();
        payload.resize(8 + length, length as u8);
        self.sent.push(payload.clone());
        let appended = self.wal.append(RecordKind::DATA, payload).unwrap();
        assert_eq!(appended.seq() as usize, self.sent.len());
        appended
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(lengths) => {
                let group: Vec<_> = lengths.into_iter().map(|length| self.append(length)).collect();
                for appended in group.iter().rev() {
                    appended.wait().unwrap();
                }
                self.durable = self.sent.len();
            }
            Step::Leave(length) => drop(self.append(length)),
            Step::Trim(part) => {
                let through = self.wal.durable() * u64::from(part) / 255;
                self.trimmed = self.trimmed.max(through);
                self.wal.trim(through).unwrap();
            }
            Step::Cut(number) => {
                self.vfs.crash();
                self.vfs = self.vfs.image(Choice::nth(number, 0, number % 64)).vfs;
                self.reopen();
            }
            Step::Close => {
                self.wal.close().unwrap();
                self.durable = self.sent.len();
                self.reopen();
            }
            Step::Drop => {
                // The old one lets go before the new one is opened.
                self.wal.close().unwrap();
                self.vfs = self.vfs.image(Choice::Nothing).vfs;
                self.durable = self.sent.len();
                self.reopen();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_log_is_a_list_that_survives(steps in prop::collection::vec(step(), 1..30)) {
        let vfs = SimVfs::new();
        let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
        let mut run = Run { vfs, wal, sent: Vec::new(), durable: 0, trimmed: 0 };
        for step in steps {
            run.take(step);
        }
    }
}
