//! Power cuts and failing disks at every call of an import: the state is there wholly, or not at all, and a later import
//! succeeds.

use super::random::build;
use super::travel::{export, root};
use super::*;
use crate::Local;
use crate::backend::Backend;
use crate::blocks::Hash;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::ops::{Durability, WriteOptions};
use crate::vfs::sim::{Explorer, Random, SimVfs};

/// An archive, and what it means.
struct Sent {
    archive: Vec<u8>,
    content: Hash,
}

impl Sent {
    fn new() -> Self {
        let files = [("a".to_owned(), b"file".to_vec())];
        let entry = (files.into(), vec![b"block".to_vec()], 1);
        let (archive, exported) = export(&build(&[("e".to_owned(), entry)].into(), 100), &Which::Newest);
        Self { archive, content: exported.content }
    }

    fn import(&self, vfs: &SimVfs, seed: u64) -> Result<Snapshots> {
        let backend: Arc<dyn Backend> = Arc::new(Local::on(vfs.clone())?);
        let clock = Arc::new(ManualWallClock::new(1_000));
        let options = ManifestOptions::default().with_seed(seed).with_clock(clock).with_settle_attempts(3);
        let options = ImportOptions::default().with_manifests(options);
        Ok(Snapshots::import(backend, root(), &self.archive[..], &options)?.0)
    }

    /// Looks at what is there: what was acknowledged is whole, and what is not there can be imported.
    fn check(&self, vfs: &SimVfs, promised: &mut Promised) -> Result<(), String> {
        if vfs.has_crashed() {
            return Ok(());
        }
        promised.checks += 1;
        match self.settle(vfs, promised) {
            // Its own power cut, which is looked at next.
            Err(_) if vfs.has_crashed() => Ok(()),
            settled => settled.map_err(|error| format!("{error:?}, promised: {promised:?}")),
        }
    }

    fn settle(&self, vfs: &SimVfs, promised: &mut Promised) -> Result<()> {
        let backend: Arc<dyn Backend> = Arc::new(Local::on(vfs.clone())?);
        let there = match Manifests::open(backend, root(), ManifestOptions::default()) {
            Ok(manifests) => Some(Snapshots::new(manifests)),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        let there = match there {
            Some(snapshots) if !snapshots.manifest(&Which::Newest)?.entries.is_empty() => snapshots,
            _ if promised.acknowledged => return Err(Error::unexpected("what was acknowledged is not there")),
            _ => match self.import(vfs, 100 + promised.checks) {
                // What the power cut has left of a file that was never synced is not this state's.
                Err(error) if promised.torn && error.kind() == ErrorKind::AlreadyExists => return Ok(()),
                imported => {
                    promised.acknowledged = imported.is_ok();
                    imported?
                }
            },
        };
        let verified = there.verify_all()?;
        match verified.damage.first() {
            Some(damage) => Err(Error::unexpected("damage").with("first", format!("{damage:?}"))),
            None if there.describe(&Which::Newest)?.content != self.content => {
                Err(Error::unexpected("another content"))
            }
            None => Ok(()),
        }
    }
}

/// What was promised.
#[derive(Debug, Clone, Default)]
struct Promised {
    /// An import has succeeded.
    acknowledged: bool,
    /// There may be a part of a file in the way.
    torn: bool,
    checks: u64,
}

#[test]
fn power_cuts_at_every_call_of_an_import() {
    let sent = Sent::new();
    let run =
        |vfs: &SimVfs, _: &mut Random, promised: &mut Promised| promised.acknowledged = sent.import(vfs, 1).is_ok();
    let report = Explorer::new("snapshot::tests::crashes::power_cuts", 200)
        .explore(run, |vfs, promised| sent.check(vfs, promised));
    assert!(report.unwrap().images() >= 100);
}

#[test]
fn failing_disks_at_every_call_of_an_import() {
    let sent = Sent::new();
    let run =
        |vfs: &SimVfs, _: &mut Random, promised: &mut Promised| promised.acknowledged = sent.import(vfs, 1).is_ok();
    let explorer = Explorer::new("snapshot::tests::crashes::failing_disks", 1_500);
    let report = explorer.explore_faults(run, |vfs, promised| sent.check(vfs, promised));
    assert!(report.unwrap().faults().1 > 0);
}

#[test]
fn a_file_that_is_there_already_is_made_durable() {
    let sent = Sent::new();
    let run = |vfs: &SimVfs, _: &mut Random, promised: &mut Promised| {
        // Someone was killed who had not synced it: it can be seen, and a power cut may take it away.
        let written = Local::on(vfs.clone()).and_then(|local| {
            let options = WriteOptions::default().with_durability(Durability::None);
            local.write(&Key::new("e/0/a").unwrap(), "file".into(), &options)
        });
        promised.torn = true;
        promised.acknowledged = written.is_ok() && sent.import(vfs, 1).is_ok();
    };
    let explorer = Explorer::fixed("snapshot::tests::crashes::a_file_that_is_there", 100);
    let report = explorer.explore(run, |vfs, promised| sent.check(vfs, promised));
    assert!(report.unwrap().images() >= 50);
}
