//! What is kept and what goes: pins, leases, expiry, collections, and damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::tampered::Tampered;
use super::{add, backend, block_keys, caught, entry, open, with};
use crate::blocks::{Block, Content, Hash};
use crate::error::ErrorKind;
use crate::manifest::*;
use crate::ops::*;
use crate::planted::{Bug, Planted};

fn keep(last: u64) -> ExpireOptions {
    ExpireOptions::default().with_keep_last(last)
}

fn publish(writer: &Writer, name: &str, content: &Content) -> crate::Result<Arc<Stored>> {
    writer.publish(|draft| {
        draft.put(entry(name, content));
        Ok(())
    })
}

#[test]
fn expiry_keeps_the_last_and_what_is_pinned() {
    let memory = backend();
    let manifests = open(&memory);
    let writer = manifests.writer().unwrap();
    (0..6).for_each(|round| drop(add(&writer, &round.to_string()).unwrap()));
    manifests.tag("best", 3).unwrap();
    let plan = manifests.expire(&keep(2).with_mode(Mode::DryRun)).unwrap();
    assert_eq!((plan.floor, plan.removed.as_slice()), (9, [1, 2, 4, 5, 6, 7, 8].as_slice()));
    assert_eq!(manifests.latest().unwrap().number, 9, "a dry run changes nothing");
    assert_eq!(manifests.expire(&keep(2)).unwrap(), plan);
    assert_eq!(manifests.list().unwrap(), [3, 9, 10]);
    assert_eq!(manifests.at(3).unwrap().properties["log"], "0 ");
    assert!(manifests.at(4).unwrap_err().is_not_found());
    assert!(manifests.at(11).unwrap_err().is_not_found());
    assert!(manifests.tag("late", 4).unwrap_err().is_not_found());
    manifests.tag("again", 3).unwrap();
    manifests.release("best").unwrap();
    assert_eq!(manifests.expire(&keep(9)).unwrap(), Expired { floor: 9, ..Expired::default() }, "nothing to do");
    assert_eq!(manifests.latest().unwrap().number, 12);
    manifests.release("again").unwrap();
    assert_eq!(manifests.expire(&keep(9)).unwrap().removed, [3]);
    let from = |number| keep(1).with_keep_from(number);
    assert_eq!(manifests.expire(&from(9)).unwrap().removed, [0; 0]);
    manifests.tag("later", 11).unwrap();
    assert_eq!(manifests.expire(&from(11)).unwrap().removed, [9, 10], "however many came meanwhile");
    let newest = manifests.latest().unwrap().number;
    assert_eq!(manifests.expire(&from(u64::MAX)).unwrap().floor, newest + 1, "those that are kept in any case");
}

#[test]
fn expiry_goes_by_age_too() {
    let clock = Arc::new(ManualWallClock::new(1_000));
    let options = ManifestOptions::default().with_clock(clock.clone());
    let manifests = Manifests::create(Arc::new(crate::Memory::new()), super::folder(), options).unwrap();
    for time in [1_000, 2_000, 3_000, 4_000] {
        clock.set(time);
        manifests.tag("x", 1).unwrap();
    }
    manifests.release("x").unwrap();
    clock.set(5_000);
    let expired = manifests.expire(&keep(1).with_keep_for(Duration::from_millis(2_000))).unwrap();
    assert_eq!((expired.floor, expired.removed.as_slice()), (4, [1, 2, 3].as_slice()));
    // A clock that goes back keeps everything.
    clock.set(0);
    let expired = manifests.expire(&keep(1).with_keep_for(Duration::from_millis(2_000))).unwrap();
    assert_eq!(expired.floor, 4);
}

#[test]
fn a_lease_ends_and_can_be_renewed_before() {
    let (memory, clock) = (backend(), Arc::new(ManualWallClock::new(0)));
    let manifests = with(&memory, |options| options.clock = clock.clone());
    manifests.writer().unwrap();
    let lease = manifests.lease("reader", 1, Duration::from_secs(10)).unwrap();
    assert_eq!((lease.number, lease.expires_ms), (1, 10_000));
    manifests.tag("tag", 2).unwrap();
    assert_eq!(manifests.renew("tag", Duration::ZERO).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(manifests.tag("reader", 1).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(manifests.lease("reader", 2, Duration::ZERO).unwrap_err().kind(), ErrorKind::AlreadyExists);
    clock.set(9_000);
    assert_eq!(manifests.renew("reader", Duration::from_secs(10)).unwrap().expires_ms, 19_000);
    // The end and a minute on top, for clocks that differ.
    clock.set(79_000);
    assert_eq!(manifests.expire(&keep(1)).unwrap().leases, Vec::<String>::new());
    assert_eq!(manifests.list().unwrap()[..2], [1, 2]);
    clock.set(79_001);
    let expired = manifests.expire(&keep(1)).unwrap();
    assert_eq!(expired.leases, ["reader"]);
    assert!(expired.removed.contains(&1));
    assert!(manifests.renew("reader", Duration::ZERO).unwrap_err().is_not_found());
    assert!(!manifests.release("reader").unwrap());
    assert_eq!(manifests.list().unwrap()[0], 2);
}

#[test]
fn an_expiry_that_is_cut_short_is_finished_by_the_next() {
    let memory = backend();
    let manifests = open(&memory);
    (0..4).for_each(|_| drop(manifests.writer().unwrap()));
    let failing = Tampered::deletes(&memory, |inner, keys| {
        let mut answers = inner.delete(&keys[..1], &DeleteOptions::default())?;
        let failed = || Deleted::Failed(crate::Error::new(ErrorKind::Unavailable, "no answer"));
        answers.extend(keys[1..].iter().map(|_| failed()));
        Ok(answers)
    });
    let cut = with(&failing, |_| {}).expire(&keep(1)).unwrap();
    assert_eq!((cut.removed.len(), cut.left), (5, 4));
    assert_eq!(manifests.list().unwrap(), [6], "what is left is not shown");
    assert_eq!(manifests.expire(&keep(1)).unwrap().removed, [2, 3, 4, 5, 6]);
}

#[test]
fn a_collection_removes_what_nothing_refers_to() {
    let memory = backend();
    let manifests = open(&memory);
    let (writer, blocks) = (manifests.writer().unwrap(), manifests.blocks().unwrap());
    let (one, two, lost) = (blocks.put("one").unwrap(), blocks.put("two").unwrap(), blocks.put("lost").unwrap());
    publish(&writer, "e", &one).unwrap();
    publish(&writer, "e", &two).unwrap();
    manifests.collect(&CollectOptions::default()).unwrap();
    let plan = manifests.collect(&CollectOptions::dry_run()).unwrap();
    assert_eq!((plan.blocks.as_slice(), plan.bytes), (lost.blocks.as_slice(), 4));
    assert_eq!(block_keys(&manifests).len(), 3, "a dry run changes nothing");
    assert_eq!(manifests.collect(&CollectOptions::default()).unwrap(), plan);
    assert_eq!(block_keys(&manifests).len(), 2, "an older manifest refers to one of them");
    manifests.expire(&keep(1)).unwrap();
    assert_eq!(manifests.collect(&CollectOptions::default()).unwrap().blocks, one.blocks);
    assert_eq!(blocks.get(&two).unwrap().bytes().unwrap(), "two");
}

#[test]
fn a_collection_that_is_cut_short_is_finished_by_the_next() {
    let memory = backend();
    let manifests = open(&memory);
    let blocks = manifests.blocks().unwrap();
    (0..5).for_each(|number| drop(blocks.put(format!("{number}")).unwrap()));
    manifests.collect(&CollectOptions::default()).unwrap();
    let failing = Tampered::deletes(&memory, |inner, keys| {
        drop(inner.delete(&keys[..2], &DeleteOptions::default())?);
        Err(crate::Error::new(ErrorKind::Unavailable, "no answer"))
    });
    let error = with(&failing, |_| {}).collect(&CollectOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(block_keys(&manifests).len(), 3);
    assert_eq!(manifests.collect(&CollectOptions::default()).unwrap().blocks.len(), 3);
    assert_eq!(block_keys(&manifests).len(), 0);
}

/// A collector falls asleep over its removal; meanwhile another removes, and the same content is put and published again.
#[test]
fn a_collector_that_was_asleep_removes_nothing_that_is_in_use() {
    let memory = backend();
    let manifests = open(&memory);
    manifests.blocks().unwrap().put("again").unwrap();
    manifests.collect(&CollectOptions::default()).unwrap();
    let (others, done) = (open(&memory), AtomicBool::new(false));
    let slow = Tampered::deletes(&memory, move |inner, keys| {
        if !done.swap(true, Ordering::Relaxed) {
            assert_eq!(others.collect(&CollectOptions::default()).unwrap().blocks.len(), 1);
            let content = others.blocks().unwrap().put("again").unwrap();
            publish(&others.writer().unwrap(), "e", &content).unwrap();
        }
        inner.delete(keys, &DeleteOptions::default())
    });
    assert_eq!(with(&slow, |_| {}).collect(&CollectOptions::default()).unwrap().blocks.len(), 1);
    let block = *manifests.latest().unwrap().blocks().next().unwrap();
    assert_eq!(manifests.blocks().unwrap().block(&block).unwrap(), "again");
}

fn blocks_that_are_too_old(planted: Planted) {
    let memory = backend();
    let manifests = with(&memory, |options| options.planted = planted);
    let (writer, blocks) = (manifests.writer().unwrap(), manifests.blocks().unwrap());
    let content = blocks.put("old").unwrap();
    manifests.collect(&CollectOptions::default()).unwrap();
    publish(&writer, "one", &content).unwrap();
    let emptied = writer.publish(|draft| {
        draft.remove("one");
        Ok(())
    });
    assert_eq!(emptied.unwrap().entries, []);
    manifests.expire(&keep(1)).unwrap();
    manifests.collect(&CollectOptions::default()).unwrap();
    manifests.collect(&CollectOptions::default()).unwrap();
    let error = publish(&writer, "one", &content).expect_err("a block may go at any time");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let again = blocks.put("old").unwrap();
    assert_ne!(again, content, "another name");
    publish(&writer, "one", &again).unwrap();
    manifests.expire(&keep(1)).unwrap();
    (0..3).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
    assert_eq!(blocks.get(&again).unwrap().bytes().unwrap(), "old");
    assert_eq!(block_keys(&manifests).len(), 1);
}

#[test]
fn a_block_that_is_too_old_must_be_put_again() {
    blocks_that_are_too_old(Planted::default());
}

#[test]
fn finds_that_blocks_are_not_looked_at_again() {
    caught(|| blocks_that_are_too_old(Planted::default().with(Bug::IgnoreCondemned)));
}

/// Whoever goes back to a manifest that is kept needs not put its contents again.
#[test]
fn blocks_of_a_manifest_that_is_kept_can_be_published_again() {
    let memory = backend();
    let manifests = open(&memory);
    let (writer, content) = (manifests.writer().unwrap(), manifests.blocks().unwrap().put("best").unwrap());
    let best = publish(&writer, "e", &content).unwrap();
    manifests.tag("best", best.number).unwrap();
    publish(&writer, "e", &manifests.blocks().unwrap().put("worse").unwrap()).unwrap();
    manifests.expire(&keep(1)).unwrap();
    (0..3).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
    publish(&writer, "e", &content).unwrap();
    manifests.release("best").unwrap();
    manifests.expire(&keep(1)).unwrap();
    (0..3).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
    assert_eq!(manifests.blocks().unwrap().get(&content).unwrap().bytes().unwrap(), "best");
    assert_eq!(block_keys(&manifests).len(), 1);
}

fn a_block_that_was_never_put(planted: Planted) {
    let memory = backend();
    let manifests = with(&memory, |options| options.planted = planted);
    let writer = manifests.writer().unwrap();
    let block = Block { hash: Hash::of(b"nowhere"), length: 7, generation: 0 };
    let content = Content { hash: block.hash, length: 7, blocks: vec![block] };
    assert!(publish(&writer, "e", &content).expect_err("refers to nothing").is_not_found());
    // Another handle has put it: that counts.
    open(&memory).blocks().unwrap().put("nowhere").unwrap();
    publish(&writer, "e", &content).unwrap();
    let short = Block { hash: Hash::of(b"short"), length: 6, generation: 0 };
    open(&memory).blocks().unwrap().put("short").unwrap();
    let content = Content { hash: short.hash, length: 6, blocks: vec![short] };
    assert_eq!(publish(&writer, "f", &content).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_manifest_refers_to_no_block_that_is_missing() {
    a_block_that_was_never_put(Planted::default());
}

#[test]
fn finds_that_manifests_are_published_before_their_blocks() {
    caught(|| a_block_that_was_never_put(Planted::default().with(Bug::ManifestBeforeBlocks)));
}

#[test]
fn a_damaged_manifest_is_told_and_never_passed_over() {
    let memory = backend();
    let manifests = open(&memory);
    let writer = manifests.writer().unwrap();
    let content = manifests.blocks().unwrap().put("kept").unwrap();
    publish(&writer, "e", &content).unwrap();
    (0..2).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
    let unused = manifests.blocks().unwrap().put("unused").unwrap();
    (0..2).for_each(|_| drop(manifests.tag("t", 1).unwrap()));
    for number in [7, 3] {
        let (fresh, key) = (open(&memory), manifests.key(number).unwrap());
        let good = memory.read(&key, &ReadOptions::default()).unwrap().body.next().unwrap().unwrap();
        let mut bad = good.to_vec();
        bad[200] ^= 1;
        let put = |bytes: Vec<u8>| memory.write(&key, bytes.into(), &WriteOptions::default()).map(drop).unwrap();
        put(bad);
        if number == 7 {
            let options = ManifestOptions::default();
            let error = Manifests::open(Arc::clone(&memory), super::folder(), options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "no older one is given in its place");
            assert!(error.to_string().contains(key.as_str()), "{error}");
        } else {
            assert!(fresh.at(number).unwrap_err().to_string().contains(key.as_str()));
            assert_eq!(fresh.verify().unwrap_err().kind(), ErrorKind::Corrupt);
        }
        put(good.to_vec());
        // Missing is as bad: nobody knows what it referred to.
        if number == 3 {
            drop(memory.delete(std::slice::from_ref(&key), &DeleteOptions::default()).unwrap());
            assert_eq!(fresh.at(3).unwrap_err().kind(), ErrorKind::Corrupt);
            assert_eq!(fresh.verify().unwrap_err().kind(), ErrorKind::Corrupt);
            for _ in 0..2 {
                assert_eq!(fresh.collect(&CollectOptions::default()).unwrap_err().kind(), ErrorKind::Corrupt);
            }
            assert_eq!(fresh.blocks().unwrap().block(&unused.blocks[0]).unwrap(), "unused", "nothing was removed");
            put(good.to_vec());
        }
    }
    assert_eq!(open(&memory).verify().unwrap(), 9);
}
