//! What holds over every store: each function takes a backend whose root is empty of the keys that it uses.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::{AsyncBackend, conformance};
use worldstore_core::{
    Condition, CopyOptions, DeleteOptions, Deleted, ErrorKind, Key, ListOptions, ObjectMeta, Outcome, Prefix,
    ReadOptions, ReadRange, ReadRangesOptions, RenameOptions, StatOptions, Version, WriteOptions,
};

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub fn applied(outcome: Outcome) -> ObjectMeta {
    match outcome {
        Outcome::Applied(meta) => meta,
        other => panic!("not applied: {other:?}"),
    }
}

pub async fn write(backend: &dyn AsyncBackend, name: &str, body: impl Into<Bytes>, condition: Condition) -> Outcome {
    let options = WriteOptions::default().with_condition(condition);
    backend.write(&key(name), body.into(), &options).await.unwrap()
}

pub async fn bytes(backend: &dyn AsyncBackend, name: &str, options: ReadOptions) -> worldstore_core::Result<Vec<u8>> {
    let reply = backend.read(&key(name), &options).await?;
    let chunks: Vec<Bytes> = reply.body.try_collect().await?;
    let body = chunks.concat();
    assert_eq!(body.len() as u64, reply.range.end - reply.range.start, "the reply says how much follows");
    Ok(body)
}

pub async fn everything(backend: &dyn AsyncBackend) {
    conformance::run(backend, &Prefix::new("kit").unwrap()).await.into_result().unwrap();
    round_trip(backend).await;
    conditions(backend).await;
    ranges(backend).await;
    hostile_keys(backend).await;
    deletes(backend).await;
    copies(backend).await;
    levels(backend).await;
    writers(backend).await;
}

async fn round_trip(backend: &dyn AsyncBackend) {
    let missing = backend.stat(&key("round/none"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    assert_eq!(bytes(backend, "round/none", ReadOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let written = applied(write(backend, "round/trip", "one", Condition::None).await);
    let found = backend.stat(&key("round/trip"), &StatOptions::default()).await.unwrap();
    assert_eq!((found.size, &found.version, &found.key), (3, &written.version, &written.key));
    assert!(found.version.is_some() && found.modified.is_some());
    let folder = backend.stat(&key("round"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(folder.kind(), ErrorKind::NotFound, "a folder is no object");
    applied(write(backend, "round/trip", "two", Condition::None).await);
    assert_eq!(bytes(backend, "round/trip", ReadOptions::default()).await.unwrap(), b"two");
    let old = ReadOptions::default().with_version(written.version.unwrap());
    assert_eq!(bytes(backend, "round/trip", old).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    applied(write(backend, "round/empty", "", Condition::None).await);
    assert_eq!(bytes(backend, "round/empty", ReadOptions::default()).await.unwrap(), b"");
}

async fn conditions(backend: &dyn AsyncBackend) {
    let first = applied(write(backend, "if/key", "1", Condition::IfAbsent).await).version.unwrap();
    assert_eq!(write(backend, "if/key", "2", Condition::IfAbsent).await, Outcome::Rejected);
    let second = applied(write(backend, "if/key", "22", Condition::IfMatch(first.clone())).await).version.unwrap();
    assert_eq!(write(backend, "if/key", "333", Condition::IfMatch(first.clone())).await, Outcome::Rejected);
    assert_eq!(write(backend, "if/none", "1", Condition::IfMatch(first)).await, Outcome::Rejected);
    for wild in ["*", "", "\"a\", \"b\"", "a\nb"] {
        let condition = Condition::IfMatch(Version::new(wild));
        assert_eq!(write(backend, "if/key", "4444", condition).await, Outcome::Rejected, "{wild:?}");
        let pinned = ReadOptions::default().with_version(Version::new(wild));
        assert_eq!(bytes(backend, "if/key", pinned).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    }
    let pinned = ReadOptions::default().with_version(second);
    assert_eq!(bytes(backend, "if/key", pinned).await.unwrap(), b"22");
}

/// Eight tasks create one key; exactly one wins, and its bytes are there.
pub async fn create_race(backend: Arc<dyn AsyncBackend>, rounds: usize) {
    for round in 0..rounds {
        let name = format!("race/{round}");
        let mut tasks = Vec::new();
        for task in 0..8 {
            let (backend, name) = (Arc::clone(&backend), name.clone());
            tasks.push(tokio::spawn(async move {
                (task, write(&*backend, &name, format!("task {task}"), Condition::IfAbsent).await)
            }));
        }
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (task, Outcome::Applied(_)) => winners.push(task),
                (_, Outcome::Rejected) => {}
                (task, Outcome::Unknown) => panic!("task {task} does not know"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let body = bytes(&*backend, &name, ReadOptions::default()).await.unwrap();
        assert_eq!(body, format!("task {}", winners[0]).as_bytes());
    }
}

/// Four tasks count up by compare-and-swap; no step is lost.
pub async fn counter_race(backend: Arc<dyn AsyncBackend>, steps: u32) {
    applied(write(&*backend, "race/counter", "0", Condition::None).await);
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let backend = Arc::clone(&backend);
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while done < steps {
                let reply = backend.read(&key("race/counter"), &ReadOptions::default()).await.unwrap();
                let version = reply.meta.version.clone().unwrap();
                let text = reply.body.try_collect::<Vec<_>>().await.unwrap().concat();
                let next = String::from_utf8(text).unwrap().parse::<u32>().unwrap() + 1;
                match write(&*backend, "race/counter", next.to_string(), Condition::IfMatch(version)).await {
                    Outcome::Applied(_) => done += 1,
                    Outcome::Rejected => {}
                    Outcome::Unknown => panic!("unknown"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let end = bytes(&*backend, "race/counter", ReadOptions::default()).await.unwrap();
    assert_eq!(end, (4 * steps).to_string().as_bytes());
}

async fn ranges(backend: &dyn AsyncBackend) {
    applied(write(backend, "range/ten", "0123456789", Condition::None).await);
    applied(write(backend, "range/empty", "", Condition::None).await);
    let part = |name: &'static str, range| bytes(backend, name, ReadOptions::default().with_range(range));
    assert_eq!(part("range/ten", ReadRange::Bounded(2..5)).await.unwrap(), b"234");
    assert_eq!(part("range/ten", ReadRange::Bounded(8..99)).await.unwrap(), b"89");
    assert_eq!(part("range/ten", ReadRange::Bounded(4..4)).await.unwrap(), b"");
    assert_eq!(part("range/ten", ReadRange::Bounded(10..12)).await.unwrap(), b"");
    assert_eq!(part("range/ten", ReadRange::From(0)).await.unwrap(), b"0123456789");
    assert_eq!(part("range/ten", ReadRange::From(7)).await.unwrap(), b"789");
    assert_eq!(part("range/ten", ReadRange::From(10)).await.unwrap(), b"");
    assert_eq!(part("range/ten", ReadRange::Last(3)).await.unwrap(), b"789");
    assert_eq!(part("range/ten", ReadRange::Last(30)).await.unwrap(), b"0123456789");
    assert_eq!(part("range/ten", ReadRange::Last(0)).await.unwrap(), b"");
    assert_eq!(part("range/empty", ReadRange::Last(3)).await.unwrap(), b"");
    assert_eq!(part("range/empty", ReadRange::From(0)).await.unwrap(), b"");
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    for wrong in [ReadRange::Bounded(11..12), ReadRange::From(11), ReadRange::Bounded(5..2)] {
        assert_eq!(part("range/ten", wrong.clone()).await.unwrap_err().kind(), ErrorKind::Invalid, "{wrong:?}");
    }
    assert_eq!(part("range/none", ReadRange::From(3)).await.unwrap_err().kind(), ErrorKind::NotFound);

    let big: Vec<u8> = (0..3_000_000_u32).map(|at| at as u8).collect();
    let version = applied(write(backend, "range/big", big.clone(), Condition::None).await).version.unwrap();
    let wanted = [2_999_990..3_000_000, 0..4, 2..9, 7..7, 10..20, 1_500_000..1_500_001];
    let mut pinned = ReadRangesOptions::default();
    pinned.version = Some(version);
    for options in [ReadRangesOptions::default(), pinned] {
        let parts = backend.read_ranges(&key("range/big"), &wanted, &options).await.unwrap();
        for (part, range) in parts.iter().zip(&wanted) {
            assert_eq!(part, &big[range.start as usize..range.end as usize], "{range:?}");
        }
    }
    let several = |name: &'static str, ranges: Vec<std::ops::Range<u64>>| async move {
        let options = ReadRangesOptions::default();
        backend.read_ranges(&key(name), &ranges, &options).await.map_err(|error| error.kind())
    };
    for wrong in [2_999_999..3_000_001, 4_000_000..4_000_001, 3_000_001..3_000_001] {
        assert_eq!(several("range/big", vec![0..1, wrong]).await.unwrap_err(), ErrorKind::Invalid);
    }
    assert_eq!(several("range/big", vec![]).await.unwrap().len(), 0);
    assert_eq!(several("range/none", vec![0..1, 2..3]).await.unwrap_err(), ErrorKind::NotFound);
    assert_eq!(several("range/none", vec![]).await.unwrap_err(), ErrorKind::NotFound);
}

/// Names that drivers like to encode, trim or fold.
const HOSTILE: [&str; 19] = [
    " leading and trailing ",
    "%2F and %25",
    "+plus+",
    "a&b=c;d",
    "a:b@c",
    "amp&amp;<tag>\"'",
    "case",
    "CASE",
    "curly{}[]^`|~",
    "e\u{301} is not é",
    "hash#1",
    "percent%",
    "question?x=1",
    "star*",
    "under_score%_",
    "é",
    "日本語",
    "🌍/🌙",
    "…/...",
];

async fn hostile_keys(backend: &dyn AsyncBackend) {
    for name in HOSTILE {
        applied(write(backend, &format!("hostile/{name}"), name, Condition::IfAbsent).await);
    }
    let page = backend.list(&Prefix::new("hostile").unwrap(), &ListOptions::default()).await.unwrap();
    let listed: BTreeSet<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
    let expected: BTreeSet<_> = HOSTILE.iter().map(|name| format!("hostile/{name}")).collect();
    assert_eq!(listed, expected);
    for name in HOSTILE {
        let body = bytes(backend, &format!("hostile/{name}"), ReadOptions::default()).await.unwrap();
        assert_eq!(body, name.as_bytes());
    }
    let keys: Vec<Key> = HOSTILE.iter().map(|name| key(&format!("hostile/{name}"))).collect();
    let deleted = backend.delete(&keys, &DeleteOptions::default()).await.unwrap();
    assert!(deleted.iter().all(|answer| matches!(answer, Deleted::Gone | Deleted::Deleted)), "{deleted:?}");
    let page = backend.list(&Prefix::new("hostile").unwrap(), &ListOptions::default()).await.unwrap();
    assert!(page.objects.is_empty(), "{page:?}");
}

async fn deletes(backend: &dyn AsyncBackend) {
    applied(write(backend, "delete/a", "a", Condition::None).await);
    applied(write(backend, "delete/b", "b", Condition::None).await);
    let keys = [key("delete/b"), key("delete/none")];
    let answers = backend.delete(&keys, &DeleteOptions::default()).await.unwrap();
    assert!(matches!(answers[..], [Deleted::Gone, Deleted::Gone]), "{answers:?}");
    let page = backend.list(&Prefix::new("delete").unwrap(), &ListOptions::default()).await.unwrap();
    assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["delete/a"]);
    assert!(backend.delete(&[], &DeleteOptions::default()).await.unwrap().is_empty());
}

async fn copies(backend: &dyn AsyncBackend) {
    applied(write(backend, "copy/from é", "body", Condition::None).await);
    let (from, to) = (key("copy/from é"), key("copy/to #"));
    assert_eq!(applied(backend.copy(&from, &to, &CopyOptions::default()).await.unwrap()).size, 4);
    assert_eq!(bytes(backend, "copy/to #", ReadOptions::default()).await.unwrap(), b"body");
    let missing = backend.copy(&key("copy/none"), &to, &CopyOptions::default()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    let refused = backend.copy(&from, &to, &CopyOptions::if_absent()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    let refused = backend.rename(&from, &to, &RenameOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
}

/// All entries of a listing, page by page.
async fn pages(backend: &dyn AsyncBackend, prefix: &str, first: ListOptions) -> (Vec<String>, usize) {
    let (mut entries, mut options, mut count) = (Vec::new(), first, 0);
    loop {
        let page = backend.list(&Prefix::new(prefix).unwrap(), &options).await.unwrap();
        let mut both: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
        both.extend(page.folders.iter().map(|folder| format!("{folder}/")));
        both.sort();
        entries.append(&mut both);
        count += 1;
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return (entries, count),
        }
    }
}

async fn levels(backend: &dyn AsyncBackend) {
    for name in ["a", "b/1", "b/2", "b.txt", "b0", "c/d/e"] {
        applied(write(backend, &format!("level/{name}"), name, Condition::None).await);
    }
    let flat = ["level/a", "level/b.txt", "level/b/1", "level/b/2", "level/b0", "level/c/d/e"];
    let one_level = ["level/a", "level/b.txt", "level/b/", "level/b0", "level/c/"];
    for limit in [1, 2, 5, 100] {
        let options = ListOptions::default().with_limit(limit);
        assert_eq!(
            pages(backend, "level", options.clone()).await,
            (flat.map(str::to_owned).to_vec(), 6_usize.div_ceil(limit))
        );
        let (entries, count) = pages(backend, "level", options.one_level()).await;
        assert_eq!((entries, count), (one_level.map(str::to_owned).to_vec(), 5_usize.div_ceil(limit)));
    }
    let after = |text: &str| ListOptions::default().with_after(key(text));
    assert_eq!(pages(backend, "level", after("level/b/1")).await.0, flat[3..]);
    assert_eq!(pages(backend, "level", after("level/b/1").one_level()).await.0, one_level[2..]);
    assert_eq!(pages(backend, "level", after("level/b/2").one_level()).await.0, one_level[3..]);
    assert_eq!(pages(backend, "level", after("a")).await.0, flat);
    assert!(pages(backend, "level", after("z")).await.0.is_empty());
    assert!(pages(backend, "lev", ListOptions::default()).await.0.is_empty(), "a prefix is a folder");
    let zero = backend.list(&Prefix::root(), &ListOptions::default().with_limit(0)).await.unwrap_err();
    assert_eq!(zero.kind(), ErrorKind::Invalid);
}

/// More keys than a page of the protocol, in order, each once.
pub async fn many_keys(backend: Arc<dyn AsyncBackend>, count: usize) {
    let writes = stream::iter(0..count).map(|at| {
        let backend = Arc::clone(&backend);
        async move { applied(write(&*backend, &format!("many/{at:05}"), "x", Condition::None).await) }
    });
    assert_eq!(writes.buffer_unordered(16).count().await, count);
    let expected: Vec<_> = (0..count).map(|at| format!("many/{at:05}")).collect();
    let (listed, pages_seen) = pages(&*backend, "many", ListOptions::default()).await;
    assert!(listed == expected, "{} of {count} keys", listed.len());
    assert!(pages_seen >= 2, "a page is bounded");
    let (listed, _) = pages(&*backend, "many", ListOptions::default().one_level()).await;
    assert!(listed == expected, "{} of {count} keys", listed.len());
    let keys: Vec<Key> = expected.iter().map(|name| key(name)).collect();
    assert_eq!(backend.delete(&keys, &DeleteOptions::default()).await.unwrap().len(), count);
    assert!(pages(&*backend, "many", ListOptions::default()).await.0.is_empty());
}

/// A body whose every chunk is different.
pub fn body(size: usize) -> Bytes {
    (0..size as u32).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect::<Vec<_>>().into()
}

pub async fn write_parts(
    backend: &dyn AsyncBackend,
    name: &str,
    body: &Bytes,
    condition: Condition,
) -> worldstore_core::Result<Box<dyn worldstore_async::AsyncWriter>> {
    let options = WriteOptions::default().with_condition(condition);
    let mut writer = backend.open_writer(&key(name), &options).await?;
    for start in (0..body.len()).step_by(700_001) {
        writer.write(body.slice(start..body.len().min(start + 700_001))).await?;
    }
    Ok(writer)
}

async fn writers(backend: &dyn AsyncBackend) {
    for (name, size) in
        [("writer/empty", 0), ("writer/small", 1_000), ("writer/part", 8 << 20), ("writer/big", 21_000_000)]
    {
        let body = body(size);
        let writer = write_parts(backend, name, &body, Condition::None).await.unwrap();
        assert_eq!(backend.stat(&key(name), &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
        let meta = applied(writer.commit().await.unwrap());
        let found = backend.stat(&key(name), &StatOptions::default()).await.unwrap();
        assert_eq!((meta.size, &meta.version), (size as u64, &found.version), "{name}");
        assert!(bytes(backend, name, ReadOptions::default()).await.unwrap() == body, "{name}");
    }
    let large = body(9_000_000);
    write_parts(backend, "writer/aborted", &large, Condition::None).await.unwrap().abort().await.unwrap();
    drop(write_parts(backend, "writer/dropped", &large, Condition::None).await.unwrap());
    for name in ["writer/aborted", "writer/dropped"] {
        assert_eq!(backend.stat(&key(name), &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    // Both sides of the size of a part.
    for (name, size) in [("writer/if small", 1_000), ("writer/if large", 9_000_000)] {
        let one = write_parts(backend, name, &body(size), Condition::IfAbsent).await.unwrap();
        let other = write_parts(backend, name, &body(size + 1), Condition::IfAbsent).await.unwrap();
        let version = applied(one.commit().await.unwrap()).version.unwrap();
        assert_eq!(other.commit().await.unwrap(), Outcome::Rejected, "{name}");
        let next = write_parts(backend, name, &body(size + 2), Condition::IfMatch(version.clone())).await.unwrap();
        let late = write_parts(backend, name, &body(size + 3), Condition::IfMatch(version)).await.unwrap();
        applied(next.commit().await.unwrap());
        assert_eq!(late.commit().await.unwrap(), Outcome::Rejected, "{name}");
        assert!(bytes(backend, name, ReadOptions::default()).await.unwrap() == body(size + 2), "{name}");
    }
}
