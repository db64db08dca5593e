//! Worlds on both sides: the same histories give the same answers, awaited or not.

mod bounds;
mod op;
mod players;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use worldstore::asynchronous::table::conformance::check;
use worldstore::asynchronous::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore::blocking;
use worldstore::core::table::conformance::Profile;
use worldstore::{World, WorldOptions};

use op::{Op, op};
use players::{awaited, waited};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_answer_alike(ops in prop::collection::vec(op(), 1..24)) {
        let expected = runtime().block_on(awaited::play(&ops));
        prop_assert_eq!(waited::play(&ops), expected);
    }
}

/// A history in which nothing is refused, so that equal answers are answers.
#[test]
fn a_history_with_every_step_answers_alike() {
    let (ab, rows) = ([vec![(1, true, Some(4))], vec![(2, true, None)]], vec![(1, true, Some(1)), (2, true, Some(2))]);
    let ops = [
        Op::Define { table: 1 },
        Op::Append { run: 0, tick: 1, table: 0, rows: rows.clone() },
        Op::Append { run: 0, tick: 1, table: 1, rows: rows.clone() },
        Op::Fork { run: 0, tick: 1 },
        Op::Tick { run: 0, tick: 2, rows: ab.clone(), ended: None },
        Op::Tick { run: 1, tick: 2, rows: [vec![(1, true, Some(8))], vec![(2, true, None)]], ended: Some(2) },
        Op::Flush,
        Op::Compact { table: 0 },
        Op::Diff { one: 0, other: 1, tick: 9 },
        Op::Merge { ours: 0, theirs: 1, tick: 3, rule: 1 },
        Op::Replay { run: 0, from: 1, to: 3 },
        Op::Look { run: 0, tick: 3, seq: 4, entity: 1 },
        Op::CreateRun,
        Op::Append { run: 2, tick: 0, table: 0, rows },
        Op::Drop { run: 2 },
    ];
    let expected = runtime().block_on(awaited::play(&ops));
    for (op, line) in ops.iter().zip(&expected) {
        assert!(!line.starts_with(&format!("{op:?}: refused")), "{line}");
    }
    assert!(expected.iter().any(|line| line.contains("conflict in")), "{expected:#?}");
    assert_eq!(waited::play(&ops), expected);
}

#[test]
fn contexts_answer_alike() {
    let expected = runtime().block_on(awaited::contexts());
    assert_eq!(waited::contexts(), expected);
    assert!(expected.iter().any(|line| line.contains("north")), "{expected:#?}");
}

/// The kit for tables, on those of a world from both sides.
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_a_world_conform_alike() {
    let options = crate::bed::Bed::new(worldstore::TableFormat::Memory).options();
    let worlds: tokio::sync::Mutex<BTreeMap<String, World>> = tokio::sync::Mutex::default();
    let open = async |place: &str| {
        let mut worlds = worlds.lock().await;
        if !worlds.contains_key(place) {
            worlds.insert(place.to_owned(), World::create("memory:", &options).await?);
        }
        Ok(worlds[place].table_backend())
    };
    let expected = check(open, &Profile::cache()).await.unwrap().into_result().unwrap();

    let worlds: Mutex<BTreeMap<String, blocking::World>> = Mutex::default();
    let open = async |place: &str| {
        let mut worlds = worlds.lock().unwrap();
        let create = |options: &WorldOptions| blocking::World::create("memory:", options).unwrap();
        let world = worlds.entry(place.to_owned()).or_insert_with(|| tokio::task::block_in_place(|| create(&options)));
        Ok(Arc::new(SyncTableAdapter::new(world.table_backend())) as Arc<dyn AsyncTableBackend>)
    };
    let got = check(open, &Profile::cache()).await.unwrap().into_result().unwrap();
    assert_eq!(got.to_string(), expected.to_string());
}
