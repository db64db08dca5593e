//! What is kept of ids brings the allocator back.

use worldstore_core::ErrorKind;
use worldstore_ecs::{AllocatorState, Entity};

use super::{IdChanges, allocator};

fn entity(index: u32, generation: u32) -> Entity {
    Entity::new(2, index, generation).unwrap()
}

#[test]
fn the_changes_from_nothing_are_the_state() {
    let slots = vec![
        AllocatorState::slot(3, true),
        AllocatorState::slot(1, false),
        AllocatorState::slot(Entity::GENERATION_MAX, false),
        AllocatorState::slot(0, false),
        AllocatorState::slot(0, true),
    ];
    let guests = vec![Entity::new(1, 1_004, 9).unwrap(), entity(1_001, 0)];
    let state = AllocatorState::new(2, slots, vec![1_003, 1_001]).with_guests(guests.clone());
    let changes = IdChanges::between(&AllocatorState::new(2, Vec::new(), Vec::new()), &state).unwrap();
    assert!(changes.free.iter().all(|(.., active)| *active));
    let free: Vec<_> = changes.free.iter().map(|(entity, place, _)| (*entity, *place)).collect();
    let alive = [entity(1_000, 3), entity(1_004, 0), guests[0], guests[1], entity(5, 0)];
    let back = allocator(2, alive.into_iter(), free.clone(), guests).unwrap();
    assert_eq!(back, state);
    // Nothing changes to the same; and what was free is gone where nothing is.
    assert!(IdChanges::between(&state, &back).unwrap().free.is_empty());
    let gone = IdChanges::between(&state, &AllocatorState::new(2, Vec::new(), Vec::new())).unwrap();
    assert_eq!(gone.free.len(), free.len());
    assert!(gone.guests.iter().all(|(_, active)| !active));
}

#[test]
fn ids_that_cannot_be_are_refused() {
    let refused = |alive: &[Entity], free: &[(Entity, Option<u32>)]| {
        let refused = allocator(2, alive.iter().copied(), free.to_vec(), Vec::new());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt);
    };
    refused(&[entity(1_001, 0)], &[]);
    refused(&[entity(1_000, 0), entity(1_000, 1)], &[]);
    refused(&[], &[(entity(1_000, 0), Some(1))]);
    refused(&[entity(1_000, 0)], &[(entity(1_000, 1), Some(0))]);
}
