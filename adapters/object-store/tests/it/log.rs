//! The log on a bucket of S3, at `WORLDSTORE_TEST_S3_ENDPOINT`, through the bridge to blocking code.

use std::sync::Arc;
use std::thread;

use worldstore_async::AsyncBackendAdapter;
use worldstore_core::wal::{RecordKind, Wal, WalOptions};
use worldstore_core::{Backend, ErrorKind, Prefix};

use crate::s3;

#[test]
fn a_log_on_a_bucket_is_kept_and_has_one_writer() {
    let Some(endpoint) = s3::service() else { return };
    let backend: Arc<dyn Backend> = Arc::new(AsyncBackendAdapter::new(Arc::new(s3::backend(&endpoint))).unwrap());
    let open = || Wal::open_objects(Arc::clone(&backend), Prefix::new("some/log").unwrap(), WalOptions::new()).unwrap();
    let (old, recovery) = open();
    assert!(recovery.created);
    let append = |wal: &Wal| wal.append_durable(RecordKind::DATA, format!("record {}", wal.last() + 1));
    assert_eq!(append(&old).unwrap(), 1);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!((0..4).all(|_| old.append_durable(RecordKind::DATA, "many").is_ok())));
        }
    });
    let (new, recovery) = open();
    assert_eq!((recovery.epoch, recovery.last), (2, 33));
    assert_eq!(append(&new).unwrap(), 34);
    assert_eq!(append(&old).unwrap_err().kind(), ErrorKind::Fenced);
    assert!(new.trim(33).unwrap().segments > 0);
    assert_eq!(append(&new).unwrap(), 35);
    drop((old, new));
    let (wal, recovery) = open();
    assert_eq!((recovery.epoch, recovery.first, recovery.last), (3, 34, 35));
    let records: Vec<_> = wal.replay(33).unwrap().map(|record| record.unwrap().payload).collect();
    assert_eq!(records, ["record 34", "record 35"]);
}
