//! Metadata against what the standard library says of the same file.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use super::*;
use crate::vfs::{Folder, OsVfs, Vfs};

#[test]
fn a_version_has_the_numbers_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("a")).unwrap();
    let root = OsVfs::open(folder.path()).unwrap().root().unwrap();
    let times = [(0, 0), (1_700_000_000, 999_999_999), (-1, 5), (-1_000_000_000, 1), (0x10, 0x0f)];
    for (seconds, nanoseconds) in times {
        file.set_len(seconds as u64 & 0xff).unwrap();
        file.set_modified(system_time((seconds, nanoseconds)).unwrap()).unwrap();
        let metadata = file.metadata().unwrap();
        let meta = meta_of(Key::new("a").unwrap(), &root.stat("a").unwrap());
        let expected = format!(
            "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
            metadata.ino(),
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        );
        assert_eq!(meta.version.unwrap().as_str(), expected);
        assert_eq!(meta.modified.unwrap(), metadata.modified().unwrap());
        assert_eq!(meta.size, metadata.len());
    }
}
