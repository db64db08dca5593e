//! A store near by in front of one far away: what is fetched, what is kept, and what is never served.

use super::*;

/// A remote with a counter, a store near by, and both together.
struct Bed {
    remote: Arc<dyn Backend>,
    local: Arc<dyn Backend>,
    metrics: Arc<Metrics>,
    options: TierOptions,
}

impl Bed {
    fn new(options: TierOptions) -> Self {
        Self { remote: memory(), local: memory(), metrics: Arc::new(Metrics::default()), options }
    }

    fn open(&self) -> TieredBackend {
        let counted = MetricsBackend::new(Arc::clone(&self.remote), Arc::clone(&self.metrics));
        TieredBackend::open(Arc::new(counted), Arc::clone(&self.local), self.options).unwrap()
    }

    /// Reads that went far away.
    fn reads(&self) -> u64 {
        let metrics = self.metrics.snapshot();
        metrics.calls_of(Operation::Read) + metrics.calls_of(Operation::ReadRanges)
    }

    fn kept(&self) -> Vec<ObjectMeta> {
        self.local.list(&Prefix::root(), &ListOptions::default()).unwrap().objects
    }

    /// Bytes of all that is kept, as the store near by tells.
    fn bytes(&self) -> u64 {
        self.kept().iter().map(|object| object.size).sum()
    }
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 % 251) as u8).collect()
}

fn part(range: Range<u64>) -> ReadOptions {
    ReadOptions::default().with_range(ReadRange::Bounded(range))
}

const BLOCK: usize = TIER_BLOCK_BYTES as usize;

#[test]
fn whole_objects_are_fetched_once_and_survive_a_restart() {
    let bed = Bed::new(TierOptions::default());
    let expected = body(20 * BLOCK + 7);
    put(&*bed.remote, "a", expected.clone());
    let backend = bed.open();
    let at = (3 * BLOCK - 5) as u64;
    let found = content_with(&backend, "a", &part(at..at + 10)).unwrap();
    assert_eq!(found, expected[at as usize..][..10], "a part fetches the whole");
    assert_eq!(content(&backend, "a"), expected);
    assert_eq!((bed.reads(), bed.metrics.snapshot().bytes_read), (1, expected.len() as u64));
    drop(backend);

    let backend = bed.open();
    let ranges = [0..1, at..at + 10, 0..0, at - 1..expected.len() as u64];
    let parts = backend.read_ranges(&key("a"), &ranges, &ReadRangesOptions::default()).unwrap();
    for (range, part) in ranges.iter().zip(parts) {
        assert_eq!(part, expected[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(
        content_with(&backend, "a", &ReadOptions::default().with_range(ReadRange::Last(3))).unwrap(),
        &expected[20 * BLOCK + 4..]
    );
    assert_eq!(bed.reads(), 1, "nothing is fetched again after a restart");
    assert_eq!((backend.stats().hits, backend.stats().misses, backend.stats().bytes), (2, 0, bed.bytes()));
}

#[test]
fn only_the_present_version_is_served() {
    let bed = Bed::new(TierOptions::default());
    let backend = bed.open();
    put(&*bed.remote, "a", "one");
    assert_eq!(content(&backend, "a"), b"one");
    put(&*bed.remote, "a", "two");
    assert_eq!(content(&backend, "a"), b"two", "of the same length, by another");
    put(&*bed.remote, "a", "three");
    let parts = backend.read_ranges(&key("a"), &[0..1, 4..5], &ReadRangesOptions::default()).unwrap();
    assert_eq!(parts, ["t", "e"]);
    assert_eq!((bed.kept().len(), backend.stats().damaged), (1, 0), "one state is kept of each object");
    let old = bed.remote.stat(&key("a"), &StatOptions::default()).unwrap().version.unwrap();
    put(&*bed.remote, "a", "four!");
    let pinned = content_with(&backend, "a", &ReadOptions::default().with_version(old));
    assert_eq!(pinned.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let _ = bed.remote.delete(&[key("a")], &DeleteOptions::default()).unwrap();
    assert!(content_with(&backend, "a", &ReadOptions::default()).unwrap_err().is_not_found());
}

#[test]
fn changes_go_far_away_and_drop_what_is_held() {
    let bed = Bed::new(TierOptions::default());
    let backend = bed.open();
    for name in ["a", "b", "c", "d"] {
        put(&backend, name, name);
        assert!(bed.kept().is_empty(), "nothing is written near by alone");
    }
    for name in ["a", "b", "c", "d"] {
        content(&backend, name);
    }
    assert_eq!(bed.kept().len(), 4);
    put(&backend, "d", "again");
    assert_eq!((bed.kept().len(), content(&backend, "d")), (3, b"again".to_vec()));
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write("written".into()).unwrap();
    let _ = writer.commit().unwrap();
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap();
    let _ = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).unwrap();
    backend.delete(&[key("d")], &DeleteOptions::default()).unwrap();
    assert_eq!((bed.kept().len(), backend.stats().bytes), (0, 0));
    assert_eq!(content(&*bed.remote, "b"), b"written");
}

#[test]
fn damage_is_found_and_fetched_again() {
    let bed = Bed::new(TierOptions::default());
    let expected = body(18 * BLOCK + 100);
    put(&*bed.remote, "a", expected.clone());
    content(&bed.open(), "a");
    let name = bed.kept().remove(0).key;
    let whole = content(&*bed.local, name.as_str());
    // The first block, a block of the second window, the last; checks, identity, trailer; and lengths.
    let places = [0, 17 * BLOCK, expected.len() - 1, expected.len(), expected.len() + 19 * 4 + 5, whole.len() - 1];
    let flipped = places.map(|place| {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        damaged
    });
    let cut = [whole[..whole.len() - 1].to_vec(), whole[..10].to_vec(), Vec::new()];
    for (index, damaged) in flipped.into_iter().chain(cut).enumerate() {
        put(&*bed.local, name.as_str(), damaged.clone());
        let backend = bed.open();
        assert_eq!(content(&backend, "a"), expected, "damage {index}");
        let again = (content(&backend, "a"), content(&*bed.local, name.as_str()));
        assert_eq!(again, (expected.clone(), whole.clone()), "it is whole again");
        put(&*bed.local, name.as_str(), damaged);
        let backend = bed.open();
        let all = 0..expected.len() as u64;
        let parts = backend.read_ranges(&key("a"), &[all], &ReadRangesOptions::default()).unwrap();
        assert!(parts.len() == 1 && parts[0] == expected, "damage {index}");
        assert_eq!(u64::from(index < 3), backend.stats().damaged, "damage {index}");
    }
    let backend = bed.open();
    let before = bed.reads();
    let _ = bed.local.delete(&[name], &DeleteOptions::default()).unwrap();
    assert_eq!((content(&backend, "a"), bed.reads()), (expected, before + 1), "anyone may remove it");
    assert_eq!(backend.stats().damaged, 0);
}

#[test]
fn bytes_are_bounded_and_the_least_recently_used_go_first() {
    let one = {
        let bed = Bed::new(TierOptions::default());
        put(&*bed.remote, "a", body(1000));
        content(&bed.open(), "a");
        bed.bytes()
    };
    let options = TierOptions::default().with_bytes_max(3 * one).with_object_bytes_max(2000);
    let bed = Bed::new(options);
    let backend = bed.open();
    for name in ["a", "b", "c", "d"] {
        put(&*bed.remote, name, body(1000));
    }
    put(&*bed.remote, "l", body(2001));
    for name in ["a", "b", "c", "a", "d"] {
        content(&backend, name);
        assert!(bed.bytes() <= 3 * one && backend.stats().bytes == bed.bytes());
    }
    assert_eq!((bed.reads(), backend.stats().evicted), (4, 1));
    content(&backend, "a");
    assert_eq!(bed.reads(), 4, "it was used after b, which had to go");
    content(&backend, "b");
    assert_eq!(bed.reads(), 5);
    content(&backend, "l");
    content(&backend, "l");
    assert_eq!((bed.reads(), bed.kept().len()), (7, 3), "too long to keep");
    put(&*bed.local, "mine.txt", body(9000));
    let smaller = Bed { options: options.with_bytes_max(one), ..bed };
    let backend = smaller.open();
    assert_eq!((backend.stats().bytes, backend.stats().evicted), (one, 2), "the bound holds from the beginning");
    assert!(smaller.kept().iter().any(|object| object.key.as_str() == "mine.txt"), "what is not its own stays");
}

#[test]
fn two_places_may_share_a_store() {
    let local = memory();
    let open = |folder: &str| {
        let below = PrefixBackend::new(memory(), Prefix::new(folder).unwrap());
        TieredBackend::open(Arc::new(below), Arc::clone(&local), TierOptions::default()).unwrap()
    };
    let (one, other) = (open("one"), open("other"));
    put(&one, "a", "one");
    put(&other, "a", "two");
    let versions = [&one, &other].map(|backend| backend.stat(&key("a"), &StatOptions::default()).unwrap().version);
    assert_eq!(versions[0], versions[1], "even where versions say the same");
    for _ in 0..2 {
        assert_eq!((content(&one, "a"), content(&other, "a")), (b"one".to_vec(), b"two".to_vec()));
    }
}

#[test]
fn a_store_near_by_that_fails_is_gone_around() {
    let (remote, local) = (memory(), memory());
    let flaky = FaultBackend::with_clock(
        Arc::clone(&local),
        FaultOptions::new(3).everywhere(Odds::default().with_error(0.4)).with(Class::List, Odds::default()),
        clock(),
    );
    let backend =
        TieredBackend::open(Arc::clone(&remote), Arc::new(flaky), TierOptions::default().with_bytes_max(3000)).unwrap();
    for round in 0..60 {
        let name = ["a", "b", "c"][round % 3];
        if round % 7 == 0 {
            put(&*remote, name, body(900 + round));
        }
        if remote.stat(&key(name), &StatOptions::default()).is_ok() {
            assert_eq!(content(&backend, name), content(&*remote, name));
        }
    }
    assert!(backend.stats().failed > 5, "{:?}", backend.stats());
}

#[test]
fn a_change_while_a_body_is_read_is_told_or_not_seen() {
    let bed = Bed::new(TierOptions::default());
    put(&*bed.remote, "a", body(40 * BLOCK));
    let backend = bed.open();
    let mut chunks = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    let first = chunks.next().unwrap().unwrap();
    put(&*bed.remote, "a", "new");
    let _ = bed.local.delete(&[bed.kept().remove(0).key], &DeleteOptions::default()).unwrap();
    assert_eq!(first, body(first.len()));
    assert_eq!(chunks.next().unwrap().unwrap_err().kind(), ErrorKind::ConditionFailed, "never half of each");
    assert!(chunks.next().is_none());
}

#[test]
fn races_have_one_winner_and_readers_see_whole_states() {
    let bed = Bed::new(TierOptions::default().with_bytes_max(2000));
    conformance::race(Arc::new(bed.open()), &Prefix::new("kit").unwrap()).into_result().unwrap();
}

/// Readers that push out each other's objects, while a writer changes them: every body is of one state, and the store near
/// by holds no more than it may, and nothing that it does not know of.
#[test]
fn readers_at_once_stay_within_the_bound() {
    let bed = Bed::new(TierOptions::default().with_bytes_max(5_000));
    let backend = bed.open();
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        put(&*bed.remote, name, vec![0; 1_500]);
    }
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let backend = &backend;
            scope.spawn(move || {
                for round in 0..150 {
                    let name = names[(round * (reader + 1) + reader) % names.len()];
                    let body = match content_with(backend, name, &ReadOptions::default()) {
                        Ok(body) => body,
                        // It was changed and evicted while its body was read.
                        Err(error) if error.kind() == ErrorKind::ConditionFailed => continue,
                        Err(error) => panic!("{error:?}"),
                    };
                    assert!(body.len() == 1_500 && body.iter().all(|byte| *byte == body[0]));
                }
            });
        }
        for round in 1..60 {
            put(&*bed.remote, names[round % names.len()], vec![round as u8; 1_500]);
        }
    });
    // What one reader evicts while another keeps it anew may be counted and gone, never there and not counted.
    assert!(bed.bytes() <= backend.stats().bytes && backend.stats().bytes <= 5_000, "{:?}", backend.stats());
    assert!(backend.stats().evicted > 10 && backend.stats().damaged == 0, "{:?}", backend.stats());
}
