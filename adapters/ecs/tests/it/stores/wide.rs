//! A file with more components than SQLite has tables in one union.

use std::sync::Arc;

use worldstore_ecs::storage::sqlite::SqliteConfig;
use worldstore_ecs::{ComponentType, ComponentValue, Entity, Query, Storage, Updates};

use super::steps::found;

#[test]
fn all_entities_are_listed_however_many_components_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = SqliteConfig::new(folder.path().join("world.db")).open().unwrap();
    let make = |number: usize| Arc::new(ComponentType::dynamic(format!("c{number}"), Vec::new()).unwrap());
    let components: Vec<Arc<ComponentType>> = (0..1_100).map(make).collect();
    storage.register(&components).unwrap();
    let mut updates = Updates::new();
    let value = |place: usize| ComponentValue::from_fields(&components[place], &[]).unwrap();
    updates.insert_value(Entity::WORLD, value(0)).insert_value(Entity::CLOCK, value(1_099)).spawn_values(Vec::new());
    let spawned = storage.apply(&updates.to_batch().unwrap()).unwrap().spawned;
    let all: Vec<Entity> = found(&storage, &Query::all()).into_keys().collect();
    assert_eq!(all, [Entity::WORLD, Entity::CLOCK, spawned[0]]);
}
