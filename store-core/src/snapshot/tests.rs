//! Snapshots: kept, verified, carried elsewhere.

mod crashes;
mod damage;
mod faulty;
mod random;
mod travel;

use std::sync::Arc;
use std::time::Duration;

use super::testing::{chain, publish};
use super::*;
use crate::blocks::BlockOptions;
use crate::error::ErrorKind;
use crate::key::Prefix;
use crate::manifest::{CollectOptions, Entry, ExpireOptions, ManifestOptions, ManualWallClock};
use crate::memory::Memory;

fn named(name: &str) -> Which {
    Which::Named(name.to_owned())
}

#[test]
fn snapshots_are_made_listed_and_released() {
    let snapshots = chain(Arc::new(Memory::new()));
    assert_eq!(snapshots.list().unwrap(), []);
    let monday = snapshots.create("monday", &Which::Newest).unwrap();
    assert_eq!((monday.number, monday.expires_ms), (3, None));
    assert_eq!(snapshots.create("monday", &Which::Number(3)).unwrap(), monday, "the same again is the same");
    assert_eq!(snapshots.create("monday", &Which::Newest).unwrap_err().kind(), ErrorKind::AlreadyExists);
    publish(snapshots.manifests(), 8, "second rows");
    let reader = snapshots.pin("a reader", &Which::Newest, Duration::from_secs(60)).unwrap();
    let also = snapshots.create("also monday", &named("monday")).unwrap();
    assert_eq!((also.number, also.hash), (monday.number, monday.hash));
    assert_eq!(snapshots.list().unwrap(), [reader.clone(), also, monday.clone()]);
    assert_eq!(snapshots.get("monday").unwrap(), monday);
    let described = snapshots.describe(&named("monday")).unwrap();
    assert_eq!((described.number, described.entries, described.files), (3, 2, 2));
    assert_eq!(described.writer, "test");
    assert_ne!(described.content, snapshots.describe(&named("a reader")).unwrap().content);
    snapshots.release("monday").unwrap();
    let error = snapshots.release("monday").unwrap_err();
    assert_eq!(error.to_string(), "not found: no such snapshot, snapshot: \"monday\", known: a reader, also monday");
    assert!(snapshots.verify(&named("monday")).unwrap_err().is_not_found());
    for wrong in ["", "a\nb", &"n".repeat(1_025)] {
        assert_eq!(snapshots.create(wrong, &Which::Newest).unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert!(snapshots.create("x", &Which::Number(99)).unwrap_err().is_not_found());
}

#[test]
fn leases_end_and_are_renewed() {
    let clock = Arc::new(ManualWallClock::new(1_000_000));
    let options = ManifestOptions::default().with_clock(Arc::clone(&clock) as Arc<_>);
    let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), options).unwrap();
    let snapshots = Snapshots::new(manifests);
    let lease = snapshots.pin("reader", &Which::Newest, Duration::from_secs(10)).unwrap();
    assert_eq!(
        (lease.expires_ms, lease.has_ended(1_009_999), lease.has_ended(1_010_000)),
        (Some(1_010_000), false, true)
    );
    clock.set(1_005_000);
    assert_eq!(snapshots.renew("reader", Duration::from_secs(10)).unwrap().expires_ms, Some(1_015_000));
    snapshots.create("tag", &Which::Newest).unwrap();
    assert_eq!(snapshots.renew("tag", Duration::from_secs(1)).unwrap_err().kind(), ErrorKind::Invalid);
    clock.set(2_000_000);
    assert_eq!(snapshots.list().unwrap().len(), 2, "an ended lease is listed until it is dropped");
    snapshots.manifests().expire(&ExpireOptions::default()).unwrap();
    assert_eq!(snapshots.list().unwrap().len(), 1);
    assert!(snapshots.renew("reader", Duration::from_secs(1)).unwrap_err().is_not_found());
}

#[test]
fn a_snapshot_survives_expiry_and_collection() {
    let snapshots = chain(Arc::new(Memory::new()));
    snapshots.create("old", &Which::Newest).unwrap();
    let content = snapshots.describe(&named("old")).unwrap().content;
    for round in 0..5 {
        publish(snapshots.manifests(), 10 + round, &format!("rows of round {round}"));
        snapshots.manifests().expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
        snapshots.manifests().collect(&CollectOptions::default()).unwrap();
    }
    let verified = snapshots.verify(&named("old")).unwrap();
    assert_eq!((verified.damage.len(), verified.content), (0, Some(content)));
    snapshots.release("old").unwrap();
    snapshots.manifests().expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
    assert!(snapshots.manifest(&Which::Number(3)).unwrap_err().is_not_found());
}

#[test]
fn packing_the_same_anew_keeps_the_content_hash() {
    let memory: Arc<Memory> = Arc::default();
    let snapshots = chain(memory);
    let before = snapshots.create("before", &Which::Newest).unwrap();
    let manifests = snapshots.manifests();
    // The same bytes in other blocks, and what was in blocks in a file: other versions, the same contents.
    let other = crate::blocks::Blocks::new(
        Arc::clone(manifests.backend()),
        Prefix::new("world/blocks").unwrap(),
        BlockOptions::default().with_block_bytes(1_000),
    );
    let log = other.unwrap().put("first rows").unwrap();
    let writer = manifests.writer().unwrap();
    writer
        .publish(|draft| {
            let mut entry: Entry = draft.entry("log").unwrap().clone();
            (entry.version, entry.blocks) = ("compacted".into(), log.blocks.clone());
            draft.put(entry);
            let mut table: Entry = draft.entry("table").unwrap().clone();
            (table.files, table.version) = (Vec::new(), "v2".into());
            draft.put(table);
            Ok(())
        })
        .unwrap();
    let content = |which: &Which| snapshots.describe(which).unwrap().content;
    assert_ne!(snapshots.manifest(&Which::Newest).unwrap().hash, before.hash);
    assert_eq!(content(&Which::Newest), content(&named("before")));
    writer
        .publish(|draft| {
            let entry = draft.entry("log").unwrap().clone().with_watermark(8);
            draft.put(entry);
            Ok(())
        })
        .unwrap();
    assert_ne!(content(&Which::Newest), content(&named("before")));
}
