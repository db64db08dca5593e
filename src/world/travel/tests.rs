//! Time travel by sequence number and by time.

use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use worldstore_core::{ErrorKind, Result};

use super::SeqAt;
use crate::world::testing::{rows, state, world};

#[tokio::test]
async fn a_view_goes_back_to_a_sequence_number() {
    let run = world().await.run("main").await.unwrap();
    let first = run.append(5, "a", &rows(&[(1, Some(1))])).await.unwrap();
    let second = run.append(3, "a", &rows(&[(1, Some(2)), (2, None)])).await.unwrap();
    let _ = run.append(6, "a", &rows(&[(1, Some(3))])).await.unwrap();
    assert_eq!(state(&run.now().at_seq(first.seq), "a").await, [(1, Some(1))].into());
    assert_eq!(state(&run.now().at_seq(second.seq), "a").await, [(1, Some(1)), (2, None)].into());
    assert_eq!(state(&run.as_of(4).at_seq(second.seq), "a").await, [(1, Some(2)), (2, None)].into());
    assert_eq!(state(&run.now().at_seq(2).at_seq(9), "a").await.len(), 2, "it never goes forward again");
    assert_eq!(state(&run.now().at_seq(0), "a").await, [].into());
}

#[tokio::test]
async fn a_pinned_view_does_not_change() {
    let world = world().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows(&[(1, Some(1))])).await.unwrap();
    let pinned = run.now().pinned().await.unwrap();
    let _ = run.append(2, "a", &rows(&[(1, Some(2))])).await.unwrap();
    let _ = run.append(2, "b", &rows(&[(1, Some(2))])).await.unwrap();
    assert_eq!(state(&pinned, "a").await, [(1, Some(1))].into());
    assert_eq!(state(&pinned, "b").await, [].into());
}

#[tokio::test]
async fn a_view_goes_back_to_a_time() {
    let world = world().await;
    let run = world.run("main").await.unwrap();
    let none = run.now().at_time(SystemTime::now(), &world).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound, "nothing was committed");
    let _ = run.append(1, "a", &rows(&[(1, Some(1))])).await.unwrap();
    world.flush().await.unwrap();
    let between = SystemTime::now();
    while SystemTime::now() <= between + Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let _ = run.append(2, "b", &rows(&[(1, Some(2))])).await.unwrap();
    let _ = run.append(2, "a", &rows(&[(1, Some(2))])).await.unwrap();
    world.flush().await.unwrap();
    let then = run.now().at_time(between, &world).await.unwrap();
    assert_eq!((state(&then, "a").await, state(&then, "b").await), ([(1, Some(1))].into(), [].into()));
    let now = run.now().at_time(SystemTime::now(), &world).await.unwrap();
    assert_eq!((state(&now, "a").await, state(&now, "b").await), ([(1, Some(2))].into(), [(1, Some(2))].into()));
    let before = run.now().at_time(SystemTime::UNIX_EPOCH, &world).await.unwrap_err();
    assert_eq!(before.kind(), ErrorKind::NotFound);
}

struct Fixed(u64);

impl SeqAt for Fixed {
    fn seq_at(&self, _time: SystemTime) -> BoxFuture<'_, Result<u64>> {
        futures::future::ready(Ok(self.0)).boxed()
    }
}

#[tokio::test]
async fn others_may_know_the_time_better() {
    let run = world().await.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = run.append(tick, "a", &rows(&[(1, Some(tick))])).await.unwrap();
    }
    let then = run.now().at_time(SystemTime::now(), &Fixed(2)).await.unwrap();
    assert_eq!(state(&then, "a").await, [(1, Some(2))].into());
}
