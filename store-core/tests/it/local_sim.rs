//! Local files on a file system that loses power and fails on demand.

use std::time::Duration;

use worldstore_core::conformance::{race_rounds, run};
use worldstore_core::vfs::sim::{Effect, Explorer, SimVfs};
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
    let report = Explorer::new("local_objects_survive_crashes", 6_000)
        .explore(|vfs, random, promises: &mut Promises| work(vfs, random, promises, Expect::Success), check);
    let report = report.unwrap();
    eprintln!("{report}");
    for effect in [Effect::NameLost, Effect::NameKept, Effect::MoveHalved, Effect::WriteTorn, Effect::MetaLost] {
        assert!(report.count(effect) > 0, "{effect:?} never happened");
    }
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
    let report = Explorer::new("local_objects_survive_failures", 4_000)
        .explore_faults(|vfs, random, promises: &mut Promises| work(vfs, random, promises, Expect::Failures), check);
    let report = report.unwrap();
    eprintln!("{report}");
    let (runs, struck) = report.faults();
    assert!(struck * 2 > runs, "{struck} of {runs}");
}

/// What a crashed writer left goes a day later.
const DAY: Duration = Duration::from_secs(25 * 3600);
