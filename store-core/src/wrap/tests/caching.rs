//! The cache and the checksums.

use super::*;

fn cached(options: CacheOptions) -> (Arc<dyn Backend>, Arc<Metrics>, CacheBackend) {
    let (inner, metrics) = (memory(), Arc::new(Metrics::default()));
    let counted = MetricsBackend::new(Arc::clone(&inner), Arc::clone(&metrics));
    (inner, metrics, CacheBackend::new(Arc::new(counted), options))
}

#[test]
fn what_is_held_is_not_read_again_and_what_has_changed_is() {
    let (inner, metrics, backend) = cached(CacheOptions::default());
    put(&backend, "a", "one");
    for _ in 0..3 {
        assert_eq!(content(&backend, "a"), b"one");
    }
    let part = ReadOptions::default().with_range(ReadRange::Last(2));
    assert_eq!(content_with(&backend, "a", &part).unwrap(), b"ne", "from the whole that is held");
    let parts = backend.read_ranges(&key("a"), &[0..1, 1..3], &ReadRangesOptions::default()).unwrap();
    assert_eq!(parts, ["o", "ne"]);
    assert_eq!((metrics.snapshot().calls_of(Operation::Read), metrics.snapshot().bytes_read), (1, 3));
    assert_eq!((backend.stats().hits, backend.stats().misses), (5, 1));

    put(&backend, "a", "two");
    assert_eq!(content(&backend, "a"), b"two", "after a write of our own");
    put(&*inner, "a", "six");
    assert_eq!(content(&backend, "a"), b"six", "after a write of another");
    put(&*inner, "a", "ten");
    let parts = backend.read_ranges(&key("a"), &[0..1, 0..3], &ReadRangesOptions::default()).unwrap();
    assert_eq!(parts, ["t", "ten"], "in parts as well");
    let _ = inner.delete(&[key("a")], &DeleteOptions::default()).unwrap();
    let gone = content_with(&backend, "a", &ReadOptions::default());
    assert!(gone.unwrap_err().is_not_found());
}

#[test]
fn every_change_through_the_cache_drops_what_is_held() {
    let (_, _, backend) = cached(CacheOptions::default());
    for name in ["a", "b", "c", "d"] {
        put(&backend, name, name);
        content(&backend, name);
    }
    assert_eq!(backend.stats().bytes, 4 * (ENTRY_BYTES + 1));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write("written".into()).unwrap();
    let _ = writer.commit().unwrap();
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap();
    let _ = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).unwrap();
    backend.delete(&[key("d")], &DeleteOptions::default()).unwrap();
    assert_eq!(backend.stats().bytes, 0);
    assert_eq!(content(&backend, "b"), b"written");
}

/// No checksum was compared with it.
#[test]
fn the_whole_in_a_call_for_parts_is_not_held() {
    let (_, _, backend) = cached(CacheOptions::default());
    put(&backend, "a", "one");
    let parts = backend.read_ranges(&key("a"), &[0..3, 1..2], &ReadRangesOptions::default()).unwrap();
    assert_eq!(parts, ["one", "n"]);
    assert_eq!(backend.stats().bytes, ENTRY_BYTES + 1);
}

#[test]
fn bytes_are_bounded_and_the_least_recently_used_go_first() {
    let room = 3 * (ENTRY_BYTES + 10);
    let options = CacheOptions::default().with_bytes_max(room).with_entry_bytes_max(10);
    let (_, metrics, backend) = cached(options);
    for name in ["a", "b", "c", "d", "large"] {
        put(&backend, name, vec![7; if name == "large" { 11 } else { 10 }]);
    }
    let reads = || metrics.snapshot().calls_of(Operation::Read);
    for name in ["a", "b", "c", "a", "d"] {
        content(&backend, name);
        assert!(backend.stats().bytes <= room);
    }
    assert_eq!((reads(), backend.stats().evicted), (4, 1));
    content(&backend, "a");
    assert_eq!(reads(), 4, "it was used after b, which had to go");
    content(&backend, "b");
    assert_eq!(reads(), 5);
    content(&backend, "large");
    content(&backend, "large");
    assert_eq!(reads(), 7, "too large to keep");
    let part = ReadOptions::default().with_range(ReadRange::Bounded(1..11));
    content_with(&backend, "large", &part).unwrap();
    content_with(&backend, "large", &part).unwrap();
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

#[test]
fn an_object_that_is_not_what_was_written_is_corrupt_at_its_end() {
    let inner = memory();
    put(&*inner, "a", "one");
    let right = ChecksumBackend::new(Arc::clone(&inner), Arc::new(Expect(Digester::of(b"one"))));
    assert_eq!(content(&right, "a"), b"one");
    for wrong in [Digester::of(b"onf"), Digester::of(b"on"), Digester::of(b"one ")] {
        let backend = ChecksumBackend::new(Arc::clone(&inner), Arc::new(Expect(wrong)));
        let error = content_with(&backend, "a", &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let part = ReadOptions::default().with_range(ReadRange::Bounded(0..2));
        assert_eq!(content_with(&backend, "a", &part).unwrap(), b"on", "parts are not compared");
    }
}

#[test]
fn digests_of_writes_and_writers_are_noted_by_version() {
    let (inner, book) = (memory(), Arc::new(MemoryDigests::new()));
    let backend = ChecksumBackend::new(Arc::clone(&inner), book.clone());
    let meta = put(&backend, "a", "one");
    assert_eq!(book.expected(&meta), Some(Digester::of(b"one")));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write("123456789".into()).unwrap();
    let meta = writer.commit().unwrap().applied(&key("a"), &Condition::None).unwrap();
    assert_eq!(book.expected(&meta), Some(Digest { crc32c: 0xe306_9283, length: 9 }));
    assert_eq!(content(&backend, "a"), b"123456789");
    // What another has written is not on record, and so not compared.
    let other = put(&*inner, "a", "another's");
    assert_eq!(book.expected(&other), None);
    assert_eq!(content(&backend, "a"), b"another's");
}
