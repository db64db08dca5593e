//! A writer that is stopped while another takes over, and goes on later: nothing of it is acknowledged any more.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use worldstore_core::vfs::OsVfs;
use worldstore_core::vfs::sim::Random;

use super::ledger::Ledger;
use super::worker::Worker;
use super::{number, report};

#[test]
fn a_stopped_writer_is_fenced_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path()).unwrap();
    let (rounds, seed) = (number("WORLDSTORE_CRASH_KILLS", 100).div_ceil(10), number("WORLDSTORE_CRASH_SEED", 1));
    let mut random = Random::new(seed);
    let mut ledger = Ledger::default();
    let mut fenced = 0;
    for round in 1..=rounds {
        let mut old = Worker::start(&[], "alone", 2 * round, folder.path());
        let acknowledgements = 1 + random.below(20);
        assert!((0..acknowledgements).all(|_| old.hear(&mut ledger, "ack")), "{}", old.finish(&mut ledger));
        std::thread::sleep(Duration::from_micros(random.below(2000)));
        kill_process(old.process(), Signal::STOP).unwrap();
        let mut new = Worker::start(&[], "take-over", 2 * round + 1, folder.path());
        assert!((0..3).all(|_| new.hear(&mut ledger, "ack")), "{}", new.finish(&mut ledger));
        kill_process(old.process(), Signal::CONT).unwrap();
        let said = old.finish(&mut ledger);
        assert_eq!(old.failures.keys().collect::<Vec<_>>(), ["Fenced"], "round {round}: {said}");
        fenced += 1;
        assert!((0..3).all(|_| new.hear(&mut ledger, "ack")), "{}", new.finish(&mut ledger));
        new.kill();
        new.finish(&mut ledger);
        ledger.verify(&vfs);
    }
    report("crash::zombies", &[("takeovers", fenced), ("acknowledged", ledger.acknowledged)]);
}

/// Without the look at the epoch the stopped writer goes on and on: this test would see it.
#[test]
fn a_writer_that_does_not_look_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let (mut of_old, mut of_new) = (Ledger::default(), Ledger::default());
    let mut old = Worker::start(&[], "alone+SkipFenceCheck", 1, folder.path());
    assert!(old.hear(&mut of_old, "ack"), "{}", old.finish(&mut of_old));
    kill_process(old.process(), Signal::STOP).unwrap();
    let mut new = Worker::start(&[], "take-over", 2, folder.path());
    assert!(new.hear(&mut of_new, "ack"));
    new.kill();
    kill_process(old.process(), Signal::CONT).unwrap();
    while of_old.last() < of_new.last() {
        assert!(old.hear(&mut of_old, "ack"), "it is not acknowledged what is the successor's");
    }
    report("crash::zombies::planted", &[("planted:SkipFenceCheck", 1)]);
}
