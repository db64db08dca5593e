//! What the reverse adapter promises beyond the kit: where it may be called, and what becomes of its runtime.

use std::sync::Arc;

use worldstore_async::{AsyncBackend, AsyncBackendAdapter, SyncBackendAdapter};
use worldstore_core::{Backend, CheckOptions, ErrorKind, Key, Memory, Outcome, ReadOptions, StatOptions, WriteOptions};

use crate::generated::Generated;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn adapted() -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())))
}

fn works(backend: &dyn Backend) {
    let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::default()).unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)));
    let body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    assert_eq!(body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat(), b"one");
}

fn is_refused(backend: &dyn Backend) {
    let error = backend.stat(&key("a"), &StatOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("spawn_blocking"), "{error}");
    assert_eq!(backend.open_writer(&key("a"), &WriteOptions::default()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn plain_threads_may_call_and_so_may_threads_inside_a_runtime_that_poll_nothing() {
    let backend = AsyncBackendAdapter::new(adapted()).unwrap();
    works(&backend);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    works(&backend);
}

#[test]
fn async_code_is_refused_with_a_hint_and_its_blocking_threads_are_not() {
    let backend = Arc::new(AsyncBackendAdapter::new(adapted()).unwrap());
    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for runtime in [&one, &many] {
        runtime.block_on(async {
            is_refused(&*backend);
            let task = Arc::clone(&backend);
            tokio::spawn(async move {
                is_refused(&*task);
                // Asking takes nothing from the task: it can be asked for ever.
                (0..300).for_each(|_| is_refused(&*task));
            })
            .await
            .unwrap();
            let task = Arc::clone(&backend);
            tokio::task::spawn_blocking(move || works(&*task)).await.unwrap();
        });
    }
    many.block_on(async {
        tokio::spawn(async move { tokio::task::block_in_place(|| works(&*backend)) }).await.unwrap();
    });
}

#[test]
fn a_body_and_a_writer_are_refused_in_async_code_too() {
    let generated = Generated::new(10);
    let backend = AsyncBackendAdapter::new(Arc::new(SyncBackendAdapter::new(Arc::new(generated)))).unwrap();
    let mut body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert!(body.next().unwrap().is_ok(), "the first chunk came along");
        assert_eq!(body.next().unwrap().unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(body.next().is_none(), "after an error a body ends");
        assert_eq!(writer.write("x".into()).unwrap_err().kind(), ErrorKind::Unsupported);
        // Neither panics when it ends here.
        drop((body, writer, backend));
    });
}

#[test]
fn a_runtime_can_be_borrowed_if_it_has_threads_and_its_end_is_a_typed_error() {
    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = AsyncBackendAdapter::with_handle(adapted(), one.handle().clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);

    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let backend = AsyncBackendAdapter::with_handle(adapted(), many.handle().clone()).unwrap();
    works(&backend);
    many.shutdown_background();
    assert_eq!(backend.stat(&key("a"), &StatOptions::default()).unwrap_err().kind(), ErrorKind::Poisoned);
}

#[test]
fn dropping_the_adapter_ends_its_runtime() {
    let generated = Generated::new(10);
    let traffic = Arc::clone(&generated.traffic);
    let backend = AsyncBackendAdapter::new(Arc::new(SyncBackendAdapter::new(Arc::new(generated)))).unwrap();
    backend.check(&CheckOptions::default()).unwrap();
    let handle = traffic.checked_on.get().unwrap().clone();
    let body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    drop(backend);
    assert_eq!(body.filter(|chunk| chunk.is_ok()).count(), 10, "a body keeps it for as long as it needs");
    // What has shut down drops what is spawned on it, and so the other end of the channel.
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    handle.spawn(async move {
        std::future::pending::<()>().await;
        drop(sender);
    });
    assert!(receiver.recv().is_err());
}

#[test]
fn a_runtime_that_ends_in_mid_body_is_an_error_and_not_the_end_of_the_object() {
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let generated = Arc::new(SyncBackendAdapter::new(Arc::new(Generated::new(1_000))));
    let backend = AsyncBackendAdapter::with_handle(generated, many.handle().clone()).unwrap();
    let mut body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    assert!(body.next().unwrap().is_ok());
    many.shutdown_background();
    let rest: Vec<_> = body.collect();
    assert!(rest.len() < 10 && rest.last().unwrap().is_err(), "{} chunks, {:?}", rest.len(), rest.last());
}
