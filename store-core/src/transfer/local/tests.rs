//! What a download leaves behind when its process is gone, and what it must not leave.

use super::*;
use crate::key::Key;
use crate::ops::Version;
use crate::transfer::Resume;

fn source(bytes: u64) -> ObjectMeta {
    ObjectMeta::new(Key::new("a").unwrap(), bytes).with_version(Version::new("7"))
}

#[test]
fn what_is_there_is_noted_down_now_and_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let options = TransferOptions::default().with_resume(Resume::Continue).with_durability(Durability::None);
    let mut target = LocalTarget::begin(&path, &options, Some(&source(40 << 20))).unwrap();
    let chunk = Bytes::from(vec![3; 1 << 20]);
    let mut checksum = Crc32c::new();
    let mut append = |target: &mut LocalTarget| {
        checksum.update(&chunk);
        target.append(&chunk, checksum).unwrap();
    };
    for _ in 0..31 {
        append(&mut target);
    }
    assert_eq!(Pin::load(&pin_path(&path)).unwrap(), None);
    append(&mut target);
    append(&mut target);
    let noted = Pin::load(&pin_path(&path)).unwrap().unwrap();
    assert_eq!(noted.done, CHECKPOINT_BYTES, "what a process that is killed here leaves");
    let busy = LocalTarget::begin(&path, &options, Some(&source(40 << 20))).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Conflict);
    drop(target);
    assert_eq!(LocalTarget::begin(&path, &options, Some(&source(40 << 20))).unwrap().resumed_bytes(), 33 << 20);
}

#[test]
fn what_is_damaged_on_its_way_to_the_disk_gets_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let options = TransferOptions::default().with_verify(Verify::ReadBack);
    for source in [None, Some(source(5))] {
        let mut target = LocalTarget::begin(&path, &options, source.as_ref()).unwrap();
        target.append(&Bytes::from_static(b"right"), Crc32c::of(b"right")).unwrap();
        target.checkpoint().unwrap();
        fs::write(&target.temp, b"wrong").unwrap();
        assert_eq!(target.publish().unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(!path.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing to go on with");
    }
}

#[test]
fn new_folders_are_synced_with_the_one_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/file");
    let folders = make_folders(&path).unwrap();
    assert_eq!(folders, [folder.path().join("a/b"), folder.path().join("a"), folder.path().to_owned()]);
    assert_eq!(make_folders(&path).unwrap(), [folder.path().join("a/b")]);
    assert_eq!(make_folders(Path::new("file")).unwrap(), [Path::new(".")]);
}

#[cfg(unix)]
#[test]
fn a_file_that_has_its_name_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, b"published").unwrap();
    // A download that was killed just after it had given the file its name.
    fs::hard_link(&path, beside(&path, ".worldstore-part")).unwrap();
    let options = TransferOptions::default().with_resume(Resume::Continue);
    let target = LocalTarget::begin(&path, &options, Some(&source(9))).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"published");
    drop(target);
    assert_eq!(fs::read(&path).unwrap(), b"published");
}

#[test]
fn what_fails_behind_the_name_does_not_say_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let options = TransferOptions::default().with_resume(Resume::Continue);
    let mut target = LocalTarget::begin(&path, &options, Some(&source(5))).unwrap();
    target.append(&Bytes::from_static(b"right"), Crc32c::of(b"right")).unwrap();
    fs::create_dir(pin_path(&path)).unwrap();
    assert_eq!(target.publish().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(fs::read(&path).unwrap(), b"right");
}
