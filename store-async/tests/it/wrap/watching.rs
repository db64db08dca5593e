//! Metrics, limits, read-only and prefix.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn metrics_count_calls_errors_bytes_and_bodies_to_their_end() {
    let (metrics, clock) = (Arc::new(Metrics::default()), clock());
    let backend = AsyncMetricsBackend::with_clock(memory(), Arc::clone(&metrics), clock.clone());
    put(&backend, "a", vec![1; 1_000]).await;
    let again = backend.write(&key("a"), Bytes::new(), &WriteOptions::if_absent()).await.unwrap();
    assert_eq!(again, Outcome::Rejected);
    assert!(backend.stat(&key("none"), &StatOptions::default()).await.is_err());
    let reply = backend.read(&key("a"), &ReadOptions::default()).await.unwrap();
    assert_eq!((metrics.snapshot().in_flight, metrics.snapshot().bytes_read), (1, 0));
    clock.advance(ms(300));
    reply.body.try_collect::<Vec<_>>().await.unwrap();
    let counts = metrics.snapshot();
    assert_eq!((counts.in_flight, counts.bytes_read, counts.bytes_written), (0, 1_000, 1_000));
    assert_eq!((counts.calls_total(), counts.calls_of(Operation::Write), counts.rejected), (4, 2, 1));
    assert_eq!((counts.errors.as_slice(), counts.abandoned), ([(ErrorKind::NotFound, 1)].as_slice(), 0));
    let half_a_second = DURATION_BUCKETS_US.iter().position(|bound| *bound == 500_000).unwrap();
    assert_eq!((counts.durations[0], counts.durations[half_a_second]), (3, 1));
    // A body that is dropped is neither an error nor in flight.
    drop(backend.read(&key("a"), &ReadOptions::default()).await.unwrap());
    let counts = metrics.snapshot();
    assert_eq!((counts.in_flight, counts.abandoned), (0, 1));
}

#[tokio::test]
async fn bytes_wait_for_their_turn() {
    let clock = clock();
    let options = LimitOptions::default().with_write_bytes_per_second(100).with_read_bytes_per_second(1_000);
    let backend = AsyncLimitBackend::with_clock(memory(), options, clock.clone());
    put(&backend, "a", vec![1; 100]).await;
    assert_eq!(clock.slept(), [], "the bucket was full");
    put(&backend, "a", vec![1; 250]).await;
    assert_eq!(clock.slept(), [ms(2_500)]);
    clock.advance(Duration::from_secs(100));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write(vec![1; 100].into()).await.unwrap();
    writer.write(vec![1; 1_950].into()).await.unwrap();
    let _ = writer.commit().await.unwrap();
    assert_eq!(clock.slept()[1..], [ms(19_500)]);
    content(&backend, "a").await;
    assert_eq!(clock.slept()[2..], [ms(1_050)], "reads have a bucket of their own");
    backend.read_ranges(&key("a"), &[0..50, 0..50], &ReadRangesOptions::default()).await.unwrap();
    assert_eq!(clock.slept()[3..], [ms(100)]);
}

/// A clock by which sleepers are counted.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait::async_trait]
impl Timer for Crowd {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _pause: Duration) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(ms(2)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn no_more_calls_than_allowed_are_made_at_one_time() {
    let crowd = Arc::new(Crowd::default());
    let slow = FaultOptions::new(1).everywhere(Odds::default().with_latency(1.0, ms(1)));
    let slow = AsyncFaultBackend::with_clock(memory(), slow, crowd.clone());
    let backend = AsyncLimitBackend::new(Arc::new(slow), LimitOptions::default().with_calls_max(2));
    let (root, options) = (Prefix::root(), ListOptions::default());
    let calls = (0..40).map(|_| backend.list(&root, &options));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(crowd.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn any_number_of_calls_can_be_allowed() {
    for calls in [0, 1, usize::MAX] {
        let backend = AsyncLimitBackend::new(memory(), LimitOptions::default().with_calls_max(calls));
        put(&backend, "a", "one").await;
    }
}

#[tokio::test]
async fn idle_bodies_and_writers_take_no_place() {
    let backend = AsyncLimitBackend::new(memory(), LimitOptions::default().with_calls_max(1));
    put(&backend, "a", "one").await;
    let body = backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
    let mut one = backend.open_writer(&key("b"), &WriteOptions::default()).await.unwrap();
    let mut other = backend.open_writer(&key("c"), &WriteOptions::default()).await.unwrap();
    one.write("1".into()).await.unwrap();
    other.write("2".into()).await.unwrap();
    let _ = (one.commit().await.unwrap(), other.commit().await.unwrap());
    drop(body);
}

#[tokio::test]
async fn a_read_only_backend_touches_nothing() {
    let inner = memory();
    put(&*inner, "a", "one").await;
    let backend = AsyncReadOnlyBackend::new(Arc::clone(&inner));
    assert_eq!(content(&backend, "a").await, b"one");
    let refused = [
        backend.write(&key("a"), "two".into(), &WriteOptions::default()).await.unwrap_err(),
        backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await.unwrap_err(),
        backend.rename(&key("a"), &key("b"), &RenameOptions::default()).await.unwrap_err(),
        backend.delete(&[key("a")], &DeleteOptions::default()).await.unwrap_err(),
        backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::Unsupported));
    assert_eq!(content(&*inner, "a").await, b"one");
}

#[tokio::test]
async fn a_read_only_backend_is_checked_without_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(SyncBackendAdapter::new(Arc::new(worldstore_core::Local::open(folder.path()).unwrap())));
    AsyncReadOnlyBackend::new(local).check(&CheckOptions::default()).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_prefix_is_a_root_of_its_own() {
    let inner = memory();
    put(&*inner, "outside", "no").await;
    let backend = AsyncPrefixBackend::new(Arc::clone(&inner), Prefix::new("in/side").unwrap());
    let meta = put(&backend, "a/b", "one").await;
    assert_eq!(meta.key, key("a/b"));
    assert_eq!(content(&*inner, "in/side/a/b").await, b"one");
    let page = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["a/b"]);
    let page = backend.list(&Prefix::root(), &ListOptions::default().one_level()).await.unwrap();
    assert_eq!(page.folders, [Prefix::new("a").unwrap()]);
    let after = ListOptions::default().with_after(key("a/b"));
    assert!(backend.list(&Prefix::root(), &after).await.unwrap().objects.is_empty());
    let long = key(&"x".repeat(1_020));
    let error = backend.stat(&long, &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!((backend.to_string(), backend.info().root), ("prefix(memory, in/side)".into(), "in/side".into()));
    // A token names the write, whatever the key is called.
    let token = WriteToken::new("t").unwrap();
    let named = WriteOptions::default().with_token(token.clone());
    let _ = backend.write(&key("c"), "x".into(), &named).await.unwrap();
    let settled = backend.settle(&key("c"), &token, &SettleOptions::default()).await.unwrap();
    assert!(matches!(settled, Settled::Applied(meta) if meta.key == key("c")));
}

#[tokio::test]
async fn links_are_signed_below_every_wrapper_and_only_for_reading_below_read_only() {
    let signer = || -> Arc<dyn AsyncBackend> {
        let fails = Event::Fail(Error::new(ErrorKind::Unavailable, "busy"));
        Arc::new(SyncBackendAdapter::new(Scripted::new([fails])))
    };
    let metrics = Arc::new(Metrics::default());
    let full = |backend| {
        AsyncStack::new(backend)
            .clock(clock())
            .prefix(Prefix::new("p").unwrap())
            .trace()
            .cache(CacheOptions::default())
            .checksum(Arc::new(MemoryDigests::new()))
            .retry(RetryOptions::default())
            .limit(LimitOptions::default().with_calls_max(1))
            .attempt_metrics(Arc::clone(&metrics))
            .faults(FaultOptions::default())
    };
    let backend = full(signer()).build();
    let write = PresignOptions::new(Access::Write);
    let link = backend.presign().unwrap().sign(&key("a"), &write).await.unwrap();
    assert_eq!((link.as_str(), metrics.snapshot().calls_of(Operation::Sign)), ("Write p/a", 2));

    let backend = full(signer()).read_only().build();
    let refused = backend.presign().unwrap().sign(&key("a"), &write).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let read = PresignOptions::new(Access::Read);
    assert_eq!(backend.presign().unwrap().sign(&key("a"), &read).await.unwrap(), "Read p/a");
    assert!(full(memory()).build().presign().is_none(), "what signs none is not made to");
}
