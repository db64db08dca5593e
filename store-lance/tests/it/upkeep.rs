//! What upkeep leaves behind: no file that no version has.

use std::collections::BTreeSet;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;

use crate::support::{create, memory, name, numbers, objects, once, open, rows, scan};

#[tokio::test(flavor = "multi_thread")]
async fn only_files_of_kept_versions_are_left() {
    let backend = memory();
    let (tables, table) = (open(backend.clone()), name("t"));
    create(&tables).await;
    for step in 0..20 {
        let _ = once(&tables, step, step + 1, rows([step as i64])).await.unwrap();
    }
    let packed = tables.compact(&table, &CompactOptions::default()).await.unwrap();
    assert_eq!((packed.files_before, packed.files_after), (20, 1));
    let before = objects(&*backend).await.len();
    let dry = tables.expire(&table, &ExpireOptions::default().dry_run()).await.unwrap();
    assert!(dry.versions.len() >= 20 && dry.files > 40 && dry.bytes > 0, "{dry:?}");
    assert_eq!(objects(&*backend).await.len(), before, "a dry run deletes nothing");
    let expiry = tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert_eq!(expiry, dry);

    let files = tables.files(&table, &FilesOptions::default()).await.unwrap();
    let wanted: BTreeSet<String> = files.iter().map(|file| file.key.to_string()).collect();
    let left: BTreeSet<String> = objects(&*backend).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, wanted);
    // Another process finds all rows too.
    let other = open(backend.clone());
    assert_eq!(numbers(scan(&other, &Scan::all()).await).await, (0..20).collect::<Vec<_>>());

    tables.remove(&table, &RemoveTableOptions::default()).await.unwrap();
    assert!(objects(&*backend).await.is_empty());
}
