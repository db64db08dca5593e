//! Two publishers, and answers that get lost: what is acknowledged is published, and nobody publishes who was overtaken.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use worldstore_core::ErrorKind;
use worldstore_core::memory::{Event, Moment, Verdict};
use worldstore_core::wrap::{Class, FaultBackend, FaultOptions, Odds};

use super::*;

fn writes_manifest(event: &Event<'_>) -> bool {
    event.operation == "write" && event.key.starts_with("world/manifests/")
}

#[tokio::test]
async fn whoever_is_overtaken_publishes_nothing_any_more() {
    let world = World::new().await;
    let old = world.publisher().await;
    world.tick(1).await;
    world.publish(&old, 1).await.unwrap();
    let new = world.publisher().await;
    assert_eq!((old.epoch(), new.epoch()), (1, 2));
    // Neither what it has published last, nor anything new.
    for seq in [1, 2] {
        world.tick(seq + 1).await;
        assert_eq!(world.publish(&old, seq).await.unwrap_err().kind(), ErrorKind::Fenced);
    }
    assert_eq!(new.published_seq().await.unwrap(), 1);
    let number = world.publish(&new, 3).await.unwrap();
    assert_eq!(seq_at(&world.manifests(), number), 3);
    assert_eq!(world.publish(&old, 3).await.unwrap_err().kind(), ErrorKind::Fenced);
}

/// The takeover comes while a publisher stands before its write, or between the write and the answer.
#[tokio::test]
async fn whoever_is_overtaken_on_the_way_acknowledges_nothing() {
    for moment in [Moment::Before, Moment::After] {
        let (armed, others) = (Arc::new(AtomicBool::new(false)), Arc::new(OnceLock::<Manifests>::new()));
        let (flag, takes_over) = (Arc::clone(&armed), Arc::clone(&others));
        let world = World::on(Memory::new().with_hook(move |event| {
            if writes_manifest(event) && event.moment == moment && flag.swap(false, Ordering::SeqCst) {
                drop(takes_over.get().unwrap().writer().unwrap());
            }
            Verdict::Pass
        }))
        .await;
        others.set(world.manifests()).unwrap();
        let old = world.publisher().await;
        world.tick(1).await;
        world.publish(&old, 1).await.unwrap();
        world.tick(2).await;
        armed.store(true, Ordering::SeqCst);
        assert_eq!(world.publish(&old, 2).await.unwrap_err().kind(), ErrorKind::Fenced, "{moment:?}");
        assert_eq!(world.publish(&old, 2).await.unwrap_err().kind(), ErrorKind::Fenced, "{moment:?}");
        assert!(!armed.load(Ordering::SeqCst));
        // It may be in the chain all the same; the new one builds on what is there.
        let new = world.publisher().await;
        assert!(new.published_seq().await.unwrap() <= 2);
        world.tick(3).await;
        let number = world.publish(&new, 3).await.unwrap();
        assert_eq!(seq_at(&world.manifests(), number), 3);
        check_ticks(&world.reader().await).await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_one_that_stays_unknown_is_told() {
    for moment in [Moment::Before, Moment::After] {
        let lose = Arc::new(AtomicU64::new(0));
        let left = Arc::clone(&lose);
        let world = World::on(Memory::new().with_hook(move |event| {
            let loses = writes_manifest(event) && event.moment == moment;
            let one_less = |left: u64| left.checked_sub(1);
            match loses && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
                true => Verdict::Unknown,
                false => Verdict::Pass,
            }
        }))
        .await;
        let manifests = world.manifests_on(world.memory.clone(), world.options().with_settle_attempts(2));
        let publisher = world.publisher_with(manifests.clone(), world.publisher_options().with_attempts(3)).await;
        // The chain settles one alone; three are published once more; and more than six stay unknown.
        for (seq, losses) in [(1, 1), (2, 3), (3, 5)] {
            world.tick(seq).await;
            lose.store(losses, Ordering::SeqCst);
            let number = world.publish(&publisher, seq).await.unwrap();
            assert_eq!((seq_at(&manifests, number), lose.load(Ordering::SeqCst)), (seq, 0), "{moment:?}");
        }
        world.tick(4).await;
        lose.store(1_000, Ordering::SeqCst);
        assert_eq!(world.publish(&publisher, 4).await.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        lose.store(0, Ordering::SeqCst);
        let before = manifests.latest().unwrap().number;
        let number = world.publish(&publisher, 4).await.unwrap();
        assert!(number > before, "what is only seen is published again, and durable then");
        check_ticks(&world.reader().await).await;
    }
}

/// Errors and lost answers everywhere in the chain: what is acknowledged is there, and readers see whole ticks.
#[tokio::test]
async fn under_faults_what_is_acknowledged_is_published() {
    let mut unknown = 0;
    for seed in 0..6 {
        let world = World::new().await;
        let faults = FaultOptions::new(seed)
            .with(Class::Write, Odds::default().with_error(0.1).with_lost_reply(0.5))
            .with(Class::List, Odds::default().with_error(0.05));
        let faulty = Arc::new(FaultBackend::new(world.memory.clone(), faults));
        let options = world.options().with_settle_attempts(2);
        let clean = world.manifests();
        let opened = || loop {
            let begun = Manifests::open(faulty.clone(), Prefix::new("world").unwrap(), options.clone());
            if let Ok(manifests) = begun {
                return manifests;
            }
        };
        let claim = async || loop {
            let options = world.publisher_options().with_attempts(2);
            if let Ok(publisher) = ManifestPublisher::claim(opened(), world.tables.clone(), options).await {
                return publisher;
            }
        };
        let mut publisher = claim().await;
        let mut acknowledged = 0;
        for seq in 1..=30 {
            world.tick(seq).await;
            match world.publish(&publisher, seq).await {
                Ok(number) => {
                    assert_eq!(seq_at(&clean, number), seq, "seed {seed}");
                    acknowledged = seq;
                }
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => unknown += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "seed {seed}: {error}"),
            }
            let newest = world.reader().await;
            assert!(newest.seq() >= acknowledged, "seed {seed}");
            check_ticks(&newest).await;
            if seq % 10 == 0 {
                publisher = claim().await;
            }
        }
        assert!(acknowledged > 0);
    }
    assert!(unknown > 0, "no outcome was unknown: the faults are too few");
}

/// The tables have a tick, and the process ends before it is published.
#[tokio::test]
async fn what_was_committed_and_not_published_is_published_by_the_next() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.publish(&publisher, 1).await.unwrap();
    world.tick(2).await;
    world.append("agents", 3).await;
    drop(publisher);
    let before = world.reader().await;
    assert_eq!(before.seq(), 1);
    check_ticks(&before).await;

    let publisher = world.publisher().await;
    assert_eq!(publisher.published_seq().await.unwrap(), 1);
    world.publish(&publisher, 2).await.unwrap();
    let after = world.reader().await;
    assert_eq!(after.seq(), 2);
    check_ticks(&after).await;
    check_ticks(&before).await;
}

/// A caller that goes away leaves a publication behind, which ends before the next begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_was_given_up_ends_before_the_next() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (gate, armed) = (std::sync::Mutex::new(gate), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&armed);
    let world = World::on(Memory::new().with_hook(move |event| {
        if writes_manifest(event) && event.moment == Moment::Before && flag.swap(false, Ordering::SeqCst) {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
        }
        Verdict::Pass
    }))
    .await;
    let publisher = Arc::new(world.publisher().await);
    world.tick(1).await;
    let (first, second) = (world.cut(1).await, {
        world.tick(2).await;
        world.cut(2).await
    });
    armed.store(true, Ordering::SeqCst);
    let spawn = |cut: Cut| {
        let publisher = Arc::clone(&publisher);
        tokio::spawn(async move { publisher.publish(&cut).await })
    };
    let given_up = spawn(first);
    wait.recv().unwrap();
    given_up.abort();
    assert!(given_up.await.is_err());
    let next = spawn(second);
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    let number = next.await.unwrap().unwrap();
    let manifests = world.manifests();
    assert_eq!((seq_at(&manifests, number), seq_at(&manifests, number - 1)), (2, 1));
    assert_eq!(manifests.latest().unwrap().number, number);
}
