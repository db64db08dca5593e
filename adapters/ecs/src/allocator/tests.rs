//! Ids are given out once, and what a snapshot keeps brings them back.

use worldstore_core::ErrorKind;

use super::{Allocator, AllocatorState};
use crate::Entity;

fn allocator() -> Allocator {
    Allocator::new(3).unwrap()
}

#[test]
fn the_first_entity_is_behind_the_reserved_ones() {
    let mut allocator = allocator();
    let entity = allocator.allocate().unwrap();
    assert_eq!(entity, Entity::new(3, 1_000, 0).unwrap());
    assert!(allocator.is_alive(Entity::new(3, 999, 0).unwrap()));
    assert!(!allocator.is_alive(Entity::new(0, 1_000, 0).unwrap()));
}

#[test]
fn a_freed_index_comes_back_in_its_next_generation() {
    let mut allocator = allocator();
    let [first, second] = [allocator.allocate().unwrap(), allocator.allocate().unwrap()];
    allocator.free(first).unwrap();
    allocator.free(second).unwrap();
    let again = allocator.allocate().unwrap();
    assert_eq!((again.index(), again.generation()), (second.index(), 1));
    assert!(!allocator.is_alive(second));
    // The next generation of a free index was never given out.
    assert!(!allocator.is_alive(Entity::new(3, first.index(), 1).unwrap()));
}

#[test]
fn a_second_free_of_one_id_is_refused() {
    let mut allocator = allocator();
    let entity = allocator.allocate().unwrap();
    allocator.free(entity).unwrap();
    assert_eq!(allocator.free(entity).unwrap_err().kind(), ErrorKind::NotFound);
    let [one, other] = [allocator.allocate().unwrap(), allocator.allocate().unwrap()];
    assert_ne!(one, other);
}

#[test]
fn reserved_and_foreign_ids_are_not_freed() {
    let mut allocator = allocator();
    let world = Entity::new(3, 0, 0).unwrap();
    assert_eq!(allocator.free(world).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(allocator.free(Entity::WORLD).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(allocator.is_alive(world));
}

#[test]
fn an_index_is_retired_after_its_last_generation() {
    let last = AllocatorState::slot(Entity::GENERATION_MAX, true);
    let mut allocator = Allocator::<()>::from_state(&AllocatorState::new(0, vec![last], vec![])).unwrap();
    let entity = Entity::new(0, Entity::RESERVED, Entity::GENERATION_MAX).unwrap();
    allocator.free(entity).unwrap();
    assert!(!allocator.is_alive(entity));
    assert_eq!(allocator.allocate().unwrap().index(), Entity::RESERVED + 1);
    Allocator::<()>::from_state(&allocator.state()).unwrap();
}

#[test]
fn the_last_generation_of_an_index_is_no_guest_before_it_was_given_out() {
    let before = AllocatorState::slot(Entity::GENERATION_MAX - 1, true);
    let mut allocator = Allocator::<()>::from_state(&AllocatorState::new(0, vec![before], vec![])).unwrap();
    let last = Entity::new(0, Entity::RESERVED, Entity::GENERATION_MAX).unwrap();
    allocator.free(Entity::new(0, Entity::RESERVED, Entity::GENERATION_MAX - 1).unwrap()).unwrap();
    assert_eq!(allocator.check_guest(last).unwrap_err().kind(), ErrorKind::Invalid);
    let state = allocator.state().with_guests(vec![last]);
    assert_eq!(state.check().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(allocator.allocate().unwrap(), last);
    allocator.free(last).unwrap();
    allocator.check_guest(last).unwrap();
}

#[test]
fn a_state_brings_back_what_is_alive_and_what_comes_next() {
    let mut allocator = allocator();
    let entities: Vec<Entity> = (0..10).map(|_| allocator.allocate().unwrap()).collect();
    for entity in entities.iter().step_by(3) {
        allocator.free(*entity).unwrap();
    }
    let mut restored = Allocator::<()>::from_state(&allocator.state()).unwrap();
    assert!(entities.iter().all(|entity| restored.is_alive(*entity) == allocator.is_alive(*entity)));
    assert_eq!(restored.count(), 6);
    for _ in 0..6 {
        assert_eq!(restored.allocate().unwrap(), allocator.allocate().unwrap());
    }
}

#[test]
fn states_that_cannot_be_are_corrupt() {
    let alive = AllocatorState::slot(0, true);
    let wrong = [
        AllocatorState::new(Entity::SHARD_MAX + 1, vec![], vec![]),
        AllocatorState::new(0, vec![alive], vec![1_000]),
        AllocatorState::new(0, vec![1, 1], vec![1_000, 1_000]),
        AllocatorState::new(0, vec![1], vec![999]),
        AllocatorState::new(0, vec![1], vec![1_001]),
        AllocatorState::new(0, vec![Entity::GENERATION_MAX + 1], vec![]),
    ];
    for state in wrong {
        assert_eq!(Allocator::<()>::from_state(&state).unwrap_err().kind(), ErrorKind::Corrupt, "{state:?}");
    }
}
