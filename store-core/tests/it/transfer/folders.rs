//! One folder made like another.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use worldstore_core::transfer::{
    BatchOptions, BatchResult, Compare, EmptySource, Extras, OnError, Run, SyncOptions, SyncReport, TransferOptions,
};
use worldstore_core::{ErrorKind, Memory, Missing, Store, WriteOptions};

use super::broken::Broken;
use super::{content, for_each_store, kind, memory};

fn steps(report: &SyncReport) -> Vec<String> {
    report.steps.iter().map(|step| format!("{:?} {} {}", step.action, step.path, step.bytes)).collect()
}

fn mirror() -> SyncOptions {
    SyncOptions::default().with_compare(Compare::Content).with_extras(Extras::Delete)
}

#[test]
fn what_differs_is_copied_and_extras_go_when_asked() {
    for_each_store(|target| {
        let source = memory();
        for (key, text) in
            [("in/new", "1"), ("in/deep/er/new", "22"), ("in/same", "3"), ("in/changed", "4"), ("out", "5")]
        {
            source.write(key, text).unwrap();
        }
        for (key, text) in [("to/same", "3"), ("to/changed", "x"), ("to/extra", "123"), ("other", "6")] {
            target.write(key, text).unwrap();
        }
        let planned = source.sync_folder("in", target, "to", &mirror().with_run(Run::Dry)).unwrap();
        assert_eq!(
            steps(&planned),
            ["CopyChanged changed 1", "CopyNew deep/er/new 2", "CopyNew new 1", "Delete extra 3"]
        );
        assert_eq!((planned.unchanged, planned.skipped(), planned.copied()), (1, 4, 0));
        assert_eq!(target.read_text("to/changed").unwrap(), "x", "a dry run changes nothing");

        let kept = source.sync_folder("in", target, "to", &mirror().with_extras(Extras::Keep)).unwrap();
        assert_eq!((kept.copied(), kept.copied_bytes(), kept.deleted(), kept.unchanged), (3, 4, 0, 1));
        let done = source.sync_folder("in", target, "to", &mirror()).unwrap();
        assert_eq!((done.copied(), done.deleted(), done.unchanged, done.failures().count()), (0, 1, 4, 0));
        let expected =
            [("other", "6"), ("to/changed", "4"), ("to/deep/er/new", "22"), ("to/new", "1"), ("to/same", "3")];
        assert_eq!(content(target), expected.map(|(key, text)| (key.to_owned(), text.to_owned())));
        assert!(source.sync_folder("in", target, "to", &mirror()).unwrap().steps.is_empty());
    });
}

#[test]
fn each_comparison_finds_what_it_says() {
    let (source, target) = (memory(), memory());
    source.write("size", "1").unwrap();
    source.write("bytes", "1").unwrap();
    target.write("size", "22").unwrap();
    target.write("bytes", "2").unwrap();
    let differs = |compare: Compare| -> Vec<String> {
        let options = SyncOptions::default().with_compare(compare).with_run(Run::Dry);
        let report = source.sync_folder("", &target, "", &options).unwrap();
        report.steps.into_iter().map(|step| step.path).collect()
    };
    assert_eq!(differs(Compare::Size), ["size"]);
    assert_eq!(differs(Compare::SizeAndTime), ["size"], "the target was written later");
    assert_eq!(differs(Compare::Content), ["bytes", "size"]);
    std::thread::sleep(std::time::Duration::from_millis(5));
    source.write_with("bytes", "3", &WriteOptions::default()).unwrap();
    assert_eq!(differs(Compare::SizeAndTime), ["bytes", "size"], "the source was written later");
    assert_eq!(differs(Compare::SizeAndVersion), ["bytes", "size"]);
    let own = SyncOptions::default().with_compare(Compare::SizeAndVersion).with_run(Run::Dry);
    let view = Store::new(Arc::clone(source.backend()));
    assert_eq!(kind(source.sync_folder("", &view, "some/root", &own)), ErrorKind::Invalid, "the same folder");
}

#[test]
fn nothing_is_deleted_before_all_copies_have_succeeded() {
    let source = memory();
    source.write("a", "1").unwrap();
    source.write("bad", "2").unwrap();
    source.write("c", "3").unwrap();
    let target = Store::new(Arc::new(Broken { refuses: Some("bad"), ..Broken::default() }));
    target.write("extra", "4").unwrap();
    let report = source.sync_folder("", &target, "", &mirror()).unwrap();
    let failures: Vec<_> = report.failures().map(|(step, error)| (step.path.as_str(), error.kind())).collect();
    assert_eq!(failures, [("bad", ErrorKind::StorageFull)]);
    assert_eq!((report.copied(), report.deleted(), report.skipped()), (2, 0, 1));
    assert_eq!(target.read_text("extra").unwrap(), "4");

    target.delete("c", Missing::Refuse).unwrap();
    let stop = BatchOptions::default().with_concurrency(1).with_on_error(OnError::Stop);
    let report = source.sync_folder("", &target, "", &mirror().with_batch(stop)).unwrap();
    assert_eq!((report.copied(), report.skipped()), (0, 2));
    assert!(matches!(report.results[1], BatchResult::Skipped), "a stop leaves the rest undone");
}

#[test]
fn mistakes_are_refused() {
    let (source, target) = (memory(), memory());
    target.write("kept/a", "1").unwrap();
    assert_eq!(kind(source.sync_folder("gone", &target, "kept", &mirror())), ErrorKind::ConditionFailed);
    assert!(target.exists("kept/a").unwrap());
    assert!(source.sync_folder("gone", &target, "kept", &SyncOptions::default()).unwrap().steps.is_empty());
    let allowed = mirror().with_empty_source(EmptySource::Allow);
    assert_eq!(source.sync_folder("gone", &target, "kept", &allowed).unwrap().deleted(), 1);

    source.write("a/b/c", "1").unwrap();
    for (from, to) in [("a", "a/b"), ("a/b", "a"), ("a", "a"), ("", "a"), ("a", "")] {
        assert_eq!(kind(source.sync_folder(from, &source, to, &mirror())), ErrorKind::Invalid, "{from} {to}");
    }
    assert_eq!(source.sync_folder("a", &source, "ab", &mirror()).unwrap().copied(), 1, "a name that begins alike");
    let conditioned = SyncOptions::default().with_transfer(TransferOptions::if_absent());
    assert_eq!(kind(source.sync_folder("a", &target, "", &conditioned)), ErrorKind::Invalid);
    assert_eq!(kind(source.sync_folder("a/b/c", &target, "", &mirror())), ErrorKind::Invalid, "an object is no folder");
}

#[test]
fn within_one_backend_nothing_is_read() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    for number in 0..20 {
        store.write(&format!("from/{number}"), "x").unwrap();
    }
    let report = store.sync_folder("from", &store, "to", &SyncOptions::default()).unwrap();
    assert_eq!(report.copied(), 20);
    assert_eq!((broken.bytes_read.load(Ordering::SeqCst), broken.copies.load(Ordering::SeqCst)), (0, 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_a_mirror_both_sides_are_equal(
        source in proptest::collection::btree_map("[a-c]/[a-c]", "[xy]{0,2}", 1..8),
        target in proptest::collection::btree_map("[a-c]/[a-c]", "[xy]{0,2}", 0..8),
    ) {
        let (from, to) = (memory(), Store::new(Arc::new(Memory::new())));
        for (store, objects) in [(&from, &source), (&to, &target)] {
            for (key, text) in objects {
                store.write(key, text.clone()).unwrap();
            }
        }
        let report = from.sync_folder("", &to, "", &mirror()).unwrap();
        prop_assert_eq!(content(&to), content(&from));
        let equal = source.iter().filter(|(key, text)| target.get(*key) == Some(text)).count();
        prop_assert_eq!(report.unchanged, equal as u64);
        prop_assert_eq!(report.copied(), (source.len() - equal) as u64);
    }
}
