//! Building, explaining and stepping: what a caller sees, and the mistakes that are noticed.

use expect_test::expect;
use serde::{Deserialize, Serialize};
use worldstore_core::ErrorKind;
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Changes, Desc, Engine, Index, Stream, Time};

use super::support::{Pair, Place, closure};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Reading {
    meter: String,
    hour: i64,
    watts: Option<i64>,
}

#[test]
fn a_circuit_explains_itself() {
    let builder = Builder::new();
    let (_, edges) = builder.input::<Pair>("edges");
    let (_, readings) = builder.input::<Reading>("readings");
    readings.sum("totals", |row| row.meter.clone(), |row| row.watts.unwrap_or(0)).cache("kept");
    closure("paths", edges).output("changes");
    let circuit = builder.build().unwrap();
    expect![[r#"
        edges: input -> (integer, integer)
        readings: input -> Reading {meter: text, hour: integer, watts: option<integer>}
        totals: sum <- readings -> (text, integer)
            table totals (key, sum_count, sum_value)
        kept: index <- totals -> (text, integer)
            table kept (f0, f1)
        paths: recursive <- edges -> (integer, integer)
            paths_steps: import <- edges
            paths_longer: join <- (itself), paths_steps
            paths_paths: add <- paths_longer, paths_steps
            paths: fixpoint <- paths_paths
            table paths_longer__left (key, row_f0, row_f1, iteration)
            table paths_longer__right (key, row_f0, row_f1, iteration)
            table paths (f0, f1, iteration)
        changes: output <- paths -> (integer, integer)
    "#]]
    .assert_eq(&circuit.explain());
    expect![[r#"
        digraph circuit {
          rankdir=LR;
          edges [label="edges\ninput", shape=ellipse];
          readings [label="readings\ninput", shape=ellipse];
          totals [label="totals\nsum", shape=box];
          kept [label="kept\nindex", shape=box];
          paths [label="paths\nrecursive", shape=box];
          changes [label="changes\noutput", shape=ellipse];
          readings -> totals;
          totals -> kept;
          edges -> paths;
          paths -> changes;
        }
    "#]]
    .assert_eq(&circuit.to_dot());
    expect![[r#"
        flowchart LR
          n_edges(["edges: input"])
          n_readings(["readings: input"])
          n_totals[("totals: sum")]
          n_kept[("kept: index")]
          n_paths[("paths: recursive")]
          n_changes(["changes: output"])
          n_readings --> n_totals
          n_totals --> n_kept
          n_edges --> n_paths
          n_paths --> n_changes
    "#]]
    .assert_eq(&circuit.to_mermaid());
}

#[test]
fn an_engine_and_its_handles_go_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<Engine>();
    is_send::<worldstore_zset::Input<Pair>>();
    is_send::<worldstore_zset::Output<Pair>>();
    is_send::<Index<i64, Pair>>();
    is_send::<Changes>();
    is_send::<worldstore_zset::Deltas>();
}

fn mistake(query: impl for<'b> FnOnce(Stream<'b, Pair>)) -> String {
    let builder = Builder::new();
    let (_, rows) = builder.input::<Pair>("rows");
    query(rows);
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

#[test]
fn names_must_be_there_once_and_plain() {
    let missing = mistake(|rows| {
        rows.distinct("").output("out");
    });
    assert_eq!(missing, "invalid: an operator has no name, operation: build a circuit, operator: ");
    let twice = mistake(|rows| {
        rows.distinct("set").neg("set").output("out");
    });
    assert_eq!(twice, "invalid: two operators have the same name, operation: build a circuit, operator: set");
    for name in ["Upper", "1st", "a__b", "a_", "a-b", "_a", "ä"] {
        assert!(
            mistake(|rows| {
                rows.neg(name);
            })
            .starts_with("invalid: a name begins with a letter"),
            "{name}"
        );
    }
    assert!(
        mistake(|rows| {
            rows.neg(&"a".repeat(49));
        })
        .contains("longer than 48 bytes")
    );
    let inside = mistake(|rows| {
        closure("rows", rows);
    });
    assert!(inside.contains("two operators have the same name"), "{inside}");
}

/// Rows of such types were taken, and the state could not be read afterwards.
#[test]
fn what_could_not_be_read_again_is_not_kept() {
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
    }
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Number { value: i64 },
    }
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Flat {
        before: bool,
        #[serde(flatten)]
        reading: Reading,
    }
    let mistakes = [
        mistake(|rows| drop(rows.map("either", |row| (row.0, Either::Number(row.1))).cache("kept"))),
        mistake(|rows| drop(rows.map("tagged", |row| Some(Tagged::Number { value: row.1 })).cache("kept"))),
        mistake(|rows| {
            rows.count("kept", |row| vec![Either::Number(row.0)]);
        }),
        mistake(|rows| {
            let reading = |row: &Pair| Reading { meter: String::new(), hour: row.0, watts: None };
            rows.map("flat", move |row| Flat { before: true, reading: reading(row) }).distinct("kept");
        }),
    ];
    for mistake in mistakes {
        assert!(mistake.contains("cannot be read again, operation: build a circuit, operator: kept"), "{mistake}");
    }
    // What only passes by is never read.
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let either = rows.map("either", |row| Either::Number(row.0));
    let kept = ["one", "two"].map(|name| {
        let numbers = either.map(name, |Either::Number(number)| *number);
        numbers.cache(&format!("kept_{name}"))
    });
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    engine.insert(&input, [(1, 1)]).unwrap();
    // Unless a step may be cut short just there.
    let time = Time::at(1).with_flush_every_set(true);
    let error = engine.step(Changes::new().insert(&input, [(2, 2)]), time).unwrap_err();
    assert!(error.to_string().ends_with("cannot be committed in sets, operator: either"), "{error}");
    assert_eq!(kept.map(|kept| engine.read(&kept).unwrap().all().unwrap().len()), [1, 1]);
}

#[test]
fn streams_of_two_recursions_do_not_mix() {
    let mixed = mistake(|rows| {
        rows.builder().recursive::<Pair>("outer", |_, outer| {
            rows.builder().recursive::<Pair>("inner", |_, inner| {
                inner.add("both", outer);
                inner
            });
            outer
        });
    });
    assert!(mixed.contains("a stream of another recursion flows into an operator"), "{mixed}");
}

#[test]
fn streams_and_handles_of_other_circuits_are_refused() {
    let other = Builder::new();
    let (foreign_in, foreign) = other.input::<Pair>("foreign");
    let builder = Builder::new();
    let (_, rows) = builder.input::<Pair>("rows");
    rows.add("sum", foreign);
    assert!(builder.build().unwrap_err().to_string().contains("a stream of another builder"));

    let output = foreign.output("out");
    other.build().unwrap();
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    rows.output("out");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    assert_eq!(engine.insert(&foreign_in, [(1, 1)]).unwrap_err().kind(), ErrorKind::Invalid);
    let deltas = engine.insert(&input, [(1, 1)]).unwrap();
    assert_eq!(deltas.get(&output).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn actions_insert_remove_replace_and_several_inputs_at_once() {
    let builder = Builder::new();
    let (left_in, left) = builder.input::<Pair>("left");
    let (right_in, right) = builder.input::<Pair>("right");
    let joined = left.join("joined", right, |row| row.0, |row| row.0, |left, right| (left.1, right.1)).output("out");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let both = Changes::new().insert(&left_in, [(1, 10), (2, 20)]).insert(&right_in, [(1, 11)]);
    assert_eq!(engine.step(both, Time::none()).unwrap().get(&joined).unwrap(), [((10, 11), 1)]);
    let replaced = engine.replace(&right_in, (1, 11), (2, 12)).unwrap();
    assert_eq!(replaced.get(&joined).unwrap(), [((10, 11), -1), ((20, 12), 1)]);
    let nothing = engine.remove(&left_in, [(1, 10)]).unwrap();
    assert_eq!(nothing.get(&joined).unwrap(), []);
    let cancelled = Changes::new().insert(&left_in, [(2, 20)]).remove(&left_in, [(2, 20)]);
    assert_eq!(engine.step(cancelled, Time::none()).unwrap().stats().total(), 0);
}

#[test]
fn times_that_go_back_are_refused() {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    rows.distinct("set");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let one = || Changes::new().insert(&input, [(1, 1)]);
    engine.step(one(), Time::at(7)).unwrap();
    for time in [7, 3] {
        assert_eq!(engine.step(one(), Time::at(time)).unwrap_err().kind(), ErrorKind::ConditionFailed);
    }
    assert_eq!(engine.step(one(), Time::at(-2)).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(engine.time().unwrap(), 7);
}

#[test]
fn weights_and_sums_that_do_not_fit_fail_the_step() {
    Place::all().iter().for_each(sums_that_do_not_fit);
}

fn sums_that_do_not_fit(place: &Place) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<i64>("rows");
    let (weights_in, weights) = builder.input::<i64>("weights");
    let sums = rows.reduce("sums", |row| *row).cache("kept");
    weights.distinct("set");
    let mut engine = Engine::open(builder.build().unwrap(), place.open(), Mode::CreateTables).unwrap();
    engine.insert(&input, [i64::MAX]).unwrap();
    let error = engine.insert(&input, [1]).unwrap_err();
    assert_eq!(error.to_string(), "invalid: a sum leaves the range of its type, operator: sums");
    engine.insert(&input, [-1]).unwrap();
    let kept: Vec<_> = engine.read(&sums).unwrap().all().unwrap().into_iter().collect();
    assert_eq!(kept, [(i64::MAX - 1, 1)]);
    engine.step(Changes::new().weigh(&weights_in, [(1, i64::MAX)]), Time::none()).unwrap();
    let error = engine.insert(&weights_in, [1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("operator: set"), "{error}");
}

/// Rows come in their order, so the new value of a replaced row may come before the old one goes.
#[test]
fn sums_that_fit_are_made_whatever_is_on_the_way() {
    let builder = Builder::new();
    let (input, rows) = builder.input::<i32>("rows");
    let (pairs_in, pairs) = builder.input::<(i32, i32)>("pairs");
    let sum = rows.reduce("sum", |row| *row).cache("kept_sum");
    let both = pairs.reduce("both", |row| *row).cache("kept_both");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let large = 2_000_000_000;
    engine.insert(&input, [large]).unwrap();
    engine.replace(&input, large, large - 1).unwrap();
    let doubled = Changes::new().weigh(&input, [(large - 2, 2), (large - 1, -2)]);
    engine.step(doubled, Time::none()).unwrap();
    let rows: Vec<_> = engine.read(&sum).unwrap().all().unwrap().into_iter().collect();
    assert_eq!(rows, [(large - 3, 1)]);
    // One part would leave the range in one order, the other part in the other.
    engine.insert(&pairs_in, [(large, large)]).unwrap();
    engine.insert(&pairs_in, [(large, -large), (-large, large)]).unwrap();
    let rows: Vec<_> = engine.read(&both).unwrap().all().unwrap().into_iter().collect();
    assert_eq!(rows, [((large, large), 1)]);
    assert_eq!(engine.insert(&input, [large]).unwrap_err().kind(), ErrorKind::Invalid);
    engine.check().unwrap();
}

/// No bytes come behind those of the last time, and the search went on from the first: rows kept the partner before.
#[test]
fn an_asof_join_finds_partners_at_the_last_of_all_times() {
    for place in Place::all() {
        let builder = Builder::new();
        let (left_in, left) = builder.input::<(bool, i64)>("left");
        let (right_in, right) = builder.input::<(bool, i64)>("right");
        let at = |row: &(bool, i64)| ((), Desc(row.0));
        let joined = left.asof_join("joined", right, at, at, |left, right| (left.1, right.map(|right| right.1)));
        let kept = joined.cache("kept");
        let mut engine = Engine::open(builder.build().unwrap(), place.open(), Mode::CreateTables).unwrap();
        engine.insert(&left_in, [(false, 1)]).unwrap();
        engine.insert(&right_in, [(true, 10)]).unwrap();
        engine.insert(&right_in, [(false, 20)]).unwrap();
        let rows: Vec<_> = engine.read(&kept).unwrap().all().unwrap().into_iter().collect();
        assert_eq!(rows, [((1, Some(20)), 1)]);
        engine.check().unwrap();
    }
}

/// Equal by `Ord`, different by encoding.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Caseless(String);

impl Ord for Caseless {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.to_lowercase().cmp(&other.0.to_lowercase())
    }
}

impl PartialOrd for Caseless {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Caseless {}

/// Rows of one group that did not lie side by side made its first rows come twice.
#[test]
fn the_first_rows_of_a_group_come_once_whatever_the_order_of_keys() {
    let builder = Builder::new();
    let (input, rows) = builder.input::<(String, i64)>("rows");
    let least = rows.min("least", |row| Caseless(row.0.clone()), |row| row.1).map("value", |row| row.1).output("out");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let rows = [("a", 1), ("A", 2), ("a", 3)].map(|(name, value)| (name.to_owned(), value));
    let deltas = engine.insert(&input, rows).unwrap();
    assert_eq!(deltas.get(&least).unwrap(), [(1, 1), (2, 1)]);
}

#[test]
fn an_index_is_read_by_key_by_range_and_from_both_ends() {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let index = rows.index("by_value", |row| (Desc(row.1), row.0));
    let memory = Memory::new();
    let mut engine = Engine::open(builder.build().unwrap(), memory.clone(), Mode::CreateTables).unwrap();
    engine.insert(&input, (0..10).map(|number| (number, number / 3))).unwrap();
    let rows = |found: Vec<((Desc<i64>, i64), Pair, i64)>| found.into_iter().map(|(_, row, _)| row).collect::<Vec<_>>();
    let mut reading = engine.read(&index).unwrap();
    assert_eq!(rows(reading.first(3).unwrap()), [(9, 3), (6, 2), (7, 2)]);
    assert_eq!(rows(reading.last(2).unwrap()), [(2, 0), (1, 0)]);
    assert_eq!(reading.get(&(Desc(2), 7)).unwrap(), [((7, 2), 1)]);
    assert_eq!(rows(reading.range((Desc(2), 7)..=(Desc(1), 3)).unwrap()), [(7, 2), (8, 2), (3, 1)]);
    assert_eq!(rows(reading.range(..(Desc(2), 7)).unwrap()), [(9, 3), (6, 2)]);
    assert_eq!(reading.all().unwrap().len(), 10);
    drop(reading);

    // Without the circuit, by name and types.
    let mut store = memory.clone();
    let named = Index::<(Desc<i64>, i64), Pair>::named("by_value");
    assert_eq!(rows(named.read(&mut store).unwrap().first(1).unwrap()), [(9, 3)]);
    let wrong = Index::<i64, Pair>::named("by_value").read(&mut store).err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    let missing = Index::<i64, Pair>::named("nowhere").read(&mut store).err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}
