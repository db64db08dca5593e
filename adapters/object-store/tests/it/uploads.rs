//! Ranges without end, over a service in memory.

use worldstore_async::AsyncBackend;
use worldstore_core::{Condition, ErrorKind, ReadOptions, ReadRangesOptions};

use crate::fake::Fake;
use crate::requests::s3;
use crate::service::patient;
use crate::suite::{applied, body, bytes, key, write};

#[tokio::test]
async fn a_range_takes_no_more_memory_than_the_object() {
    let fake = Fake::start().await;
    let backend = s3(&fake, patient());
    applied(write(&backend, "key", body(1_000_000), Condition::None).await);
    let read = |ranges: Vec<std::ops::Range<u64>>| {
        let backend = &backend;
        async move { backend.read_ranges(&key("key"), &ranges, &ReadRangesOptions::default()).await }
    };
    assert_eq!(read(vec![0..1 << 60]).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(read(vec![0..10, 500_000..1_000_001]).await.unwrap_err().kind(), ErrorKind::Invalid);
    let all = bytes(&backend, "key", ReadOptions::default()).await.unwrap();
    assert_eq!(read(vec![0..1_000_000]).await.unwrap(), [all]);
}
