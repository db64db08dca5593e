//! Calls that fail, disks that are full, and the end of everything.

use super::{content, empty_file, tree};
use crate::vfs::sim::{Choice, Fault, FaultKind, Operation, SimOptions, SimVfs};
use crate::vfs::{File, Folder, Vfs};

#[test]
fn the_nth_call_of_a_kind_fails_once() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    let fault = vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Write).at(2));
    file.write_at(b"1", 0).unwrap();
    assert_eq!(fault.count(), 0);
    assert_eq!(file.write_at(b"2", 0).unwrap_err().raw_os_error(), Some(28));
    file.write_at(b"3", 0).unwrap();
    assert_eq!(fault.count(), 1);
    assert_eq!(content(&vfs.root().unwrap(), "a").unwrap(), b"3");
}

#[test]
fn any_call_fails_from_then_on_until_healed() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    let fault = vfs.inject(Fault::new(FaultKind::Errno(13)).at(2).from_then_on());
    file.stat().unwrap();
    for _ in 0..3 {
        assert_eq!(file.stat().unwrap_err().raw_os_error(), Some(13));
        assert_eq!(file.write_at(b"x", 0).unwrap_err().raw_os_error(), Some(13));
    }
    assert_eq!(fault.count(), 6);
    vfs.heal();
    assert_eq!(file.stat().unwrap().length, 0);
}

#[test]
fn a_write_is_short_or_has_happened_though_it_failed() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    vfs.inject(Fault::new(FaultKind::Short(2)));
    file.stat().unwrap();
    assert_eq!(file.write_at(b"abc", 0).unwrap(), 2);
    vfs.inject(Fault::new(FaultKind::IoAfter).on(Operation::Write));
    file.write_at(b"def", 2).unwrap_err();
    assert_eq!(content(&vfs.root().unwrap(), "a").unwrap(), b"abdef");
}

#[test]
fn opening_and_making_fail_after_the_fact() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    vfs.inject(Fault::new(FaultKind::IoAfter).from_then_on());
    root.create("a").unwrap_err();
    root.open("a").unwrap_err();
    root.reopen().unwrap_err();
    vfs.heal();
    assert_eq!(content(&root, "a").unwrap(), b"");
}

#[test]
fn a_full_disk_takes_what_fits_and_gives_room_back() {
    let vfs = SimVfs::with_options(&SimOptions::default().with_capacity(10));
    let file = empty_file(&vfs, "a");
    assert_eq!(file.write_at(&[1; 8], 0).unwrap(), 8);
    assert_eq!(file.write_at(&[2; 8], 8).unwrap(), 2);
    assert_eq!(file.write_at(&[2; 8], 10).unwrap_err().raw_os_error(), Some(28));
    assert_eq!(file.write_at(&[3; 10], 0).unwrap(), 10, "what is there can be written again");
    file.set_length(4).unwrap();
    assert_eq!(vfs.used(), 4);
    file.allocate(0, 10).unwrap();
    assert_eq!(file.allocate(0, 11).unwrap_err().raw_os_error(), Some(28));
    assert_eq!(vfs.used(), 10);
    let other = empty_file(&vfs, "b");
    other.write_at(b"x", 0).unwrap_err();
    file.sync_data().unwrap();
    vfs.root().unwrap().remove("a").unwrap();
    assert_eq!(vfs.used(), 10, "it is open");
    drop(file);
    assert_eq!(vfs.used(), 0);
    assert_eq!(other.write_at(b"x", 0).unwrap(), 1);
    assert_eq!(vfs.image(Choice::Nothing).vfs.used(), 10, "the name was not durably gone");
    vfs.set_capacity(None);
    assert_eq!(other.write_at(&[1; 100], 0).unwrap(), 100);
}

#[test]
fn after_a_crash_every_call_fails_and_nothing_changes() {
    let vfs = SimVfs::new();
    let root = vfs.root().unwrap();
    let file = root.create("a").unwrap();
    vfs.crash_at(2);
    file.write_at(b"1", 0).unwrap();
    assert!(!vfs.has_crashed());
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    assert!(vfs.has_crashed());
    file.stat().unwrap_err();
    root.list().unwrap_err();
    root.create("b").unwrap_err();
    root.reopen().unwrap_err();
    vfs.root().unwrap_err();
    file.try_lock().unwrap_err();
    assert!(tree(&vfs.image(Choice::Nothing).vfs).is_empty());
    let image = vfs.image(Choice::Everything);
    assert_eq!(tree(&image.vfs).get("a").map(String::as_str), Some("1"));
    assert_eq!(vfs.operations(), 2);
    assert_eq!(image.vfs.operations(), 0);
    assert_eq!(vfs.trace().last().map(String::as_str), Some("Write a 0+1"));
}

#[test]
fn a_crash_in_the_past_is_now() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    vfs.crash_at(0);
    assert!(file.write_at(b"x", 0).is_err() && vfs.has_crashed());
}
