//! A store near by in front of one far away: what is fetched, what is kept, and what is never served.

use futures::StreamExt;

use worldstore_core::memory::{Moment, Verdict};

use super::*;

/// A remote with a counter, a store near by, and both together.
struct Bed {
    remote: Arc<dyn AsyncBackend>,
    local: Arc<dyn AsyncBackend>,
    metrics: Arc<Metrics>,
    options: TierOptions,
}

impl Bed {
    fn new(options: TierOptions) -> Self {
        Self { remote: memory(), local: memory(), metrics: Arc::new(Metrics::default()), options }
    }

    async fn open(&self) -> AsyncTieredBackend {
        let counted = AsyncMetricsBackend::new(Arc::clone(&self.remote), Arc::clone(&self.metrics));
        AsyncTieredBackend::open(Arc::new(counted), Arc::clone(&self.local), self.options).await.unwrap()
    }

    /// Reads that went far away.
    fn reads(&self) -> u64 {
        let metrics = self.metrics.snapshot();
        metrics.calls_of(Operation::Read) + metrics.calls_of(Operation::ReadRanges)
    }

    async fn kept(&self) -> Vec<ObjectMeta> {
        self.local.list(&Prefix::root(), &ListOptions::default()).await.unwrap().objects
    }

    /// Bytes of all that is kept, as the store near by tells.
    async fn bytes(&self) -> u64 {
        self.kept().await.iter().map(|object| object.size).sum()
    }
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 % 251) as u8).collect()
}

fn part(range: Range<u64>) -> ReadOptions {
    ReadOptions::default().with_range(ReadRange::Bounded(range))
}

const BLOCK: usize = TIER_BLOCK_BYTES as usize;

#[tokio::test]
async fn whole_objects_are_fetched_once_and_survive_a_restart() {
    let bed = Bed::new(TierOptions::default());
    let expected = body(20 * BLOCK + 7);
    put(&*bed.remote, "a", expected.clone()).await;
    let backend = bed.open().await;
    let at = (3 * BLOCK - 5) as u64;
    let found = content_with(&backend, "a", &part(at..at + 10)).await.unwrap();
    assert_eq!(found, expected[at as usize..][..10], "a part fetches the whole");
    assert_eq!(content(&backend, "a").await, expected);
    assert_eq!((bed.reads(), bed.metrics.snapshot().bytes_read), (1, expected.len() as u64));
    drop(backend);

    let backend = bed.open().await;
    let ranges = [0..1, at..at + 10, 0..0, at - 1..expected.len() as u64];
    let parts = backend.read_ranges(&key("a"), &ranges, &ReadRangesOptions::default()).await.unwrap();
    for (range, part) in ranges.iter().zip(parts) {
        assert_eq!(part, expected[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(
        content_with(&backend, "a", &ReadOptions::default().with_range(ReadRange::Last(3))).await.unwrap(),
        &expected[20 * BLOCK + 4..]
    );
    assert_eq!(bed.reads(), 1, "nothing is fetched again after a restart");
    assert_eq!((backend.stats().hits, backend.stats().misses, backend.stats().bytes), (2, 0, bed.bytes().await));
}

#[tokio::test]
async fn only_the_present_version_is_served() {
    let bed = Bed::new(TierOptions::default());
    let backend = bed.open().await;
    put(&*bed.remote, "a", "one").await;
    assert_eq!(content(&backend, "a").await, b"one");
    put(&*bed.remote, "a", "two").await;
    assert_eq!(content(&backend, "a").await, b"two", "of the same length, by another");
    put(&*bed.remote, "a", "three").await;
    let parts = backend.read_ranges(&key("a"), &[0..1, 4..5], &ReadRangesOptions::default()).await.unwrap();
    assert_eq!(parts, ["t", "e"]);
    assert_eq!((bed.kept().await.len(), backend.stats().damaged), (1, 0), "one state is kept of each object");
    let old = bed.remote.stat(&key("a"), &StatOptions::default()).await.unwrap().version.unwrap();
    put(&*bed.remote, "a", "four!").await;
    let pinned = content_with(&backend, "a", &ReadOptions::default().with_version(old)).await;
    assert_eq!(pinned.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let _ = bed.remote.delete(&[key("a")], &DeleteOptions::default()).await.unwrap();
    assert!(content_with(&backend, "a", &ReadOptions::default()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn changes_go_far_away_and_drop_what_is_held() {
    let bed = Bed::new(TierOptions::default());
    let backend = bed.open().await;
    for name in ["a", "b", "c", "d"] {
        put(&backend, name, name).await;
        assert!(bed.kept().await.is_empty(), "nothing is written near by alone");
    }
    for name in ["a", "b", "c", "d"] {
        content(&backend, name).await;
    }
    assert_eq!(bed.kept().await.len(), 4);
    put(&backend, "d", "again").await;
    assert_eq!((bed.kept().await.len(), content(&backend, "d").await), (3, b"again".to_vec()));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write("written".into()).await.unwrap();
    let _ = writer.commit().await.unwrap();
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await.unwrap();
    let _ = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).await.unwrap();
    backend.delete(&[key("d")], &DeleteOptions::default()).await.unwrap();
    assert_eq!((bed.kept().await.len(), backend.stats().bytes), (0, 0));
    assert_eq!(content(&*bed.remote, "b").await, b"written");
}

#[tokio::test]
async fn damage_is_found_and_fetched_again() {
    let bed = Bed::new(TierOptions::default());
    let expected = body(18 * BLOCK + 100);
    put(&*bed.remote, "a", expected.clone()).await;
    content(&bed.open().await, "a").await;
    let name = bed.kept().await.remove(0).key;
    let whole = content(&*bed.local, name.as_str()).await;
    // The first block, a block of the second window, the last; checks, identity, trailer; and lengths.
    let places = [0, 17 * BLOCK, expected.len() - 1, expected.len(), expected.len() + 19 * 4 + 5, whole.len() - 1];
    let flipped = places.map(|place| {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        damaged
    });
    let cut = [whole[..whole.len() - 1].to_vec(), whole[..10].to_vec(), Vec::new()];
    for (index, damaged) in flipped.into_iter().chain(cut).enumerate() {
        put(&*bed.local, name.as_str(), damaged.clone()).await;
        let backend = bed.open().await;
        assert_eq!(content(&backend, "a").await, expected, "damage {index}");
        let again = (content(&backend, "a").await, content(&*bed.local, name.as_str()).await);
        assert_eq!(again, (expected.clone(), whole.clone()), "it is whole again");
        put(&*bed.local, name.as_str(), damaged).await;
        let backend = bed.open().await;
        let all = 0..expected.len() as u64;
        let parts = backend.read_ranges(&key("a"), &[all], &ReadRangesOptions::default()).await.unwrap();
        assert!(parts.len() == 1 && parts[0] == expected, "damage {index}");
        assert_eq!(u64::from(index < 3), backend.stats().damaged, "damage {index}");
    }
    let backend = bed.open().await;
    let before = bed.reads();
    let _ = bed.local.delete(&[name], &DeleteOptions::default()).await.unwrap();
    assert_eq!((content(&backend, "a").await, bed.reads()), (expected, before + 1), "anyone may remove it");
    assert_eq!(backend.stats().damaged, 0);
}

#[tokio::test]
async fn bytes_are_bounded_and_the_least_recently_used_go_first() {
    let one = {
        let bed = Bed::new(TierOptions::default());
        put(&*bed.remote, "a", body(1000)).await;
        content(&bed.open().await, "a").await;
        bed.bytes().await
    };
    let options = TierOptions::default().with_bytes_max(3 * one).with_object_bytes_max(2000);
    let bed = Bed::new(options);
    let backend = bed.open().await;
    for name in ["a", "b", "c", "d"] {
        put(&*bed.remote, name, body(1000)).await;
    }
    put(&*bed.remote, "l", body(2001)).await;
    for name in ["a", "b", "c", "a", "d"] {
        content(&backend, name).await;
        assert!(bed.bytes().await <= 3 * one && backend.stats().bytes == bed.bytes().await);
    }
    assert_eq!((bed.reads(), backend.stats().evicted), (4, 1));
    content(&backend, "a").await;
    assert_eq!(bed.reads(), 4, "it was used after b, which had to go");
    content(&backend, "b").await;
    assert_eq!(bed.reads(), 5);
    content(&backend, "l").await;
    content(&backend, "l").await;
    assert_eq!((bed.reads(), bed.kept().await.len()), (7, 3), "too long to keep");
    put(&*bed.local, "mine.txt", body(9000)).await;
    let smaller = Bed { options: options.with_bytes_max(one), ..bed };
    let backend = smaller.open().await;
    assert_eq!((backend.stats().bytes, backend.stats().evicted), (one, 2), "the bound holds from the beginning");
    assert!(smaller.kept().await.iter().any(|object| object.key.as_str() == "mine.txt"), "what is not its own stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_that_goes_away_leaves_is_within_the_bound() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let slow = Memory::new().with_hook(move |event| {
        if event.moment == Moment::Before && event.operation == "commit" {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
        }
        Verdict::Pass
    });
    let bed = Bed { local: Arc::new(SyncBackendAdapter::new(Arc::new(slow))), ..Bed::new(TierOptions::default()) };
    put(&*bed.remote, "a", body(1000)).await;
    let backend = bed.open().await;
    let reader = {
        let backend = backend.clone();
        tokio::spawn(async move { content(&backend, "a").await })
    };
    wait.recv().unwrap();
    reader.abort();
    assert!(reader.await.is_err());
    go.send(()).unwrap();
    while bed.kept().await.is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        if backend.stats().bytes == bed.bytes().await {
            return;
        }
        tokio::time::sleep(ms(1)).await;
    }
    panic!("{} bytes are kept, and {} known", bed.bytes().await, backend.stats().bytes);
}

#[tokio::test]
async fn two_places_may_share_a_store() {
    let local = memory();
    let open = |folder: &str| {
        let below = AsyncPrefixBackend::new(memory(), Prefix::new(folder).unwrap());
        AsyncTieredBackend::open(Arc::new(below), Arc::clone(&local), TierOptions::default())
    };
    let (one, other) = (open("one").await.unwrap(), open("other").await.unwrap());
    put(&one, "a", "one").await;
    put(&other, "a", "two").await;
    let version =
        async |backend: &AsyncTieredBackend| backend.stat(&key("a"), &StatOptions::default()).await.unwrap().version;
    let versions = [version(&one).await, version(&other).await];
    assert_eq!(versions[0], versions[1], "even where versions say the same");
    for _ in 0..2 {
        assert_eq!((content(&one, "a").await, content(&other, "a").await), (b"one".to_vec(), b"two".to_vec()));
    }
}

#[tokio::test]
async fn a_store_near_by_that_fails_is_gone_around() {
    let (remote, local) = (memory(), memory());
    let flaky = AsyncFaultBackend::with_clock(
        Arc::clone(&local),
        FaultOptions::new(3).everywhere(Odds::default().with_error(0.4)).with(Class::List, Odds::default()),
        clock(),
    );
    let backend =
        AsyncTieredBackend::open(Arc::clone(&remote), Arc::new(flaky), TierOptions::default().with_bytes_max(3000))
            .await
            .unwrap();
    for round in 0..60 {
        let name = ["a", "b", "c"][round % 3];
        if round % 7 == 0 {
            put(&*remote, name, body(900 + round)).await;
        }
        if remote.stat(&key(name), &StatOptions::default()).await.is_ok() {
            assert_eq!(content(&backend, name).await, content(&*remote, name).await);
        }
    }
    assert!(backend.stats().failed > 5, "{:?}", backend.stats());
}

#[tokio::test]
async fn a_change_while_a_body_is_read_is_told_or_not_seen() {
    let bed = Bed::new(TierOptions::default());
    put(&*bed.remote, "a", body(40 * BLOCK)).await;
    let backend = bed.open().await;
    let mut chunks = backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
    let first = chunks.next().await.unwrap().unwrap();
    put(&*bed.remote, "a", "new").await;
    let _ = bed.local.delete(&[bed.kept().await.remove(0).key], &DeleteOptions::default()).await.unwrap();
    assert_eq!(first, body(first.len()));
    assert_eq!(chunks.next().await.unwrap().unwrap_err().kind(), ErrorKind::ConditionFailed, "never half of each");
    assert!(chunks.next().await.is_none());
}
