//! Writers that stand still just before their commit, while others append and old versions expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::*;

use crate::scripted::{Call, ScriptedBackend, Verdict};
use crate::support::{append, create, fresh, memory, name, once, open, rows, schema};

/// A backend whose first commit waits for the gate, and what tells that it waits.
fn gated(backend: &Arc<dyn AsyncBackend>) -> (Arc<ScriptedBackend>, Arc<Semaphore>, Arc<AtomicBool>) {
    gated_at(backend, |call| call.method == "write" && call.key.ends_with(".manifest"))
}

/// As [`gated`], for the first call of this kind.
fn gated_at(
    backend: &Arc<dyn AsyncBackend>,
    waits_for: impl Fn(&Call<'_>) -> bool + Send + Sync + 'static,
) -> (Arc<ScriptedBackend>, Arc<Semaphore>, Arc<AtomicBool>) {
    let (gate, waits) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
    let (door, waiting) = (gate.clone(), waits.clone());
    let late = ScriptedBackend::new(backend.clone(), move |call| {
        match waits_for(call) && !waiting.swap(true, Ordering::SeqCst) {
            true => Verdict::Wait(door.clone()),
            false => Verdict::Pass,
        }
    });
    (late, gate, waits)
}

async fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn overtake(backend: &Arc<dyn AsyncBackend>, steps: std::ops::Range<u64>) {
    let other = open(backend.clone());
    for step in steps {
        let _ = once(&other, step, step + 1, rows([100 + step as i64])).await.unwrap();
    }
    other.expire(&name("t"), &ExpireOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_append_is_in_the_table_when_it_says_so() {
    // Within the commits that are noted, and beyond.
    for overtaking in [3, 40] {
        let backend = memory();
        create(&open(backend.clone())).await;
        let (late, gate, waits) = gated(&backend);
        let tables = open(late);
        let writer = tokio::spawn(async move { append(&tables, rows([7])).await });
        until(&waits).await;
        overtake(&backend, 0..overtaking).await;
        gate.add_permits(100);
        let receipt = writer.await.unwrap().unwrap();
        let mut expected: Vec<i64> = (100..100 + overtaking as i64).collect();
        expected.insert(0, 7);
        assert_eq!(fresh(&backend).await, (overtaking, expected));
        assert!(receipt.version.unwrap() > overtaking + 1, "{receipt:?}");
        let history = open(backend).history(&name("t"), &HistoryOptions::default()).await.unwrap();
        assert!(history.iter().all(|version| version.watermark == overtaking), "no version out of line: {history:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_stands_still_before_any_of_its_calls_is_made_once() {
    for number in 1.. {
        let backend = memory();
        create(&open(backend.clone())).await;
        let (late, gate, waits) = gated_at(&backend, move |call| call.number == number);
        let tables = open(late.clone());
        let writer = tokio::spawn(async move { append(&tables, rows([7])).await });
        while !waits.load(Ordering::SeqCst) && !writer.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if !waits.load(Ordering::SeqCst) {
            assert!(number > 5, "an append makes {} calls", late.calls());
            assert!(writer.await.unwrap().is_ok());
            break;
        }
        overtake(&backend, 0..5).await;
        gate.add_permits(100);
        let appended = writer.await.unwrap();
        assert!(appended.is_ok(), "call {number}: {appended:?}");
        let (_, mut rows) = fresh(&backend).await;
        rows.sort_unstable();
        assert_eq!(rows, [7, 100, 101, 102, 103, 104], "call {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_late_append_that_have_expired_are_in_no_version() {
    let backend = memory();
    create(&open(backend.clone())).await;
    let (late, gate, waits) = gated(&backend);
    let late: Arc<dyn AsyncBackend> = late;
    let (late, takes_back, is_about_to) =
        gated_at(&late, |call| call.method == "delete" && call.key.ends_with(".manifest"));
    let tables = open(late);
    let writer = tokio::spawn(async move { append(&tables, rows([7])).await });
    until(&waits).await;
    overtake(&backend, 0..5).await;
    gate.add_permits(100);
    until(&is_about_to).await;
    // It finds the version that came too late, and takes it with its files.
    open(backend.clone()).expire(&name("t"), &ExpireOptions::default()).await.unwrap();
    takes_back.add_permits(100);
    let _ = writer.await.unwrap().unwrap();
    assert_eq!(fresh(&backend).await, (5, vec![7, 100, 101, 102, 103, 104]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_kept_for_a_reader_is_not_taken_for_a_late_one() {
    let backend = memory();
    create(&open(backend.clone())).await;
    let is_committed = AtomicBool::new(false);
    let (slow, gate, waits) = gated_at(&backend, move |call| {
        let commits = call.method == "write" && call.key.ends_with(".manifest");
        let was = is_committed.fetch_or(commits, Ordering::SeqCst);
        was && call.method == "list"
    });
    let tables = open(slow);
    let writer = tokio::spawn(async move { append(&tables, rows([7])).await });
    until(&waits).await;
    let other = open(backend.clone());
    for step in 0..40 {
        let _ = once(&other, step, step + 1, rows([100 + step as i64])).await.unwrap();
    }
    let kept = ExpireOptions::default().with_retain([2]);
    other.expire(&name("t"), &kept).await.unwrap();
    gate.add_permits(100);
    assert_eq!(writer.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let expected: Vec<i64> = [7].into_iter().chain(100..140).collect();
    assert_eq!(fresh(&backend).await, (40, expected), "once");
    let options = DescribeOptions::default().with_version(2);
    assert_eq!(open(backend).describe(&name("t"), &options).await.unwrap().rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_step_is_refused() {
    let backend = memory();
    create(&open(backend.clone())).await;
    let (late, gate, waits) = gated(&backend);
    let tables = open(late);
    let writer = tokio::spawn(async move { once(&tables, 0, 1, rows([7])).await });
    until(&waits).await;
    overtake(&backend, 0..5).await;
    gate.add_permits(100);
    let error = writer.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed, "{error:?}");
    assert_eq!(fresh(&backend).await, (5, (100..105).collect::<Vec<_>>()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_finds_the_table() {
    let backend = memory();
    let (late, gate, waits) = gated(&backend);
    let tables = open(late);
    let creator = tokio::spawn(async move { tables.create(&name("t"), &CreateOptions::new(schema())).await });
    until(&waits).await;
    create(&open(backend.clone())).await;
    overtake(&backend, 0..3).await;
    gate.add_permits(100);
    assert_eq!(creator.await.unwrap().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fresh(&backend).await, (3, vec![100, 101, 102]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_change_of_columns_or_compaction_is_made_anew_or_a_conflict() {
    for compacts in [false, true] {
        let backend = memory();
        create(&open(backend.clone())).await;
        for number in 0..4 {
            let _ = append(&open(backend.clone()), rows([number])).await.unwrap();
        }
        let (late, gate, waits) = gated(&backend);
        let tables = open(late);
        let field = arrow::datatypes::Field::new("extra", arrow::datatypes::DataType::Int64, true);
        let writer = tokio::spawn(async move {
            match compacts {
                true => tables.compact(&name("t"), &CompactOptions::default()).await.map(drop),
                false => tables.evolve(&name("t"), &EvolveOptions::add(vec![field])).await.map(drop),
            }
        });
        until(&waits).await;
        overtake(&backend, 0..5).await;
        gate.add_permits(100);
        let done = writer.await.unwrap();
        let info = open(backend.clone()).describe(&name("t"), &DescribeOptions::default()).await.unwrap();
        match done {
            Ok(()) => assert_eq!(info.schema.fields().len(), if compacts { 2 } else { 3 }),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
                assert_eq!(info.schema.fields().len(), 2);
            }
        }
        assert_eq!(fresh(&backend).await, (5, [0, 1, 2, 3].into_iter().chain(100..105).collect::<Vec<_>>()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_made_at_once_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    for backend in [memory(), crate::support::local(&folder)] {
        for keeps in [false, true] {
            let table = name(if keeps { "kept" } else { "refused" });
            let makers: Vec<_> = (0..8)
                .map(|_| {
                    let (tables, table) = (open(backend.clone()), table.clone());
                    let options = CreateOptions::new(schema());
                    let options = if keeps { options.or_keep() } else { options };
                    tokio::spawn(async move { tables.create(&table, &options).await.map_err(|error| error.kind()) })
                })
                .collect();
            let mut made = 0;
            for maker in makers {
                match maker.await.unwrap() {
                    Ok(info) => made += usize::from(info.rows == 0),
                    Err(kind) => assert_eq!(kind, ErrorKind::AlreadyExists),
                }
            }
            assert_eq!(made, if keeps { 8 } else { 1 });
        }
    }
}

/// A writer that ends before the first commit of a table leaves a folder, which is no table: whoever lists tables, to open them,
/// must not find it.
#[tokio::test]
async fn a_table_whose_making_was_cut_short_is_not_listed() {
    let backend = memory();
    let cut = ScriptedBackend::new(backend.clone(), |call| match call.key.ends_with(".manifest") {
        true => Verdict::Fail(ErrorKind::Unavailable),
        false => Verdict::Pass,
    });
    assert!(open(cut).create(&name("t"), &CreateOptions::new(schema())).await.is_err());
    assert!(!crate::support::objects(&*backend).await.is_empty(), "something is left of it");
    let tables = open(backend);
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), []);
    create(&tables).await;
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), [name("t")]);
}
