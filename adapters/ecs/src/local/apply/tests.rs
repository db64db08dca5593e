//! A batch with a value that its type does not take is refused before anything moves.

use std::sync::Arc;

use worldstore_core::ErrorKind;

use crate::{
    Component, ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Local, Storage, Tick, Updates,
};

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "task")]
struct Task {
    #[component(json)]
    speed: f64,
}

#[derive(Debug, Clone, Component)]
#[component(name = "asleep")]
struct Asleep;

/// What JSON cannot say.
const NONE: Task = Task { speed: f64::NAN };

fn local() -> (Local, Entity) {
    let mut local = Local::new();
    let entity = local.insert_entity(Asleep).unwrap();
    local.advance();
    (local, entity)
}

fn is_as_before(mut local: Local, entity: Entity) {
    assert_eq!((local.tick().unwrap(), local.count()), (Tick(1), 1));
    assert_eq!(*local.types(entity).unwrap().unwrap(), [Arc::<str>::from("asleep")]);
    local.export().unwrap().check().unwrap();
    local.insert(entity, Task { speed: 1.0 }).unwrap();
    assert_eq!(local.component::<Task>(entity).unwrap(), Some(&Task { speed: 1.0 }));
}

#[test]
fn a_value_that_cannot_be_read_again_is_refused() {
    for shared in [false, true] {
        let value = ComponentValue::of(&NONE).unwrap();
        let value = if shared { value.shared() } else { value };
        let (mut local, entity) = local();
        let mut updates = Updates::new();
        updates.insert_value(entity, value.clone()).spawn_values(vec![value.clone()]);
        assert_eq!(local.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
        is_as_before(local, entity);
    }
}

#[test]
fn such_a_value_is_refused_by_its_name_too() {
    let (mut local, entity) = local();
    let value = ComponentValue::of(&NONE).unwrap();
    assert_eq!(local.insert_value(entity, &value).unwrap_err().kind(), ErrorKind::Corrupt);
    is_as_before(local, entity);
}

#[test]
fn values_without_a_type_are_checked_by_one_that_comes_with_them() {
    let untyped = Arc::new(ComponentType::dynamic("task", vec![Field::new("speed", FieldKind::Json)]).unwrap());
    let text = ComponentValue::from_fields(&untyped, &[FieldValue::Text("null")]).unwrap();
    let (mut local, entity) = local();
    let mut updates = Updates::new();
    updates.insert(entity, Task { speed: 1.0 }).unwrap().spawn_values(vec![text]);
    assert_eq!(local.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    is_as_before(local, entity);
}

#[test]
fn two_types_of_one_name_in_one_batch_are_refused() {
    #[derive(Debug, Clone, Component)]
    #[component(name = "task")]
    struct Other {
        #[component(json)]
        speed: String,
    }
    let (mut local, entity) = local();
    let mut updates = Updates::new();
    updates.insert(entity, Task { speed: 1.0 }).unwrap();
    updates.spawn(Other { speed: "high".to_owned() }).unwrap();
    assert_eq!(local.apply(&updates.to_batch().unwrap()).unwrap_err().kind(), ErrorKind::Invalid);
    is_as_before(local, entity);
}
