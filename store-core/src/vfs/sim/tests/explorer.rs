//! The explorer finds what is wrong, says how to see it again, and counts what it has seen.

use std::collections::BTreeMap;

use super::text;
use crate::vfs::sim::{Effect, Explorer, Random, SimVfs};
use crate::vfs::{File, Folder, Vfs};

/// What was promised: the number of the last file, and what each holds.
type Promised = BTreeMap<String, String>;

/// What the work leaves out.
#[derive(Clone, Copy, PartialEq)]
enum Skip {
    Nothing,
    FileSync,
    FolderSync,
    /// Syncs again if a sync has failed, and believes it.
    Poison,
}

/// Publishes files by rename: some new, some in place of old ones.
fn publish(vfs: &SimVfs, random: &mut Random, promised: &mut Promised, skip: Skip) -> std::io::Result<()> {
    let root = vfs.root()?;
    for _ in 0..4 {
        let (name, body) = (format!("n{}", random.below(3)), format!("{:x}", random.number()).repeat(40));
        let _ = root.remove("staged");
        let file = root.create("staged")?;
        let mut done = 0;
        while done < body.len() {
            done += file.write_at(&body.as_bytes()[done..], done as u64)?;
        }
        if skip != Skip::FileSync {
            let synced = file.sync_data();
            if skip == Skip::Poison && synced.is_err() {
                file.sync_data()?;
            } else {
                synced?;
            }
        }
        // From here on the old content may be gone.
        promised.remove(&name);
        root.rename("staged", &root, &name)?;
        if skip != Skip::FolderSync {
            root.sync()?;
        }
        promised.insert(name, body);
    }
    Ok(())
}

fn check(vfs: &SimVfs, promised: &mut Promised) -> Result<(), String> {
    let root = vfs.root().map_err(|error| error.to_string())?;
    // A recovery of sorts, which can be crashed too.
    let _ = root.remove("staged");
    root.sync().map_err(|error| error.to_string())?;
    for (name, body) in promised.iter() {
        let found = text(&root, name);
        if found.as_deref() != Some(body) {
            return Err(format!("{name} holds {} bytes", found.map_or(0, |found| found.len())));
        }
    }
    Ok(())
}

fn explorer(images: u64) -> Explorer {
    Explorer::fixed("vfs::sim::tests::explorer", images)
}

fn work(skip: Skip) -> impl Fn(&SimVfs, &mut Random, &mut Promised) {
    move |vfs, random, promised| drop(publish(vfs, random, promised, skip))
}

#[test]
fn right_work_passes_and_everything_has_happened_to_it() {
    let report = explorer(5_000).explore(work(Skip::Nothing), check).unwrap();
    assert!(report.images() >= 5_000 && report.second_images() > 500, "{report}");
    assert!(!report.order_varies());
    for effect in Effect::ALL {
        let never = matches!(effect, Effect::MoveHalved | Effect::MetaLost);
        assert_eq!(report.count(effect) == 0, never, "{effect:?} in {report}");
    }
}

#[test]
fn right_work_passes_under_faults() {
    let report = explorer(2_000).explore_faults(work(Skip::Nothing), check).unwrap();
    let (runs, struck) = report.faults();
    assert!(report.images() >= 1_800 && runs > 400, "{report}");
    assert!(struck * 10 > runs * 4, "faults that do not strike show nothing: {report}");
}

#[test]
fn each_bug_is_found_and_seen_again() {
    for skip in [Skip::FileSync, Skip::FolderSync, Skip::Poison] {
        let failure = explorer(5_000).catch("skip", work(skip), check).unwrap();
        let again = explorer(1).replaying(failure.replay()).explore(work(skip), check).unwrap_err();
        assert_eq!(again.message(), failure.message());
        assert_eq!(again.replay(), failure.replay());
        assert!(failure.to_string().contains(&format!("WORLDSTORE_CRASH_REPLAY={}", failure.replay())));
    }
}

#[test]
fn a_bug_of_recovery_is_found_by_a_second_crash() {
    // The recovery takes the file away to write it anew, and a crash between loses it.
    let work = |vfs: &SimVfs, _: &mut Random, promised: &mut bool| {
        let file = super::empty_file(vfs, "a");
        *promised = file.write_at(b"x", 0).and_then(|_| file.sync_data()).is_ok();
    };
    let recover = |vfs: &SimVfs, promised: &mut bool| {
        let root = vfs.root().map_err(|error| error.to_string())?;
        let found = text(&root, "a");
        if *promised && found.as_deref() != Some("x") {
            return Err("lost".to_owned());
        }
        if found.is_some() {
            root.remove("a").and_then(|()| root.sync()).map_err(|error| error.to_string())?;
            let again = || -> std::io::Result<()> {
                let file = root.create("a")?;
                file.write_at(b"x", 0)?;
                file.sync_data()?;
                root.sync()
            };
            again().map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    // Work that a crash stops here must not panic, so the helper is not used where one strikes.
    let careful = |vfs: &SimVfs, random: &mut Random, promised: &mut bool| {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(vfs, random, promised)));
    };
    let failure = explorer(2_000).explore(careful, recover).unwrap_err();
    assert_eq!(failure.message(), "lost");
    assert_eq!(failure.replay().split(':').count(), 5, "{failure}");
    let again = explorer(1).replaying(failure.replay()).explore(careful, recover).unwrap_err();
    assert_eq!(again.message(), "lost");
}

#[test]
fn a_panic_of_a_check_is_a_failure() {
    let failure = explorer(10).explore(|_, _, _: &mut ()| (), |_, ()| panic!("no")).unwrap_err();
    assert_eq!(failure.message(), "panicked: no");
}

#[test]
fn work_with_threads_says_that_its_order_varies() {
    let work = |vfs: &SimVfs, _: &mut Random, _: &mut ()| {
        let Ok(root) = vfs.root() else { return };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let root = &root;
                scope.spawn(move || (0..8).try_for_each(|n| root.create(&format!("{thread}-{n}")).map(drop)));
            }
        });
    };
    let varies = (0..20).any(|_| explorer(1).explore(work, |_, ()| Ok(())).unwrap().order_varies());
    assert!(varies);
}

#[test]
fn a_place_that_is_none_is_refused() {
    let failure = explorer(1).replaying("1:2").explore(|_, _, _: &mut ()| (), |_, ()| Ok(())).unwrap_err();
    assert_eq!(failure.message(), "not a place to replay: 1:2");
}
