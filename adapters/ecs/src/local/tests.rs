//! Memory: what only it can do.

use std::sync::Arc;

use worldstore_core::ErrorKind;

use crate::{
    Column, Component, ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Local, Query, Storage, Tick,
};

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "position")]
struct Position {
    x: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "velocity")]
struct Velocity {
    x: f32,
}

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "name")]
struct Name(String);

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "asleep")]
struct Asleep;

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Component,
    zerocopy::FromBytes,
    zerocopy::Immutable,
    zerocopy::IntoBytes,
    zerocopy::KnownLayout,
)]
#[component(name = "plain", plain)]
#[repr(C)]
struct Plain {
    number: u32,
    x: f32,
}

fn shared(local: &mut Local, entities: &[Entity], name: &str) {
    let value = ComponentValue::of(&Name(name.to_owned())).unwrap().shared();
    for entity in entities {
        local.insert_value(*entity, &value).unwrap();
    }
}

fn names(local: &Local) -> Vec<(Entity, String)> {
    let mut found: Vec<(Entity, String)> =
        local.select::<(&Name,)>().unwrap().iter().map(|(entity, (name,))| (entity, name.0.clone())).collect();
    found.sort();
    found
}

#[test]
fn queries_find_entities_in_all_archetypes_and_change_them() {
    let mut local = Local::new();
    let still = local.insert_entity(Position { x: 1.0 }).unwrap();
    let moving = local.insert_entity((Velocity { x: 2.0 }, Position { x: 1.0 })).unwrap();
    let asleep = local.insert_entity((Position { x: 1.0 }, Velocity { x: 5.0 }, Asleep)).unwrap();
    let found = local.select_mut::<(&mut Position, &Velocity)>().unwrap().excluding::<Asleep>();
    for (entity, (position, velocity)) in found {
        assert_eq!(entity, moving);
        position.x += velocity.x;
    }
    let x = |entity| local.component::<Position>(entity).unwrap().unwrap().x;
    assert_eq!([x(still), x(moving), x(asleep)], [1.0, 3.0, 1.0]);
    assert_eq!(local.select::<(&Position,)>().unwrap().having::<Velocity>().count(), 2);
    assert_eq!(local.select::<(&Position, &Name)>().unwrap().count(), 0);
    assert_eq!(local.select::<(&Position,)>().unwrap().having::<Name>().count(), 0);
}

#[test]
fn a_query_that_was_made_before_finds_what_came_since() {
    let mut local = Local::new();
    let push = |local: &mut Local| {
        let found = local.select_mut::<(&mut Position, &Velocity)>().unwrap();
        found
            .into_iter()
            .map(|(entity, (position, velocity))| {
                position.x += velocity.x;
                (entity, position.x)
            })
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    assert!(push(&mut local).is_empty());
    // Not the first column of its archetype, then the last, then behind an archetype that is not found.
    let one = local.insert_entity((Asleep, Velocity { x: 1.0 }, Position { x: 0.0 })).unwrap();
    assert_eq!(push(&mut local), [(one, 1.0)].into());
    let two = local.insert_entity((Position { x: 10.0 }, Velocity { x: 2.0 })).unwrap();
    let still = local.insert_entity(Position { x: 100.0 }).unwrap();
    let three = local.insert_entity((Name("ann".to_owned()), Velocity { x: 3.0 }, Position { x: 20.0 })).unwrap();
    assert_eq!(push(&mut local), [(one, 2.0), (two, 12.0), (three, 23.0)].into());
    let awake = local.select_mut::<(&mut Position, &Velocity)>().unwrap().excluding::<Asleep>();
    assert_eq!(awake.into_iter().map(|(entity, _)| entity).collect::<Vec<_>>(), [two, three]);
    let named = local.select_mut::<(&mut Position, &Velocity)>().unwrap().having::<Name>();
    assert_eq!(named.into_iter().map(|(entity, _)| entity).collect::<Vec<_>>(), [three]);
    // The same components in another order are another query, and entities that left an archetype are not in it.
    local.remove_component::<Velocity>(two).unwrap();
    local.insert(still, Velocity { x: 4.0 }).unwrap();
    for (_, (velocity, position)) in local.select_mut::<(&mut Velocity, &Position)>().unwrap() {
        velocity.x = position.x;
    }
    let velocity = |entity| local.component::<Velocity>(entity).unwrap().map(|velocity| velocity.x);
    assert_eq!([one, two, still, three].map(velocity), [Some(2.0), None, Some(100.0), Some(23.0)]);
    // Another state has other archetypes.
    let mut other = Local::new();
    let alone = other.insert_entity((Velocity { x: 5.0 }, Position { x: 0.0 })).unwrap();
    local.import(&other.export().unwrap()).unwrap();
    assert_eq!(push(&mut local), [(alone, 5.0)].into());
}

#[test]
fn a_component_is_read_by_its_name_where_it_lies() {
    let mut local = Local::new();
    let bare = local.insert_entity(Name("none".to_owned())).unwrap();
    let plain = [3.0, 7.0].map(|x| local.insert_entity((Plain { number: 1, x }, Asleep)).unwrap());
    let found = local.component_named(plain[1], "plain").unwrap();
    assert_eq!(&**found.component().name(), "plain");
    assert_eq!(found.bytes().unwrap(), [&1_u32.to_le_bytes()[..], &7.0_f32.to_le_bytes()[..]].concat());
    assert_eq!((found.field::<f32>("x"), found.field::<u32>("number")), (Some(7.0), Some(1)));
    assert_eq!((found.field::<u32>("x"), found.field::<f32>("y")), (None, None));
    assert_eq!(found.value().unwrap().get::<Plain>().unwrap(), Plain { number: 1, x: 7.0 });
    // Not plain, shared, without a value, not there.
    let name = local.component_named(bare, "name").unwrap();
    assert_eq!((name.bytes(), name.value().unwrap().get::<Name>().unwrap()), (None, Name("none".to_owned())));
    shared(&mut local, &[plain[0]], "team");
    let team = local.component_named(plain[0], "name").unwrap().value().unwrap();
    assert!(team.is_shared() && team.get::<Name>().unwrap().0 == "team");
    assert_eq!(local.component_named(plain[0], "asleep").unwrap().value().unwrap().bytes(), [0_u8; 0]);
    assert!(local.component_named(bare, "plain").is_none() && local.component_named(bare, "plains").is_none());
    local.destroy_entity(plain[0]).unwrap();
    assert!(local.component_named(plain[0], "plain").is_none());
    assert_eq!(local.component_named(plain[1], "plain").unwrap().field::<f32>("x"), Some(7.0), "it has moved");
}

#[test]
fn a_component_is_changed_only_once_at_a_time() {
    let mut local = Local::new();
    local.insert_entity(Position { x: 1.0 }).unwrap();
    let error = local.select_mut::<(&mut Position, &Position)>().map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn rows_follow_their_entities_when_others_come_and_go() {
    let mut local = Local::new();
    let entities = local.insert_entities((0..100).map(|number| (Position { x: number as f32 }, Asleep))).unwrap();
    for entity in entities.iter().step_by(7) {
        local.destroy_entity(*entity).unwrap();
    }
    for entity in entities.iter().skip(1).step_by(7) {
        assert!(local.remove_component::<Asleep>(*entity).unwrap());
        local.insert(*entity, Name("moved".to_owned())).unwrap();
    }
    for (number, entity) in entities.iter().enumerate() {
        let x = local.component::<Position>(*entity).unwrap().map(|position| position.x);
        assert_eq!(x, (number % 7 != 0).then_some(number as f32));
    }
}

#[test]
fn shared_values_are_stored_once_and_go_with_their_last_entity() {
    let mut local = Local::new();
    let entities: Vec<Entity> = (0..2_000).map(|_| local.insert_entity(Position { x: 0.0 }).unwrap()).collect();
    shared(&mut local, &entities, "team");
    assert_eq!(local.shared_count("name"), 1);
    assert_eq!(local.select::<(&Name, &Position)>().unwrap().iter().count(), 2_000);
    local.insert(entities[0], Name("alone".to_owned())).unwrap();
    shared(&mut local, &entities[1..3], "pair");
    assert_eq!(local.shared_count("name"), 2);
    for entity in &entities[1..] {
        local.destroy_entity(*entity).unwrap();
    }
    assert_eq!(local.shared_count("name"), 0);
    assert_eq!(names(&local), [(entities[0], "alone".to_owned())]);
}

#[test]
fn a_change_through_a_query_leaves_those_alone_that_shared_the_value() {
    let mut local = Local::new();
    let entities: Vec<Entity> = (0..4).map(|_| local.insert_entity(()).unwrap()).collect();
    shared(&mut local, &entities, "team");
    local.insert(entities[3], Asleep).unwrap();
    for (_, (name,)) in local.select_mut::<(&mut Name,)>().unwrap().having::<Asleep>() {
        name.0.push_str(" of one");
    }
    local.component_mut::<Name>(entities[2]).unwrap().unwrap().0.clear();
    let seen: Vec<String> = names(&local).into_iter().map(|(_, name)| name).collect();
    assert_eq!(seen, ["team", "team", "", "team of one"]);
}

#[test]
fn changes_in_place_belong_to_the_tick_in_progress() {
    let mut local = Local::new();
    let one = local.insert_entity((Position { x: 1.0 }, Asleep)).unwrap();
    let two = local.insert_entity(Position { x: 2.0 }).unwrap();
    assert_eq!(local.tick().unwrap(), Tick(1));
    assert_eq!(local.advance(), Tick(1));
    assert!(local.changes(Tick(1)).unwrap().is_empty());
    local.component_mut::<Position>(two).unwrap().unwrap().x = 9.0;
    let written = |local: &Local, since| -> Vec<Entity> {
        local.changes(Tick(since)).unwrap().written.iter().map(|(entity, _)| *entity).collect()
    };
    assert_eq!(written(&local, 1), [two]);
    local.advance();
    for (_, (position,)) in local.select_mut::<(&mut Position,)>().unwrap().having::<Asleep>() {
        position.x = 0.0;
    }
    assert_eq!(written(&local, 2), [one]);
    assert_eq!(written(&local, 1), [one, two]);
    // Moves change nothing but what is added and removed.
    local.advance();
    local.remove_component::<Asleep>(one).unwrap();
    let changes = local.changes(Tick(3)).unwrap();
    assert_eq!((changes.written.len(), changes.removed.len()), (0, 1));
}

#[test]
fn a_component_that_a_reserved_entity_lost_is_told_whatever_was_made_since() {
    let mut local = Local::new();
    local.insert(Entity::WORLD, Asleep).unwrap();
    let since = local.advance();
    local.insert_entity(()).unwrap();
    local.advance();
    local.remove_component::<Asleep>(Entity::WORLD).unwrap();
    assert_eq!(local.changes(since).unwrap().removed, [(Entity::WORLD, "asleep".into())]);
}

#[test]
fn history_is_bounded() {
    let mut local = Local::new().with_history(2);
    let entities: Vec<Entity> = (0..4).map(|_| local.insert_entity(Asleep).unwrap()).collect();
    local.advance();
    for entity in &entities[..3] {
        local.destroy_entity(*entity).unwrap();
        local.advance();
    }
    assert_eq!(local.changes(Tick(1)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(local.changes(Tick(2)).unwrap().destroyed.len(), 2);
}

#[test]
fn values_that_came_without_a_type_are_read_in_place_once_it_is_known() {
    let untyped = Arc::new(ComponentType::dynamic("position", vec![Field::new("x", FieldKind::F32)]).unwrap());
    let mut local = Local::new();
    let entity = local.insert_entity(()).unwrap();
    let value = ComponentValue::from_fields(&untyped, &[FieldValue::F32(7.0)]).unwrap();
    local.insert_value(entity, &value).unwrap();
    assert_eq!(local.component::<Position>(entity).unwrap_err().kind(), ErrorKind::Invalid);
    local.know::<Position>().unwrap();
    assert_eq!(local.component::<Position>(entity).unwrap(), Some(&Position { x: 7.0 }));
}

#[test]
fn a_type_that_refuses_a_value_is_not_registered() {
    #[derive(Debug, Clone, Component)]
    #[component(name = "mood")]
    enum Mood {
        Calm,
    }
    let untyped = Arc::new(ComponentType::dynamic("mood", vec![Field::new("value", FieldKind::Text)]).unwrap());
    let mut local = Local::new();
    let entity = local.insert_entity(()).unwrap();
    local.insert_value(entity, &ComponentValue::from_fields(&untyped, &[FieldValue::Text("Sad")]).unwrap()).unwrap();
    assert_eq!(local.know::<Mood>().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(local.insert(entity, Mood::Calm).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(local.get(entity, "mood").unwrap().unwrap().fields().unwrap(), [FieldValue::Text("Sad")]);
}

#[test]
fn two_types_of_one_name_are_refused() {
    #[derive(Debug, Clone, Component)]
    #[component(name = "position")]
    struct Other {
        x: f32,
    }
    let mut local = Local::new();
    let entity = local.insert_entity(Position { x: 1.0 }).unwrap();
    assert_eq!(local.insert(entity, Other { x: 2.0 }).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(local.component::<Position>(entity).unwrap(), Some(&Position { x: 1.0 }));
}

#[test]
fn a_component_twice_in_a_bundle_is_combined() {
    let mut local = Local::new();
    let entity = local.insert_entity((Position { x: 1.0 }, Asleep, Position { x: 2.0 })).unwrap();
    assert_eq!(local.component::<Position>(entity).unwrap(), Some(&Position { x: 2.0 }));
}

#[test]
fn what_a_batch_does_to_the_ids_is_told_before() {
    let mut dice = 7_u64;
    let mut local = Local::new();
    let guest = Entity::new(5, 2_000, 3).unwrap();
    let mut alive: Vec<Entity> = Vec::new();
    for round in 0..300 {
        let mut updates = crate::Updates::new();
        let mut gone = Vec::new();
        for _ in 0..round % 5 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if !alive.is_empty() {
                let entity = alive.swap_remove((dice >> 33) as usize % alive.len());
                updates.destroy(entity);
                gone.push(entity);
            }
        }
        for _ in 0..(round * 7) % 6 {
            updates.spawn_values(Vec::new());
        }
        if round == 20 {
            updates.place_values(guest, Vec::new());
            alive.push(guest);
        }
        let batch = updates.to_batch().unwrap();
        let (before, outlook) = (local.export().unwrap().allocator, local.outlook(&batch).unwrap());
        let applied = local.apply(&batch).unwrap();
        assert_eq!(outlook.spawned, applied.spawned, "round {round}");
        let after = local.export().unwrap().allocator;
        let mut free = before.free[..before.free.len() - outlook.taken.len()].to_vec();
        for (entity, place) in &outlook.freed {
            assert_eq!(place.unwrap() as usize, free.len());
            free.push(entity.index());
        }
        assert_eq!(free, after.free, "round {round}");
        assert_eq!(outlook.parted, gone.into_iter().filter(|entity| *entity == guest).collect::<Vec<_>>());
        alive.extend(applied.spawned);
    }
    let mut allocator = crate::Allocator::<()>::from_state(&crate::AllocatorState::new(
        0,
        vec![crate::AllocatorState::slot(Entity::GENERATION_MAX, true)],
        Vec::new(),
    ))
    .unwrap();
    let last = Entity::new(0, Entity::RESERVED, Entity::GENERATION_MAX).unwrap();
    let outlook = allocator.outlook(&[last], 1).unwrap();
    assert_eq!(outlook.freed, [(last, None)]);
    allocator.free(last).unwrap();
    assert_eq!(outlook.spawned, [allocator.allocate().unwrap()]);
}

#[test]
fn an_iterator_that_panics_leaves_nothing_behind() {
    let mut local = Local::new();
    let before = local.insert_entities((0..3).map(|x| (Position { x: x as f32 }, Velocity { x: 0.0 }))).unwrap();
    let broken = (0..10).map(|x| {
        assert!(x < 7, "the caller's iterator ends here");
        (Position { x: -1.0 }, Velocity { x: -1.0 })
    });
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| local.insert_entities(broken)));
    assert!(made.is_err());
    assert_eq!(local.count(), 3);
    let after = local.insert_entities((3..5).map(|x| (Position { x: x as f32 }, Velocity { x: 0.0 }))).unwrap();
    let single = local.insert_entity((Position { x: 5.0 }, Velocity { x: 0.0 })).unwrap();
    for (x, entity) in before.iter().chain(&after).chain([&single]).enumerate() {
        assert_eq!(local.component::<Position>(*entity).unwrap(), Some(&Position { x: x as f32 }));
    }
    assert_eq!(local.select::<(&Position, &Velocity)>().unwrap().count(), 6);
    local.export().unwrap().check().unwrap();
}

#[test]
fn a_state_with_two_rows_of_one_entity_is_refused() {
    let guest = Entity::new(5, 2_000, 3).unwrap();
    for place_guest in [false, true] {
        let mut local = Local::new();
        let mut updates = crate::Updates::new();
        updates.spawn_values(Vec::new()).spawn_values(Vec::new()).place_values(guest, Vec::new());
        let one = local.apply(&updates.to_batch().unwrap()).unwrap().spawned[0];
        let mut state = local.export().unwrap().into_owned().unwrap();
        state.check().unwrap();
        let twice = if place_guest { guest } else { one };
        state.chunks.push(crate::Chunk::new(vec![twice], Vec::new()).unwrap());
        assert_eq!(state.check().unwrap_err().message(), "an entity has two rows");
        state.chunks.pop();
        let dead = Entity::new(0, one.index(), 1).unwrap();
        state.chunks.push(crate::Chunk::new(vec![dead], Vec::new()).unwrap());
        assert_eq!(state.check().unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn fields_of_columns_are_read_by_name() {
    let mut local = Local::new();
    local.insert_entities((0..5).map(|x| Plain { number: 10 + x, x: x as f32 })).unwrap();
    let chunk = local.query(&Query::new(["plain"])).unwrap().next().unwrap().unwrap();
    let column = chunk.column("plain").unwrap();
    let x: Vec<f32> = column.field("x").unwrap().values().unwrap().collect();
    let numbers: Vec<u32> = column.field("number").unwrap().values().unwrap().collect();
    assert_eq!((x, numbers), (vec![0.0, 1.0, 2.0, 3.0, 4.0], vec![10, 11, 12, 13, 14]));
    assert!(column.field::<u32>("x").is_none() && column.field::<f32>("y").is_none());
    // A number that is a character, and one that is none; truth values.
    let signs = vec![Field::new("sign", FieldKind::U32), Field::new("is_on", FieldKind::Bool)];
    let signs = Arc::new(ComponentType::dynamic("signs", signs).unwrap());
    for (number, found) in [(0xE4_u32, Some(vec!['a', 'ä'])), (0xD800, None)] {
        let row = |number: u32, is_on: u8| [&number.to_le_bytes()[..], &[is_on]].concat();
        let bytes = [row(0x61, 1), row(number, 0)].concat();
        let column = Column::from_packed(&signs, bytes.into(), 2).unwrap();
        let read = column.field::<char>("sign").unwrap().values();
        match found {
            Some(found) => assert_eq!(read.unwrap().collect::<Vec<_>>(), found),
            None => assert_eq!(read.map(drop).unwrap_err().kind(), ErrorKind::Corrupt),
        }
        assert_eq!(column.field::<bool>("is_on").unwrap().values().unwrap().collect::<Vec<_>>(), [true, false]);
    }
}
