//! What upkeep leaves behind: no file that no version has.

use std::collections::BTreeSet;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;

use crate::support::{create, local, memory, name, numbers, objects, once, open, rows, scan};

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

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_are_held_or_named_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let (tables, table) = (open(local(&folder)), name("t"));
    create(&tables).await;
    for step in 0..12 {
        let _ = once(&tables, step, step + 1, rows([step as i64])).await.unwrap();
    }
    // A tag as pylance makes it.
    let dataset = lance::Dataset::open(&folder.path().join("t.lance").display().to_string()).await.unwrap();
    dataset.tags().create("keep", 4_u64).await.unwrap();
    tables.compact(&table, &CompactOptions::default()).await.unwrap();
    let options = ExpireOptions::default().with_retain([7, 9]);
    let dry = tables.expire(&table, &options.clone().dry_run()).await.unwrap();
    assert_eq!(dry.versions.iter().filter(|version| [4, 7, 9].contains(*version)).count(), 0, "{dry:?}");
    assert_eq!(tables.expire(&table, &options).await.unwrap(), dry);
    for version in [4, 7, 9] {
        let then = Scan::all().with_version(version);
        let expected: Vec<i64> = (0..version as i64 - 1).collect();
        assert_eq!(numbers(scan(&open(local(&folder)), &then).await).await, expected, "version {version}");
    }
    let gone = tables.scan(&table, &Scan::all().with_version(8)).await.err().unwrap();
    assert!(gone.is_not_found(), "{gone:?}");
    dataset.tags().delete("keep").await.unwrap();
    let expiry = tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert!([4, 7, 9].iter().all(|version| expiry.versions.contains(version)), "{expiry:?}");
    let files = tables.files(&table, &FilesOptions::default()).await.unwrap();
    let wanted: BTreeSet<String> = files.iter().map(|file| file.key.to_string()).collect();
    let left: BTreeSet<String> = objects(&*local(&folder)).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(left.difference(&wanted).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_manifest_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(local(&folder));
    create(&tables).await;
    let _ = once(&tables, 0, 1, rows(0..3)).await.unwrap();
    let versions = folder.path().join("t.lance/_versions");
    let manifests = std::fs::read_dir(&versions).unwrap().map(|entry| entry.unwrap().path());
    let newest = manifests.filter(|path| path.extension().is_some_and(|ending| ending == "manifest")).min().unwrap();
    let good = std::fs::read(&newest).unwrap();
    let mut damages = vec![Vec::new(), b"not a manifest".to_vec(), vec![0xA5; 300], good[..good.len() / 2].to_vec()];
    for at in (0..good.len()).rev().step_by(7) {
        let mut flipped = good.clone();
        flipped[at] ^= 0xFF;
        damages.push(flipped);
    }
    // The types of columns are texts, and this one is none.
    let mut other = good.clone();
    let at = other.windows(5).position(|bytes| bytes == b"int64").unwrap();
    other[at + 2] = b')';
    damages.insert(0, other);
    let mut corrupt = 0;
    for (number, damage) in damages.iter().enumerate() {
        std::fs::remove_file(&newest).unwrap();
        std::fs::write(&newest, damage).unwrap();
        let fresh = open(local(&folder));
        let described = fresh.describe(&name("t"), &DescribeOptions::default()).await.map(|info| info.rows);
        let scanned = fresh.scan(&name("t"), &Scan::all()).await;
        let damaged = [described.err(), scanned.err()];
        for error in damaged.into_iter().flatten() {
            corrupt += 1;
            // A flipped flag may tell of a feature that is not known.
            let kinds = [worldstore_core::ErrorKind::Corrupt, worldstore_core::ErrorKind::Unsupported];
            assert!(error.kind() == kinds[0] || number > 4 && error.kind() == kinds[1], "damage {number}: {error:?}");
        }
        assert!(number > 4 || corrupt == 2 * (number + 1), "damage {number} was not seen");
    }
    std::fs::remove_file(&newest).unwrap();
    std::fs::write(&newest, &good).unwrap();
    assert_eq!(numbers(scan(&open(local(&folder)), &Scan::all()).await).await, [0, 1, 2]);
}
