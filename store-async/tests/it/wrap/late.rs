//! Deadlines, which only the async side has.

use futures::StreamExt;
use worldstore_async::{AsyncBackendAdapter, AsyncChunks, AsyncWriter};

use super::*;
use crate::generated::{CHUNK, Generated};

/// A clock that stands still: who waits by it waits for ever.
#[derive(Debug)]
struct Stuck;

#[async_trait::async_trait]
impl Timer for Stuck {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _pause: Duration) {
        std::future::pending().await
    }
}

/// A memory that is never pending: with a clock whose sleeps take no time, only what hangs misses its deadline.
#[derive(Debug)]
struct Direct(Memory);

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("direct")
    }
}

#[async_trait::async_trait]
impl AsyncBackend for Direct {
    fn info(&self) -> BackendInfo {
        self.0.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.0.stat(key, options)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let ReadReply { meta, range, body, .. } = self.0.read(key, options)?;
        Ok(ReadReply::new(meta, range, futures::stream::iter(body).boxed()))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.0.read_ranges(key, ranges, options)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.0.write(key, body, options)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        Ok(Box::new(DirectWriter(self.0.open_writer(key, options)?)))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.0.settle(key, token, options)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.0.delete(keys, options)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.0.list(prefix, options)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.0.copy(from, to, options)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.0.rename(from, to, options)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.0.check(options)
    }
}

#[derive(Debug)]
struct DirectWriter(Box<dyn Writer>);

#[async_trait::async_trait]
impl AsyncWriter for DirectWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.0.write(chunk)
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        self.0.commit()
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.0.abort()
    }
}

fn direct() -> Arc<dyn AsyncBackend> {
    Arc::new(Direct(Memory::new()))
}

/// A backend that hangs in every call of a class.
fn hanging(inner: Arc<dyn AsyncBackend>, class: Class) -> Arc<dyn AsyncBackend> {
    let odds = Odds::default().with_latency(1.0, ms(1));
    Arc::new(AsyncFaultBackend::with_clock(inner, FaultOptions::new(1).with(class, odds), Arc::new(Stuck)))
}

fn timeout(inner: Arc<dyn AsyncBackend>, clock: &Arc<ManualClock>) -> AsyncTimeoutBackend {
    AsyncTimeoutBackend::with_clock(inner, TimeoutOptions::new(ms(250)), Arc::clone(clock) as Arc<dyn Timer>)
}

#[tokio::test]
async fn a_read_that_hangs_is_unavailable_at_its_deadline() {
    let clock = clock();
    let backend = timeout(hanging(direct(), Class::Read), &clock);
    let error = backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("deadline_ms: 250"), "{error}");
    assert_eq!(Timer::now(&*clock), ms(250));
}

#[tokio::test]
async fn a_change_that_hangs_is_unknown_and_not_an_error() {
    let inner = direct();
    put(&*inner, "a", "one").await;
    for class in [Class::Write, Class::Move, Class::Delete, Class::Commit, Class::Append] {
        let backend = timeout(hanging(Arc::clone(&inner), class), &clock());
        match class {
            Class::Write => {
                let outcome = backend.write(&key("b"), "x".into(), &WriteOptions::if_absent()).await.unwrap();
                assert_eq!(outcome, Outcome::Unknown);
            }
            Class::Move => {
                let outcome = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await.unwrap();
                assert_eq!(outcome, Outcome::Unknown);
            }
            Class::Delete => {
                let answers = backend.delete(&[key("a"), key("b")], &DeleteOptions::default()).await.unwrap();
                let unknown = |answer: &Deleted| matches!(answer, Deleted::Failed(error) if error.kind() == ErrorKind::OutcomeUnknown);
                assert!(answers.len() == 2 && answers.iter().all(unknown));
            }
            _ => {
                let mut writer = backend.open_writer(&key("b"), &WriteOptions::default()).await.unwrap();
                match class {
                    Class::Commit => {
                        writer.write("x".into()).await.unwrap();
                        assert_eq!(writer.commit().await.unwrap(), Outcome::Unknown);
                    }
                    _ => {
                        assert_eq!(writer.write("x".into()).await.unwrap_err().kind(), ErrorKind::Unavailable);
                        assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_hangs_is_dropped_at_the_deadline_of_its_chunk() {
    // The first chunk is more than the limit lets through, and the limit's clock stands still.
    let metrics = Arc::new(Metrics::default());
    let counted = Arc::new(AsyncMetricsBackend::new(direct(), Arc::clone(&metrics)));
    let options = LimitOptions::default().with_read_bytes_per_second(1);
    let backend = timeout(Arc::new(AsyncLimitBackend::with_clock(counted, options, Arc::new(Stuck))), &clock());
    put(&backend, "a", "one").await;
    let mut body = backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
    let error = body.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((metrics.snapshot().abandoned, metrics.snapshot().in_flight), (1, 0), "the body is gone");
    assert!(body.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn an_attempt_that_hangs_is_given_up_and_made_again() {
    let clock = clock();
    let metrics = Arc::new(Metrics::default());
    // The inner stack hangs in half of its attempts.
    let odds = Odds::default().with_latency(0.5, ms(1));
    let inner = direct();
    let hangs =
        AsyncFaultBackend::with_clock(Arc::clone(&inner), FaultOptions::new(4).everywhere(odds), Arc::new(Stuck));
    let backend = AsyncStack::new(Arc::new(hangs))
        .clock(clock.clone())
        .attempt_timeout(TimeoutOptions::new(ms(100)))
        .attempt_metrics(Arc::clone(&metrics))
        .retry_seeded(RetryOptions::default().with_attempts_max(50), 4)
        .build();
    for number in 0..20 {
        let key = key(&number.to_string());
        let outcome = backend.write(&key, "x".into(), &WriteOptions::if_absent()).await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)), "a lost reply is settled by its token: {outcome:?}");
        assert_eq!(backend.stat(&key, &StatOptions::default()).await.unwrap().size, 1);
    }
    assert!(metrics.snapshot().abandoned > 10, "{:?}", metrics.snapshot());
}

#[tokio::test]
async fn the_deadline_of_the_call_ends_all_attempts() {
    let clock = clock();
    let backend = AsyncStack::new(hanging(direct(), Class::Read))
        .clock(clock)
        .call_timeout(TimeoutOptions::new(Duration::from_secs(1)))
        .build();
    let error = backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("deadline_ms: 1000"), "{error}");
}

#[test]
fn dropping_a_body_drops_a_producer_that_hangs() {
    // The limit lets the first chunk through, and makes the second wait by a clock that stands still.
    let metrics = Arc::new(Metrics::default());
    let adapted = Arc::new(SyncBackendAdapter::new(Arc::new(Generated::new(10))));
    let counted = Arc::new(AsyncMetricsBackend::new(adapted, Arc::clone(&metrics)));
    let options = LimitOptions::default().with_read_bytes_per_second(CHUNK);
    let limited = AsyncLimitBackend::with_clock(counted, options, Arc::new(Stuck));
    let backend = AsyncBackendAdapter::new(Arc::new(limited)).unwrap();
    let mut body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    assert!(body.next().unwrap().is_ok());
    assert_eq!(metrics.snapshot().in_flight, 1);
    drop(body);
    for _ in 0..10_000 {
        if metrics.snapshot().in_flight == 0 {
            break;
        }
        std::thread::sleep(ms(1));
    }
    assert_eq!((metrics.snapshot().in_flight, metrics.snapshot().abandoned), (0, 1));
}
