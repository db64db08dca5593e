//! A process is killed at any moment, over and over on one store.

use std::time::{Duration, Instant};

use worldstore_core::vfs::OsVfs;
use worldstore_core::vfs::sim::Random;

use super::ledger::Ledger;
use super::worker::Worker;
use super::{number, report};

const KILLS: u64 = 100;

/// Every acknowledged record is there after each kill, once and in order; the others are there wholly or not at all.
#[test]
fn what_was_acknowledged_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path()).unwrap();
    let (kills, seed) = (number("WORLDSTORE_CRASH_KILLS", KILLS), number("WORLDSTORE_CRASH_SEED", 1));
    eprintln!("WORLDSTORE_CRASH_SEED={seed} WORLDSTORE_CRASH_KILLS={kills}");
    let mut random = Random::new(seed);
    let mut ledger = Ledger::default();
    let (mut during_open, mut cut) = (0, 0);
    for cycle in 1..=kills {
        let mut worker = Worker::start(&[], "append", cycle, folder.path());
        assert!(worker.hear(&mut ledger, "opening"), "{}", worker.finish(&mut ledger));
        let opened = random.chance(80);
        if opened {
            assert!(worker.hear(&mut ledger, "opened"), "cycle {cycle}: {}", worker.finish(&mut ledger));
            let acknowledgements = random.below(60);
            let heard = (0..acknowledgements).all(|_| worker.hear(&mut ledger, "ack"));
            assert!(heard, "cycle {cycle}: {}", worker.finish(&mut ledger));
        }
        during_open += u64::from(!opened);
        wait(Duration::from_micros(random.below(3000)));
        worker.kill();
        worker.finish(&mut ledger);
        // Now and then the next worker has to recover from two kills.
        if random.chance(70) || cycle == kills {
            cut += u64::from(ledger.verify(&vfs).cut.is_some());
        }
    }
    assert!(ledger.acknowledged > kills, "{} acknowledgements", ledger.acknowledged);
    let figures = [
        ("kills", kills),
        ("kills_during_open", during_open),
        ("acknowledged", ledger.acknowledged),
        ("tails_cut", cut),
    ];
    report("crash::kills", &figures);
    eprintln!("{figures:?}");
}

/// A sleep is too coarse for moments within a call.
fn wait(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
