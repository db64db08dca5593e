//! Disks that are full, at every step of the bytes: under a backend with a budget, and in processes whose files the
//! kernel bounds. A plain Lance writer commits short files there, which shows that the test would see one.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::StringArray;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use worldstore_async::AsyncBackend;
use worldstore_core::ErrorKind;

use crate::scripted::{ScriptedBackend, Verdict};
use crate::support::{append, create, fresh, local, memory, once, open, rows, wide_rows};

/// What a child writes, and where. Set for children only.
const TASK: &str = "WORLDSTORE_LANCE_FULL_TASK";
const FOLDER: &str = "WORLDSTORE_LANCE_FULL_FOLDER";
/// What a child ends with if its append was refused.
const REFUSED: i32 = 3;
const ROWS: i64 = 400;

/// A backend that stores so many bytes and no more.
fn budget(backend: &Arc<dyn AsyncBackend>, bytes: u64) -> Arc<ScriptedBackend> {
    let used = AtomicU64::new(0);
    ScriptedBackend::new(backend.clone(), move |call| {
        match used.fetch_add(call.bytes, Ordering::SeqCst) + call.bytes > bytes && call.bytes > 0 {
            true => Verdict::Fail(ErrorKind::StorageFull),
            false => Verdict::Pass,
        }
    })
}

/// Small appends are one object, large ones go in parts.
#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_ends_anywhere_leaves_the_table_whole() {
    for (many, width, step) in [(ROWS, 100, 4_096), (6_000, 1_500, 800 * 1_024)] {
        let batch = wide_rows(0..many, width);
        let (mut refused, mut bytes) = (0, 0);
        loop {
            let backend = memory();
            create(&open(backend.clone())).await;
            let _ = once(&open(backend.clone()), 0, 1, rows([-1])).await.unwrap();
            let tables = open(budget(&backend, bytes));
            let appended = once(&tables, 1, 2, batch.clone()).await;
            let (watermark, numbers) = fresh(&backend).await;
            match appended {
                Ok(_) => {
                    assert_eq!((watermark, numbers), (2, (-1..many).collect::<Vec<_>>()), "{bytes} bytes");
                    break;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::StorageFull, "{bytes} bytes: {error:?}");
                    assert_eq!((watermark, numbers), (1, vec![-1]), "{bytes} bytes");
                    refused += 1;
                }
            }
            bytes += step;
        }
        assert!(refused > 8, "{refused} budgets were too small");
    }
}

/// Not a test of its own: what children do. Without a task it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn as_a_child() {
    let (Ok(task), Ok(folder)) = (std::env::var(TASK), std::env::var(FOLDER)) else { return };
    let is_done = match task.as_str() {
        "plain" => {
            let uri = format!("{folder}/t.lance");
            let params = WriteParams { mode: WriteMode::Append, ..WriteParams::default() };
            InsertBuilder::new(uri.as_str()).with_params(&params).execute(vec![wide_rows(0..ROWS, 100)]).await.is_ok()
        }
        _ => {
            let tables = open(crate::support::adapt(worldstore_core::Local::new(&folder).unwrap()));
            append(&tables, wide_rows(0..ROWS, 100)).await.is_ok()
        }
    };
    std::process::exit(if is_done { 0 } else { REFUSED });
}

/// Whether a child whose files may have so many KiB says that it has appended.
fn append_bounded(task: &str, folder: &Path, kib: u64) -> bool {
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" --exact full::as_a_child");
    let child = std::env::current_exe().unwrap();
    let output =
        Command::new("bash").arg("-c").arg(script).arg(child).env(TASK, task).env(FOLDER, folder).output().unwrap();
    match output.status.code() {
        Some(0) => true,
        Some(REFUSED) => false,
        other => panic!("a child ended with {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// The rows of the table as any Lance program finds them; none if it cannot read it.
async fn read(folder: &Path) -> Option<usize> {
    let dataset = Dataset::open(&folder.join("t.lance").display().to_string()).await.ok()?;
    let batches: Vec<RecordBatch> = dataset.scan().try_into_stream().await.ok()?.try_collect().await.ok()?;
    let whole = |batch: &RecordBatch| {
        batch["text"]
            .as_any()
            .downcast_ref::<StringArray>()
            .is_some_and(|texts| texts.iter().flatten().all(|text| text.len() >= 3))
    };
    batches.iter().all(whole).then(|| batches.iter().map(RecordBatch::num_rows).sum())
}

/// The KiB of the largest data file of an append without bounds.
async fn kib_of_append(task: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    create(&open(local(&folder))).await;
    assert!(append_bounded(task, folder.path(), 1 << 20));
    let data = std::fs::read_dir(folder.path().join("t.lance/data")).unwrap();
    data.map(|entry| entry.unwrap().metadata().unwrap().len()).max().unwrap() / 1_024
}

/// Appends under bounds around the size of its data file; returns how many said yes and lost the table.
async fn lies(task: &str) -> usize {
    let kib = kib_of_append(task).await;
    let (mut lies, mut refused) = (0, 0);
    for bound in (kib.saturating_sub(16)..=kib + 4).step_by(2) {
        let folder = tempfile::tempdir().unwrap();
        create(&open(local(&folder))).await;
        let says_yes = append_bounded(task, folder.path(), bound);
        refused += usize::from(!says_yes);
        let expected = if says_yes { ROWS as usize } else { 0 };
        lies += usize::from(read(folder.path()).await != Some(expected));
    }
    println!("{task}: data of {kib} KiB, {refused} appends refused, {lies} tables not as told");
    assert!(task == "plain" || refused > 4, "the bounds were felt {refused} times");
    lies
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_kernel_bounds_is_never_committed_short() {
    assert_eq!(lies("ours").await, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_writer_commits_short_files() {
    assert!(lies("plain").await > 0, "Lance's own writer noticed each short file: the check above shows less now");
}
