//! A writer that is stopped while another takes the world over, and goes on later: nothing of it counts any more.

use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Runtime;
use worldstore::World;
use worldstore::cache::verify_retained;
use worldstore::world::IfOpen;

use super::ground::{Ground, Held, Kind};
use super::ledger::Ledger;
use super::random::Random;
use super::rows::read;
use super::worker::{Task, WRITERS, Worker};
use super::{Replay, for_each_kind, number, report, seed};

const ROUNDS: u64 = 15;

for_each_kind!(stop);

fn stop(kind: Kind) {
    let (rounds, seed) = (number("WORLDSTORE_CRASH_KILLS", 10 * ROUNDS).div_ceil(10), seed());
    let suite = format!("kills::zombies::{kind}");
    let _shows_again = Replay::new(&suite, &[("SEED", seed), ("KILLS", 10 * rounds)]);
    let held = Held::new(kind);
    let (runtime, mut random, mut ledger) = (Runtime::new().unwrap(), Random::new(seed), Ledger::default());
    let (mut woken_early, mut late) = (0, 0);
    for round in 1..=rounds {
        let task = Task { ground: &held.ground, cycle: 2 * round, if_open: IfOpen::TakeOver };
        let mut old = Worker::start(&task);
        assert!((0..1 + random.below(20)).all(|_| old.hear(&mut ledger, "ack")), "{:#?}", old.failures);
        std::thread::sleep(random.time(20));
        old.stop(&mut ledger);
        let asleep = old.wake_after(Duration::from_secs(5));
        let mut new = Worker::start(&Task { cycle: 2 * round + 1, ..task });
        assert!(new.hear(&mut ledger, "opened"), "{:#?}", new.failures);
        assert!((0..3 + random.below(20)).all(|_| new.hear(&mut ledger, "ack")), "{:#?}", new.failures);
        let was_early = asleep.send(()).is_err();
        woken_early += u64::from(was_early);
        old.signal(Signal::CONT);
        let before = ledger.acknowledgements();
        let old = old.finish(&mut ledger);
        let heard = ledger.acknowledgements() - before;
        // What was durable when it was stopped, and only had to be told.
        assert!(was_early || heard <= WRITERS, "{heard} acknowledgements of a writer that was overtaken");
        late += heard;
        old.expect_overtaken();
        let writers = old.failures.keys().filter(|failure| failure.starts_with("writer-")).count() as u64;
        assert_eq!(writers, WRITERS, "{old:#?}");
        assert!((0..3).all(|_| new.hear(&mut ledger, "ack")), "{:#?}", new.failures);
        new.kill();
        new.finish(&mut ledger).expect_kinds(&[]);
        runtime.block_on(check(&held.ground, &mut ledger));
    }
    let acknowledged = ledger.acknowledgements();
    report(
        &suite,
        &[("takeovers", rounds), ("acknowledged", acknowledged), ("woken_early", woken_early), ("told_late", late)],
    );
}

async fn check(ground: &Ground, ledger: &mut Ledger) {
    let (uri, options) = (ground.uri(), ground.options());
    let world = World::open(&uri, &options).await.unwrap();
    ledger.check(read(&world).await.unwrap());
    world.shutdown().await.unwrap();
    let verified = verify_retained(world.manifests()).await.unwrap();
    assert!(verified.damage.is_empty(), "{:#?}", verified.damage);
    ledger.check_published(read(&World::read(&uri, &options).await.unwrap()).await.unwrap());
}
