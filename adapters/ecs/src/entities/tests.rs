//! Rules that hold over any storage: batches, names, and what the derive macro makes.

use expect_test::expect;
use worldstore_core::ErrorKind;

use crate::{Component, ComponentType, Entities, Field, FieldKind, Local, Storage};

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, Component)]
#[component(json)]
enum Task {
    Rest,
    Walk { steps: u32 },
}

#[derive(Debug, Clone, PartialEq, Component)]
struct Place {
    r#type: u8,
    #[component(rename = "centre")]
    center: [f32; 2],
    label: Option<String>,
}

#[test]
fn the_derive_macro_names_fields() {
    let fields: Vec<String> = Place::component()
        .unwrap()
        .fields()
        .iter()
        .map(|field| format!("{} {}{}", field.name, field.kind, if field.nullable { "?" } else { "" }))
        .collect();
    assert_eq!(fields, ["type u8", "centre_0 f32", "centre_1 f32", "label text?"]);
    assert_eq!((Place::NAME, Task::FIELDS[0].kind), ("Place", FieldKind::Json));
}

#[test]
fn any_boxed_storage_will_do() {
    let mut entities: Entities<Box<dyn Storage>> = Entities::new(Box::new(Local::new()));
    let entity = entities.spawn((Task::Walk { steps: 3 }, Task::Rest)).unwrap();
    assert_eq!(entities.get::<Task>(entity).unwrap(), Some(Task::Rest));
    let place = Place { r#type: 1, center: [0.5, 1.5], label: None };
    entities.set(entity, place.clone()).unwrap();
    assert_eq!(entities.get::<Place>(entity).unwrap(), Some(place));
}

#[test]
fn names_that_cannot_be_stored_are_refused() {
    for name in ["", "1st", "with space", "quote\"", &"x".repeat(129)] {
        assert_eq!(ComponentType::dynamic(name, vec![]).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    for name in ["", "1st", "dash-ed", &"x".repeat(61)] {
        let fields = vec![Field::new(name, FieldKind::Bool)];
        assert_eq!(ComponentType::dynamic("fine", fields).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    let twice = vec![Field::new("x", FieldKind::F32), Field::new("X", FieldKind::F32)];
    assert_eq!(ComponentType::dynamic("fine", twice).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn errors_say_what_and_who() {
    let mut entities = Entities::new(Local::new());
    let entity = entities.spawn(Task::Rest).unwrap();
    entities.destroy(entity).unwrap();
    let error = entities.set(entity, Task::Rest).unwrap_err();
    expect!["not found: the entity is not alive, entity: 0.1000v0"].assert_eq(&error.to_string());
    let error = entities.destroy(entities.world()).unwrap_err();
    expect!["invalid: a reserved entity cannot be destroyed, entity: 0.0v0"].assert_eq(&error.to_string());
}
