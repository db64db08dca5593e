//! What holds over every store: each function takes a backend whose root is empty of the keys that it uses.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::{AsyncBackend, conformance};
use worldstore_core::{
    Condition, DeleteOptions, Deleted, ErrorKind, Key, ListOptions, ObjectMeta, Outcome, Prefix, ReadOptions,
    SettleOptions, Settled, StatOptions, Version, WriteOptions, WriteToken,
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

/// The kit, and what it does not ask for.
pub async fn everything(backend: &dyn AsyncBackend) {
    let report = conformance::run(backend, &Prefix::new("kit").unwrap()).await;
    report.into_result().unwrap();
    wild_versions(backend).await;
    writers(backend).await;
    tokens(backend).await;
    deletes_of_a_state(backend).await;
}

/// Versions that would match more than one state match none.
async fn wild_versions(backend: &dyn AsyncBackend) {
    applied(write(backend, "wild/key", "1", Condition::None).await);
    let large = body(9_000_000);
    for wild in ["*", "", "\"a\", \"b\"", "a\nb", "0"] {
        let condition = Condition::IfMatch(Version::new(wild));
        assert_eq!(write(backend, "wild/key", "2", condition.clone()).await, Outcome::Rejected, "{wild:?}");
        let size = if matches!(wild, "*" | "0") { large.len() } else { 1 };
        let writer = write_parts(backend, "wild/key", &large.slice(..size), condition).await.unwrap();
        assert_eq!(writer.commit().await.unwrap(), Outcome::Rejected, "{wild:?}");
        let pinned = ReadOptions::default().with_version(Version::new(wild));
        assert_eq!(bytes(backend, "wild/key", pinned).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    }
    assert_eq!(bytes(backend, "wild/key", ReadOptions::default()).await.unwrap(), b"1");
}

/// A token of the caller is found again, and refused where none are kept.
async fn tokens(backend: &dyn AsyncBackend) {
    let (key, settle) = (key("token/key"), SettleOptions::default());
    let token = |text| WriteToken::new(text).unwrap();
    let options = WriteOptions::default().with_token(token("first-one"));
    if !backend.info().capability.write_tokens {
        let written = backend.write(&key, "1".into(), &options).await.unwrap_err();
        let opened = backend.open_writer(&key, &options).await.map(|_| ()).unwrap_err();
        let settled = backend.settle(&key, &token("first-one"), &settle).await.unwrap_err();
        assert!([written, opened, settled].iter().all(|error| error.kind() == ErrorKind::Unsupported));
        return;
    }
    assert_eq!(backend.settle(&key, &token("first-one"), &settle).await.unwrap(), Settled::Absent);
    let meta = applied(backend.write(&key, "1".into(), &options).await.unwrap());
    match backend.settle(&key, &token("first-one"), &settle).await.unwrap() {
        Settled::Applied(found) => assert_eq!((found.size, found.version), (1, meta.version)),
        other => panic!("{other:?}"),
    }
    // In parts too.
    let mut writer = backend.open_writer(&key, &options.with_token(token("second.one"))).await.unwrap();
    writer.write(body(9_000_000)).await.unwrap();
    applied(writer.commit().await.unwrap());
    let second = backend.settle(&key, &token("second.one"), &settle).await.unwrap();
    assert!(matches!(second, Settled::Applied(meta) if meta.size == 9_000_000));
    assert!(matches!(backend.settle(&key, &token("first-one"), &settle).await.unwrap(), Settled::Other(_)));
}

/// A delete with a condition takes the state that it names, or nothing.
async fn deletes_of_a_state(backend: &dyn AsyncBackend) {
    let first = applied(write(backend, "gone/é %41", "1", Condition::None).await).version.unwrap();
    let keys = [key("gone/é %41"), key("gone/none")];
    let when = |version: &Version| DeleteOptions::default().with_condition(Condition::IfMatch(version.clone()));
    if !backend.info().capability.delete_if_match {
        let refused = backend.delete(&keys, &when(&first)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        return;
    }
    let second = applied(write(backend, "gone/é %41", "22", Condition::None).await).version.unwrap();
    let late = backend.delete(&keys, &when(&first)).await.unwrap();
    assert!(matches!(late[..], [Deleted::Rejected, Deleted::Rejected]), "{late:?}");
    assert_eq!(bytes(backend, "gone/é %41", ReadOptions::default()).await.unwrap(), b"22");
    let wild = backend.delete(&keys, &when(&Version::new("*"))).await.unwrap();
    assert!(matches!(wild[..], [Deleted::Rejected, Deleted::Rejected]), "{wild:?}");
    let now = backend.delete(&keys, &when(&second)).await.unwrap();
    assert!(matches!(now[..], [Deleted::Deleted, Deleted::Rejected]), "{now:?}");
    assert_eq!(backend.stat(&keys[0], &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
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

/// Four tasks upload one key in parts; at most one commit is applied, and its bytes are there.
pub async fn upload_race(backend: Arc<dyn AsyncBackend>, rounds: usize) {
    for round in 0..rounds {
        let name = format!("race/upload {round}");
        let mut tasks = Vec::new();
        for task in 0..4 {
            let (backend, name) = (Arc::clone(&backend), name.clone());
            tasks.push(tokio::spawn(async move {
                let writer = write_parts(&*backend, &name, &body(8_500_000 + task), Condition::IfAbsent).await.unwrap();
                match writer.commit().await {
                    Ok(Outcome::Applied(meta)) => Some(meta.size),
                    Ok(Outcome::Rejected) => None,
                    Err(error) if error.kind() == ErrorKind::Conflict => None,
                    other => panic!("task {task}: {other:?}"),
                }
            }));
        }
        let mut winners = Vec::new();
        for task in tasks {
            winners.extend(task.await.unwrap());
        }
        let [size] = winners[..] else { panic!("round {round}: {winners:?}") };
        assert!(bytes(&*backend, &name, ReadOptions::default()).await.unwrap() == body(size as usize));
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

/// A body without visible period: a part that is out of place shows.
pub fn body(size: usize) -> Bytes {
    let mut body = vec![0; size];
    for (at, chunk) in body.chunks_mut(61).enumerate() {
        chunk.fill((at ^ (at >> 8) ^ (at >> 16)) as u8);
    }
    body.into()
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
