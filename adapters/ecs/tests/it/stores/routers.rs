//! Routers: the suite on each way of routing, reads while entities move, and what is refused.

mod answers;
mod handle;
mod moves;
mod planted;

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_core::{ErrorKind, Result};
use worldstore_ecs::conformance::{model, run};
use worldstore_ecs::planted::Planted;
use worldstore_ecs::shard::{Router, Routing};
use worldstore_ecs::{
    ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Local, Query, Storage, Updates, Write,
};

use super::steps::{Agent, Counters, Dice, NAMES, Name, Position, found, updates};
use handle::Handle;

fn locals(count: usize) -> Vec<Box<dyn Storage>> {
    let shard = |shard| Box::new(Local::with_shard(100 + shard as u16).unwrap()) as Box<dyn Storage>;
    (0..count).map(shard).collect()
}

fn router(count: usize, routing: Routing) -> Router {
    Router::open(0, locals(count), routing).unwrap()
}

fn keep(shards: usize, routing: Routing) {
    keep_but(shards, routing, &[]);
}

/// Cases that are not kept are refused, and not answered wrongly.
fn keep_but(shards: usize, routing: Routing, refused: &[&str]) {
    let make = move || -> Result<Box<dyn Storage>> { Ok(Box::new(router(shards, routing.clone()))) };
    let report = run(&mut make.clone());
    let mut failed: Vec<&str> = report.failed.iter().map(|(name, _)| *name).collect();
    failed.sort_unstable();
    assert_eq!(failed, refused, "{report}");
    assert!(report.failed.iter().all(|(_, error)| error.kind() == ErrorKind::Unsupported), "{report}");
    assert!(report.passed.len() > 30, "{report}");
    for seed in 0..4 {
        model(&mut make.clone(), None, seed, 200).unwrap();
    }
}

#[test]
fn a_router_by_hash_keeps_the_promises() {
    keep(1, Routing::Hash);
    keep(3, Routing::Hash);
}

#[test]
fn a_router_by_range_keeps_the_promises() {
    keep(2, Routing::Range(vec![(0, 0), (1_003, 1), (1_010, 0)]));
}

#[test]
fn a_router_by_space_keeps_the_promises() {
    keep(3, Routing::grid("position", "x", "y", 1.0, 3).unwrap());
}

#[test]
fn a_router_by_component_keeps_the_promises() {
    let shards = [("position", 1), ("name", 2), ("health", 1), ("everything", 0)];
    let routing = Routing::Component(shards.map(|(name, shard)| (name.into(), shard)).into());
    // These give reserved entities components that are in other shards than the first.
    let refused = [
        "a_restore_into_a_fresh_storage_brings_all_back",
        "all_entities_are_listed",
        "reserved_entities_live_for_ever",
        "singletons_are_found_by_queries",
    ];
    keep_but(3, routing, &refused);
}

fn by_component() -> Routing {
    let shards: HashMap<Arc<str>, usize> = [("position", 1), ("Name-1.a", 2)].map(|(n, s)| (n.into(), s)).into();
    Routing::Component(shards)
}

fn routings() -> [Routing; 4] {
    [
        Routing::Hash,
        Routing::Range(vec![(0, 2), (1_004, 0), (1_009, 1)]),
        Routing::grid("position", "x", "y", 1.0, 3).unwrap(),
        by_component(),
    ]
}

/// All ways of routing do the same as one storage, whatever is asked: entities that are alive in any shard are, and those
/// that are dead in all are not.
#[test]
fn every_way_of_routing_does_the_same_as_one_storage() {
    for (seed, routing) in (0..).zip(routings()) {
        does_the_same_as_one_storage(seed, routing, Planted::default());
    }
}

fn does_the_same_as_one_storage(seed: u64, routing: Routing, planted: Planted) {
    let (mut dice, mut local) = (Dice::new(seed), Local::new());
    let mut router = router(3, routing.clone()).with_planted(planted);
    let mut seen = vec![Entity::WORLD, Entity::CLOCK];
    for batch in 0..150 {
        let alive: Vec<Entity> = local.export().unwrap().allocator.alive().collect();
        let dead: Vec<Entity> = seen.iter().filter(|one| !alive.contains(one) && !one.is_reserved()).copied().collect();
        let Ok(changes) = updates(&mut dice, &alive, &dead).to_batch() else { continue };
        let applied = router.apply(&changes);
        if applied.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unsupported) {
            let is_elsewhere = |write: &Write| write.entity.is_reserved() && &**write.value.name() != "agent";
            assert!(matches!(routing, Routing::Component(_)) && changes.writes().iter().any(is_elsewhere));
            continue;
        }
        match (local.apply(&changes), applied) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!((&theirs.spawned, theirs.removed), (&ours.spawned, ours.removed), "{routing:?} {batch}");
                seen.extend(&ours.spawned);
                seen.extend(changes.places().iter().map(|(entity, _)| *entity));
            }
            (ours, theirs) => assert_eq!(
                theirs.map(drop).map_err(|error| error.kind()),
                ours.map(drop).map_err(|error| error.kind()),
                "{routing:?} {batch}"
            ),
        }
        if batch % 10 == 0 && !matches!(routing, Routing::Component(_)) {
            router.rebalance().unwrap();
        }
        same(&router, &local, &seen);
    }
}

/// All reads of a router are those of one storage.
fn same(router: &Router, local: &Local, seen: &[Entity]) {
    assert_eq!(router.alive(seen).unwrap(), local.alive(seen).unwrap());
    for name in NAMES {
        assert_eq!(router.get_many(seen, name).unwrap(), local.get_many(seen, name).unwrap(), "{name}");
        let query = Query::new([name]).having(["agent"]);
        assert_eq!(found(router, &query), found(local, &query));
        let query = Query::new([name, "position"]).excluding(["Name-1.a"]);
        assert_eq!(found(router, &query), found(local, &query));
    }
    assert_eq!(found(router, &Query::all()), found(local, &Query::all()));
    for entity in seen {
        assert_eq!(router.types(*entity).unwrap(), local.types(*entity).unwrap());
    }
}

fn spawn(router: &mut Router, values: Vec<ComponentValue>) -> Entity {
    let mut updates = Updates::new();
    updates.spawn_values(values);
    router.apply(&updates.to_batch().unwrap()).unwrap().spawned[0]
}

fn position(x: f32, y: f64) -> ComponentValue {
    ComponentValue::of(&Position { x, y }).unwrap()
}

#[test]
fn an_entity_is_where_its_position_is() {
    // Two squares of ten by ten, dealt to two shards like a chessboard.
    let mut router = router(2, Routing::grid("position", "x", "y", 10.0, 2).unwrap());
    let here = spawn(&mut router, vec![position(5.0, 5.0)]);
    let there = spawn(&mut router, vec![position(15.0, 5.0)]);
    let nowhere = spawn(&mut router, vec![ComponentValue::of(&Agent).unwrap()]);
    let odd = spawn(&mut router, vec![position(f32::NAN, f64::INFINITY)]);
    let negative = spawn(&mut router, vec![position(-5.0, 5.0)]);
    let shards = |router: &Router| [here, there, nowhere, odd, negative].map(|one| router.shard_of(one));
    assert_eq!(shards(&router), [Some(0), Some(1), Some(0), Some(0), Some(1)]);
    // It walks, and moves when the router is put in order.
    let mut updates = Updates::new();
    updates.insert_value(here, position(12.0, 1.0));
    router.apply(&updates.to_batch().unwrap()).unwrap();
    assert_eq!(shards(&router)[0], Some(0));
    assert_eq!(router.rebalance().unwrap(), 1);
    assert_eq!(shards(&router), [Some(1), Some(1), Some(0), Some(0), Some(1)]);
    assert_eq!(router.get(here, "position").unwrap(), Some(position(12.0, 1.0)));
    assert_eq!(router.counts(), [2, 3]);
    assert_eq!(router.rebalance().unwrap(), 0);
    // A shard that is not there, a component without these numbers.
    let none = Routing::Space { component: "position".into(), locate: Arc::new(|_| Ok(7)) };
    let mut lost = Router::open(0, locals(2), none).unwrap();
    let mut updates = Updates::new();
    updates.spawn_values(vec![position(0.0, 0.0)]);
    assert_eq!(lost.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(found(&lost, &Query::all()).len(), 0);
    let mut wrong = Router::open(0, locals(2), Routing::grid("position", "x", "height", 1.0, 2).unwrap()).unwrap();
    assert_eq!(wrong.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn components_are_where_they_belong() {
    let mut router = router(3, by_component());
    let name = ComponentValue::of(&Name { text: "ann".to_owned(), nick: None }).unwrap();
    let counters = Counters { entity: 1, small: 2, block: [3; 3], flag: None, raw: Vec::new() };
    let counters = ComponentValue::of(&counters).unwrap();
    let all = spawn(&mut router, vec![position(1.0, 1.0), name.clone(), counters]);
    let bare = spawn(&mut router, Vec::new());
    assert_eq!(router.counts(), [2, 1, 1], "shard 0 knows all, the others those that have something there");
    let types = |shard: usize| router.shards()[shard].types(all).unwrap().unwrap();
    assert_eq!(
        (types(0), types(1), types(2)),
        (vec!["Counters".into()], vec!["position".into()], vec!["Name-1.a".into()])
    );
    // A query over components of several shards.
    let query = Query::new(["Name-1.a", "position"]).having(["Counters"]);
    assert_eq!(found(&router, &query).into_iter().collect::<Vec<_>>(), [(all, vec![name, position(1.0, 1.0)])]);
    // What is alive in one shard and not in another is alive; what is destroyed is in none.
    assert_eq!(router.alive(&[all, bare]).unwrap(), [true, true]);
    let mut updates = Updates::new();
    updates.destroy(all);
    router.apply(&updates.to_batch().unwrap()).unwrap();
    assert_eq!(router.alive(&[all, bare]).unwrap(), [false, true]);
    assert!(router.shards().iter().all(|shard| shard.alive(&[all]).unwrap() == [false]));
    assert_eq!(router.counts(), [1, 0, 0]);
    assert_eq!(router.rebalance().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(router.move_range(0..1, 0).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_batch_over_storages_that_cannot_be_changed_together_is_refused() {
    is_refused_over_storages(Planted::default());
}

fn is_refused_over_storages(planted: Planted) {
    let handles = [Handle::new(100), Handle::new(101)];
    let shards = || handles.iter().map(|handle| Box::new(handle.clone()) as Box<dyn Storage>).collect();
    let routing = Routing::Range(vec![(0, 0), (1_001, 1)]);
    let mut router = Router::open(0, shards(), routing.clone()).unwrap().with_planted(planted);
    let first = spawn(&mut router, vec![position(0.0, 0.0)]);
    let second = spawn(&mut router, vec![position(1.0, 0.0)]);
    assert_eq!([router.shard_of(first), router.shard_of(second)], [Some(0), Some(1)]);
    let before = found(&router, &Query::all());
    // Two shards in one batch.
    let mut updates = Updates::new();
    updates.insert_value(first, position(9.0, 0.0)).insert_value(second, position(9.0, 0.0));
    let refused = router.apply(&updates.to_batch().unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("0 1"), "{refused}");
    let mut updates = Updates::new();
    updates.destroy(first).spawn_values(vec![position(2.0, 0.0)]).spawn_values(Vec::new());
    assert_eq!(router.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Unsupported);
    // Nothing was changed: not in the router, not in the storages, no id is gone.
    assert_eq!(found(&router, &Query::all()), before);
    assert_eq!(router.get(first, "position").unwrap(), Some(position(0.0, 0.0)));
    assert_eq!(router.alive(&[first, second]).unwrap(), [true, true]);
    let again = Router::open(0, shards(), routing).unwrap();
    assert_eq!(found(&again, &Query::all()), before);
    let state = router.export().unwrap().into_owned().unwrap();
    assert_eq!(router.import(&state).unwrap_err().kind(), ErrorKind::Unsupported);
    // One shard at a time goes.
    let mut updates = Updates::new();
    updates.insert_value(first, position(9.0, 0.0));
    router.apply(&updates.to_batch().unwrap()).unwrap();
    let next = spawn(&mut router, Vec::new());
    assert_eq!(next.index(), second.index() + 1);
}

/// A batch over storages in memory, of which the second refuses its part.
#[test]
fn a_batch_over_memory_that_one_shard_refuses_changes_none() {
    changes_none(Planted::default());
}

fn changes_none(planted: Planted) {
    let mut shards = locals(3);
    for (shard, kind) in shards.iter_mut().zip([FieldKind::U8, FieldKind::F64, FieldKind::U8]) {
        let odd = ComponentType::dynamic("odd", vec![Field::new("value", kind)]).unwrap();
        shard.register(&[Arc::new(odd)]).unwrap();
    }
    let routing = Routing::Range(vec![(0, 0), (1_001, 1), (1_002, 2)]);
    let mut router = Router::open(0, shards, routing).unwrap().with_planted(planted);
    let made = [0.0, 1.0, 2.0].map(|x| spawn(&mut router, vec![position(x, 0.0)]));
    assert_eq!(made.map(|one| router.shard_of(one)), [Some(0), Some(1), Some(2)]);
    let before = |router: &Router| {
        let shards = router.shards().iter().map(|shard| (found(&**shard, &Query::all()), shard.tick().unwrap()));
        (shards.collect::<Vec<_>>(), found(router, &Query::new(["position"])), router.tick().unwrap())
    };
    let all = before(&router);
    let odd = router.components().unwrap().into_iter().find(|component| &**component.name() == "odd").unwrap();
    let odd = ComponentValue::from_fields(&odd, &[FieldValue::U64(7)]).unwrap();
    let mut updates = Updates::new();
    updates.insert_value(made[0], odd.clone()).insert_value(made[1], odd).spawn_values(Vec::new()).destroy(made[2]);
    let refused = router.apply(&updates.to_batch().unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    assert_eq!(before(&router), all);
    // No id is gone: the next one is that behind the last.
    assert_eq!(spawn(&mut router, Vec::new()).index(), made[2].index() + 1);
}

/// Ids that were given out before are not given out again, whoever had them.
#[test]
fn a_router_that_is_opened_again_gives_new_ids() {
    gives_new_ids(Planted::default());
}

fn gives_new_ids(planted: Planted) {
    let handle = Handle::new(100);
    let open = || Router::open(0, vec![Box::new(handle.clone())], Routing::Hash).unwrap().with_planted(planted);
    let mut router = open();
    let made = [spawn(&mut router, Vec::new()), spawn(&mut router, Vec::new())];
    let mut updates = Updates::new();
    updates.destroy(made[1]);
    router.apply(&updates.to_batch().unwrap()).unwrap();
    drop(router);
    let mut router = open();
    let new = spawn(&mut router, Vec::new());
    assert!(!made.contains(&new), "{new}");
    assert_eq!(router.alive(&[made[0], made[1], new]).unwrap(), [true, false, true]);
}
