//! Objects: hostile keys, large ones, streams, tokens, versions, copies to themselves.

use futures::TryStreamExt;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    Condition, CopyOptions, DeleteOptions, Deleted, Durability, ErrorKind, ListOptions, Outcome, PageToken, Prefix,
    ReadOptions, ReadRange, ReadRangesOptions, RenameOptions, SettleOptions, Settled, Version, WriteOptions,
    WriteToken,
};
use worldstore_postgres::CHUNK_BYTES;

use crate::support::{applied, body, bytes, key, names, server, write};

/// Names that SQL likes to read as patterns, quotes, escapes or other names.
const HOSTILE: [&str; 22] = [
    "$1",
    "%",
    "%%",
    "%25",
    "'",
    "''",
    "' OR 1=1 --",
    "*",
    "0",
    "00",
    "A",
    "[a]",
    "\"",
    "_",
    "a",
    "a; DROP TABLE objects",
    "a_b",
    "axb",
    "{ns}",
    "e\u{301}",
    "é",
    "🌍",
];

#[tokio::test(flavor = "multi_thread")]
async fn hostile_keys_are_themselves_and_nothing_else() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    let mut sorted: Vec<String> =
        HOSTILE.iter().flat_map(|name| [format!("h/{name}"), format!("h/{name}/below"), format!("h{name}")]).collect();
    sorted.sort();
    for name in &sorted {
        applied(write(&backend, name, name, Condition::IfAbsent).await);
    }
    assert_eq!(names(&backend, "", ListOptions::default()).await, sorted);
    for name in HOSTILE {
        let folder = format!("h/{name}");
        assert_eq!(names(&backend, &folder, ListOptions::default()).await, [format!("h/{name}/below")]);
        assert_eq!(bytes(&backend, &folder, ReadOptions::default()).await.unwrap(), folder.as_bytes());
    }
    // Deleting one leaves its siblings alone.
    for name in ["h/%", "h/_", "h/A", "h/a_b"] {
        let deleted = backend.delete(&[key(name)], &DeleteOptions::default()).await.unwrap();
        assert!(matches!(deleted[..], [Deleted::Deleted]));
        sorted.retain(|other| other != name);
        assert_eq!(names(&backend, "", ListOptions::default()).await, sorted);
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_of_one_level_leap_over_folders() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    let many: Vec<_> = (0..1_200).map(|at| key(&format!("a/b/{at:04}"))).collect();
    server
        .run(
            "INSERT INTO {ns}.objects (key, generation, version, size, modified_us)
             SELECT convert_to('a/b/' || lpad(at::text, 4, '0'), 'UTF8'), -at, -at, 0, 0
             FROM generate_series(0, 1199) AS at",
        )
        .await;
    for name in ["a/a", "a/b", "a/b.txt", "a/b0", "a/c/d/e", "a/c/d/f", "ab"] {
        applied(write(&backend, name, "x", Condition::None).await);
    }
    let expected = ["a/a", "a/b", "a/b.txt", "a/b/", "a/b0", "a/c/"];
    for limit in [1, 2, 3, 4, 1_000, 2_000] {
        let options = ListOptions::default().with_limit(limit).one_level();
        assert_eq!(names(&backend, "a", options).await, expected, "{limit}");
    }
    for limit in [300, 1_000, 2_000] {
        assert_eq!(names(&backend, "a", ListOptions::default().with_limit(limit)).await.len(), 1_206, "{limit}");
    }
    let after = ListOptions::default().with_after(key("a/b/1199")).one_level();
    assert_eq!(names(&backend, "a", after).await, ["a/b0", "a/c/"]);
    assert_eq!(names(&backend, "", ListOptions::default().one_level()).await, ["a/", "ab"]);
    let token = ListOptions::default().with_token(PageToken::new("a//b"));
    assert_eq!(backend.list(&Prefix::root(), &token).await.unwrap_err().kind(), ErrorKind::Invalid);
    // More keys than one transaction deletes, some of them missing, one of them twice.
    let keys = [many, vec![key("none"), key("a/a"), key("a/a")]].concat();
    let deleted = backend.delete(&keys, &DeleteOptions::default()).await.unwrap();
    let (last, all) = (&deleted[1_200..], &deleted[..1_200]);
    assert!(all.iter().all(|answer| matches!(answer, Deleted::Deleted)));
    assert!(matches!(last, [Deleted::Missing, Deleted::Deleted, Deleted::Missing]), "{last:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_around_the_chunks_come_back_whole_and_in_parts() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    for size in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES, 4 * CHUNK_BYTES + 1, 5_000_000] {
        let body = body(size);
        applied(write(&backend, "once", &body, Condition::None).await);
        let mut writer = backend.open_writer(&key("parts"), &WriteOptions::default()).await.unwrap();
        for part in body.chunks(100_003) {
            writer.write(part.to_vec().into()).await.unwrap();
        }
        assert_eq!(applied(writer.commit().await.unwrap()).size, size as u64);
        for name in ["once", "parts"] {
            assert!(bytes(&backend, name, ReadOptions::default()).await.unwrap() == body, "{name} of {size}");
            let tail = ReadOptions::default().with_range(ReadRange::Last(CHUNK_BYTES as u64 + 7));
            assert!(bytes(&backend, name, tail).await.unwrap() == body[size.saturating_sub(CHUNK_BYTES + 7)..]);
            let (size, middle) = (size as u64, size as u64 / 2);
            let ranges = [middle..size, 0..middle, middle..middle];
            let parts = backend.read_ranges(&key(name), &ranges, &ReadRangesOptions::default()).await.unwrap();
            assert!(parts[0] == body[middle as usize..] && parts[1] == body[..middle as usize] && parts[2].is_empty());
        }
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_its_state_while_the_object_changes() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    let old = body(3_000_000);
    applied(write(&backend, "a", &old, Condition::None).await);
    let mut reply = backend.read(&key("a"), &ReadOptions::default()).await.unwrap();
    let first = reply.body.try_next().await.unwrap().unwrap();
    assert!(first.len() < old.len(), "piece by piece");
    for durability in [Durability::None, Durability::File, Durability::Full] {
        let options = WriteOptions::default().with_durability(durability);
        applied(backend.write(&key("a"), "new".into(), &options).await.unwrap());
    }
    assert_eq!(backend.delete(&[key("a")], &DeleteOptions::default()).await.unwrap().len(), 1);
    let rest = reply.body.try_collect::<Vec<_>>().await.unwrap().concat();
    assert!([first.as_ref(), &rest].concat() == old);
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 0);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_versions_tell_states_apart() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    let (mine, other) = (WriteToken::new("mine").unwrap(), WriteToken::new("other").unwrap());
    let settle = |name: &'static str, token: WriteToken| {
        let backend = backend.clone();
        async move { backend.settle(&key(name), &token, &SettleOptions::default()).await.unwrap() }
    };
    assert_eq!(settle("a", mine.clone()).await, Settled::Absent);
    let options = WriteOptions::default().with_token(mine.clone());
    let meta = applied(backend.write(&key("a"), "x".into(), &options).await.unwrap());
    assert_eq!(settle("a", mine.clone()).await, Settled::Applied(meta.clone()));
    assert_eq!(settle("a", other.clone()).await, Settled::Other(meta));
    let meta = applied(backend.rename(&key("a"), &key("b"), &RenameOptions::default()).await.unwrap());
    assert_eq!(settle("b", mine.clone()).await, Settled::Applied(meta.clone()));
    // A copy to itself is a new state with the same bytes.
    let copied = applied(backend.copy(&key("b"), &key("b"), &CopyOptions::default()).await.unwrap());
    assert_ne!(copied.version, meta.version);
    assert_eq!(bytes(&backend, "b", ReadOptions::default()).await.unwrap(), b"x");
    assert_eq!(settle("b", mine).await, Settled::Other(copied.clone()));
    let same = applied(backend.rename(&key("b"), &key("b"), &RenameOptions::default()).await.unwrap());
    assert_eq!(same, copied);
    for condition in [meta.version.unwrap(), Version::new("1"), Version::new("")] {
        let condition = Condition::IfMatch(condition);
        assert_eq!(write(&backend, "b", "y", condition.clone()).await, Outcome::Rejected);
        let deleted = backend.delete(&[key("b")], &DeleteOptions::default().with_condition(condition)).await.unwrap();
        assert!(matches!(deleted[..], [Deleted::Rejected]), "{deleted:?}");
    }
    let condition = Condition::IfMatch(copied.version.unwrap());
    let deleted = backend.delete(&[key("b")], &DeleteOptions::default().with_condition(condition)).await.unwrap();
    assert!(matches!(deleted[..], [Deleted::Deleted]), "{deleted:?}");
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 0);
    server.end().await;
}
