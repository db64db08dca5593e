//! The cache and the checksums.

use worldstore_async::AsyncBackendAdapter;

use super::*;

fn cached(options: CacheOptions) -> (Arc<dyn AsyncBackend>, Arc<Metrics>, AsyncCacheBackend) {
    let (inner, metrics) = (memory(), Arc::new(Metrics::default()));
    let counted = AsyncMetricsBackend::new(Arc::clone(&inner), Arc::clone(&metrics));
    (inner, metrics, AsyncCacheBackend::new(Arc::new(counted), options))
}

#[tokio::test]
async fn what_is_held_is_not_read_again_and_what_has_changed_is() {
    let (inner, metrics, backend) = cached(CacheOptions::default());
    put(&backend, "a", "one").await;
    for _ in 0..3 {
        assert_eq!(content(&backend, "a").await, b"one");
    }
    let part = ReadOptions::default().with_range(ReadRange::Last(2));
    assert_eq!(content_with(&backend, "a", &part).await.unwrap(), b"ne", "from the whole that is held");
    let parts = backend.read_ranges(&key("a"), &[0..1, 1..3], &ReadRangesOptions::default()).await.unwrap();
    assert_eq!(parts, ["o", "ne"]);
    assert_eq!((metrics.snapshot().calls_of(Operation::Read), metrics.snapshot().bytes_read), (1, 3));
    assert_eq!((backend.stats().hits, backend.stats().misses), (5, 1));

    put(&backend, "a", "two").await;
    assert_eq!(content(&backend, "a").await, b"two", "after a write of our own");
    put(&*inner, "a", "six").await;
    assert_eq!(content(&backend, "a").await, b"six", "after a write of another");
    put(&*inner, "a", "ten").await;
    let parts = backend.read_ranges(&key("a"), &[0..1, 0..3], &ReadRangesOptions::default()).await.unwrap();
    assert_eq!(parts, ["t", "ten"], "in parts as well");
    let _ = inner.delete(&[key("a")], &DeleteOptions::default()).await.unwrap();
    let gone = content_with(&backend, "a", &ReadOptions::default()).await;
    assert!(gone.unwrap_err().is_not_found());
}

#[tokio::test]
async fn every_change_through_the_cache_drops_what_is_held() {
    let (_, _, backend) = cached(CacheOptions::default());
    for name in ["a", "b", "c", "d"] {
        put(&backend, name, name).await;
        content(&backend, name).await;
    }
    assert_eq!(backend.stats().bytes, 4 * (ENTRY_BYTES + 1));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write("written".into()).await.unwrap();
    let _ = writer.commit().await.unwrap();
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await.unwrap();
    let _ = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).await.unwrap();
    backend.delete(&[key("d")], &DeleteOptions::default()).await.unwrap();
    assert_eq!(backend.stats().bytes, 0);
    assert_eq!(content(&backend, "b").await, b"written");
}

#[tokio::test]
async fn bytes_are_bounded_and_the_least_recently_used_go_first() {
    let room = 3 * (ENTRY_BYTES + 10);
    let options = CacheOptions::default().with_bytes_max(room).with_entry_bytes_max(10);
    let (_, metrics, backend) = cached(options);
    for name in ["a", "b", "c", "d", "large"] {
        put(&backend, name, vec![7; if name == "large" { 11 } else { 10 }]).await;
    }
    let reads = || metrics.snapshot().calls_of(Operation::Read);
    for name in ["a", "b", "c", "a", "d"] {
        content(&backend, name).await;
        assert!(backend.stats().bytes <= room);
    }
    assert_eq!((reads(), backend.stats().evicted), (4, 1));
    content(&backend, "a").await;
    assert_eq!(reads(), 4, "it was used after b, which had to go");
    content(&backend, "b").await;
    assert_eq!(reads(), 5);
    content(&backend, "large").await;
    content(&backend, "large").await;
    assert_eq!(reads(), 7, "too large to keep");
    let part = ReadOptions::default().with_range(ReadRange::Bounded(1..11));
    content_with(&backend, "large", &part).await.unwrap();
    content_with(&backend, "large", &part).await.unwrap();
    assert_eq!(reads(), 8, "a part of it is not");
}

#[derive(Debug)]
struct Expect(Digest);

impl DigestBook for Expect {
    fn expected(&self, _meta: &ObjectMeta) -> Option<Digest> {
        Some(self.0)
    }

    fn written(&self, _meta: &ObjectMeta, _digest: Digest) {}
}

#[tokio::test]
async fn an_object_that_is_not_what_was_written_is_corrupt_at_its_end() {
    let inner = memory();
    put(&*inner, "a", "one").await;
    let right = AsyncChecksumBackend::new(Arc::clone(&inner), Arc::new(Expect(Digester::of(b"one"))));
    assert_eq!(content(&right, "a").await, b"one");
    for wrong in [Digester::of(b"onf"), Digester::of(b"on"), Digester::of(b"one ")] {
        let backend = AsyncChecksumBackend::new(Arc::clone(&inner), Arc::new(Expect(wrong)));
        let error = content_with(&backend, "a", &ReadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let part = ReadOptions::default().with_range(ReadRange::Bounded(0..2));
        assert_eq!(content_with(&backend, "a", &part).await.unwrap(), b"on", "parts are not compared");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_told_through_the_bridge_to_sync_code_too() {
    let inner = memory();
    put(&*inner, "a", "one").await;
    let checked = AsyncChecksumBackend::new(Arc::clone(&inner), Arc::new(Expect(Digester::of(b"onf"))));
    let read = tokio::task::spawn_blocking(move || {
        let backend = AsyncBackendAdapter::new(Arc::new(checked)).unwrap();
        let body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
        body.collect::<Result<Vec<_>>>()
    });
    assert_eq!(read.await.unwrap().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn digests_of_writes_and_writers_are_noted_by_version() {
    let (inner, book) = (memory(), Arc::new(MemoryDigests::new()));
    let backend = AsyncChecksumBackend::new(Arc::clone(&inner), book.clone());
    let meta = put(&backend, "a", "one").await;
    assert_eq!(book.expected(&meta), Some(Digester::of(b"one")));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write("123456789".into()).await.unwrap();
    let meta = writer.commit().await.unwrap().applied(&key("a"), &Condition::None).unwrap();
    assert_eq!(book.expected(&meta), Some(Digest { crc32c: 0xe306_9283, length: 9 }));
    assert_eq!(content(&backend, "a").await, b"123456789");
    // What another has written is not on record, and so not compared.
    let other = put(&*inner, "a", "another's").await;
    assert_eq!(book.expected(&other), None);
    assert_eq!(content(&backend, "a").await, b"another's");
}
