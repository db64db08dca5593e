//! What a failed sync of the folder leaves behind.

use crate::vfs::sim::{Fault, FaultKind, Operation, SimVfs};
use crate::wal::WalOptions;
use crate::wal::files::recover::open;

/// The system tells of a failure once. Whoever asks next must not believe that its names are durable.
#[test]
fn nobody_believes_a_sync_of_the_folder_after_one_that_failed() {
    let vfs = SimVfs::new();
    let files = open(&vfs, "log", &WalOptions::new(), 1).unwrap().files;
    files.sync_folder("one").unwrap();
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder).at(1));
    assert!(files.sync_folder("two").is_err());
    assert!(files.sync_folder("three").is_err());
}
