//! Crashes and faults at every call of a log, and crashes of the recovery.

use worldstore_core::vfs::sim::{Effect, Explorer};

use super::history::{History, check, live};
use super::small;

#[test]
fn nothing_acknowledged_is_lost_in_a_crash() {
    let explorer = Explorer::new("wal::crash::nothing_acknowledged_is_lost_in_a_crash", 18_000);
    let report = explorer.explore(
        |vfs, random, history: &mut History| live(vfs, random, history, &small()),
        |vfs, history| check(vfs, history, &small()),
    );
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.images() > 0 && report.second_images() > 0);
    for effect in [Effect::WriteKept, Effect::WriteLost, Effect::WriteTorn, Effect::NameLost] {
        assert!(report.count(effect) > 0, "{effect:?} never happened");
    }
    assert!(!report.order_varies());
}

#[test]
fn nothing_acknowledged_is_lost_by_a_fault() {
    let explorer = Explorer::new("wal::crash::nothing_acknowledged_is_lost_by_a_fault", 9_000);
    let report = explorer.explore_faults(
        |vfs, random, history: &mut History| live(vfs, random, history, &small()),
        |vfs, history| check(vfs, history, &small()),
    );
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.images() > 0 && report.faults().0 > 0);
}
