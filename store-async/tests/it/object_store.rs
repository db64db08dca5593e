//! Backends, used as code that knows only `object_store` uses them.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RenameOptions, RenameTargetMode, UpdateVersion,
};
use worldstore_async::SyncBackendAdapter;
use worldstore_async::object_store::{BackendObjectStore, find_error};
use worldstore_core::{Backend, ErrorKind, Local, Memory};

fn over(backend: Arc<dyn Backend>) -> BackendObjectStore {
    BackendObjectStore::new(Arc::new(SyncBackendAdapter::new(backend)))
}

fn memory() -> BackendObjectStore {
    over(Arc::new(Memory::new()))
}

async fn put(store: &dyn ObjectStore, path: &str, body: &'static str) {
    store.put(&Path::from(path), body.into()).await.unwrap();
}

async fn get(store: &dyn ObjectStore, path: &str) -> Bytes {
    store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap()
}

#[tokio::test]
async fn modes_of_put_are_conditions() {
    let (store, path) = (memory(), Path::from("a"));
    let put = |mode, body: &'static str| store.put_opts(&path, body.into(), PutOptions::from(mode));
    let first = put(PutMode::Create, "1").await.unwrap();
    assert!(matches!(put(PutMode::Create, "2").await.unwrap_err(), Error::AlreadyExists { .. }));
    let matching = |etag: Option<String>| PutMode::Update(UpdateVersion { e_tag: etag, version: None });
    let second = put(matching(first.e_tag.clone()), "22").await.unwrap();
    assert_ne!(first.e_tag, second.e_tag);
    assert!(matches!(put(matching(first.e_tag), "333").await.unwrap_err(), Error::Precondition { .. }));
    assert!(matches!(put(matching(None), "333").await.unwrap_err(), Error::NotImplemented { .. }));
    assert_eq!(get(&store, "a").await, "22");
    assert_eq!(store.head(&path).await.unwrap().e_tag, second.e_tag);
}

#[tokio::test]
async fn parts_are_read_as_asked_for() {
    let store = memory();
    put(&store, "a", "0123456789").await;
    let path = Path::from("a");
    let part = async |range: GetRange| {
        let options = GetOptions { range: Some(range), ..Default::default() };
        store.get_opts(&path, options).await.unwrap().bytes().await.unwrap()
    };
    assert_eq!(part(GetRange::Bounded(2..5)).await, "234");
    assert_eq!(part(GetRange::Offset(7)).await, "789");
    assert_eq!(part(GetRange::Suffix(2)).await, "89");
    assert_eq!(store.get_ranges(&path, &[8..10, 0..1]).await.unwrap(), [Bytes::from("89"), Bytes::from("0")]);
    // A part that is too short would go unnoticed by who asked for it.
    let past = store.get_ranges(&path, &[0..1, 8..11]).await.unwrap_err();
    assert_eq!(find_error(&past).unwrap().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn what_is_checked_is_what_is_read() {
    let (store, path) = (memory(), Path::from("a"));
    put(&store, "a", "one").await;
    let etag = store.head(&path).await.unwrap().e_tag;
    let matching = |etag: &Option<String>| GetOptions { if_match: etag.clone(), ..Default::default() };
    assert_eq!(store.get_opts(&path, matching(&etag)).await.unwrap().bytes().await.unwrap(), "one");
    let not_modified = GetOptions { if_none_match: etag.clone(), ..Default::default() };
    assert!(matches!(store.get_opts(&path, not_modified).await.unwrap_err(), Error::NotModified { .. }));
    put(&store, "a", "two").await;
    assert!(matches!(store.get_opts(&path, matching(&etag)).await.unwrap_err(), Error::Precondition { .. }));
    let head = GetOptions { head: true, ..Default::default() };
    let reply = store.get_opts(&path, head).await.unwrap();
    assert_eq!((reply.meta.size, reply.bytes().await.unwrap()), (3, Bytes::new()));
}

#[tokio::test]
async fn listings_go_past_a_page_and_keep_levels_apart() {
    let store = memory();
    for number in 0..250 {
        store.put(&Path::from(format!("many/{number:03}")), "x".into()).await.unwrap();
    }
    put(&store, "one/level/deep", "x").await;
    put(&store, "one/a", "x").await;
    let names: Vec<_> =
        store.list(Some(&Path::from("many"))).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert_eq!(names, (0..250).map(|number| format!("many/{number:03}")).collect::<Vec<_>>());
    let after = Path::from("many/100");
    let rest = store.list_with_offset(Some(&Path::from("many")), &after);
    assert_eq!(rest.try_collect::<Vec<_>>().await.unwrap().len(), 149);
    // Too long for a key, and still a place in the order of names.
    let between = Path::from(format!("many/100{}", "x".repeat(2_000)));
    let rest: Vec<_> = store.list_with_offset(None, &between).try_collect().await.unwrap();
    assert!(rest.iter().all(|meta| meta.location > between), "{:?}", rest.first());
    assert_eq!(rest.iter().filter(|meta| meta.location.as_ref().starts_with("many")).count(), 149);
    let level = store.list_with_delimiter(Some(&Path::from("one"))).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("one/level")]);
    assert_eq!(level.objects.iter().map(|meta| &meta.location).collect::<Vec<_>>(), [&Path::from("one/a")]);
    assert_eq!(store.list(Some(&Path::from("none"))).count().await, 0);
}

#[tokio::test]
async fn moves_keep_to_their_mode() {
    let folder = tempfile::tempdir().unwrap();
    let store = over(Arc::new(Local::new(folder.path()).unwrap()));
    put(&store, "a", "one").await;
    put(&store, "b", "two").await;
    let (a, b, c) = (Path::from("a"), Path::from("b"), Path::from("c"));
    let create = CopyOptions::new().with_mode(CopyMode::Create);
    assert!(matches!(store.copy_opts(&a, &b, create.clone()).await.unwrap_err(), Error::AlreadyExists { .. }));
    store.copy_opts(&a, &c, create).await.unwrap();
    let create = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
    assert!(matches!(store.rename_opts(&a, &b, create).await.unwrap_err(), Error::AlreadyExists { .. }));
    store.rename(&a, &b).await.unwrap();
    assert_eq!((get(&store, "b").await, get(&store, "c").await), (Bytes::from("one"), Bytes::from("one")));
    assert!(matches!(store.head(&a).await.unwrap_err(), Error::NotFound { .. }));
}

#[tokio::test]
async fn deletes_answer_one_by_one() {
    let store = memory();
    put(&store, "a", "x").await;
    let paths = stream::iter(["a", "none"].map(|path| Ok(Path::from(path)))).boxed();
    let answers: Vec<_> = store.delete_stream(paths).collect().await;
    assert_eq!(answers[0].as_ref().unwrap(), &Path::from("a"));
    assert!(matches!(answers[1].as_ref().unwrap_err(), Error::NotFound { .. }));
}

#[tokio::test]
async fn parts_of_an_upload_may_end_in_any_order() {
    let (store, path) = (memory(), Path::from("a"));
    let mut upload = store.put_multipart(&path).await.unwrap();
    let parts: Vec<_> = ["one", "two", "three"].into_iter().map(|part| upload.put_part(part.into())).collect();
    for part in parts.into_iter().rev() {
        part.await.unwrap();
    }
    assert!(matches!(store.head(&path).await.unwrap_err(), Error::NotFound { .. }), "it appears with its end");
    upload.complete().await.unwrap();
    assert_eq!(get(&store, "a").await, "onetwothree");

    let mut upload = store.put_multipart(&Path::from("b")).await.unwrap();
    upload.put_part("one".into()).await.unwrap();
    drop(upload.put_part("two".into()));
    let missing = upload.complete().await.unwrap_err();
    assert_eq!(find_error(&missing).unwrap().kind(), ErrorKind::Invalid, "{missing}");
    upload.abort().await.unwrap();
    assert!(store.head(&Path::from("b")).await.is_err());
}

#[tokio::test]
async fn our_error_comes_out_as_it_went_in() {
    let store = memory();
    let error = store.get(&Path::from("none")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { ref path, .. } if path == "none"));
    let ours = find_error(&error).unwrap();
    assert_eq!(ours.kind(), ErrorKind::NotFound);
    let back = worldstore_async::object_store::from_object_store(error);
    assert_eq!(back.kind(), ErrorKind::NotFound);
}
