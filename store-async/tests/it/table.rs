//! Async tables as sync ones: the answers of the kit, where it may be called, and how much of a scan is in memory.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::StreamExt;
use worldstore_async::table::conformance::check;
use worldstore_async::table::{AsyncTableAdapter, AsyncTableBackend, SyncTableAdapter};
use worldstore_async::{Bridge, Pulled};
use worldstore_core::table::conformance::{CaseResult, Profile};
use worldstore_core::table::{AppendOptions, CreateOptions, ListTablesOptions, MemoryTables, Scan};
use worldstore_core::table::{TableBackend, TableName};
use worldstore_core::{Error, ErrorKind, Result};

/// Runs the kit on tables in memory behind some bridges, and tells how each case went.
async fn transcript(bridged: impl Fn(Arc<MemoryTables>) -> Arc<dyn AsyncTableBackend>) -> String {
    let places: Mutex<BTreeMap<String, Arc<MemoryTables>>> = Mutex::default();
    let open = async |place: &str| Ok(bridged(places.lock().unwrap().entry(place.to_owned()).or_default().clone()));
    let report = check(open, &Profile::format()).await.unwrap().into_result().unwrap();
    let passed = report.cases.iter().filter(|case| matches!(case.result, CaseResult::Passed(steps) if steps > 0));
    assert!(passed.count() > 20, "{report}");
    report.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_answers_alike_through_both_bridges() {
    let direct = transcript(|tables| Arc::new(SyncTableAdapter::new(tables))).await;
    let own = transcript(|tables| {
        let adapted = AsyncTableAdapter::new(Arc::new(SyncTableAdapter::new(tables))).unwrap();
        Arc::new(SyncTableAdapter::new(Arc::new(adapted)))
    });
    assert_eq!(own.await, direct);
    let lent = tokio::runtime::Runtime::new().unwrap();
    let handle = lent.handle().clone();
    let borrowed = transcript(|tables| {
        let tables = Arc::new(SyncTableAdapter::new(tables));
        Arc::new(SyncTableAdapter::new(Arc::new(AsyncTableAdapter::with_handle(tables, handle.clone()).unwrap())))
    });
    assert_eq!(borrowed.await, direct);
    lent.shutdown_background();
}

fn adapted(tables: Arc<MemoryTables>) -> AsyncTableAdapter {
    AsyncTableAdapter::new(Arc::new(SyncTableAdapter::new(tables))).unwrap()
}

/// A table `t` with one row in each of so many batches.
fn filled(batches: i64) -> (AsyncTableAdapter, TableName) {
    let (tables, name) = (adapted(Arc::default()), TableName::new("t").unwrap());
    let row = |id: i64| RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![id])) as ArrayRef)]).unwrap();
    tables.create(&name, &CreateOptions::new(row(0).schema())).unwrap();
    for id in 0..batches {
        let _ = tables.append(&name, vec![row(id)], &AppendOptions::default()).unwrap();
    }
    (tables, name)
}

#[test]
fn async_code_is_refused_and_a_scan_ends_there() {
    let (tables, name) = filled(3);
    assert_eq!(tables.to_string(), MemoryTables::new().to_string());
    let mut scan = tables.scan(&name, &Scan::all()).unwrap().batches;
    assert!(scan.next().unwrap().is_ok());
    let unread = tables.scan(&name, &Scan::all()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let refused = tables.list(&ListTablesOptions::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.message().contains("spawn_blocking"), "{refused}");
        assert_eq!(scan.next().unwrap().unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(scan.next().is_none(), "after an error a scan ends");
        // The runtime of its own ends here too, and nothing panics.
        drop((scan, unread, tables));
    });
    let lent = AsyncTableAdapter::with_handle(
        Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new()))),
        runtime.handle().clone(),
    );
    assert_eq!(lent.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_scan_outlives_its_adapter() {
    let (tables, name) = filled(3);
    let scan = tables.scan(&name, &Scan::all()).unwrap();
    drop(tables);
    assert_eq!(scan.batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3);
}

#[test]
fn a_runtime_that_has_shut_down_is_a_typed_error_and_not_the_end_of_the_rows() {
    let lent = tokio::runtime::Runtime::new().unwrap();
    let (own, name) = filled(3);
    let tables = Arc::new(SyncTableAdapter::new(Arc::new(own)));
    let tables = AsyncTableAdapter::with_handle(tables, lent.handle().clone()).unwrap();
    let mut scan = tables.scan(&name, &Scan::all()).unwrap().batches;
    assert!(scan.next().unwrap().is_ok());
    lent.shutdown_background();
    assert_eq!(scan.next().unwrap().unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(scan.next().is_none());
    assert_eq!(tables.list(&ListTablesOptions::default()).unwrap_err().kind(), ErrorKind::Poisoned);
}

fn bridge() -> Bridge {
    Bridge::new(NonZeroUsize::MIN).unwrap()
}

#[test]
fn items_are_made_one_by_one_and_none_after_an_error() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let items = futures::stream::iter([Ok(1), Ok(2), Err(Error::invalid("third")), Ok(4)]);
    let items = items.map(move |item: Result<i32>| (count.fetch_add(1, Ordering::SeqCst), item).1);
    let mut items: Pulled<i32> = bridge().pull(items.boxed());
    assert_eq!(made.load(Ordering::SeqCst), 0);
    for number in 1..=2 {
        assert_eq!(items.next().unwrap().unwrap(), number);
        assert_eq!(made.load(Ordering::SeqCst), number as usize);
    }
    assert_eq!(items.next().unwrap().unwrap_err().message(), "third");
    assert!(items.next().is_none());
    assert_eq!(made.load(Ordering::SeqCst), 3);
}

#[test]
fn work_that_panics_is_an_error() {
    let work = async { None::<()>.ok_or_else(|| panic!("as expected")) };
    assert_eq!(bridge().run(work).unwrap_err().kind(), ErrorKind::Unexpected);
    let items = futures::stream::poll_fn(|_| panic!("as expected"));
    let mut items: Pulled<i32> = bridge().pull(items.boxed());
    assert_eq!(items.next().unwrap().unwrap_err().kind(), ErrorKind::Unexpected);
    assert!(items.next().is_none());
}

#[test]
fn questions_are_answered_on_the_thread_that_waits() {
    let bridge = bridge();
    let here = std::thread::current().id();
    let mut asked = Vec::new();
    let sum = bridge.run_asking(
        |asker| async move { (1..=3).map(|number| asker.ask(number)?).sum::<Result<i32>>() },
        |number| {
            assert_eq!(std::thread::current().id(), here);
            asked.push(number);
            // The same bridge is free for more.
            bridge.run(async move { Ok(number * 10) })
        },
    );
    assert_eq!((sum.unwrap(), asked), (60, vec![1, 2, 3]));
    let refused =
        bridge.run_asking(|asker| async move { asker.ask(()).flatten() }, |()| Err::<(), _>(Error::invalid("no")));
    assert_eq!(refused.unwrap_err().message(), "no");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused =
        runtime.block_on(async { bridge.run_asking(|_: worldstore_async::Asker<(), ()>| async { Ok(()) }, |()| ()) });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
}
