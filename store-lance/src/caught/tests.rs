//! Panics where Lance would panic.

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use futures::{TryStreamExt, stream};

use super::*;

#[tokio::test]
async fn a_panic_is_an_error_and_the_end() {
    let empty = || RecordBatch::new_empty(Schema::empty().into());
    let polled = stream::iter(0..4).map(move |number| match number {
        2 => panic!("range of {number}"),
        _ => Ok(empty()),
    });
    let mut caught = batches(polled.boxed());
    assert!(caught.try_next().await.unwrap().is_some());
    assert!(caught.try_next().await.unwrap().is_some());
    let error = caught.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().ends_with("panic: range of 2"), "{error}");
    assert!(caught.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn work_gives_what_it_did_or_why_it_panicked() {
    assert_eq!(work(async { Ok(7) }).await.unwrap(), 7);
    let error = work::<()>(async { panic!("no such page") }).await.unwrap_err();
    assert!(error.to_string().ends_with("panic: no such page"), "{error}");
    let error = work::<()>(async { std::panic::panic_any(7) }).await.unwrap_err();
    assert!(error.to_string().ends_with("panic: without a text"), "{error}");
}
