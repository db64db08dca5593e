//! Uploads that are interrupted, and ranges without end, over a service in memory.

use std::time::Duration;

use worldstore_async::AsyncBackend;
use worldstore_core::{Condition, ErrorKind, ReadOptions, ReadRangesOptions, StatOptions, WriteOptions};

use crate::fake::{Fake, Trouble};
use crate::requests::{hasty, s3};
use crate::service::patient;
use crate::suite::{applied, body, bytes, key, write, write_parts};

#[tokio::test]
async fn a_write_that_was_dropped_in_the_middle_is_the_writers_last() {
    let fake = Fake::start().await;
    let backend = s3(&fake, patient());
    for (method, query) in [("POST", "uploads"), ("PUT", "partNumber")] {
        for writes_again in [true, false] {
            fake.fail(method, query, Trouble::Hang, 1_000);
            let mut writer = backend.open_writer(&key("key"), &WriteOptions::default()).await.unwrap();
            let mut write_all = Box::pin(async {
                loop {
                    writer.write(body(9_000_000)).await.unwrap();
                }
            });
            let dropped = tokio::time::timeout(Duration::from_millis(200), &mut write_all).await;
            assert!(dropped.is_err());
            drop(write_all);
            fake.heal();
            if writes_again {
                assert_eq!(writer.write(body(1)).await.unwrap_err().kind(), ErrorKind::Poisoned);
            }
            // Requests that hang are given up by the client in time; nobody waits for them here.
            let committed = tokio::time::timeout(Duration::from_secs(2), writer.commit()).await;
            assert!(committed.is_err() || committed.unwrap().unwrap_err().kind() == ErrorKind::Poisoned);
            let error = backend.stat(&key("key"), &StatOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    }
}

#[tokio::test]
async fn an_upload_whose_end_was_repeated_is_found_by_its_token() {
    let fake = Fake::start().await;
    let backend = s3(&fake, hasty());
    for trouble in [Trouble::ErrorBody, Trouble::LoseReply] {
        fake.fail("POST", "uploadId=", trouble, 1);
        let writer = write_parts(&backend, "key", &body(9_000_000), Condition::None).await.unwrap();
        assert_eq!(applied(writer.commit().await.unwrap()).size, 9_000_000, "{trouble:?}");
    }
    // One that is gone without an object of this write is an error, or a condition that is false.
    fake.fail("POST", "uploadId=", Trouble::Status(404, None), 1);
    let writer = write_parts(&backend, "other", &body(9_000_000), Condition::None).await.unwrap();
    assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_range_takes_no_more_memory_than_the_object() {
    let fake = Fake::start().await;
    let backend = s3(&fake, patient());
    applied(write(&backend, "key", body(1_000_000), Condition::None).await);
    let read = |ranges: Vec<std::ops::Range<u64>>| {
        let backend = &backend;
        async move { backend.read_ranges(&key("key"), &ranges, &ReadRangesOptions::default()).await }
    };
    let (whole, far) = (0..1_000_000, 0..1 << 60);
    assert_eq!(read(vec![far]).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(read(vec![0..10, 500_000..1_000_001]).await.unwrap_err().kind(), ErrorKind::Invalid);
    let all = bytes(&backend, "key", ReadOptions::default()).await.unwrap();
    assert_eq!(read(vec![whole]).await.unwrap(), [all]);
}
