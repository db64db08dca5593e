//! Counting what goes through.

use std::sync::Arc;

use futures::TryStreamExt;
use worldstore_async::{AsyncBackend, CountingBackend, SyncBackendAdapter};
use worldstore_core::{
    CopyOptions, DeleteOptions, Key, ListOptions, Memory, Prefix, ReadOptions, ReadRange, ReadRangesOptions,
    StatOptions, WriteOptions,
};

#[tokio::test]
async fn calls_and_bytes_are_counted() {
    let counting = CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))));
    let (a, b) = (Key::new("a").unwrap(), Key::new("b").unwrap());
    let _ = counting.write(&a, "0123456789".into(), &WriteOptions::default()).await.unwrap();
    let mut writer = counting.open_writer(&b, &WriteOptions::default()).await.unwrap();
    writer.write("01234".into()).await.unwrap();
    let _ = writer.commit().await.unwrap();
    let written = counting.counts();
    assert_eq!((written.writes, written.bytes_written, written.reads), (2, 15, 0));

    let part = ReadOptions::default().with_range(ReadRange::Bounded(2..6));
    let reply = counting.read(&a, &part).await.unwrap();
    assert_eq!(counting.counts().bytes_read, 0, "nothing is read before it is taken");
    reply.body.try_collect::<Vec<_>>().await.unwrap();
    counting.read_ranges(&a, &[0..1, 5..8], &ReadRangesOptions::default()).await.unwrap();
    counting.stat(&a, &StatOptions::default()).await.unwrap();
    counting.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    let _ = counting.copy(&a, &b, &CopyOptions::default()).await.unwrap();
    counting.delete(&[a, b], &DeleteOptions::default()).await.unwrap();

    let since = counting.counts() - written;
    assert_eq!((since.reads, since.range_reads, since.bytes_read), (1, 1, 8));
    assert_eq!((since.stats, since.lists, since.moves, since.deletes), (1, 1, 1, 2));
    assert_eq!((since.writes, since.bytes_written), (0, 0));
}
