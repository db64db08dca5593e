//! Entities that move from shard to shard, with reads in between, and moves that are cut off in the middle.

use worldstore_core::ErrorKind;
use worldstore_ecs::shard::{Router, Routing};
use worldstore_ecs::{ComponentValue, Entity, Query, Storage, Updates};

use super::super::steps::{Agent, found};
use super::handle::Handle;
use super::{position, router};

/// More than are moved by one batch.
const MANY: usize = 2_500;

fn fill(router: &mut Router) -> Vec<Entity> {
    let mut spawned = Vec::new();
    // One batch for each shard, so that storages which cannot be changed together take it too.
    for from in (0..MANY).step_by(500) {
        let mut updates = Updates::new();
        for place in from..from + 500 {
            updates.spawn_values(vec![position(place as f32, 0.0), ComponentValue::of(&Agent).unwrap()]);
        }
        spawned.extend(router.apply(&updates.to_batch().unwrap()).unwrap().spawned);
    }
    spawned
}

/// Each entity is there once, with what it had, and in one storage only.
fn check(router: &Router, entities: &[Entity]) {
    let query = Query::new(["position"]).having(["agent"]);
    let found = found(router, &query);
    assert_eq!(found.len(), entities.len());
    for (place, entity) in entities.iter().enumerate() {
        assert_eq!(found[entity], [position(place as f32, 0.0)], "{entity}");
    }
    assert!(router.alive(entities).unwrap().into_iter().all(|alive| alive));
    for entity in entities.iter().step_by(97) {
        let home = router.shard_of(*entity).unwrap();
        for (shard, storage) in router.shards().iter().enumerate() {
            assert_eq!(storage.alive(&[*entity]).unwrap(), [shard == home], "{entity} in shard {shard}");
        }
    }
    assert_eq!(router.counts().iter().sum::<usize>(), entities.len());
}

#[test]
fn ranges_move_and_every_read_in_between_finds_everything() {
    let mut router = router(3, Routing::Range(vec![(0, 0)]));
    let entities = fill(&mut router);
    check(&router, &entities);
    let first = Entity::RESERVED;
    let moves = [(first..first + 600, 1, 600), (first + 300..first + 2_000, 2, 1_700), (0..first + 300, 2, 300)];
    for (indexes, shard, moved) in moves {
        assert_eq!(router.move_range(indexes.clone(), shard).unwrap(), moved, "{indexes:?}");
        check(&router, &entities);
        for entity in entities.iter().filter(|entity| indexes.contains(&entity.index())) {
            assert_eq!(router.shard_of(*entity), Some(shard));
        }
    }
    assert_eq!(router.counts(), [500, 0, 2_000]);
    // What is written after a move is written where the entity is now, and a new one goes where the range is now.
    let mut updates = Updates::new();
    updates.insert_value(entities[0], position(-1.0, 0.0)).destroy(entities[1]).spawn_values(Vec::new());
    let spawned = router.apply(&updates.to_batch().unwrap()).unwrap().spawned;
    assert_eq!((spawned[0].index(), spawned[0].generation()), (entities[1].index(), 1));
    assert_eq!([router.shard_of(spawned[0]), router.shard_of(entities[1])], [Some(2), None]);
    assert_eq!(router.shards()[2].get(entities[0], "position").unwrap(), Some(position(-1.0, 0.0)));
    // Changes from before the moves are not known any more; those behind it are.
    let tick = router.tick().unwrap();
    let early = router.changes(worldstore_ecs::Tick(1)).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotFound);
    assert!(router.changes(tick).unwrap().is_empty());
    for (indexes, shard) in [(5..5, 1), (0..9, 3)] {
        assert_eq!(router.move_range(indexes, shard).unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(router.counts().iter().sum::<usize>(), MANY);
}

/// A move whose storages fail after any number of batches, and a router that is opened over what is left.
#[test]
fn a_move_that_is_cut_off_loses_nothing_and_is_ended_by_opening() {
    for cut in 0..6_usize {
        let handles = [Handle::new(100), Handle::new(101)];
        let shards = || handles.iter().map(|handle| Box::new(handle.clone()) as Box<dyn Storage>).collect();
        let mut router = Router::open(0, shards(), Routing::Range(vec![(0, 0)])).unwrap();
        let entities = fill(&mut router);
        // Three batches into the new shard, and three out of the old one.
        handles[1].fail_after(cut.div_ceil(2));
        handles[0].fail_after(cut / 2);
        let failed = router.move_range(0..u32::MAX, 1).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable, "cut {cut}");
        // The router still answers, with everything once.
        let found_now = found(&router, &Query::new(["position"]));
        assert_eq!(found_now.len(), MANY, "cut {cut}");
        assert_eq!(router.export().unwrap().entities().filter(|entity| !entity.is_reserved()).count(), MANY);
        assert_eq!(found(&router, &Query::all()).len(), MANY);
        let mut updates = Updates::new();
        updates.destroy(entities[0]);
        let refused = router.apply(&updates.to_batch().unwrap()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Poisoned, "the copy would come back");
        handles.iter().for_each(|handle| handle.fail_after(usize::MAX));
        drop(router);
        let mut again = Router::open(0, shards(), Routing::Range(vec![(0, 1)])).unwrap();
        check(&again, &entities);
        again.rebalance().unwrap();
        check(&again, &entities);
        assert_eq!(again.counts(), [0, MANY]);
    }
}
