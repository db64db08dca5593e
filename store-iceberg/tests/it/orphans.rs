//! Files that no version has: planted ones go, all others stay.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{DeleteOptions, ErrorKind, Key, WriteOptions};
use worldstore_iceberg::OrphanOptions;

use crate::{Fixture, fixtures, ids, name, objects, rows, schema};

const FOLDER: &str = "world/items";

fn at_once() -> OrphanOptions {
    OrphanOptions::default().with_older_than(Duration::ZERO)
}

async fn with_commits(fixture: &Fixture, count: u64) -> TableName {
    let table = name("items");
    fixture.tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    for commit in 0..count {
        let once = AppendOptions::exactly_once(commit, commit + 1);
        let _ = fixture.tables.append(&table, vec![rows([commit as i64])], &once).await.unwrap();
    }
    table
}

fn below(fixture: &Fixture, path: &str) -> Key {
    let prefix = if fixture.folder.is_some() { "tables/" } else { "" };
    Key::new(format!("{prefix}{FOLDER}/{path}")).unwrap()
}

async fn plant(fixture: &Fixture, path: &str, body: Vec<u8>) -> Key {
    let key = below(fixture, path);
    let outcome = fixture.backend.write(&key, Bytes::from(body), &WriteOptions::if_absent()).await.unwrap();
    assert!(matches!(outcome, worldstore_core::Outcome::Applied(_)));
    key
}

async fn bytes_of(fixture: &Fixture, key: &str) -> Vec<u8> {
    use futures::TryStreamExt;
    let reply = fixture.backend.read(&Key::new(key).unwrap(), &worldstore_core::ReadOptions::default()).await.unwrap();
    reply.body.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

#[tokio::test]
async fn what_was_planted_goes_and_the_rest_stays() {
    for fixture in fixtures().await {
        let table = with_commits(&fixture, 20).await;
        fixture.tables.compact(&table, &CompactOptions::default()).await.unwrap();
        fixture.tables.expire(&table, &ExpireOptions::default().with_keep(3)).await.unwrap();
        let before: BTreeSet<String> = objects(&fixture.backend).await.into_iter().collect();
        let clean = fixture.tables.remove_orphans(&table, &at_once()).await.unwrap();
        assert!(clean.files.is_empty(), "expiry left {:?}", clean.files);

        let mut planted = BTreeSet::new();
        for path in ["data/lost-00000.parquet", "metadata/lost-m0.avro", "metadata/snap-1-0-lost.avro"] {
            planted.insert(plant(&fixture, path, vec![1; 10]).await.to_string());
        }
        // A commit that surely lost against the one that is the newest.
        let lost = "metadata/00003-00000000-0000-0000-0000-000000000000.metadata.json";
        planted.insert(plant(&fixture, lost, vec![1; 10]).await.to_string());
        let foreign = plant(&fixture, "data/notes.txt", vec![1; 10]).await;

        let young = fixture.tables.remove_orphans(&table, &OrphanOptions::default()).await.unwrap();
        assert_eq!((young.files.len(), young.young), (0, 4));
        let dry = fixture.tables.remove_orphans(&table, &at_once().dry_run()).await.unwrap();
        assert_eq!(dry.files.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), planted);
        assert_eq!(dry.bytes, 40);
        assert_eq!(objects(&fixture.backend).await.len(), before.len() + 5);
        let (kept, lost): (Vec<_>, Vec<_>) = dry.files.iter().cloned().partition(|file| file.name().contains("-lost"));
        let but = at_once().with_retain_files(kept.clone()).dry_run();
        assert_eq!(fixture.tables.remove_orphans(&table, &but).await.unwrap().files, lost);
        assert_eq!((kept.len(), lost.len()), (1, 3));
        let done = fixture.tables.remove_orphans(&table, &at_once()).await.unwrap();
        assert_eq!((done.files, done.bytes), (dry.files, 40));
        let mut left: BTreeSet<String> = objects(&fixture.backend).await.into_iter().collect();
        assert!(left.remove(foreign.as_str()));
        assert_eq!(left, before);
        assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, (0..20).collect::<Vec<_>>());
        for version in fixture.tables.history(&table, &HistoryOptions::default()).await.unwrap() {
            let scan = Scan::all().with_version(version.version);
            ids(&fixture.tables, &table, &scan).await;
        }
    }
}

#[tokio::test]
async fn a_commit_whose_outcome_is_open_is_kept_whole() {
    for fixture in fixtures().await {
        let table = with_commits(&fixture, 2).await;
        let before: BTreeSet<String> = objects(&fixture.backend).await.into_iter().collect();
        let _ = fixture.tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap();
        let after: BTreeSet<String> = objects(&fixture.backend).await.into_iter().collect();
        // The same files in a table that does not know whether they count: version 2 is its newest one.
        let other = crate::twin(&fixture, &before).await;
        let newer: Vec<String> = after.difference(&before).cloned().collect();
        assert_eq!(newer.len(), 4);
        for key in &newer {
            let body = bytes_of(&fixture, key).await;
            let outcome = other.backend.write(&Key::new(key).unwrap(), body.into(), &WriteOptions::if_absent()).await;
            assert!(matches!(outcome.unwrap(), worldstore_core::Outcome::Applied(_)));
        }
        assert_eq!(other.tables.describe(&table, &DescribeOptions::default()).await.unwrap().version, 2);
        let kept = other.tables.remove_orphans(&table, &at_once()).await.unwrap();
        assert_eq!((kept.files.len(), kept.young), (0, 0), "{:?}", kept.files);
        assert_eq!(objects(&other.backend).await.len(), after.len());
        // Once another commit came first, they are nobody's.
        let _ = other.tables.append(&table, vec![rows([9])], &AppendOptions::exactly_once(2, 3)).await.unwrap();
        let gone = other.tables.remove_orphans(&table, &at_once()).await.unwrap();
        assert_eq!(gone.files.iter().map(ToString::to_string).collect::<Vec<_>>(), newer);
        assert_eq!(ids(&other.tables, &table, &Scan::all()).await, [0, 1, 9]);
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_read_whole_loses_nothing() {
    for fixture in fixtures().await {
        let table = with_commits(&fixture, 3).await;
        plant(&fixture, "data/lost-00000.parquet", vec![1; 10]).await;
        let keys = objects(&fixture.backend).await;
        let manifest = keys.iter().find(|key| key.ends_with("-m0.avro")).unwrap();
        fixture.backend.delete(&[Key::new(manifest).unwrap()], &DeleteOptions::default()).await.unwrap();
        let error = fixture.tables.remove_orphans(&table, &at_once()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(objects(&fixture.backend).await.len(), keys.len() - 1);
    }
}
