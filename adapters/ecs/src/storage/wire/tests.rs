//! Batches come back, and bytes that are none are told.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use worldstore_core::ErrorKind;

use super::{decode, decode_components, encode, encode_components};
use crate::batch::Updates;
use crate::component::ComponentType;
use crate::field::{Field, FieldKind, FieldValue};
use crate::{ComponentValue, Entity};

fn component(name: &str) -> Arc<ComponentType> {
    let fields = vec![Field::new("text", FieldKind::Text), Field::new("number", FieldKind::F32).nullable()];
    Arc::new(ComponentType::dynamic(name, fields).unwrap())
}

fn value(name: &str, text: &str) -> ComponentValue {
    ComponentValue::from_fields(&component(name), &[FieldValue::Text(text), FieldValue::Null]).unwrap()
}

fn bytes() -> Vec<u8> {
    let other = Entity::new(3, 2_000, 7).unwrap();
    let mut updates = Updates::new();
    updates.update_value(Entity::WORLD, value("a", "one")).insert_value(other, value("b", "two").shared());
    updates.remove_named(other, "c").destroy(other).spawn_values(vec![value("a", ""), value("b", "x").shared()]);
    updates.spawn_values(Vec::new()).place_values(Entity::new(9, 4_000, 1).unwrap(), vec![value("a", "guest")]);
    encode(&updates.to_batch().unwrap()).unwrap()
}

#[test]
fn a_batch_comes_back() {
    let bytes = bytes();
    let batch = decode(&bytes).unwrap();
    assert_eq!(encode(&batch).unwrap(), bytes);
    assert_eq!((batch.writes().len(), batch.removes().len(), batch.destroys().len()), (2, 1, 1));
    assert_eq!((batch.spawns().len(), batch.places().len()), (2, 1));
    assert!(batch.spawns()[0][1].is_shared() && !batch.spawns()[0][0].is_shared());
    let components = [component("a"), component("b")];
    let back = decode_components(&encode_components(&components).unwrap()).unwrap();
    assert!(back.iter().zip(&components).all(|(one, other)| one.is_same(other)));
}

#[test]
fn bytes_that_are_no_batch_are_told() {
    let bytes = bytes();
    for length in 0..bytes.len() {
        assert_eq!(decode(&bytes[..length]).unwrap_err().kind(), ErrorKind::Corrupt, "{length}");
    }
    let mut later = bytes.clone();
    later[0] = 2;
    assert_eq!(decode(&later).unwrap_err().kind(), ErrorKind::Unsupported);
    // A count of four thousand million spawns allocates nothing.
    for place in 1..bytes.len() - 4 {
        let mut wrong = bytes.clone();
        wrong[place..place + 4].fill(0xff);
        if let Err(error) = decode(&wrong) {
            assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid | ErrorKind::NotFound), "{error}");
        }
    }
}
