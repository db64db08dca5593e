//! What the adapter promises beyond the kit: streams, dropped futures, writers that go away, runtimes.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::{
    Backend, ErrorKind, Key, ListOptions, Local, Memory, Outcome, Prefix, ReadOptions, StatOptions, WriteOptions,
};

use crate::generated::Generated;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn without_a_runtime_every_call_is_a_typed_error() {
    let backend = SyncBackendAdapter::new(Arc::new(Memory::new()));
    let stat = futures::executor::block_on(backend.stat(&key("a"), &StatOptions::default()));
    assert_eq!(stat.unwrap_err().kind(), ErrorKind::Unsupported);
    let written = futures::executor::block_on(backend.write(&key("a"), Bytes::new(), &WriteOptions::default()));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_write_whose_future_is_dropped_happens_whole_or_not() {
    let memory = Arc::new(Memory::new());
    let backend = SyncBackendAdapter::new(memory.clone());
    for round in 0..50 {
        let key = key(&round.to_string());
        // Polled once, so that the work has begun, then dropped.
        let _ = backend.write(&key, Bytes::from(vec![7; 100_000]), &WriteOptions::default()).now_or_never();
    }
    // The pool is empty again once as much as it holds has gone through it.
    let (first, last) = (key("0"), key("49"));
    while memory.stat(&first, &StatOptions::default()).is_err() || memory.stat(&last, &StatOptions::default()).is_err()
    {
        tokio::task::yield_now().await;
    }
    let page = memory.list(&Prefix::root(), &ListOptions::default()).unwrap();
    assert!(page.objects.iter().all(|meta| meta.size == 100_000));
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let backend = SyncBackendAdapter::new(Arc::new(Local::new(folder.path()).unwrap()));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write("begun".into()).await.unwrap();
    drop(writer);
    assert!(backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err().is_not_found());
    let staging = folder.path().join(worldstore_core::local::STAGING);
    // It is dropped on another thread.
    let staged =
        || std::fs::read_dir(&staging).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
    while staged() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bodies_and_writers_are_dropped_off_the_threads_of_the_runtime() {
    for chunks in [1, 5] {
        let generated = Generated::new(chunks);
        let traffic = Arc::clone(&generated.traffic);
        let backend = SyncBackendAdapter::new(Arc::new(generated));
        drop(backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap());
        let read = async || backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
        assert_eq!(read().await.count().await as u64, chunks);
        drop(read().await);
        let mut body = read().await;
        assert!(body.next().await.unwrap().is_ok());
        drop(body);
        while traffic.dropped_on.lock().unwrap().len() < 4 {
            tokio::task::yield_now().await;
        }
        let own = std::thread::current().id();
        assert!(!traffic.dropped_on.lock().unwrap().contains(&own));
    }
}

#[test]
fn a_writer_whose_write_was_interrupted_is_poisoned() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let backend = SyncBackendAdapter::new(Arc::new(Memory::new()));
        let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
        // While the only thread is taken the write waits, and is dropped.
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let taken = tokio::task::spawn_blocking(move || wait.recv());
        assert!(writer.write("lost".into()).now_or_never().is_none());
        drop(release);
        assert!(taken.await.unwrap().is_err());
        // How much of the chunk arrived is not known.
        assert_eq!(writer.write("more".into()).await.unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
        assert!(backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err().is_not_found());
    });
}

#[tokio::test]
async fn a_body_keeps_its_state_while_the_object_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(Local::new(folder.path()).unwrap());
    for sync in [Arc::new(Memory::new()) as Arc<dyn Backend>, local] {
        let backend = SyncBackendAdapter::new(sync);
        let old = Bytes::from(vec![1; 3 << 20]);
        let _ = backend.write(&key("a"), old.clone(), &WriteOptions::default()).await.unwrap();
        let mut body = backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
        let first = body.next().await.unwrap().unwrap();
        let replaced = backend.write(&key("a"), Bytes::from(vec![2; 3 << 20]), &WriteOptions::default()).await;
        assert!(matches!(replaced.unwrap(), Outcome::Applied(_)));
        let rest: Vec<Bytes> = body.try_collect().await.unwrap();
        assert_eq!([first.to_vec(), rest.concat()].concat(), old);
    }
}
