//! Moving much at once, async: the answers are those of the sync side, futures can be sent and dropped.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use worldstore_async::{AsyncBackend, AsyncStore, CountingBackend, SyncBackendAdapter};
use worldstore_core::transfer::{
    BatchOptions, BatchResult, Compare, Crc32c, Extras, OnError, Resume, Route, Run, SyncOptions, Taken,
    TransferOptions, Verify,
};
use worldstore_core::{CopyOptions, ErrorKind, Memory, Missing, Store, WriteOptions};

/// One backend, seen from both sides.
fn both() -> (Store, AsyncStore) {
    let memory = Arc::new(Memory::new());
    (Store::new(memory.clone()), AsyncStore::new(Arc::new(SyncBackendAdapter::new(memory))))
}

fn words<Value: std::fmt::Debug>(results: &[BatchResult<Value>]) -> Vec<String> {
    let word = |result: &BatchResult<Value>| match result {
        BatchResult::Done(value) => format!("{value:?}"),
        BatchResult::Failed(error) => error.to_string(),
        BatchResult::Skipped => "skipped".to_owned(),
    };
    results.iter().map(word).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn many_keys_have_the_answers_of_the_sync_side() {
    for on_error in [OnError::Continue, OnError::Stop] {
        let ((sync_store, _), (_, async_store)) = (both(), both());
        for key in ["a", "b", "folder/c", "d"] {
            sync_store.write(key, key.to_owned()).unwrap();
            async_store.write(key, key.to_owned()).await.unwrap();
        }
        let options = BatchOptions::default().with_concurrency(1).with_on_error(on_error);
        let paths = ["a", "folder", "none", "a//b", "b"];
        assert_eq!(
            words(&sync_store.exists_many(&paths, &options).unwrap()),
            words(&async_store.exists_many(&paths, &options).await.unwrap())
        );
        let pairs = [("a", "x"), ("none", "y"), ("b", "z")];
        let kinds = |results: &[BatchResult<_>]| -> Vec<_> {
            results.iter().map(|result| (result.is_done(), result.error().map(|error| error.kind()))).collect()
        };
        let copied = sync_store.copy_many(&pairs, &CopyOptions::if_absent(), &options).unwrap();
        let expected = kinds(&copied);
        let copied = async_store.copy_many(&pairs, &CopyOptions::if_absent(), &options).await.unwrap();
        assert_eq!(kinds(&copied), expected);
        for keys in [&["a", "folder", "none", "..", "b"][..], &["d", "none", "x"]] {
            let deleted = words(&sync_store.delete_many(keys, Missing::Refuse, &options).unwrap());
            assert_eq!(words(&async_store.delete_many(keys, Missing::Refuse, &options).await.unwrap()), deleted);
        }
        assert_eq!(async_store.exists("b").await.unwrap(), on_error == OnError::Stop, "a wrong key stops before I/O");
    }
}

#[tokio::test]
async fn many_keys_take_few_requests() {
    let counting = CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))));
    let store = AsyncStore::new(Arc::new(counting.clone()));
    let keys: Vec<String> = (0..1500).map(|number| number.to_string()).collect();
    for key in &keys {
        store.write(key, "x").await.unwrap();
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let before = counting.counts();
    let deleted = store.delete_many(&keys, Missing::Refuse, &BatchOptions::default()).await.unwrap();
    assert!(deleted.iter().all(BatchResult::is_done));
    let spent = counting.counts() - before;
    assert_eq!((spent.deletes, spent.stats, spent.lists), (1500, 0, 0), "nothing is looked up");
}

#[tokio::test]
async fn what_is_uploaded_is_downloaded() {
    let (_, store) = both();
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("new/target"));
    let bytes: Vec<u8> = (0..3_000_000u32).map(|at| ((at * 31) >> 3) as u8).collect();
    fs::write(&source, &bytes).unwrap();
    let options = TransferOptions::default().with_verify(Verify::ReadBack);
    // On another thread: the futures can be sent.
    let report = tokio::spawn(async move {
        let up = store.upload(&source, "a", &options).await.unwrap();
        assert_eq!(up.meta, store.stat("a").await.unwrap());
        let down = store.download("a", &target, &options).await.unwrap();
        assert_eq!(up.checksum, down.checksum);
        assert_eq!(
            store.download("a", &target, &TransferOptions::if_absent()).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        down
    });
    let report = report.await.unwrap();
    assert_eq!((report.bytes, report.checksum), (3_000_000, Some(Crc32c::of(&bytes))));
    assert_eq!(fs::read(folder.path().join("new/target")).unwrap(), bytes);
    assert_eq!(names(&folder.path().join("new")), ["target"]);
}

#[tokio::test]
async fn a_download_whose_future_is_dropped_is_gone_on_with_by_either_side() {
    let (sync_store, store) = both();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let bytes = vec![7; 1 << 20];
    // So many chunks that it cannot be through with all of them when it first has to wait after one.
    let root = folder.path().join("data");
    let local = Arc::new(worldstore_core::Local::new(&root).unwrap());
    let store_of_files = AsyncStore::new(Arc::new(SyncBackendAdapter::new(local.clone())));
    let long = bytes.repeat(48);
    store_of_files.write("a", long.clone()).await.unwrap();
    let begun = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&begun);
    let options = TransferOptions::default().with_resume(Resume::Continue).with_progress(move |_| {
        seen.store(true, Ordering::SeqCst);
    });
    {
        let mut download = Box::pin(store_of_files.download("a", &target, &options));
        while !begun.load(Ordering::SeqCst) {
            assert!(futures::poll!(&mut download).is_pending(), "there are more chunks");
            tokio::task::yield_now().await;
        }
    }
    let goes_on = TransferOptions::default().with_resume(Resume::Continue);
    // The file that was dropped is let go of on another thread.
    let report = loop {
        match Store::new(local.clone()).download("a", &target, &goes_on) {
            Err(error) if error.kind() == ErrorKind::Conflict => std::thread::yield_now(),
            result => break result.unwrap(),
        }
    };
    assert!(report.resumed_bytes >= 1 << 20, "{}", report.resumed_bytes);
    assert_eq!(fs::read(&target).unwrap(), long);
    drop((sync_store, store));
}

#[tokio::test]
async fn between_backends_bytes_go_through_and_within_one_they_stay() {
    let counting = CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))));
    let one = AsyncStore::new(Arc::new(counting.clone()) as Arc<dyn AsyncBackend>);
    let (_, two) = both();
    one.write("a", "hello").await.unwrap();
    let report = one.transfer("a", &two, "b", &TransferOptions::default()).await.unwrap();
    assert_eq!((report.taken, two.read_text("b").await.unwrap()), (Taken::Streamed, "hello".to_owned()));
    let before = counting.counts();
    let child = one.child("inner").unwrap();
    let report = one.transfer("a", &child, "b", &TransferOptions::default()).await.unwrap();
    assert_eq!((report.taken, report.meta.key.as_str()), (Taken::InPlace, "b"));
    let spent = counting.counts() - before;
    assert_eq!((spent.reads, spent.moves), (0, 1));
    let stream = TransferOptions::default().with_route(Route::Stream).with_verify(Verify::ReadBack);
    assert_eq!(one.transfer("a", &child, "c", &stream).await.unwrap().checksum, Some(Crc32c::of(b"hello")));
    assert_eq!(
        one.transfer("a", &child, "c", &TransferOptions::if_absent()).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
}

#[tokio::test]
async fn a_sync_has_the_report_of_the_sync_side() {
    let options = SyncOptions::default().with_compare(Compare::Content).with_extras(Extras::Delete);
    let mut transcripts = Vec::new();
    for is_async in [false, true] {
        let ((source, async_source), (target, async_target)) = (both(), both());
        for (key, text) in [("in/new", "1"), ("in/deep/new", "22"), ("in/same", "3"), ("in/changed", "4")] {
            source.write(key, text).unwrap();
        }
        for (key, text) in [("to/same", "3"), ("to/changed", "x"), ("to/extra", "5"), ("else", "6")] {
            target.write_with(key, text, &WriteOptions::default()).unwrap();
        }
        let mut transcript = String::new();
        for run in [Run::Dry, Run::Execute, Run::Execute] {
            let options = options.clone().with_run(run);
            let report = match is_async {
                false => source.sync_folder("in", &target, "to", &options),
                true => async_source.sync_folder("in", &async_target, "to", &options).await,
            };
            let report = report.unwrap();
            let counts = (report.copied(), report.copied_bytes(), report.deleted(), report.skipped(), report.unchanged);
            transcript += &format!("{:?} {:?} {counts:?}\n", report.steps, words(&report.results));
        }
        let error = match is_async {
            false => source.sync_folder("gone", &target, "to", &options),
            true => async_source.sync_folder("gone", &async_target, "to", &options).await,
        };
        transcript += &error.unwrap_err().to_string();
        transcript += &format!("{:?}", target.list("").map(|meta| meta.unwrap().key).collect::<Vec<_>>());
        transcripts.push(transcript);
    }
    assert_eq!(transcripts[0], transcripts[1]);
    assert!(transcripts[0].contains("(3, 4, 1, 0, 1)"), "{}", transcripts[0]);
}

#[test]
fn without_a_runtime_files_are_a_typed_error() {
    let (_, store) = both();
    let upload = futures::executor::block_on(store.upload(Path::new("x"), "a", &TransferOptions::default()));
    assert_eq!(upload.unwrap_err().kind(), ErrorKind::Unsupported);
}
