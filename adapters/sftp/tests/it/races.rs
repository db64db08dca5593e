//! Races: several connections at one key, where looking first and acting then would be found out.

use std::sync::Arc;

use worldstore_core::{Outcome, ReadOptions};
use worldstore_sftp::Sftp;

use crate::service::{Service, applied, body, bytes, create, service, write};

const RACERS: usize = 8;
const ROUNDS: usize = 20;

/// Two connections for all racers: some share one, some do not.
async fn racers(service: &Service) -> Vec<Arc<Sftp>> {
    let pair = [Arc::new(service.connect().await), Arc::new(service.connect().await)];
    (0..RACERS).map(|racer| Arc::clone(&pair[racer % 2])).collect()
}

fn winner(outcomes: &[Outcome]) -> usize {
    let winners: Vec<_> = (0..RACERS).filter(|racer| matches!(outcomes[*racer], Outcome::Applied(_))).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| *outcome != Outcome::Unknown), "{outcomes:?}");
    winners[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creates() {
    let Some(service) = service() else { return };
    let backends = racers(&service).await;
    for round in 0..ROUNDS {
        let tasks = backends.iter().enumerate().map(|(racer, backend)| {
            let backend = Arc::clone(backend);
            tokio::spawn(
                async move { create(&*backend, &format!("new/{round}/target"), vec![racer as u8; 40_000]).await },
            )
        });
        let outcomes: Vec<_> = futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        let winner = winner(&outcomes);
        let body = bytes(&*backends[0], &format!("new/{round}/target"), ReadOptions::default()).await.unwrap();
        assert_eq!(body, vec![winner as u8; 40_000], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_objects_while_all_overwrite() {
    let Some(service) = service() else { return };
    let backends = racers(&service).await;
    let bodies: Vec<_> = (0..RACERS).map(|racer| body(300_000 + racer)).collect();
    applied(write(&*backends[0], "target", bodies[0].clone()).await);
    let tasks = backends.iter().enumerate().map(|(racer, backend)| {
        let (backend, bodies) = (Arc::clone(backend), bodies.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                applied(write(&*backend, "target", bodies[racer].clone()).await);
                let read = bytes(&*backend, "target", ReadOptions::default()).await.unwrap();
                assert!(bodies.iter().any(|body| *body == read), "a mixture of {} bytes", read.len());
            }
        })
    });
    futures::future::join_all(tasks).await.into_iter().for_each(Result::unwrap);
}
