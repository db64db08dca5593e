//! What a world must hold, as it is known from outside.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Id, Row};

/// What was acknowledged, and what was seen.
#[derive(Default)]
pub struct Ledger {
    /// Sequence numbers of ticks that were acknowledged as durable.
    acknowledged: BTreeMap<Id, u64>,
    /// Those of ticks that were read by anyone: they have to stay.
    seen: BTreeMap<Id, u64>,
    /// Ticks whose commit has failed: they are there wholly or not at all.
    failed: BTreeSet<Id>,
    /// Everything up to this sequence number was said to be committed, or was read from a manifest.
    published: u64,
}

impl Ledger {
    pub fn acknowledge(&mut self, id: Id, seq: u64) {
        let before = self.acknowledged.insert(id, seq);
        assert_eq!(before, None, "{id} was acknowledged before");
    }

    pub fn fail(&mut self, id: Id) {
        self.failed.insert(id);
    }

    pub fn commit(&mut self, seq: u64) {
        self.published = self.published.max(seq);
    }

    pub fn acknowledgements(&self) -> u64 {
        self.acknowledged.len() as u64
    }

    /// Ticks that are there without having been acknowledged.
    pub fn unasked(&self) -> u64 {
        self.seen.keys().filter(|id| !self.acknowledged.contains_key(id)).count() as u64
    }

    /// Compares with what one reads who has opened the world for writing, while nobody else writes.
    pub fn check(&mut self, rows: Vec<Row>) {
        let found = whole(rows);
        self.compare(&found, u64::MAX);
        self.check_numbers(&found);
        self.seen = found;
    }

    /// Compares with what a reader sees, who may lag behind.
    pub fn check_published(&mut self, rows: Vec<Row>) {
        let found = whole(rows);
        let last = found.values().copied().max().unwrap_or(0);
        assert!(last >= self.published, "{last} is published, and {} was", self.published);
        self.published = last;
        self.compare(&found, last);
        self.seen.extend(found);
    }

    fn compare(&self, found: &BTreeMap<Id, u64>, through: u64) {
        for (id, seq) in self.acknowledged.iter().chain(&self.seen).filter(|(_, seq)| **seq <= through) {
            assert_eq!(found.get(id), Some(seq), "tick {id} is lost, or has another sequence number");
        }
        check_order(found);
    }

    /// A writer has one tick on its way: the others of it are acknowledged, in its order, from its first.
    fn check_numbers(&self, found: &BTreeMap<Id, u64>) {
        let mut unasked: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for id in found.keys().filter(|id| !self.acknowledged.contains_key(id) && !self.failed.contains(id)) {
            *unasked.entry((id.cycle, id.writer)).or_default() += 1;
        }
        assert!(unasked.values().all(|ticks| *ticks == 1), "more is there than was on its way: {unasked:?}");
        for id in found.keys().filter(|id| id.number > 0) {
            let before = Id { number: id.number - 1, ..*id };
            let is_there = found.contains_key(&before) || self.failed.contains(&before);
            assert!(is_there, "tick {id} is there, and not the one before");
        }
    }
}

/// The sequence numbers of ticks; fails unless each tick has all rows in all of its tables, once.
fn whole(mut rows: Vec<Row>) -> BTreeMap<Id, u64> {
    rows.sort_unstable();
    let mut found = BTreeMap::new();
    for rows in rows.chunk_by(|one, other| one.id == other.id) {
        let Row { id, seq, .. } = rows[0];
        let places: Vec<(u64, u64)> = rows.iter().map(|row| (row.table, row.index)).collect();
        let wanted = id.shape().into_iter().flat_map(|(table, rows)| (0..rows).map(move |index| (table, index)));
        let wanted: Vec<(u64, u64)> = wanted.collect();
        assert_eq!(places, wanted, "tick {id} at {seq} is not whole, or is there twice (table, row)");
        assert!(rows.iter().all(|row| row.seq == seq), "tick {id} has several sequence numbers");
        found.insert(id, seq);
    }
    let seqs: BTreeSet<u64> = found.values().copied().collect();
    assert_eq!(seqs.len(), found.len(), "two ticks have one sequence number");
    found
}

/// Ticks of a writer are in its order, and those of a cycle are after all of the cycles before.
fn check_order(found: &BTreeMap<Id, u64>) {
    for ((id, seq), (next, next_seq)) in found.iter().zip(found.iter().skip(1)) {
        let same = (id.cycle, id.writer) == (next.cycle, next.writer);
        assert!(!same || seq < next_seq, "ticks {id} at {seq} and {next} at {next_seq} are out of order");
    }
    let mut last = 0;
    let cycles: BTreeSet<u64> = found.keys().map(|id| id.cycle).collect();
    for cycle in cycles {
        let of_cycle = found.iter().filter(|(id, _)| id.cycle == cycle).map(|(_, seq)| *seq);
        let (first, most) = of_cycle.fold((u64::MAX, 0), |(first, most), seq| (first.min(seq), most.max(seq)));
        assert!(first > last, "cycle {cycle} begins at {first}, and one before ends at {last}");
        last = most;
    }
}

mod tests {
    //! The ledger sees what is wrong.

    use super::*;

    const A: Id = Id { cycle: 1, writer: 0, number: 0 };
    const B: Id = Id { cycle: 1, writer: 0, number: 1 };

    fn rows(id: Id, seq: u64) -> Vec<Row> {
        let rows = id.shape().into_iter().flat_map(|(table, rows)| (0..rows).map(move |index| (table, index)));
        rows.map(|(table, index)| Row { id, seq, table, index }).collect()
    }

    fn fails(acknowledged: &[(Id, u64)], rows: Vec<Row>) -> bool {
        let mut ledger = Ledger::default();
        acknowledged.iter().for_each(|(id, seq)| ledger.acknowledge(*id, *seq));
        std::panic::catch_unwind(move || ledger.check(rows)).is_err()
    }

    #[test]
    fn it_sees_what_is_wrong() {
        let both = || [rows(A, 1), rows(B, 2)].concat();
        assert!(!fails(&[(A, 1), (B, 2)], both()));
        assert!(!fails(&[(A, 1)], both()), "one was on its way");
        assert!(fails(&[], both()), "two were on their way");
        assert!(fails(&[(A, 1), (B, 2)], rows(A, 1)), "lost");
        assert!(fails(&[(A, 1)], [rows(A, 1), rows(A, 1)].concat()), "twice");
        assert!(fails(&[(A, 1)], rows(A, 1)[1..].to_vec()), "a row is missing");
        assert!(fails(&[(A, 1), (B, 2)], [rows(A, 2), rows(B, 1)].concat()), "order");
        assert!(fails(&[(A, 1), (B, 1)], [rows(A, 1), rows(B, 1)].concat()), "one number for two");
        assert!(fails(&[(B, 1)], rows(B, 1)), "a gap");
    }
}
