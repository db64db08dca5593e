//! Commits: replayed, racing, and with their answer lost.

use std::sync::Arc;

use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{CreateOptions, DescribeOptions, HistoryOptions, Level, ShutdownOptions};
use worldstore_core::{Error, ErrorKind};

use crate::fault::{Fault, FaultBackend};
use crate::support::{append, create, fresh, memory, name, objects, once, open, rows, schema};

fn stand(error: &Error) -> (Option<&str>, Option<&str>) {
    let find = |key: &str| error.context().find(|(name, _)| *name == key).map(|(_, value)| value);
    (find("have"), find("expected"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_refused_and_leaves_no_file() {
    let backend = memory();
    let (tables, stale) = (open(backend.clone()), open(backend.clone()));
    create(&tables).await;
    stale.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    let receipt = once(&tables, 0, 3, rows(0..3)).await.unwrap();
    assert_eq!((receipt.level, receipt.seq, receipt.rows), (Level::Committed, 3, 3));
    let before = objects(&*backend).await;
    for handle in [&tables, &stale, &open(backend.clone())] {
        let error = once(handle, 0, 3, rows(0..3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConditionFailed);
        assert_eq!(stand(&error), (Some("3"), Some("0")), "{error:?}");
    }
    assert_eq!(objects(&*backend).await, before);
    assert_eq!(fresh(&backend).await, (3, vec![0, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_beside_each_other_all_land() {
    let backend = memory();
    create(&open(backend.clone())).await;
    let writer = |first: i64| {
        let backend = backend.clone();
        tokio::spawn(async move {
            let tables = open(backend);
            for number in first..first + 8 {
                let _ = append(&tables, rows([number])).await.unwrap();
            }
        })
    };
    for writer in [writer(0), writer(8), writer(16)] {
        writer.await.unwrap();
    }
    assert_eq!(fresh(&backend).await, (0, (0..24).collect::<Vec<_>>()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found() {
    for fault in [Fault::Unknown, Fault::Error] {
        let backend = FaultBackend::new(memory());
        let tables = open(backend.clone());
        create(&tables).await;
        backend.fail(fault);
        let receipt = once(&tables, 0, 3, rows(0..3)).await.unwrap();
        assert_eq!((receipt.seq, receipt.level), (3, Level::Committed), "{fault:?}");
        // Without a watermark, too: Lance reads back what it committed.
        backend.fail(fault);
        let _ = append(&tables, rows(3..5)).await.unwrap();
        let backend: Arc<dyn AsyncBackend> = backend;
        assert_eq!(fresh(&backend).await, (3, vec![0, 1, 2, 3, 4]), "{fault:?}");
        assert_eq!(tables.history(&name("t"), &HistoryOptions::default()).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_did_not_happen_is_an_error_and_can_be_made_again() {
    let backend = FaultBackend::new(memory());
    let tables = open(backend.clone());
    create(&tables).await;
    backend.fail(Fault::Before);
    let error = once(&tables, 0, 3, rows(0..3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.rows, info.watermark), (0, 0));
    let _ = once(&tables, 0, 3, rows(0..3)).await.unwrap();
    let backend: Arc<dyn AsyncBackend> = backend;
    assert_eq!(fresh(&backend).await, (3, vec![0, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_looked_up_is_unknown_and_not_doubled() {
    let backend = FaultBackend::new(memory());
    let tables = open(backend.clone());
    create(&tables).await;
    backend.fail(Fault::UnknownAndBlind);
    let error = once(&tables, 0, 3, rows(0..3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
    backend.heal();
    let repeated = once(&tables, 0, 3, rows(0..3)).await.unwrap_err();
    assert_eq!((repeated.kind(), stand(&repeated)), (ErrorKind::ConditionFailed, (Some("3"), Some("0"))));
    let backend: Arc<dyn AsyncBackend> = backend;
    assert_eq!(fresh(&backend).await, (3, vec![0, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_without_watermark_that_cannot_be_looked_up_is_unknown() {
    let backend = FaultBackend::new(memory());
    let tables = open(backend.clone());
    create(&tables).await;
    backend.fail(Fault::UnknownAndBlind);
    let error = append(&tables, rows(0..3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_answer_is_lost_leaves_one_table() {
    let backend = FaultBackend::new(memory());
    let tables = open(backend.clone());
    backend.fail(Fault::Unknown);
    let created = tables.create(&name("t"), &CreateOptions::new(schema()).or_keep()).await;
    assert!(created.is_ok(), "{created:?}");
    let _ = once(&tables, 0, 1, rows(0..1)).await.unwrap();
    let backend: Arc<dyn AsyncBackend> = backend;
    assert_eq!(fresh(&backend).await, (1, vec![0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shut_down_handle_refuses_and_another_does_not() {
    let backend = memory();
    let tables = open(backend.clone());
    create(&tables).await;
    tables.shutdown(&ShutdownOptions::default()).await.unwrap();
    assert_eq!(append(&tables, rows(0..3)).await.unwrap_err().kind(), ErrorKind::Poisoned);
    let _ = append(&open(backend.clone()), rows(0..3)).await.unwrap();
    assert_eq!(fresh(&backend).await, (0, vec![0, 1, 2]));
}
