//! What a log was told and what it promised, and work on a log that keeps such a history.

use std::collections::BTreeMap;

use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::{Random, SimVfs};
use worldstore_core::wal::{Appended, RecordKind, Wal, WalOptions};

/// Where the log is.
pub const PATH: &str = "world/log";

/// A history.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What stands under each number, if anything does.
    sent: BTreeMap<u64, Vec<u8>>,
    /// All up to here were acknowledged.
    acknowledged: u64,
    /// All up to here may be gone.
    trimmed: u64,
    /// Makes payloads differ.
    count: u64,
}

impl History {
    fn payload(&mut self, random: &mut Random) -> Vec<u8> {
        self.count += 1;
        let length = match random.below(20) {
            0 => 5000,
            1..4 => 0,
            _ => random.index(900),
        };
        let mut payload = self.count.to_le_bytes().to_vec();
        payload.resize(8 + length, self.count as u8);
        payload
    }

    fn append(&mut self, wal: &Wal, random: &mut Random) -> Result<Appended, ErrorKind> {
        let payload = self.payload(random);
        let appended = wal.append(RecordKind::DATA, payload.clone()).map_err(|error| error.kind())?;
        self.sent.insert(appended.seq(), payload);
        Ok(appended)
    }

    /// Notes what became of a record. The kind of the error, if there was one.
    fn settle(&mut self, appended: &Appended) -> Result<(), ErrorKind> {
        match appended.wait() {
            Ok(seq) => {
                self.acknowledged = self.acknowledged.max(seq);
                Ok(())
            }
            Err(error) => {
                if error.kind() == ErrorKind::StorageFull {
                    self.sent.remove(&appended.seq());
                }
                Err(error.kind())
            }
        }
    }

    /// Compares an open log with the history. From here on all that was found is promised.
    pub fn compare(&mut self, wal: &Wal) -> Result<(), String> {
        let (first, last) = (wal.first(), wal.durable());
        if last < self.acknowledged {
            return Err(format!("acknowledged up to {}, and the log ends with {last}", self.acknowledged));
        }
        if first > self.trimmed + 1 {
            return Err(format!("trimmed up to {}, and the log begins with {first}", self.trimmed));
        }
        let mut expected = first;
        for record in wal.replay(first - 1).map_err(|error| error.to_string())? {
            let record = record.map_err(|error| error.to_string())?;
            if record.seq != expected {
                return Err(format!("record {} came in place of {expected}", record.seq));
            }
            if self.sent.get(&record.seq).is_none_or(|sent| *sent != record.payload) {
                return Err(format!("record {} was never sent so", record.seq));
            }
            expected += 1;
        }
        if expected != last + 1 {
            return Err(format!("replay ends before {expected}, and the log with {last}"));
        }
        self.acknowledged = last;
        self.sent.retain(|seq, _| *seq <= last);
        Ok(())
    }
}

/// Opens a log, and compares it. None after an error.
fn open(vfs: &SimVfs, options: &WalOptions, history: &mut History) -> Result<Wal, String> {
    let (wal, _) = Wal::open(vfs, PATH, options.clone()).map_err(|error| error.to_string())?;
    history.compare(&wal)?;
    Ok(wal)
}

/// Three lives of a log, at random, which end early when something fails.
pub fn live(vfs: &SimVfs, random: &mut Random, history: &mut History, options: &WalOptions) {
    for _ in 0..3 {
        // A failed open is judged by what the next process finds.
        let Ok((wal, _)) = Wal::open(vfs, PATH, options.clone()) else { continue };
        // The process ends here if it cannot read; what it was promised, the check compares.
        if history.compare(&wal).is_err() {
            return;
        }
        match life(&wal, random, history) {
            Ok(()) if random.chance(50) => drop(wal.close()),
            // The handle is dropped, and the log opened again, as a careful owner does it.
            Ok(()) | Err(_) => drop(wal),
        }
    }
}

fn life(wal: &Wal, random: &mut Random, history: &mut History) -> Result<(), ErrorKind> {
    for _ in 0..4 {
        let mut group = Vec::new();
        for _ in 0..1 + random.below(4) {
            group.push(history.append(wal, random)?);
        }
        // All are settled, whatever becomes of one.
        let outcomes: Vec<_> = group.iter().map(|appended| history.settle(appended)).collect();
        outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        if random.chance(30) {
            let through = random.below(wal.durable() + 1);
            history.trimmed = history.trimmed.max(through);
            wal.trim(through).map_err(|error| error.kind())?;
        }
    }
    Ok(())
}

/// What the next process does: it opens the log, finds what was promised, and goes on.
pub fn check(vfs: &SimVfs, history: &mut History, options: &WalOptions) -> Result<(), String> {
    let wal = open(vfs, options, history)?;
    let mut random = Random::new(history.acknowledged);
    for _ in 0..2 {
        let appended = history.append(&wal, &mut random).map_err(|kind| format!("append: {kind}"))?;
        history.settle(&appended).map_err(|kind| format!("wait: {kind}"))?;
    }
    drop(wal);
    // What was written shows that it was written behind what was there.
    let now = vfs.image(worldstore_core::vfs::sim::Choice::Nothing).vfs;
    drop(open(&now, options, &mut history.clone())?);
    Ok(())
}
