//! The conformance kit, and races of eight tasks on three pools.

use std::sync::Arc;

use worldstore_async::{AsyncBackend, conformance};
use worldstore_core::conformance as sync_conformance;
use worldstore_core::{Condition, ErrorKind, Memory, Outcome, Prefix, ReadOptions, WriteOptions};

use crate::support::{applied, bytes, key, server, write};

const RACERS: usize = 8;
const ROUNDS: usize = 300;

/// What does not depend on whether an object can be a folder: memory is a tree, this is flat.
fn alike(transcript: &str) -> Vec<&str> {
    let flat = |line: &&str| !line.starts_with("object_below_object") && !line.starts_with("object_above_objects");
    transcript.lines().filter(flat).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_as_memory_does() {
    let Some(server) = server() else { return };
    let below = Prefix::new("kit").unwrap();
    let expected = sync_conformance::run(&Memory::new(), &below).into_result().unwrap().transcript();
    let got = conformance::run(&server.connect().await, &below).await.into_result().unwrap().transcript();
    assert_eq!(alike(&got), alike(&expected));
    assert!(got.lines().count() > 400, "{}", got.lines().count());
    // The kit removes what it wrote: rows, chunks, and what its writers left.
    for table in ["objects", "chunks", "staged"] {
        assert_eq!(server.number(&format!("SELECT count(*) FROM {{ns}}.{table}")).await, 0, "{table}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_wins_each_round() {
    let Some(server) = server() else { return };
    // All connect at once to a namespace that is not there.
    let (one, two, three) = tokio::join!(server.connect(), server.connect(), server.connect());
    let pools: Vec<Arc<dyn AsyncBackend>> = vec![Arc::new(one), Arc::new(two), Arc::new(three)];
    for round in 0..ROUNDS {
        let name = format!("race/{round}");
        let tasks: Vec<_> = (0..RACERS)
            .map(|racer| {
                let (backend, name) = (Arc::clone(&pools[racer % pools.len()]), name.clone());
                tokio::spawn(async move { create(&*backend, &name, racer, round).await })
            })
            .collect();
        let mut winners = Vec::new();
        for (racer, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Outcome::Applied(_) => winners.push(racer),
                Outcome::Rejected => {}
                Outcome::Unknown => panic!("racer {racer} does not know"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let body = bytes(&*pools[0], &name, ReadOptions::default()).await.unwrap();
        assert_eq!(body, winners[0].to_string().repeat(20_000).as_bytes());
    }
    // One chunk for each winner: losers leave none.
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, ROUNDS as i64);
    server.end().await;
}

/// Every other round through a writer.
async fn create(backend: &dyn AsyncBackend, name: &str, racer: usize, round: usize) -> Outcome {
    let body = racer.to_string().repeat(20_000);
    if round.is_multiple_of(2) {
        return write(backend, name, body, Condition::IfAbsent).await;
    }
    let mut writer = backend.open_writer(&key(name), &WriteOptions::if_absent()).await.unwrap();
    writer.write(body.into()).await.unwrap();
    writer.commit().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_addition_is_lost() {
    let Some(server) = server() else { return };
    let pools: Vec<Arc<dyn AsyncBackend>> = vec![Arc::new(server.connect().await), Arc::new(server.connect().await)];
    applied(write(&*pools[0], "counter", "0", Condition::IfAbsent).await);
    let tasks: Vec<_> = (0..RACERS)
        .map(|racer| {
            let backend = Arc::clone(&pools[racer % pools.len()]);
            tokio::spawn(async move {
                for _ in 0..ROUNDS / 4 {
                    add_one(&*backend).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let total = bytes(&*pools[0], "counter", ReadOptions::default()).await.unwrap();
    assert_eq!(total, (RACERS * (ROUNDS / 4)).to_string().as_bytes());
    server.end().await;
}

async fn add_one(backend: &dyn AsyncBackend) {
    loop {
        let version = backend.stat(&key("counter"), &Default::default()).await.unwrap().version.unwrap();
        let pinned = ReadOptions::default().with_version(version.clone());
        let text = match bytes(backend, "counter", pinned).await {
            Err(error) if error.kind() == ErrorKind::ConditionFailed => continue,
            text => String::from_utf8(text.unwrap()).unwrap(),
        };
        let next = (text.parse::<u32>().unwrap() + 1).to_string();
        match write(backend, "counter", next, Condition::IfMatch(version)).await {
            Outcome::Applied(_) => return,
            Outcome::Rejected => {}
            Outcome::Unknown => panic!("unknown"),
        }
    }
}
