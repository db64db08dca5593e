//! What has gone wrong in other logs, each by name.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::{Choice, Fault, FaultKind, Operation, SimOptions, SimVfs};
use worldstore_core::vfs::{File, Folder, OsVfs, Vfs};
use worldstore_core::wal::{OverBudget, RecordKind, SegmentState, Wal, WalOptions, WalReader, salvage};

use super::history::PATH;
use super::{fill, records, segments, small};

fn file(vfs: &SimVfs, name: &str) -> impl File + use<> {
    vfs.root().unwrap().open_folder(PATH).unwrap().open_writable(name).unwrap()
}

fn kind<T>(outcome: worldstore_core::Result<T>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

/// A log of nine records in several segments, closed or not.
fn nine(close: bool) -> SimVfs {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&wal, 9);
    match close {
        true => wal.close().unwrap(),
        false => {
            let image = vfs.image(Choice::Nothing).vfs;
            drop(wal);
            return image;
        }
    }
    vfs
}

/// Trap 13: what is appended behind a torn tail is lost with it at the next opening.
#[test]
fn a_torn_tail_is_cut_before_anything_is_appended() {
    let vfs = nine(false);
    let last = segments(&vfs, PATH).pop().unwrap();
    let report = WalReader::open(&vfs, PATH).unwrap().verify().unwrap();
    let end = report.segments.last().unwrap().end;
    // The beginning of a record, as a crash leaves it.
    file(&vfs, &last).write_at(&[7; 700], end).unwrap();
    let report = WalReader::open(&vfs, PATH).unwrap().verify().unwrap();
    assert_eq!(report.segments.last().unwrap().state, SegmentState::Torn);
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    let cut = recovery.cut.unwrap();
    assert_eq!((cut.segment, cut.offset, cut.bytes), (last, end, 700));
    // The cut is durable before the first append.
    let image = vfs.image(Choice::Nothing).vfs;
    assert_eq!(WalReader::open(&image, PATH).unwrap().verify().unwrap().segments.last().unwrap().torn_bytes, 0);
    assert_eq!(wal.append_durable(RecordKind::DATA, "ten").unwrap(), 10);
    let image = vfs.image(Choice::Nothing).vfs;
    let (wal, recovery) = Wal::open(&image, PATH, small()).unwrap();
    assert_eq!((recovery.cut, recovery.last), (None, 10));
    assert_eq!(records(&wal).last().unwrap().1, "ten");
}

/// Trap 13: zeros are what was never written.
#[test]
fn a_zero_filled_tail_is_no_record() {
    let (wal, recovery) = Wal::open(&nine(false), PATH, small()).unwrap();
    assert_eq!((recovery.cut, recovery.records, recovery.clean), (None, 9, false));
    assert_eq!(records(&wal).len(), 9);
}

/// A record that is damaged and has valid ones behind it was acknowledged: nothing is cut to get past it.
#[test]
fn damage_before_valid_records_is_refused_and_left_alone() {
    for (segment, offset) in [(0, 64 + 40), (0, 64 + 1032 + 8), (2, 64 + 600)] {
        let vfs = nine(false);
        let name = segments(&vfs, PATH).remove(segment);
        file(&vfs, &name).write_at(&[0xaa], offset).unwrap();
        let before = content(&vfs, &name);
        let error = Wal::open(&vfs, PATH, small()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.context().any(|(key, value)| key == "file" && value == name), "{error}");
        assert!(error.context().any(|(key, _)| key == "offset"), "{error}");
        assert_eq!(content(&vfs, &name), before);
        let reader = WalReader::open(&vfs, PATH).unwrap();
        assert_eq!(kind(reader.verify()), Some(ErrorKind::Corrupt));
    }
}

/// In the last segment too, if a later group proves that the record was durable.
#[test]
fn damage_in_the_last_segment_is_refused() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small().with_segment_bytes(1 << 16)).unwrap();
    fill(&wal, 5);
    let vfs = vfs.image(Choice::Nothing).vfs;
    let name = segments(&vfs, PATH).remove(0);
    file(&vfs, &name).write_at(&[0xaa], 64 + 1032 * 2 + 100).unwrap();
    assert_eq!(kind(Wal::open(&vfs, PATH, small())), Some(ErrorKind::Corrupt));
}

/// A group is written with one sync: what a crash tears out of its middle was not acknowledged.
#[test]
fn a_group_that_is_torn_in_its_middle_is_a_torn_tail() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small().with_segment_bytes(1 << 16)).unwrap();
    fill(&wal, 2);
    let group: Vec<_> = (0..3).map(|_| wal.append(RecordKind::DATA, vec![5; 1000]).unwrap()).collect();
    group.last().unwrap().wait().unwrap();
    let vfs = vfs.image(Choice::Nothing).vfs;
    let name = segments(&vfs, PATH).remove(0);
    file(&vfs, &name).write_at(&[0; 512], 64 + 1032 * 2).unwrap();
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!((recovery.last, recovery.cut.unwrap().offset), (2, 64 + 1032 * 2));
    assert_eq!(records(&wal).len(), 2);
}

/// Sequence numbers are dense: a segment that is missing is damage.
#[test]
fn a_gap_is_damage() {
    let vfs = nine(true);
    let names = segments(&vfs, PATH);
    vfs.root().unwrap().open_folder(PATH).unwrap().remove(&names[1]).unwrap();
    assert_eq!(kind(Wal::open(&vfs, PATH, small())), Some(ErrorKind::Corrupt));
}

/// A log beside a store that was made anew must not replay.
#[test]
fn a_segment_of_another_log_is_refused() {
    let (vfs, other) = (nine(true), nine(true));
    let name = segments(&other, PATH).pop().unwrap();
    let bytes = content(&other, &name);
    let target = file(&vfs, &name);
    target.set_length(0).unwrap();
    target.write_at(&bytes, 0).unwrap();
    assert_eq!(kind(Wal::open(&vfs, PATH, small())), Some(ErrorKind::Corrupt));
}

/// Trap 14: a sync that succeeds after one that failed proves nothing.
#[test]
fn a_failed_sync_poisons_until_the_log_is_opened_again() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small().with_segment_bytes(1 << 16)).unwrap();
    fill(&wal, 2);
    let failed = vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncData));
    let (one, two) = (wal.append(RecordKind::DATA, "a").unwrap(), wal.append(RecordKind::DATA, "b").unwrap());
    assert_eq!(kind(one.wait()), Some(ErrorKind::Poisoned));
    assert_eq!(kind(two.wait()), Some(ErrorKind::Poisoned));
    assert_eq!(failed.count(), 1);
    assert_eq!(kind(wal.append(RecordKind::DATA, "c")), Some(ErrorKind::Poisoned));
    assert_eq!(kind(wal.wait_durable(3)), Some(ErrorKind::Poisoned));
    assert_eq!(kind(wal.replay(3)), Some(ErrorKind::Invalid));
    assert_eq!((wal.durable(), records(&wal).len()), (2, 2));
    assert_eq!(kind(wal.close()), Some(ErrorKind::Poisoned));
    // The system still shows what is not on the disk. What is found is made durable before it is told.
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!(recovery.last, 4);
    for number in 0..40 {
        let image = vfs.image(Choice::nth(1, 0, number)).vfs;
        assert_eq!(Wal::open(&image, PATH, small()).unwrap().1.last, 4);
    }
    assert_eq!(wal.append_durable(RecordKind::DATA, "c").unwrap(), 5);
}

/// Trap 14: a name whose folder failed to sync is seen, and may go.
#[test]
fn a_failed_sync_of_the_folder_poisons() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&wal, 3);
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder));
    assert_eq!(kind(wal.append_durable(RecordKind::DATA, vec![0; 1000])), Some(ErrorKind::Poisoned));
    drop(wal);
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!(recovery.last, 3);
    fill(&wal, 1);
    for number in 0..40 {
        let image = vfs.image(Choice::nth(1, 0, number)).vfs;
        assert_eq!(Wal::open(&image, PATH, small()).unwrap().1.last, 4);
    }
}

/// A name that was removed and may come back: no other goes before it is known to be gone.
#[test]
fn a_failed_trim_poisons() {
    // The first sync is that of the floor: nothing is removed before. The second is that of a removal.
    for (call, left) in [(1, 3), (2, 2)] {
        let vfs = nine(true);
        let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
        vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncFolder).at(call));
        assert_eq!(kind(wal.trim(9)), Some(ErrorKind::Poisoned));
        assert_eq!(kind(wal.append(RecordKind::DATA, "x")), Some(ErrorKind::Poisoned));
        assert_eq!(segments(&vfs, PATH).len(), left);
        // Another trim has nothing to say any more: it would take the floor of this one away.
        assert_eq!(kind(wal.trim(9)), Some(ErrorKind::Poisoned));
        assert_eq!(segments(&vfs, PATH).len(), left);
        drop(wal);
        for number in 0..40 {
            let image = vfs.image(Choice::nth(1, 0, number)).vfs;
            assert_eq!(Wal::open(&image, PATH, small()).unwrap().1.last, 9);
        }
    }
}

/// Trap 14: a segment whose removal was never made durable, by a writer whose failure nobody remembers, comes back after
/// later ones were trimmed. It does not count.
#[test]
fn a_segment_that_comes_back_after_a_later_trim_does_not_count() {
    let vfs = nine(true);
    let folder = vfs.root().unwrap().open_folder(PATH).unwrap();
    let floors = || folder.list().unwrap().into_iter().filter(|entry| entry.name.ends_with(".floor")).count();
    let oldest = segments(&vfs, PATH).remove(0);
    let mut bytes = vec![0; file(&vfs, &oldest).stat().unwrap().length as usize];
    assert_eq!(file(&vfs, &oldest).read_at(&mut bytes, 0).unwrap(), bytes.len());

    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    assert!(wal.trim(9).unwrap().segments > 0);
    let first = wal.first();
    drop(wal);
    assert_eq!(floors(), 1);
    folder.create(&oldest).unwrap().write_all_at(&bytes, 0).unwrap();
    assert_eq!(WalReader::open(&vfs, PATH).unwrap().verify().unwrap().first(), first);
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!((recovery.first, recovery.last), (first, 9));
    assert_eq!(recovery.superseded, [oldest]);
    assert_eq!(floors(), 0, "the mark says it from here on");
    drop(wal);
}

/// Trap 15: a full disk refuses records before they are acknowledged, keeps what is there, and trimming helps.
#[test]
fn a_full_disk_refuses_and_heals() {
    let vfs = SimVfs::with_options(&SimOptions::default().with_capacity(20_000));
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    let mut kept = 0;
    let error = loop {
        match wal.append_durable(RecordKind::DATA, vec![kept as u8; 1000]) {
            Ok(seq) => kept = seq,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert!(kept > 8);
    assert_eq!(kind(wal.append(RecordKind::DATA, "x")), Some(ErrorKind::StorageFull));
    assert_eq!((wal.last(), wal.durable(), records(&wal).len() as u64), (kept, kept, kept));
    // What was refused is nowhere, now or later.
    let image = vfs.image(Choice::Everything).vfs;
    assert_eq!(Wal::open(&image, PATH, small()).unwrap().1.last, kept);
    // The disk is still full when the log is opened again; reading and trimming need no room.
    drop(wal);
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!(recovery.last, kept);
    assert!(wal.trim(kept).unwrap().segments > 0);
    fill(&wal, 2);
    assert_eq!(wal.durable(), kept + 2);
}

/// On a disk that is nearly full, a log that was opened for a few records leaves the room to others.
#[test]
fn a_log_that_holds_little_reserves_nothing_ahead() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, WalOptions::new()).unwrap();
    fill(&wal, 3);
    // Time for the thread that prepares segments, which would have taken it.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let entries = vfs.root().unwrap().open_folder(PATH).unwrap().list().unwrap();
    let large = entries.iter().filter(|entry| file(&vfs, &entry.name).stat().unwrap().length >= 1 << 20).count();
    assert_eq!(large, 1, "{entries:?}");
}

/// Trap 15: room that runs out while a group is written.
#[test]
fn a_group_without_room_is_taken_back() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small().with_segment_bytes(1 << 16)).unwrap();
    fill(&wal, 2);
    vfs.inject(Fault::new(FaultKind::Short(700)).on(Operation::Write));
    vfs.inject(Fault::new(FaultKind::NoSpace).on(Operation::Write).at(2));
    let lost = wal.append(RecordKind::DATA, vec![1; 1000]).unwrap();
    assert_eq!(kind(lost.wait()), Some(ErrorKind::StorageFull));
    assert_eq!(Wal::open(&vfs.image(Choice::Everything).vfs, PATH, small()).unwrap().1.last, 2);
    // Now there is room again, and the number is given again.
    wal.room(1).unwrap().wait().unwrap();
    assert_eq!(wal.append_durable(RecordKind::DATA, "a").unwrap(), 3);
    assert_eq!(Wal::open(&vfs.image(Choice::Nothing).vfs, PATH, small()).unwrap().1.last, 3);
}

/// All that trimming leaves is never nothing: a log without segments has lost them.
#[test]
fn segments_that_are_all_missing_are_damage() {
    let vfs = nine(true);
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    wal.trim(9).unwrap();
    wal.close().unwrap();
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert!(recovery.first > 1 && recovery.last == 9);
    wal.close().unwrap();
    let folder = vfs.root().unwrap().open_folder(PATH).unwrap();
    segments(&vfs, PATH).iter().for_each(|name| folder.remove(name).unwrap());
    assert_eq!(kind(Wal::open(&vfs, PATH, small())), Some(ErrorKind::Corrupt));
}

/// A waker that owns the log and is the last to hold it.
#[test]
fn the_last_handle_may_go_in_the_thread_that_writes() {
    struct Owner(std::sync::Mutex<Option<Wal>>, std::sync::mpsc::Sender<()>);
    impl std::task::Wake for Owner {
        fn wake(self: std::sync::Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path()).unwrap();
    let (wal, _) = Wal::open(&vfs, "log", WalOptions::new()).unwrap();
    let (sender, woken) = std::sync::mpsc::channel();
    let mut appended = wal.append(RecordKind::DATA, "last").unwrap();
    let waker = Waker::from(std::sync::Arc::new(Owner(std::sync::Mutex::new(Some(wal)), sender)));
    if Pin::new(&mut appended).poll(&mut Context::from_waker(&waker)).is_pending() {
        woken.recv().unwrap();
    }
    drop(waker);
    let opened = std::iter::from_fn(|| Some(Wal::open(&vfs, "log", WalOptions::new())));
    // It is closed behind our back.
    let (_, recovery) = opened.flat_map(Result::ok).next().unwrap();
    assert_eq!(recovery.last, 1);
}

/// Trap 16: whoever goes away changes nothing.
#[test]
fn records_of_callers_who_went_away_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path()).unwrap();
    let (wal, _) = Wal::open(&vfs, "log", WalOptions::new()).unwrap();
    for _ in 0..50 {
        drop(wal.append(RecordKind::DATA, "dropped").unwrap());
        let mut polled = wal.append(RecordKind::DATA, "polled").unwrap();
        let polled = Pin::new(&mut polled).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending | Poll::Ready(Ok(_))));
    }
    wal.wait_durable(100).unwrap();
    assert_eq!(records(&wal).len(), 100);
    drop(wal.append(RecordKind::DATA, "last").unwrap());
    // Dropping the log drains it.
    drop(wal);
    assert_eq!(Wal::open(&vfs, "log", WalOptions::new()).unwrap().1.last, 101);
}

/// Trap 18: files of others are left alone.
#[test]
fn unknown_names_are_ignored() {
    let vfs = nine(true);
    let folder = vfs.root().unwrap().open_folder(PATH).unwrap();
    for name in ["notes", "1.wal", "00000000000000000001.wal", ".hidden"] {
        folder.create(name).unwrap();
    }
    folder.make_folder("00000000000000000001-00000000000000000009.wal").unwrap();
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!(recovery.records, 9);
    wal.trim(9).unwrap();
    assert!(folder.stat("notes").is_ok() && folder.stat("1.wal").is_ok());
}

/// Trap 20: a segment that is read is not cut from under its reader.
#[test]
fn a_replay_goes_on_in_a_segment_that_is_trimmed() {
    let vfs = nine(true);
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    let mut replay = wal.replay(0).unwrap();
    assert_eq!(replay.next().unwrap().unwrap().seq, 1);
    let trimmed = wal.trim(9).unwrap();
    assert_eq!((trimmed.first, trimmed.segments), (wal.first(), 2));
    assert_eq!(replay.next().unwrap().unwrap().seq, 2);
    // The segments behind are gone: an error, and no silent end.
    assert_eq!(replay.by_ref().find_map(kind), Some(ErrorKind::NotFound));
    assert!(replay.next().is_none());
    assert_eq!(kind(wal.replay(0)), Some(ErrorKind::NotFound));
    assert!(wal.replay(wal.first() - 1).unwrap().all(|record| record.is_ok()));
}

/// Lengths are tested when a record is appended, and again before memory is taken for it.
#[test]
fn lengths_are_limited_on_both_ways() {
    let vfs = nine(false);
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!(kind(wal.append(RecordKind::DATA, Bytes::from(vec![0; (256 << 20) + 1]))), Some(ErrorKind::Invalid));
    let options = small().with_queue_bytes(1000);
    drop(wal);
    let (wal, _) = Wal::open(&vfs, PATH, options).unwrap();
    assert_eq!(kind(wal.append(RecordKind::DATA, vec![0; 1000])), Some(ErrorKind::Invalid));
    wal.append_durable(RecordKind::DATA, vec![0; 900]).unwrap();
    let vfs = vfs.image(Choice::Nothing).vfs;
    let name = segments(&vfs, PATH).pop().unwrap();
    file(&vfs, &name).write_at(&u32::MAX.to_le_bytes(), 64).unwrap();
    // The only record of the last segment: nothing tells it from one that was torn.
    assert_eq!(Wal::open(&vfs, PATH, small()).unwrap().1.last, 9);
}

#[test]
fn a_trim_of_everything_leaves_a_segment_without_records() {
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&wal, 3);
    let before = wal.stats().retained_bytes;
    assert_eq!(wal.trim(2).unwrap().segments, 0, "the last one holds record 3");
    let trimmed = wal.trim(3).unwrap();
    assert_eq!((trimmed.first, trimmed.segments, trimmed.bytes), (4, 1, before));
    assert_eq!((wal.stats().segments, wal.stats().retained_bytes), (1, 0));
    assert_eq!(wal.trim(3).unwrap().segments, 0, "an empty one is kept");
    fill(&wal, 1);
    drop(wal);
    let vfs = vfs.image(Choice::Nothing).vfs;
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!((recovery.first, recovery.last, recovery.records), (4, 4, 1));
    fill(&wal, 1);
    assert_eq!(wal.last(), 5);
}

#[test]
fn budgets_refuse_and_never_drop() {
    let vfs = SimVfs::new();
    let options = small().with_queue_bytes(3000).with_over_budget(OverBudget::Refuse);
    let (wal, _) = Wal::open(&vfs, PATH, options).unwrap();
    let one = wal.append(RecordKind::DATA, vec![1; 1000]).unwrap();
    let two = wal.append(RecordKind::DATA, vec![2; 1000]).unwrap();
    assert_eq!(kind(wal.append(RecordKind::DATA, vec![3; 1000])), Some(ErrorKind::Unavailable));
    assert_eq!((one.wait().unwrap(), two.wait().unwrap()), (1, 2));
    assert_eq!(wal.append_durable(RecordKind::DATA, vec![3; 1000]).unwrap(), 3);
    drop(wal);
    let options = small().with_log_bytes(6000).with_over_budget(OverBudget::Refuse);
    let (wal, _) = Wal::open(&vfs, PATH, options).unwrap();
    fill(&wal, 2);
    assert_eq!(kind(wal.append(RecordKind::DATA, vec![3; 1000])), Some(ErrorKind::Unavailable));
    assert_eq!(wal.trim(3).unwrap().segments, 1);
    fill(&wal, 1);
    assert_eq!(wal.stats().retained_bytes, 3 * 1032);
}

#[test]
fn what_can_be_read_is_salvaged_with_its_numbers() {
    let vfs = nine(false);
    let names = segments(&vfs, PATH);
    file(&vfs, &names[0]).write_at(&[0xaa], 64 + 1032 + 500).unwrap();
    file(&vfs, &names[1]).write_at(&[0xaa], 10).unwrap();
    let target = SimVfs::new();
    let report = salvage(&vfs, PATH, &target, "copy").unwrap();
    assert_eq!((report.records.clone(), report.copied, &report.lost[..]), (Some(1..=9), 5, &[2..=2, 4..=6][..]));
    assert_eq!(report.damage.len(), 2, "{:?}", report.damage);
    let (wal, recovery) = Wal::open(&target, "copy", small()).unwrap();
    assert_eq!((recovery.first, recovery.last, recovery.records), (1, 9, 5));
    assert_eq!(recovery.lost, report.lost);
    let kept: Vec<_> = records(&wal).into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(kept, [1, 3, 7, 8, 9]);
    assert_eq!(wal.append_durable(RecordKind::DATA, "ten").unwrap(), 10);
    assert_eq!(kind(salvage(&vfs, PATH, &target, "copy")), Some(ErrorKind::AlreadyExists));
    assert_eq!(kind(Wal::open(&vfs, PATH, small())), Some(ErrorKind::Corrupt));
}

fn content(vfs: &SimVfs, name: &str) -> Vec<u8> {
    let file = file(vfs, name);
    let mut bytes = vec![0; file.stat().unwrap().length as usize];
    let count = file.read_at(&mut bytes, 0).unwrap();
    assert_eq!(count, bytes.len());
    bytes
}

/// Trap: what a log keeps only because its last segment stays takes no room from a budget, or nobody could append any more.
#[test]
fn a_log_that_may_forget_everything_has_room() {
    let options = || small().with_log_bytes(6_000).with_over_budget(OverBudget::Refuse);
    let vfs = SimVfs::new();
    let (wal, _) = Wal::open(&vfs, PATH, options()).unwrap();
    wal.append_durable(RecordKind::DATA, vec![1; 5_000]).unwrap();
    drop(wal);
    let (wal, _) = Wal::open(&vfs, PATH, options()).unwrap();
    assert_eq!(kind(wal.append(RecordKind::DATA, vec![2; 1_000])), Some(ErrorKind::Unavailable));
    wal.trim(1).unwrap();
    assert_eq!(wal.append_durable(RecordKind::DATA, vec![2; 1_000]).unwrap(), 2);
    // That one may not go, and counts.
    assert_eq!(kind(wal.append(RecordKind::DATA, vec![3; 5_000])), Some(ErrorKind::Unavailable));
}

/// Trap: whoever appends while a panic unwinds its thread has not panicked in the log.
#[test]
fn a_thread_that_unwinds_may_append() {
    struct Appends<'wal>(&'wal Wal);
    impl Drop for Appends<'_> {
        fn drop(&mut self) {
            self.0.append_durable(RecordKind::DATA, "x").unwrap();
        }
    }
    let (wal, _) = Wal::open(&SimVfs::new(), PATH, small()).unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _appends = Appends(&wal);
        std::panic::resume_unwind(Box::new("no message"));
    }));
    assert!(unwound.is_err());
    assert_eq!(wal.append_durable(RecordKind::DATA, "y").unwrap(), 2);
}
