//! The whole surface of an async store: the cases of the sync one, with the same transcripts.

#[path = "../../../store-core/tests/it/surface/cases.rs"]
mod cases;
mod play;
#[path = "../../../store-core/tests/it/surface/rigged.rs"]
mod rigged;
#[path = "../../../store-core/tests/it/surface/play.rs"]
mod sync_play;

use std::sync::Arc;

use futures::{AsyncReadExt, AsyncSeekExt, FutureExt, StreamExt, TryStreamExt};
use worldstore_async::{AsyncMemory, AsyncStore, SyncBackendAdapter};
use worldstore_core::*;

use rigged::{Rig, Rigged};

fn adapted(backend: impl Backend) -> AsyncStore {
    AsyncStore::new(Arc::new(SyncBackendAdapter::new(Arc::new(backend))))
}

fn memory() -> AsyncStore {
    adapted(Memory::new())
}

fn in_place() -> AsyncStore {
    AsyncStore::new(Arc::new(AsyncMemory::new()))
}

fn kind<Value>(result: Result<Value>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

fn every_case() -> Vec<cases::Case> {
    [cases::common(), cases::conditions(), cases::tree()].into_iter().flatten().collect()
}

/// Errors are compared whole: message, operation and context.
#[tokio::test]
async fn both_sides_answer_alike_on_memory() {
    let expected = sync_play::transcript(&every_case(), || Store::new(Arc::new(Memory::new())), true);
    assert_eq!(play::transcript(&every_case(), memory, true).await, expected);
    assert_eq!(play::transcript(&every_case(), in_place, true).await, expected);
    assert!(expected.lines().count() > 600);
}

#[tokio::test]
async fn both_sides_answer_calls_by_chance_alike() {
    for seed in 1_000..1_100 {
        let case = [cases::random(seed)];
        let expected = sync_play::transcript(&case, || Store::new(Arc::new(Memory::new())), true);
        assert_eq!(play::transcript(&case, memory, true).await, expected, "seed {seed}");
        assert_eq!(play::transcript(&case, in_place, true).await, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn both_sides_answer_alike_on_flat_names() {
    let expected = sync_play::transcript(&every_case(), || Store::new(Arc::new(Rigged::new(Rig::Sound))), true);
    assert_eq!(play::transcript(&every_case(), || adapted(Rigged::new(Rig::Sound)), true).await, expected);
}

#[tokio::test]
async fn both_sides_answer_alike_on_local() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let make = || {
        count.set(count.get() + 1);
        Local::new(folder.path().join(count.get().to_string())).unwrap()
    };
    let expected = sync_play::transcript(&every_case(), || Store::new(Arc::new(make())), false);
    assert_eq!(play::transcript(&every_case(), || adapted(make()), false).await, expected);
}

#[tokio::test]
async fn what_is_not_declared_is_refused_before_any_call() {
    let backend = Arc::new(Rigged::with_capability(Rig::Sound, Capability::read_only()));
    let store = AsyncStore::new(Arc::new(SyncBackendAdapter::new(backend.clone())));
    let version = Version::new("1");
    let answers = [
        store.write("a", "x").await.map(drop),
        store.open_atomic("a", &WriteOptions::default()).await.map(drop),
        store.delete("a", Missing::Ignore).await,
        store.delete_folder("a", Content::Delete, Missing::Ignore).await.map(drop),
        store.copy("a", "b", &CopyOptions::default()).await.map(drop),
        store.rename("a", "b", &RenameOptions::default()).await.map(drop),
        store.settle("a", &WriteToken::new("t").unwrap()).await.map(drop),
        store.read("a", &ReadOptions::default().with_version(version)).await.map(drop),
    ];
    for (place, answer) in answers.into_iter().enumerate() {
        assert_eq!(kind(answer), ErrorKind::Unsupported, "{place}");
    }
    assert_eq!(backend.calls(), [""; 0]);
}

#[tokio::test]
async fn a_container_that_vanishes_is_never_a_short_list() {
    for rig in [Rig::VanishesTold, Rig::VanishesSilently] {
        let store = adapted(Rigged::new(rig));
        for number in 0..7 {
            store.write(&format!("f/{number}"), "x").await.unwrap();
        }
        let items: Vec<_> = store.list("f").collect().await;
        assert_eq!(items.len(), 4, "three objects, one error, and then the end");
        assert_eq!(kind(items.into_iter().last().unwrap()), ErrorKind::NotFound, "{rig:?}");
    }
}

/// Nothing is asked for before somebody wants it, and nothing more than that.
#[tokio::test]
async fn listings_are_lazy() {
    let backend = Arc::new(Rigged::new(Rig::Sound));
    let store = AsyncStore::new(Arc::new(SyncBackendAdapter::new(backend.clone())));
    for number in 0..7 {
        store.write(&number.to_string(), "x").await.unwrap();
    }
    backend.calls();
    let mut listing = store.list("");
    assert_eq!(backend.calls(), [""; 0]);
    listing.try_next().await.unwrap().unwrap();
    drop(listing);
    assert_eq!(backend.calls(), ["list"]);
}

#[tokio::test]
async fn lost_answers_are_settled() {
    let store = adapted(Rigged::new(Rig::LostAnswers));
    let token = WriteToken::new("mine").unwrap();
    let options = WriteOptions::if_absent().with_token(token.clone());
    assert_eq!(kind(store.write_with("a", "x", &options).await), ErrorKind::OutcomeUnknown);
    assert!(matches!(store.settle("a", &token).await.unwrap(), Settled::Applied(_)));
}

#[tokio::test]
async fn a_reader_stays_with_the_state_that_it_opened() {
    let store = memory();
    store.write("a", "old and long").await.unwrap();
    let mut reader = store.read_seekable("a", &SeekOptions::default().with_read_ahead_bytes(4)).await.unwrap();
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).await.unwrap();
    store.write_with("a", "new, not old", &WriteOptions::default()).await.unwrap();
    let error = reader.read(&mut bytes).await.unwrap_err();
    let inside = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).unwrap();
    assert_eq!(inside.kind(), ErrorKind::ConditionFailed);
}

#[tokio::test]
async fn a_reader_of_a_backend_without_versions_notices_what_can_be_noticed() {
    let mut plain = Capability::read_only();
    plain.write = true;
    let store = adapted(Rigged::with_capability(Rig::Sound, plain));
    for new in ["new, of 12 b", "a longer one than before"] {
        store.write_with("a", "old and long", &WriteOptions::default()).await.unwrap();
        let mut reader = store.read_seekable("a", &SeekOptions::default().with_read_ahead_bytes(4)).await.unwrap();
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).await.unwrap();
        store.write_with("a", new, &WriteOptions::default()).await.unwrap();
        let error = reader.read(&mut bytes).await.unwrap_err();
        let inside = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).unwrap();
        assert_eq!(inside.kind(), ErrorKind::ConditionFailed, "{new}");
    }
}

/// A read that was begun and given up goes on in the next, or is dropped if the position has moved.
#[test]
fn a_read_that_was_given_up_takes_nothing_away() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let store = memory();
        let body: Vec<u8> = (0..=255).collect();
        store.write("a", body.clone()).await.unwrap();
        let mut reader = store.read_seekable("a", &SeekOptions::default().with_read_ahead_bytes(16)).await.unwrap();
        let mut bytes = [0; 8];
        // While the only thread is taken every read waits.
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let taken = tokio::task::spawn_blocking(move || wait.recv());
        assert!(reader.read(&mut bytes).now_or_never().is_none());
        reader.seek(std::io::SeekFrom::Start(100)).await.unwrap();
        assert!(reader.read(&mut bytes).now_or_never().is_none());
        drop(release);
        assert!(taken.await.unwrap().is_err());
        reader.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, body[100..108]);
        reader.seek(std::io::SeekFrom::Start(0)).await.unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, body);
    });
}

#[tokio::test]
async fn a_writer_that_failed_can_only_be_aborted() {
    let store = adapted(Rigged::new(Rig::FullDisk));
    let mut writer = store.open_atomic("a", &WriteOptions::default()).await.unwrap();
    assert_eq!(kind(writer.write("x").await), ErrorKind::StorageFull);
    assert_eq!(kind(writer.write("y").await), ErrorKind::Poisoned);
    assert_eq!(kind(writer.commit().await), ErrorKind::Poisoned);

    let store = memory();
    let mut writer = store.open_atomic("b", &WriteOptions::default()).await.unwrap();
    writer.write("x").await.unwrap();
    store.close();
    assert_eq!(kind(writer.commit().await), ErrorKind::Poisoned);
}

#[test]
fn a_writer_whose_write_was_given_up_can_only_be_aborted() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let store = memory();
        let mut writer = store.open_atomic("a", &WriteOptions::default()).await.unwrap();
        // While the only thread is taken the write waits, and is given up: nobody knows what has arrived.
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let taken = tokio::task::spawn_blocking(move || wait.recv());
        assert!(writer.write("x").now_or_never().is_none());
        drop(release);
        assert!(taken.await.unwrap().is_err());
        assert_eq!(kind(writer.write("y").await), ErrorKind::Poisoned);
    });
}

/// Stores, their readers, writers, listings and futures go from thread to thread.
#[test]
fn everything_can_be_sent() {
    fn sent<Value: Send>(_: &Value) {}
    let store = memory();
    sent(&store.read_bytes("a"));
    sent(&store.write("a", "x"));
    sent(&store.write_atomic("a", vec![1_u8], &WriteOptions::default()));
    sent(&store.copy("a", "b", &CopyOptions::default()));
    sent(&store.delete("a", Missing::Ignore));
    sent(&store.delete_folder("a", Content::Delete, Missing::Ignore));
    sent(&store.folder_info("a", &FolderInfoOptions::default()));
    sent(&store.open_atomic("a", &WriteOptions::default()));
    sent(&store.read_seekable("a", &SeekOptions::default()));
    sent(&store.list("a"));
}
