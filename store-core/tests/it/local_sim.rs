//! Local files on a file system that loses power and fails on demand.

use std::time::Duration;

use worldstore_core::conformance::{race_rounds, run};
use worldstore_core::planted::Bug;
use worldstore_core::vfs::sim::{Effect, Explorer, Random, SimVfs};
use worldstore_core::{Local, Prefix};

use promises::Promises;
use work::{Expect, check, work};

mod faults;
mod promises;
mod work;

fn prefix(text: &str) -> Prefix {
    Prefix::new(text).unwrap()
}

#[test]
fn local_files_in_memory_pass_the_kit() {
    let local = Local::on(SimVfs::new()).unwrap();
    let report = run(&local, &prefix("kit"));
    eprintln!("{report}");
    report.into_result().unwrap();
    race_rounds(std::sync::Arc::new(local), &prefix("race"), 20).into_result().unwrap();
}

/// Whatever was acknowledged is there after a crash, everything else wholly or not at all, and nothing else is.
#[test]
fn local_objects_survive_crashes() {
    for explorer in explorers("local_objects_survive_crashes", 6_000) {
        let work = |vfs: &SimVfs, random: &mut Random, promises: &mut Promises| {
            work(vfs, random, promises, Expect::Success);
        };
        let report = explorer.explore(work, check).unwrap();
        eprintln!("{report}");
        for effect in [Effect::NameLost, Effect::NameKept, Effect::MoveHalved, Effect::LengthOnly, Effect::MetaLost] {
            assert!(report.count(effect) > 0, "{effect:?} never happened");
        }
    }
}

/// Explorers that share their images, each with seeds of its own: more work of different kinds rather than more images
/// of the same.
fn explorers(name: &'static str, images: u64) -> impl Iterator<Item = Explorer> {
    const SHARES: u64 = 12;
    let seed = std::env::var("WORLDSTORE_CRASH_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()).unwrap_or(1);
    let of_share = move |share: u64| seed.wrapping_add(share << 32);
    (0..SHARES).map(move |share| Explorer::new(name, images / SHARES).with_seed(of_share(share)))
}

/// Two threads make the same folders at the same time: neither may trust in the other's sync.
#[test]
fn local_objects_of_two_threads_survive_crashes() {
    let explorer = Explorer::new("local_objects_of_two_threads_survive_crashes", 1_000);
    let report = explorer.explore(|vfs, random, promises: &mut Promises| work::race(vfs, random, promises), check);
    eprintln!("{}", report.unwrap());
}

/// An error means that nothing has changed, an unknown outcome that nobody knows, and neither is a reason to lose
/// anything else.
#[test]
fn local_objects_survive_failures() {
    for explorer in explorers("local_objects_survive_failures", 6_000) {
        let work = |vfs: &SimVfs, random: &mut Random, promises: &mut Promises| {
            work(vfs, random, promises, Expect::Failures);
        };
        let report = explorer.explore_faults(work, check).unwrap();
        eprintln!("{report}");
        let (runs, struck) = report.faults();
        assert!(struck * 2 > runs, "{struck} of {runs}");
    }
}

/// Bugs that are planted are found.
#[test]
fn planted_bugs_of_local_files_are_caught() {
    for bug in [Bug::PublishBeforeSync, Bug::UncheckedFinalSync, Bug::SkipParentSync, Bug::UnknownIsFailed] {
        let work = |vfs: &SimVfs, random: &mut Random, promises: &mut Promises| {
            work::planted(vfs, random, promises, bug.into());
        };
        // Much work with few images each finds more than the other way round.
        let explorers = (1..=20).map(|seed| Explorer::fixed("planted_bugs_of_local_files", 600).with_seed(seed << 32));
        let caught = explorers.map(|explorer| explorer.catch(bug, work, check)).find_map(Result::ok);
        let failure = caught.unwrap_or_else(|| panic!("{bug} was not caught"));
        eprintln!("{bug} after {} images: {}", failure.images(), failure.message());
    }
}

/// What a crashed writer left goes a day later.
const DAY: Duration = Duration::from_secs(25 * 3600);
