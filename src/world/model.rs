//! Random worlds compared with a naive model: every run has its own copy of every row that it sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use proptest::prelude::*;
use worldstore_core::table::{CompactOptions, TableName};

use super::testing::{Bed, pairs, rows, rows_with_active, state};
use super::{Diff, ReplayOptions, Resolution, Run, StateOptions, Tick, World};

const TABLES: [&str; 2] = ["a", "b"];

type RowSpec = (u64, bool, Option<i64>);
type Snapshot = BTreeMap<u64, Option<i64>>;

#[derive(Debug, Clone)]
enum Op {
    /// Appends to one table.
    Append {
        run: usize,
        tick: i64,
        table: usize,
        rows: Vec<RowSpec>,
    },
    /// Appends to both tables in one step.
    Tick {
        run: usize,
        tick: i64,
        rows: [Vec<RowSpec>; 2],
    },
    Fork {
        run: usize,
        tick: i64,
    },
    Flush,
    Compact {
        table: usize,
    },
}

fn rows_spec() -> impl Strategy<Value = Vec<RowSpec>> {
    prop::collection::vec((0_u64..5, prop::bool::weighted(0.75), prop::option::of(0_i64..3)), 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    let (run, tick, table) = (0_usize..8, -3_i64..9, 0_usize..2);
    let append = (run.clone(), tick.clone(), table.clone(), rows_spec());
    prop_oneof![
        6 => append.prop_map(|(run, tick, table, rows)| Op::Append { run, tick, table, rows }),
        3 => (run.clone(), tick.clone(), [rows_spec(), rows_spec()]).prop_map(|(run, tick, rows)| Op::Tick { run, tick, rows }),
        3 => (run, tick).prop_map(|(run, tick)| Op::Fork { run, tick }),
        1 => Just(Op::Flush),
        1 => table.prop_map(|table| Op::Compact { table }),
    ]
}

/// A row that a run sees. Its number is its own.
#[derive(Debug, Clone, Copy)]
struct Seen {
    number: usize,
    table: usize,
    tick: i64,
    seq: u64,
    spec: RowSpec,
}

/// A run and all rows that it sees.
struct Twin {
    run: Run,
    first_tick: i64,
    seen: Vec<Seen>,
}

impl Twin {
    fn state(&self, table: usize, tick: i64, seq: u64) -> Snapshot {
        fold(self.seen.iter().filter(|row| row.table == table && row.tick <= tick && row.seq <= seq))
    }

    fn states(&self) -> [Snapshot; 2] {
        [0, 1].map(|table| self.state(table, i64::MAX, u64::MAX))
    }

    fn ticks(&self) -> BTreeSet<i64> {
        self.seen.iter().map(|row| row.tick).collect()
    }
}

fn fold<'row>(rows: impl Iterator<Item = &'row Seen>) -> Snapshot {
    let mut rows: Vec<&Seen> = rows.collect();
    rows.sort_by_key(|row| (row.tick, row.seq, row.number));
    let mut state = Snapshot::new();
    for Seen { spec: (entity, active, x), .. } in rows {
        match active {
            true => state.insert(*entity, *x),
            false => state.remove(entity),
        };
    }
    state
}

struct Model {
    bed: Bed,
    world: World,
    twins: Vec<Twin>,
    rows: usize,
}

impl Model {
    async fn new() -> Self {
        let bed = Bed::new("world").await;
        let world = bed.open().await;
        let run = world.run("main").await.unwrap();
        // Both tables are there in every case, so that states are equal when their rows are.
        let none = rows(&[]);
        let _ = run.tick(0).append("a", &none).unwrap().append("b", &none).unwrap().commit().await.unwrap();
        Self { bed, world, twins: vec![Twin { run, first_tick: i64::MIN, seen: Vec::new() }], rows: 0 }
    }

    async fn play(ops: Vec<Op>) -> Self {
        let mut model = Self::new().await;
        for op in ops {
            model.step(op).await;
        }
        model
    }

    async fn step(&mut self, op: Op) {
        let runs = self.twins.len();
        match op {
            Op::Append { run, tick, table, rows } => {
                let twin = &mut self.twins[run % runs];
                let tick = tick.max(twin.first_tick);
                let receipt = twin.run.append(tick, TABLES[table], &rows_with_active(&rows)).await.unwrap();
                for spec in rows {
                    twin.seen.push(Seen { number: self.rows, table, tick, seq: receipt.seq, spec });
                    self.rows += 1;
                }
            }
            Op::Tick { run, tick, rows } => {
                let twin = &mut self.twins[run % runs];
                let tick = tick.max(twin.first_tick);
                let [a, b] = [0, 1].map(|table| rows_with_active(&rows[table]));
                let writer = twin.run.tick(tick).append("a", &a).unwrap().append("b", &b).unwrap();
                let receipts = writer.commit().await.unwrap().receipts;
                for (table, rows) in rows.into_iter().enumerate() {
                    for spec in rows {
                        twin.seen.push(Seen { number: self.rows, table, tick, seq: receipts[table].seq, spec });
                        self.rows += 1;
                    }
                }
            }
            Op::Fork { run, tick } => {
                let parent = &self.twins[run % runs];
                let run = parent.run.fork(&format!("run{runs}"), tick).await.unwrap();
                let seen = parent.seen.iter().filter(|row| row.tick <= tick).copied().collect();
                self.twins.push(Twin { first_tick: tick + 1, run, seen });
            }
            Op::Flush => self.world.flush().await.unwrap(),
            Op::Compact { table } => {
                let table = TableName::new(TABLES[table]).unwrap();
                self.world.table_backend().compact(&table, &CompactOptions::default()).await.unwrap();
            }
        }
    }

    /// The rows that both runs see.
    fn base(&self, ours: usize, theirs: usize, table: usize) -> Snapshot {
        let theirs: BTreeSet<usize> = self.twins[theirs].seen.iter().map(|row| row.number).collect();
        let ours = self.twins[ours].seen.iter();
        fold(ours.filter(|row| row.table == table && theirs.contains(&row.number)))
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..25)
}

async fn check_states(ops: Vec<Op>, tick: i64, seq: u64) {
    let model = Model::play(ops).await;
    let again = model.bed.open().await;
    assert_eq!(again.runs().await.unwrap().len(), model.twins.len());
    for twin in &model.twins {
        for (table, name) in TABLES.iter().enumerate() {
            assert_eq!(state(&twin.run.as_of(tick), name).await, twin.state(table, tick, u64::MAX));
            assert_eq!(state(&twin.run.now().at_seq(seq), name).await, twin.state(table, i64::MAX, seq));
            let small = StateOptions::default().with_window_rows(1).with_columns(["x", "entity"]);
            let found = twin.run.as_of(tick).at_seq(seq).state_with(name, &small).await.unwrap();
            assert_eq!(found.schema.fields().len(), 2);
            let batches: Vec<_> = found.batches.try_collect().await.unwrap();
            assert_eq!(pairs(&batches), twin.state(table, tick, seq).into_iter().collect::<Vec<_>>());
        }
    }
}

async fn check_replay(ops: Vec<Op>, from: i64, to: i64) {
    let model = Model::play(ops).await;
    let other = Bed::new("elsewhere").await.open().await;
    for (number, twin) in model.twins.iter().enumerate() {
        let small = ReplayOptions::default().with_window_rows(3);
        let ticks: Vec<Tick> = twin.run.replay_with(from..=to, &small).await.unwrap().try_collect().await.unwrap();
        let numbers: Vec<i64> = ticks.iter().map(|tick| tick.tick).collect();
        let expected: Vec<i64> = twin.ticks().into_iter().filter(|tick| (from..=to).contains(tick)).collect();
        assert_eq!(numbers, expected, "ascending, none empty, none missing");
        for Tick { tick, tables } in &ticks {
            for (name, batches) in tables {
                let table = TABLES.iter().position(|table| *table == name.as_str()).unwrap();
                let mut rows: Vec<&Seen> =
                    twin.seen.iter().filter(|row| row.table == table && row.tick == *tick).collect();
                rows.sort_by_key(|row| (row.seq, row.number));
                let rows: Vec<_> = rows.iter().map(|row| (row.spec.0, row.spec.2)).collect();
                assert_eq!(pairs(batches), rows, "in the order of their appends");
                let column = |batch: &arrow::array::RecordBatch| batch["tick"].as_primitive::<Int64Type>().clone();
                assert!(batches.iter().all(|batch| column(batch).values().iter().all(|each| each == tick)));
            }
        }
        let copy = other.create_run(&format!("copy{number}")).await.unwrap();
        let mut all = twin.run.replay(i64::MIN..=i64::MAX).await.unwrap();
        while let Some(tick) = all.try_next().await.unwrap() {
            let _ = tick.commit_to(&copy).await.unwrap();
        }
        let hashes = (twin.run.now().state_hash().await.unwrap(), copy.now().state_hash().await.unwrap());
        assert_eq!(hashes.0, hashes.1, "a replay elsewhere has the same hash");
        assert_eq!(
            twin.run.as_of(to).state_hash().await.unwrap(),
            copy.as_of(to).state_hash().await.unwrap(),
            "at every tick"
        );
    }
}

async fn check_pairs(ops: Vec<Op>) {
    let model = Model::play(ops).await;
    let count = model.twins.len();
    for (one, two) in [(0, count - 1), (count - 1, 0), (count - 1, count / 2)] {
        let (ours, theirs) = (&model.twins[one], &model.twins[two]);
        let (old, new) = (ours.states(), theirs.states());
        let hashes = (ours.run.now().state_hash().await.unwrap(), theirs.run.now().state_hash().await.unwrap());
        assert_eq!(hashes.0 == hashes.1, old == new, "equal hashes are equal states");
        let diff = ours.run.now().diff(&theirs.run.now()).await.unwrap();
        for table in 0..2 {
            check_diff(&diff, TABLES[table], &old[table], &new[table]);
            let ancestor = ours.run.common_ancestor(&theirs.run.now()).unwrap();
            assert_eq!(state(&ancestor, TABLES[table]).await, model.base(one, two, table));
        }
    }
    check_merge(&model, count - 1, count / 2).await;
}

fn check_diff(diff: &Diff, table: &str, old: &Snapshot, new: &Snapshot) {
    let only = |one: &Snapshot, other: &Snapshot| -> Vec<(u64, Option<i64>)> {
        one.iter().filter(|(entity, _)| !other.contains_key(*entity)).map(|(entity, x)| (*entity, *x)).collect()
    };
    let changed: Vec<_> = old.iter().filter(|(entity, x)| new.get(*entity).is_some_and(|other| other != *x)).collect();
    let Some(found) = diff.table(table) else {
        assert_eq!(old, new);
        return;
    };
    assert_ne!(old, new);
    let pairs = |rows: &arrow::array::RecordBatch| pairs(std::slice::from_ref(rows));
    assert_eq!((pairs(&found.added), pairs(&found.removed)), (only(new, old), only(old, new)));
    assert_eq!(pairs(&found.before), changed.iter().map(|(entity, x)| (**entity, **x)).collect::<Vec<_>>());
    assert_eq!(pairs(&found.after), changed.iter().map(|(entity, _)| (**entity, new[*entity])).collect::<Vec<_>>());
    assert_eq!(found.changed, vec![vec!["x".to_owned()]; changed.len()]);
}

/// Merges `two` into `one`, with each rule in a fork of its own.
async fn check_merge(model: &Model, one: usize, two: usize) {
    let (ours, theirs) = (&model.twins[one], &model.twins[two]);
    for rule in ["ours", "theirs", "base", "end"] {
        let fork = ours.run.fork(rule, 50).await.unwrap();
        let mut asked = 0;
        let resolve = |_: &_| {
            asked += 1;
            Ok(match rule {
                "ours" => Resolution::Ours,
                "theirs" => Resolution::Theirs,
                "base" => Resolution::Base,
                _ => Resolution::End,
            })
        };
        let merge = fork.merge_with(&theirs.run.now(), 51, resolve).await.unwrap();
        let mut conflicts = 0;
        for (table, name) in TABLES.iter().enumerate() {
            let base = model.base(one, two, table);
            let (old, new) = (ours.state(table, i64::MAX, u64::MAX), theirs.state(table, i64::MAX, u64::MAX));
            let mut expected = Snapshot::new();
            for entity in 0..5 {
                let (base, old, new) = (base.get(&entity), old.get(&entity), new.get(&entity));
                let conflict = old != base && new != base && old != new;
                conflicts += u64::from(conflict);
                let merged = match (conflict, rule) {
                    (false, _) => {
                        if new == base {
                            old
                        } else {
                            new
                        }
                    }
                    (true, "ours") => old,
                    (true, "theirs") => new,
                    (true, "base") => base,
                    (true, _) => None,
                };
                expected.extend(merged.map(|x| (entity, *x)));
            }
            assert_eq!(state(&fork.now(), name).await, expected, "table {name}, rule {rule}");
        }
        assert_eq!((merge.conflicts, asked), (conflicts, conflicts));
        assert_eq!(
            fork.merge(&theirs.run.now(), 52).await.is_err(),
            conflicts > 0 && rule != "theirs" && still(model, one, two, rule)
        );
    }
}

/// Whether a conflict is one still after a rule has decided on it: not where both sides agree by now, nor where ours went
/// back to the ancestor.
fn still(model: &Model, one: usize, two: usize, rule: &str) -> bool {
    (0..2).any(|table| {
        let base = model.base(one, two, table);
        let [old, new] = [one, two].map(|run| model.twins[run].state(table, i64::MAX, u64::MAX));
        (0..5).any(|entity| {
            let (base, old, new) = (base.get(&entity), old.get(&entity), new.get(&entity));
            let conflict = old != base && new != base && old != new;
            let now = match rule {
                "ours" => old,
                "base" => base,
                _ => None,
            };
            conflict && now != base && now != new
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_of_forks_of_forks_are_those_of_the_model(ops in ops(), tick in -4_i64..10, seq in 0_u64..25) {
        run(check_states(ops, tick, seq));
    }

    #[test]
    fn replays_of_forks_of_forks_are_those_of_the_model(ops in ops(), from in -4_i64..4, length in 0_i64..9) {
        run(check_replay(ops, from, from + length));
    }

    #[test]
    fn diffs_ancestors_and_merges_are_those_of_the_model(ops in ops()) {
        run(check_pairs(ops));
    }
}
