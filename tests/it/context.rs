//! Storage contexts: many worlds and namespaces in one byte store, kept apart.

use std::path::Path;
use std::sync::Arc;

use worldstore::config::Lookup;
use worldstore::core::{ErrorKind, Memory};
use worldstore::registry::{OpenRequest, Registry, Scheme, SchemeInfo};
use worldstore::{Storage, StorageConfig, StorageContext, World};

use crate::bed::rows as batch;

async fn put(world: &World, tick: i64, entity: u64, x: f64) {
    let run = world.run("main").await.unwrap();
    let _ = run.append(tick, "position", &batch(&[(entity, x)])).await.unwrap();
}

async fn count(world: &World) -> u64 {
    world.run("main").await.unwrap().now().count("position").await.unwrap()
}

fn memory() -> StorageConfig {
    StorageConfig::default().with_uri("memory:")
}

#[tokio::test]
async fn worlds_in_one_namespace_are_kept_apart() {
    let context = StorageContext::builder(memory()).build().await.unwrap();
    assert!(context.worlds().await.unwrap().is_empty());
    let (north, south) = (context.create("north").await.unwrap(), context.create("south").await.unwrap());
    put(&north, 1, 7, 1.0).await;
    put(&north, 2, 7, 2.0).await;
    put(&south, 1, 7, 3.0).await;
    assert_eq!((count(&north).await, count(&south).await), (2, 1));
    assert_eq!(context.worlds().await.unwrap(), ["north", "south"]);

    let again = context.open("north").await.unwrap();
    assert_eq!(count(&again).await, 2, "a world that is open is one handle, buffered rows included");
    assert_eq!(context.create("north").await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(context.open("west").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(context.open_or_create("south").await.unwrap().name(), "south");
    assert_eq!(context.create("a/b").await.unwrap_err().kind(), ErrorKind::Invalid);
    context.shutdown().await.unwrap();
    assert_eq!(count(&context.open("north").await.unwrap()).await, 2, "tables in memory stay with their handle");
    let refused = north.run("main").await.unwrap().append(3, "position", &batch(&[(7, 0.0)])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
}

#[tokio::test]
async fn namespaces_of_one_store_are_kept_apart() {
    let lab = StorageContext::builder(memory().with_namespace("lab")).build().await.unwrap();
    let field = lab.with_namespace("field").await.unwrap();
    put(&lab.create("one").await.unwrap(), 1, 7, 1.0).await;
    assert!(field.worlds().await.unwrap().is_empty());
    assert_eq!(field.open("one").await.unwrap_err().kind(), ErrorKind::NotFound);
    put(&field.create("one").await.unwrap(), 1, 8, 1.0).await;
    put(&field.open("one").await.unwrap(), 2, 8, 1.0).await;
    assert_eq!(count(&lab.open("one").await.unwrap()).await, 1);
    assert_eq!(lab.namespaces().await.unwrap(), ["field", "lab"]);
    assert_eq!(lab.with_namespace("lab").await.unwrap().worlds().await.unwrap(), ["one"]);
    assert_eq!(lab.with_namespace("../x").await.unwrap_err().kind(), ErrorKind::Invalid);
}

fn in_folder(folder: &Path) -> StorageConfig {
    StorageConfig::default().with_uri(folder.join("data").display().to_string()).with_metadata(folder.join("meta"))
}

#[tokio::test]
async fn a_folder_is_made_with_its_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let context = StorageContext::builder(in_folder(folder.path())).build().await.unwrap();
    let document = folder.path().join("data/worlds/namespace.json");
    assert!(document.is_file());
    let before = std::fs::read(&document).unwrap();
    StorageContext::builder(in_folder(folder.path())).build().await.unwrap();
    assert_eq!(std::fs::read(&document).unwrap(), before, "a namespace is made once");
    assert!(context.worlds().await.unwrap().is_empty());
    assert!(!folder.path().join("meta").exists(), "a folder keeps its own metadata");

    std::fs::create_dir_all(folder.path().join("data/worlds/no_world")).unwrap();
    std::fs::create_dir_all(folder.path().join("data/no_namespace")).unwrap();
    assert!(context.worlds().await.unwrap().is_empty());
    assert_eq!(context.namespaces().await.unwrap(), ["worlds"]);

    std::fs::write(&document, r#"{"layout": 2, "name": "worlds"}"#).unwrap();
    let error = StorageContext::builder(in_folder(folder.path())).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    std::fs::write(&document, "no JSON").unwrap();
    let error = StorageContext::builder(in_folder(folder.path())).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn file_and_environment_make_a_context() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.toml");
    std::fs::write(&file, "[storage]\nuri = 'profile:here'\nnamespace = 'lab'\n[profile.here]\nuri = 'memory:'\n")
        .unwrap();
    let environment = Lookup::given([("WORLDSTORE_STORAGE_NAMESPACE", "trial")]);
    let context = StorageContext::load(Some(&file), &environment).await.unwrap();
    assert_eq!(context.namespaces().await.unwrap(), ["trial"]);
    put(&context.create("one").await.unwrap(), 1, 7, 1.0).await;
    let wrong = Lookup::given([("WORLDSTORE_CACHE_FLUSH_MB", "0")]);
    let error = StorageContext::load(Some(&file), &wrong).await.unwrap_err();
    assert!(error.to_string().contains("at: WORLDSTORE_CACHE_FLUSH_MB"), "{error}");
}

/// A registry whose `far://` is one remote store, and with an endpoint another one of the same name.
fn remote() -> Registry {
    let (mut registry, stores) = (Registry::compiled_in(), [Arc::new(Memory::new()), Arc::new(Memory::new())]);
    let info = SchemeInfo::new("far").with_settings(["endpoint"]);
    let scheme = Scheme::new(info, move |request: OpenRequest| {
        let service = request.settings.text("endpoint").map(str::to_owned);
        let store = &stores[usize::from(service.is_some())];
        let storage = Storage::from_sync(store.clone(), request.uri).with_service(service);
        async move { Ok(storage) }
    });
    registry.register(scheme).unwrap();
    registry
}

#[tokio::test]
async fn a_remote_store_takes_no_tables_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = in_folder(folder.path()).with_uri("far://shelf").with_backend(worldstore::TableFormat::Memory);
    let context = StorageContext::builder(config).with_registry(remote()).build().await.unwrap();
    assert_eq!(context.create("one").await.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(context.worlds().await.unwrap().is_empty(), "nothing is made");
}

#[cfg(feature = "iceberg")]
#[tokio::test]
async fn catalogs_of_a_remote_store_are_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let config = in_folder(folder.path()).with_uri("far://shelf").with_backend(worldstore::TableFormat::Iceberg);
    let registry = remote();
    let build = |config: StorageConfig| StorageContext::builder(config).with_registry(registry.clone()).build();
    let context = build(config.clone()).await.unwrap();
    for name in ["one", "two"] {
        put(&context.create(name).await.unwrap(), 1, 7, 1.0).await;
    }
    context.shutdown().await.unwrap();
    for name in ["one", "two"] {
        let catalog = format!("meta/far_3a_2f_2fshelf/worlds/{name}/catalog.db");
        assert!(folder.path().join(catalog).is_file());
    }
    let again = build(config.clone()).await.unwrap();
    assert_eq!(count(&again.open("one").await.unwrap()).await, 1);
    again.shutdown().await.unwrap();

    let elsewhere = build(config.with_metadata(folder.path().join("other"))).await.unwrap();
    let error = elsewhere.open("two").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("not on this machine"), "{error}");
}

#[cfg(any(feature = "lance", feature = "iceberg"))]
#[cfg(feature = "iceberg")]
#[tokio::test]
async fn a_catalog_is_not_taken_for_that_of_a_store_of_the_same_name_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let here = in_folder(folder.path()).with_uri("far://shelf").with_backend(worldstore::TableFormat::Iceberg);
    let there = here.clone().with_io("endpoint", "http://there:9000");
    let registry = remote();
    let build =
        |config: &StorageConfig| StorageContext::builder(config.clone()).with_registry(registry.clone()).build();
    let context = build(&here).await.unwrap();
    for name in ["one", "two"] {
        put(&context.create(name).await.unwrap(), 1, 7, 1.0).await;
    }
    context.shutdown().await.unwrap();
    let refused = |error: worldstore::Error| {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("set another folder as `storage.metadata`"), "{error}");
    };

    let elsewhere = build(&there).await.unwrap();
    refused(elsewhere.create("one").await.unwrap_err());
    refused(elsewhere.open_or_create("one").await.unwrap_err());
    assert!(elsewhere.worlds().await.unwrap().is_empty(), "nothing is made");
    let apart = there.clone().with_metadata(folder.path().join("other"));
    let apart = build(&apart).await.unwrap();
    put(&apart.create("one").await.unwrap(), 1, 8, 1.0).await;
    apart.shutdown().await.unwrap();
    refused(elsewhere.open("one").await.unwrap_err());

    // A catalog from before its service was noted belongs to the store whose tables it knows.
    let noted = |name: &str| folder.path().join(format!("meta/far_3a_2f_2fshelf/worlds/{name}/catalog.service"));
    for name in ["one", "two"] {
        assert_eq!(std::fs::read_to_string(noted(name)).unwrap(), "default\n");
        std::fs::remove_file(noted(name)).unwrap();
    }
    assert!(elsewhere.open("one").await.is_err());
    refused(elsewhere.create("two").await.unwrap_err());
    assert!(!noted("one").exists() && !noted("two").exists());
    let context = build(&here).await.unwrap();
    assert_eq!(context.create("one").await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(count(&context.open_or_create("one").await.unwrap()).await, 1);
    assert!(noted("one").exists());
    refused(elsewhere.open("one").await.unwrap_err());

    // What was noted for a world that never came to be holds nobody up.
    std::fs::create_dir_all(noted("three").parent().unwrap()).unwrap();
    std::fs::write(noted("three"), "http://nowhere\n").unwrap();
    drop(context.create("three").await.unwrap());
    assert_eq!(std::fs::read_to_string(noted("three")).unwrap(), "default\n");
}

#[tokio::test]
async fn worlds_in_a_folder_outlive_their_context() {
    let formats: [(bool, worldstore::TableFormat); 2] = [
        (cfg!(feature = "lance"), worldstore::TableFormat::Lance),
        (cfg!(feature = "iceberg"), worldstore::TableFormat::Iceberg),
    ];
    for (_, format) in formats.into_iter().filter(|(compiled_in, _)| *compiled_in) {
        let folder = tempfile::tempdir().unwrap();
        let config = in_folder(folder.path()).with_backend(format);
        let context = StorageContext::builder(config.clone()).build().await.unwrap();
        for (name, ticks) in [("one", 1), ("two", 2)] {
            let world = context.create(name).await.unwrap();
            for tick in 0..ticks {
                put(&world, tick, 7, 1.0).await;
            }
        }
        context.close("one").await.unwrap();
        assert_eq!(count(&context.open("one").await.unwrap()).await, 1, "{format}: opened anew");
        context.shutdown().await.unwrap();

        let context = StorageContext::builder(config).build().await.unwrap();
        assert_eq!(context.worlds().await.unwrap(), ["one", "two"]);
        assert_eq!(count(&context.open("one").await.unwrap()).await, 1, "{format}");
        assert_eq!(count(&context.open("two").await.unwrap()).await, 2, "{format}");
        context.shutdown().await.unwrap();
        let uri = folder.path().join("data/worlds/two").display().to_string();
        let world = World::open(&uri, &Default::default()).await.unwrap();
        assert_eq!(count(&world).await, 2, "{format}: its folder is a world like any other");
    }
}
