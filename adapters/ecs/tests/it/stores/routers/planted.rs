//! Bugs that are planted in a router: what its promises are tested with finds each of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use worldstore_core::Result;
use worldstore_ecs::Storage;
use worldstore_ecs::conformance::{defect, model};
use worldstore_ecs::planted::{Bug, Planted};
use worldstore_ecs::shard::Routing;

use super::{
    by_component, changes_none, does_the_same_as_one_storage, gives_new_ids, is_refused_over_storages, router, routings,
};

fn make(routing: Routing, planted: Planted) -> impl FnMut() -> Result<Box<dyn Storage>> {
    move || Ok(Box::new(router(3, routing.clone()).with_planted(planted)))
}

/// Whether a test fails.
fn fails(test: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(test)).is_err()
}

/// That nothing is found where nothing is planted is what the tests themselves show.
#[test]
fn planted_bugs_of_a_router_are_caught() {
    let by_suite = |planted: Planted| defect(&mut make(Routing::Hash, planted), None).is_some();
    let by_model =
        |planted: Planted| (0..8).any(|seed| model(&mut make(by_component(), planted), None, seed, 200).is_err());
    let by_one_storage = |planted: Planted| {
        (0..).zip(routings()).any(|(seed, routing)| fails(|| does_the_same_as_one_storage(seed, routing, planted)))
    };
    let bugs: [(Bug, &dyn Fn(Planted) -> bool); 10] = [
        (Bug::ShardUnread, &by_suite),
        (Bug::ShardUnchanged, &by_suite),
        (Bug::HomeKept, &by_suite),
        (Bug::HomesKept, &by_suite),
        (Bug::NoteShown, &by_suite),
        (Bug::SpreadUnnoted, &by_model),
        (Bug::MoveCopies, &by_one_storage),
        (Bug::IdsUnnoted, &|planted| fails(|| gives_new_ids(planted))),
        (Bug::UncheckedParts, &|planted| fails(|| changes_none(planted))),
        (Bug::UncheckedShards, &|planted| fails(|| is_refused_over_storages(planted))),
    ];
    let missed: Vec<Bug> =
        bugs.iter().filter(|(bug, catch)| !catch(Planted::from(*bug))).map(|(bug, _)| *bug).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
