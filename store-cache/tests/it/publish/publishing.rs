//! What a manifest says, and what is never published.

use std::sync::Mutex;

use worldstore_async::{AsyncBackend, AsyncBackendAdapter};
use worldstore_cache::FileCheck;
use worldstore_core::blocks::Hash;
use worldstore_core::manifest::{Draft, Entry, Manifest};
use worldstore_core::memory::{Moment, Verdict};
use worldstore_core::snapshot::content_hash;
use worldstore_core::table::{CompactOptions, Predicate, RemoveTableOptions};
use worldstore_core::{ErrorKind, Key};

use super::*;

/// A memory that notes reads and stats of the tables' files.
fn watched() -> (Memory, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let memory = Memory::new().with_hook(move |event| {
        let looks = matches!(event.operation, "read" | "stat") && event.moment == Moment::Before;
        if looks && event.key.starts_with("tables/") {
            notes.lock().unwrap().push(format!("{} {}", event.operation, event.key));
        }
        Verdict::Pass
    });
    (memory, seen)
}

fn taken(seen: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut seen.lock().unwrap())
}

#[tokio::test]
async fn entries_name_every_file_with_length_and_hash() {
    let (memory, seen) = watched();
    let world = World::on(memory).await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.append("agents", 2).await;
    let number = world.publish(&publisher, 1).await.unwrap();
    assert!(taken(&seen).iter().all(|look| look.starts_with("stat ")), "the ledger knows what was written");

    let stored = world.manifests().at(number).unwrap();
    assert_eq!((stored.properties["seq"].as_str(), stored.properties["rows"].as_str()), ("1", "3"));
    assert_eq!(
        stored.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
        ["table/agents", "table/edges", "table/sensors"]
    );
    for entry in &stored.entries {
        assert_eq!((entry.version.as_str(), entry.watermark, entry.files.len()), ("1", 1, 2));
        for file in &entry.files {
            let bytes = world.bytes(&file.key);
            assert_eq!((file.length, file.hash), (bytes.len() as u64, Hash::of(&bytes)), "{}", file.key);
        }
    }
}

#[tokio::test]
async fn files_are_looked_at_once_and_read_only_if_nobody_knows_them() {
    let (memory, seen) = watched();
    let world = World::on(memory).await;
    let mut options = world.publisher_options();
    options.ledger = None;
    let unaware = world.publisher_with(world.manifests(), options).await;
    world.tick(1).await;
    world.publish(&unaware, 1).await.unwrap();
    let looks = taken(&seen);
    assert!(looks.len() == 6 && looks.iter().all(|look| look.starts_with("read ")), "{looks:?}");
    world.publish(&unaware, 1).await.unwrap();
    world.append("edges", 2).await;
    world.publish(&unaware, 2).await.unwrap();
    let looks = taken(&seen);
    assert!(looks.len() == 2 && looks.iter().all(|look| look.starts_with("read tables/edges/")), "{looks:?}");

    let publisher =
        world.publisher_with(world.manifests(), world.publisher_options().with_check(FileCheck::Changed)).await;
    world.append("edges", 3).await;
    world.publish(&publisher, 3).await.unwrap();
    assert_eq!(taken(&seen).len(), 4, "three data files and the metadata, of the table that has changed");
}

#[tokio::test]
async fn compaction_leaves_the_content_as_it_is_and_dropped_rows_do_not() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.tick(2).await;
    let before = world.publish(&publisher, 2).await.unwrap();
    world.compact("agents").await;
    let after = world.publish(&publisher, 2).await.unwrap();
    let manifests = world.manifests();
    let (before, after) = (manifests.at(before).unwrap(), manifests.at(after).unwrap());
    let agents = |stored: &Manifest| stored.entry("table/agents").unwrap().clone();
    assert_ne!(agents(&before).files, agents(&after).files);
    assert_ne!(agents(&before).version, agents(&after).version);
    assert_eq!(content_hash(&before), content_hash(&after));

    let drop = CompactOptions::default().with_drop(Predicate::eq("n", 1_i64));
    world.tables.compact(&name("agents"), &drop).await.unwrap();
    let dropped = world.publish(&publisher, 2).await.unwrap();
    let dropped = manifests.at(dropped).unwrap();
    assert_ne!(agents(&dropped).content, agents(&after).content);
    assert_eq!(dropped.properties["rows"], "5");
}

#[tokio::test]
async fn the_same_cut_is_published_once_and_what_others_put_stays() {
    let world = World::new().await;
    let writer = world.manifests().writer().unwrap();
    let note = Entry::new("note", "7", Hash::of(b"7"));
    let put = |draft: &mut Draft<'_>| {
        draft.put(note.clone());
        Ok(())
    };
    writer.publish(put).unwrap();
    let publisher = world.publisher().await;
    assert_eq!((publisher.epoch(), publisher.published_seq().await.unwrap()), (2, 0));
    world.tick(1).await;
    let number = world.publish(&publisher, 1).await.unwrap();
    assert_eq!(world.publish(&publisher, 1).await.unwrap(), number);
    assert_eq!((world.manifests().latest().unwrap().number, publisher.published_seq().await.unwrap()), (number, 1));
    // A removed table leaves.
    world.tables.remove(&name("edges"), &RemoveTableOptions::default()).await.unwrap();
    world.publish(&publisher, 1).await.unwrap();
    let newest = world.manifests().latest().unwrap();
    assert_eq!((newest.entry("note"), newest.entry("table/edges")), (Some(&note), None));
}

#[tokio::test]
async fn a_cut_that_the_claim_shows_is_not_published_again() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.publish(&publisher, 1).await.unwrap();
    let next = world.publisher().await;
    let claimed = world.manifests().latest().unwrap().number;
    for _ in 0..2 {
        assert_eq!(world.publish(&next, 1).await.unwrap(), claimed);
        assert_eq!(world.manifests().latest().unwrap().number, claimed);
    }
    world.tick(2).await;
    assert_eq!(world.publish(&next, 2).await.unwrap(), claimed + 1);
    assert_eq!(world.publish(&publisher, 2).await.unwrap_err().kind(), ErrorKind::Fenced);
}

/// An empty table looks like the one before it under its name, and has files of its own.
#[tokio::test]
async fn an_empty_table_that_was_made_anew_is_published_anew() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.publish(&publisher, 0).await.unwrap();
    world.tables.remove(&name("edges"), &RemoveTableOptions::default()).await.unwrap();
    world.tables.create(&name("edges"), &CreateOptions::new(schema())).await.unwrap();
    world.publish(&publisher, 0).await.unwrap();
    let verified = worldstore_cache::verify_manifest(&world.manifests(), Which::Newest).await.unwrap();
    assert_eq!((verified.files, verified.damage.len()), (3, 0));
}

#[tokio::test]
async fn a_file_that_is_missing_or_short_is_never_published() {
    for (check, break_old) in [(FileCheck::New, false), (FileCheck::Changed, true)] {
        for shorten in [false, true] {
            let world = World::new().await;
            let publisher = world.publisher_with(world.manifests(), world.publisher_options().with_check(check)).await;
            world.tick(1).await;
            let good = world.publish(&publisher, 1).await.unwrap();
            world.tick(2).await;
            let cut = world.cut(2).await;
            let files = world.tables.files(&name("edges"), &Default::default()).await.unwrap();
            let published = world.manifests().latest().unwrap();
            let is_old =
                |key: &Key| published.entries.iter().flat_map(|e| &e.files).any(|f| f.key == format!("tables/{key}"));
            let file = files.iter().find(|file| is_old(&file.key) == break_old).unwrap();
            let key = format!("tables/{}", file.key);
            let bytes = world.bytes(&key);
            match shorten {
                true => world.overwrite(&key, bytes.slice(1..)),
                false => world.delete(&key),
            }
            let refused = publisher.publish(&cut).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
            assert!(refused.to_string().contains(&key), "{refused}");
            assert_eq!(world.manifests().latest().unwrap().number, good);
            world.overwrite(&key, bytes);
            publisher.publish(&cut).await.unwrap();
        }
    }
}

#[tokio::test]
async fn cuts_that_cannot_be_are_refused() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.tick(2).await;
    let kind = async |cut: &Cut| publisher.publish(cut).await.unwrap_err().kind();
    let good = world.cut(2).await;
    let mut unsorted = good.clone();
    unsorted.tables.reverse();
    assert_eq!(kind(&unsorted).await, ErrorKind::Invalid);
    assert_eq!(kind(&Cut { seq: 1, ..good.clone() }).await, ErrorKind::Invalid);
    let mut other = good.clone();
    other.tables[0].rows = 7;
    assert_eq!(kind(&other).await, ErrorKind::Conflict);
    other.tables[0].version = 99;
    assert_eq!(kind(&other).await, ErrorKind::NotFound);
    publisher.publish(&good).await.unwrap();
    assert_eq!(kind(&world.cut(1).await).await, ErrorKind::Invalid, "back to an older sequence number");
    for options in [
        PublisherOptions::default().with_keep(1),
        PublisherOptions::default().with_expire_every(0),
        PublisherOptions::default().with_attempts(0),
        PublisherOptions::default().with_files_at_once(0),
    ] {
        let refused = ManifestPublisher::claim(world.manifests(), world.tables.clone(), options).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn old_manifests_are_expired_every_so_often_and_pinned_ones_are_not() {
    let world = World::new().await;
    let manifests = world.manifests();
    let options = world.publisher_options().with_keep(3).with_expire_every(4);
    let publisher = world.publisher_with(world.manifests(), options).await;
    let mut published = Vec::new();
    for seq in 1..=12 {
        world.tick(seq).await;
        published.push(world.publish(&publisher, seq).await.unwrap());
        if seq == 2 {
            manifests.tag("second", published[1]).unwrap();
        }
    }
    let kept = manifests.list().unwrap();
    assert!(kept.len() <= 4 && kept.contains(&published[1]) && kept.contains(published.last().unwrap()), "{kept:?}");
    assert_eq!(seq_at(&manifests, published[1]), 2);
    assert_eq!(manifests.stored(published[0]).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Stores are often async only: chains reach them through the adapter, on the blocking pool.
#[tokio::test(flavor = "multi_thread")]
async fn an_async_store_serves_through_the_adapter_and_never_blocks_the_runtime() {
    let world = World::new().await;
    let store: Arc<dyn AsyncBackend> = Arc::new(AsyncMemory::from(world.memory.clone()));
    let adapter = Arc::new(AsyncBackendAdapter::new(store).unwrap());
    let (backend, options) = (adapter.clone(), world.options());
    let begin = move || Manifests::open_or_create(backend, Prefix::new("world").unwrap(), options);
    let manifests = tokio::task::spawn_blocking(begin).await.unwrap().unwrap();
    assert_eq!(manifests.latest().unwrap_err().kind(), ErrorKind::Unsupported, "a task may not wait");

    let publisher = world.publisher_with(manifests.clone(), world.publisher_options().with_expire_every(2)).await;
    for seq in 1..=4 {
        world.tick(seq).await;
        world.publish(&publisher, seq).await.unwrap();
    }
    let pinned = PinnedTables::open(world.tables.clone(), manifests.clone(), Which::Newest).await.unwrap();
    let mut pinned = pinned.with_lease("reader", Duration::from_secs(60)).await.unwrap();
    check_ticks(&pinned).await;
    world.tick(5).await;
    world.publish(&publisher, 5).await.unwrap();
    pinned.refresh().await.unwrap();
    assert_eq!(pinned.seq(), 5);
    check_ticks(&pinned).await;
    assert!(worldstore_cache::verify_retained(&manifests).await.unwrap().damage.is_empty());
    let expired = worldstore_cache::expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    assert!(expired.failed.is_empty());
    check_ticks(&pinned).await;
    assert!(pinned.release().await.unwrap());
}
