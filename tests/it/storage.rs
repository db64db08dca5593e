//! URIs: what they name, and which are refused.

use std::fs;

use worldstore::storage::Root;
use worldstore::{ErrorKind, Storage, TableFormat, World, WorldOptions};

use crate::bed::{rows, state};

#[tokio::test]
async fn a_folder_is_named_by_path_or_uri() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    for uri in [format!("{}", path.display()), format!("file://{}", path.display()), format!("file:{}", path.display())]
    {
        let storage = Storage::open(&uri, Root::Existing).await.unwrap();
        assert_eq!(storage.location, format!("file://{}", path.display()));
        assert_eq!(storage.folder.as_deref(), Some(&*path));
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "opening leaves no trace");
}

#[tokio::test]
async fn wrong_uris_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").display().to_string();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let refused = [
        ("gz://bucket/world", ErrorKind::Invalid, "unknown scheme, scheme: gz, known: memory file"),
        ("ftp://host/world", ErrorKind::Invalid, "unknown scheme"),
        ("file://host/world", ErrorKind::Invalid, "file:///folder"),
        ("file:world", ErrorKind::Invalid, "file:///folder"),
        ("memory:world", ErrorKind::Invalid, "a store in memory has no name"),
        ("", ErrorKind::Invalid, "the path is empty"),
        (&missing, ErrorKind::NotFound, &missing),
        (file.to_str().unwrap(), ErrorKind::Invalid, file.to_str().unwrap()),
    ];
    for (uri, kind, message) in refused {
        let error = Storage::open(uri, Root::Existing).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
}

#[tokio::test]
async fn a_format_that_cannot_be_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().join("world").display().to_string();
    let options = WorldOptions::default().with_format(TableFormat::Memory);
    let error = World::create(&uri, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = World::create(&uri, &WorldOptions::default().with_name("a/b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn every_format_works_on_a_store_in_memory() {
    let formats = [
        TableFormat::Memory,
        #[cfg(feature = "lance")]
        TableFormat::Lance,
    ];
    let more = [
        #[cfg(feature = "iceberg")]
        TableFormat::Iceberg,
    ];
    for format in formats.into_iter().chain(more) {
        let world = World::create("memory:", &WorldOptions::default().with_format(format)).await.unwrap();
        let run = world.run("main").await.unwrap();
        let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
        world.flush().await.unwrap();
        assert_eq!(state(&run.now()).await, [(1, 1.0)], "{format}");
    }
}

#[cfg(any(feature = "lance", feature = "iceberg"))]
#[tokio::test]
async fn damaged_documents_are_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().join("world").display().to_string();
    World::create(&uri, &WorldOptions::default()).await.unwrap();
    fs::write(folder.path().join("world/runs/main.json"), "{").unwrap();
    let world = World::open(&uri, &WorldOptions::default()).await.unwrap();
    assert_eq!(world.run("main").await.unwrap_err().kind(), ErrorKind::Corrupt);
    let manifest = folder.path().join("world/world.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"layout\": 1", "\"layout\": 2")).unwrap();
    let newer = World::open(&uri, &WorldOptions::default()).await.unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::Unsupported, "{newer}");
    fs::write(&manifest, &text[1..]).unwrap();
    assert_eq!(World::open(&uri, &WorldOptions::default()).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
