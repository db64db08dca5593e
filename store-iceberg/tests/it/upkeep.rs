//! What upkeep leaves behind: few manifests, and no file that no version has.

use std::collections::BTreeSet;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;

use crate::{Fixture, fixtures, ids, in_memory, name, objects, rows, schema};

async fn with_commits(count: i64) -> [(Fixture, TableName); 2] {
    let made = fixtures().await.map(|fixture| (fixture, name("items")));
    for (Fixture { tables, .. }, table) in &made {
        tables.create(table, &CreateOptions::new(schema())).await.unwrap();
        for commit in 0..count {
            let once = AppendOptions::exactly_once(commit as u64, commit as u64 + 1);
            let _ = tables.append(table, vec![rows([commit])], &once).await.unwrap();
        }
    }
    made
}

async fn files(fixture: &Fixture, table: &TableName, role: FileRole) -> BTreeSet<String> {
    let files = fixture.tables.files(table, &FilesOptions::default()).await.unwrap();
    files.iter().filter(|file| file.role == role).map(|file| file.key.to_string()).collect()
}

#[tokio::test]
async fn manifests_are_merged_as_they_come() {
    for (fixture, table) in with_commits(50).await {
        let manifests = files(&fixture, &table, FileRole::Metadata).await;
        // One list, one metadata file, and fewer manifests than are merged at once.
        assert!(manifests.len() <= 18, "{manifests:?}");
        assert_eq!(files(&fixture, &table, FileRole::Data).await.len(), 50);
        assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, (0..50).collect::<Vec<_>>());
        // Older versions have the manifests that they had.
        let older = ids(&fixture.tables, &table, &Scan::all().with_version(30)).await;
        assert_eq!(older, (0..30).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn only_files_of_kept_versions_are_left() {
    for (fixture, table) in with_commits(20).await {
        let before = objects(&fixture.backend).await.len();
        let packed = fixture.tables.compact(&table, &CompactOptions::default()).await.unwrap();
        assert_eq!((packed.files_before, packed.files_after, packed.version), (20, 1, 21));
        let dry = fixture.tables.expire(&table, &ExpireOptions::default().dry_run()).await.unwrap();
        assert_eq!(dry.versions, (1..=20).collect::<Vec<_>>());
        assert!(objects(&fixture.backend).await.len() > before, "a dry run deletes nothing");
        let expiry = fixture.tables.expire(&table, &ExpireOptions::default()).await.unwrap();
        assert_eq!((expiry.versions.len(), expiry.files), (20, dry.files));
        assert!(expiry.bytes > 0);

        let mut wanted = files(&fixture, &table, FileRole::Data).await;
        assert_eq!(wanted.len(), 1);
        wanted.extend(files(&fixture, &table, FileRole::Metadata).await);
        // Metadata files that the newest one names in its log stay: other programs look at them.
        let left = objects(&fixture.backend).await.into_iter().filter(|key| !key.ends_with(".metadata.json"));
        let left: BTreeSet<String> = left.collect();
        assert_eq!(left, wanted.into_iter().filter(|key| !key.ends_with(".metadata.json")).collect());
        assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, (0..20).collect::<Vec<_>>());
    }
}

/// Each metadata file has all versions, and only the last hundred are remembered: what was told of a version long ago may be
/// none of what the newest one needs.
#[tokio::test]
async fn files_that_someone_keeps_stay() {
    let (fixture, table) = (in_memory().await, name("items"));
    fixture.tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let mut named = BTreeSet::new();
    for commit in 0..110 {
        let _ = fixture.tables.append(&table, vec![rows([commit])], &AppendOptions::default()).await.unwrap();
        if commit == 2 {
            let files = fixture.tables.files(&table, &FilesOptions::default()).await.unwrap();
            named.extend(files.into_iter().map(|file| file.key));
        }
    }
    let keep = ExpireOptions::default().with_retain([3]);
    let missing = async || {
        let there: BTreeSet<String> = objects(&fixture.backend).await.into_iter().collect();
        named.iter().filter(|key| !there.contains(key.as_str())).map(ToString::to_string).collect::<Vec<_>>()
    };
    let dry = keep.clone().with_retain_files(named.clone()).dry_run();
    let dry = fixture.tables.expire(&table, &dry).await.unwrap();
    let done = fixture.tables.expire(&table, &keep.clone().with_retain_files(named.clone())).await.unwrap();
    assert_eq!((dry.files, missing().await), (done.files, Vec::new()));
    fixture.tables.expire(&table, &keep).await.unwrap();
    let gone = missing().await;
    assert!(gone.len() == 1 && gone[0].ends_with(".metadata.json"), "nobody keeps it any more: {gone:?}");
    assert_eq!(ids(&fixture.tables, &table, &Scan::all().with_version(3)).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_removed_table_leaves_nothing() {
    for (fixture, table) in with_commits(5).await {
        fixture.tables.remove(&table, &RemoveTableOptions::default()).await.unwrap();
        assert_eq!(objects(&fixture.backend).await, Vec::<String>::new());
    }
}
