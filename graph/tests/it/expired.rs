//! Old states of a stored catalog go, with what only they had, and nobody misses anything: neither who reads and writes
//! meanwhile nor who has named a state.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::blocks::Content;
use worldstore_core::manifest::{ExpireOptions, ManifestOptions, Manifests, Mode};
use worldstore_core::memory::{Moment, Verdict};
use worldstore_core::{Backend, ErrorKind, Memory, Prefix};
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{LABELS, ask, refusal, rows, store};

fn manifests(catalog: &Arc<Memory>) -> Manifests {
    let folder = Prefix::new("catalog").unwrap();
    Manifests::open_or_create(catalog.clone(), folder, ManifestOptions::default()).unwrap()
}

async fn open(catalog: &Arc<Memory>) -> Graph {
    open_with(catalog, None).await
}

/// A graph as another process opens it.
async fn open_with(catalog: &Arc<Memory>, kept: Option<ExpireOptions>) -> Graph {
    let data: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(store())));
    let graph = Graph::new().with_mount("data", data).unwrap().with_kept_states(kept);
    graph.open_manifests(manifests(catalog)).await.unwrap()
}

fn keep(last: u64) -> ExpireOptions {
    ExpireOptions::default().with_keep_last(last)
}

fn blocks(catalog: &Memory) -> usize {
    let folder = Prefix::new("catalog/blocks").unwrap();
    catalog.list(&folder, &Default::default()).unwrap().objects.len()
}

#[tokio::test]
async fn old_states_go_by_themselves() {
    let catalog = Arc::new(Memory::new());
    let graph = open_with(&catalog, Some(keep(8))).await;
    for id in 0..300 {
        let _ = ask(&graph, &format!("CREATE (:Note {{id: {id}}})")).await;
    }
    let (chain, left) = (manifests(&catalog), blocks(&catalog));
    assert!(chain.list().unwrap().len() <= 80, "{:?}", chain.list());
    assert!(left < 250, "{left} contents of 300 statements");
    chain.verify().unwrap();
    assert_eq!(rows(&open(&catalog).await, "MATCH (n:Note) RETURN count(n), sum(n.id)").await, ["300|44850"]);
    let forever = open(&Arc::new(Memory::new())).await;
    for id in 0..70 {
        let _ = ask(&forever, &format!("CREATE (:Note {{id: {id}}})")).await;
    }
    assert_eq!(forever.expire(&keep(8).with_mode(Mode::DryRun)).await.unwrap().states.removed.len(), 64);
    assert_eq!(Graph::new().expire(&keep(1)).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn tags_leases_and_young_states_are_kept() {
    let catalog = Arc::new(Memory::new());
    let graph = open(&catalog).await;
    for id in 0..3 {
        let _ = ask(&graph, &format!("CREATE (:Note {{id: {id}}})")).await;
    }
    let chain = manifests(&catalog);
    let (tagged, leased) = (chain.latest().unwrap().number, chain.latest().unwrap().number + 2);
    chain.tag("before", tagged).unwrap();
    let _ = ask(&graph, "MATCH (n:Note {id: 0}) SET n.id = 7").await;
    chain.lease("reader", leased, Duration::from_secs(600)).unwrap();
    // The 64th merges them, so that the newest state has none of these contents.
    for id in 3..70 {
        let _ = ask(&graph, &format!("CREATE (:Note {{id: {id}}})")).await;
    }
    let young = graph.expire(&Graph::kept_states().with_keep_last(1)).await.unwrap();
    assert!(young.states.removed.is_empty(), "all are younger than 10 minutes");
    for _ in 0..3 {
        graph.expire(&keep(1)).await.unwrap();
    }
    let kept = chain.list().unwrap();
    assert_eq!((kept[0], kept[1]), (tagged, leased));
    for number in [tagged, leased] {
        for entry in &chain.at(number).unwrap().entries {
            let length = entry.blocks.iter().map(|block| block.length).sum();
            let content = Content { hash: entry.content, length, blocks: entry.blocks.clone() };
            chain.blocks().unwrap().get(&content).unwrap().bytes().unwrap();
        }
    }
    assert!(chain.release("before").unwrap() && chain.release("reader").unwrap());
    let before = blocks(&catalog);
    for _ in 0..3 {
        graph.expire(&keep(1)).await.unwrap();
    }
    assert!(blocks(&catalog) < before, "what only they had goes when nobody names them any more");
    assert_eq!(rows(&open(&catalog).await, "MATCH (n:Note) RETURN count(n)").await, ["70"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_and_writers_go_on_while_others_expire() {
    const WRITERS: usize = 2;
    const STEPS: usize = 60;
    let catalog = Arc::new(Memory::new());
    let _ = ask(&open(&catalog).await, "CREATE (:Counter {n: 0})").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let (expirer, over) = (open(&catalog).await, Arc::clone(&is_over));
    let expiring = tokio::spawn(async move {
        while !over.load(Ordering::Relaxed) {
            expirer.expire(&keep(4)).await.unwrap();
        }
    });
    let (read_from, over) = (Arc::clone(&catalog), Arc::clone(&is_over));
    let reading = tokio::spawn(async move {
        let (follower, mut last) = (open(&read_from).await, 0);
        while !over.load(Ordering::Relaxed) {
            for graph in [&follower, &open(&read_from).await] {
                let n: i64 = rows(graph, "MATCH (c:Counter) RETURN c.n").await[0].parse().unwrap();
                assert!(n >= last, "{n} after {last}");
                last = n;
            }
        }
    });
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let graph = open(&catalog).await;
        tasks.push(tokio::spawn(async move {
            let (mut done, mut unknown) = (0, 0);
            for step in 0..STEPS {
                let text =
                    format!("MATCH (c:Counter) SET c.n = c.n + 1 CREATE (:Step {{writer: {writer}, step: {step}}})");
                // Where the other writer was first each time, nothing has happened.
                let outcome = loop {
                    match graph.query(&text, &Parameters::default()).await {
                        Err(error) if error.kind() == ErrorKind::Conflict => tokio::task::yield_now().await,
                        outcome => break outcome,
                    }
                };
                match outcome {
                    Ok(_) => done += 1,
                    Err(error) if error.kind() == ErrorKind::OutcomeUnknown => unknown += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (done, unknown)
        }));
    }
    let (mut done, mut unknown) = (0, 0);
    for task in tasks {
        let ended = task.await.unwrap();
        (done, unknown) = (done + ended.0, unknown + ended.1);
    }
    is_over.store(true, Ordering::Relaxed);
    expiring.await.unwrap();
    reading.await.unwrap();
    let graph = open(&catalog).await;
    let counted: i64 = rows(&graph, "MATCH (c:Counter) RETURN c.n").await[0].parse().unwrap();
    assert!((done..=done + unknown).contains(&counted), "{counted} of {done} and perhaps {unknown}");
    let steps = rows(&graph, "MATCH (s:Step) RETURN s.writer, s.step").await;
    assert_eq!((steps.len(), steps.iter().collect::<BTreeSet<_>>().len()), (counted as usize, counted as usize));
    manifests(&catalog).verify().unwrap();
}

/// A catalog in which something happens when the next content is about to be read.
struct Disturbed {
    catalog: Arc<Memory>,
    is_armed: Arc<AtomicBool>,
}

impl Disturbed {
    /// `meanwhile` is a statement of another process, done so often; then all but the newest state goes.
    fn new(meanwhile: fn(i64) -> Work) -> Self {
        let (own, is_armed) = (Arc::new(OnceLock::<Arc<Memory>>::new()), Arc::new(AtomicBool::new(false)));
        let (catalog, armed) = (Arc::clone(&own), Arc::clone(&is_armed));
        let memory = Memory::new().with_hook(move |event| {
            let is_content = event.key.starts_with("catalog/blocks/");
            let is_read = event.operation.starts_with("read") && event.moment == Moment::Before;
            if is_content && is_read && armed.swap(false, Ordering::Relaxed) {
                let catalog = Arc::clone(catalog.get().unwrap());
                std::thread::spawn(move || happen(&catalog, meanwhile)).join().unwrap();
            }
            Verdict::Pass
        });
        let catalog = Arc::new(memory);
        own.set(Arc::clone(&catalog)).unwrap();
        Self { catalog, is_armed }
    }
}

/// What another process does.
enum Work {
    Ask(String),
    Correct(RecordBatch),
    Nothing,
}

fn happen(catalog: &Arc<Memory>, meanwhile: fn(i64) -> Work) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let other = open(catalog).await;
        for turn in 0.. {
            match meanwhile(turn) {
                Work::Ask(text) => drop(ask(&other, &text).await),
                Work::Correct(rows) => other.correct("Flight", rows).await.unwrap(),
                Work::Nothing => break,
            }
        }
        for _ in 0..3 {
            other.expire(&keep(1)).await.unwrap();
        }
    });
}

#[tokio::test]
async fn who_opens_a_state_that_goes_reads_the_newest() {
    let disturbed = Disturbed::new(|turn| match turn {
        0..70 => Work::Ask(format!("CREATE (:Note {{id: {turn}}})")),
        _ => Work::Nothing,
    });
    let _ = ask(&open(&disturbed.catalog).await, "CREATE (:Note {id: 1000})").await;
    disturbed.is_armed.store(true, Ordering::Relaxed);
    let late = open(&disturbed.catalog).await;
    assert!(!disturbed.is_armed.load(Ordering::Relaxed), "nothing was read");
    assert_eq!(rows(&late, "MATCH (n:Note) RETURN count(n), max(n.id)").await, ["71|1000"]);
}

fn fixes(delay: i32) -> RecordBatch {
    let flight: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    RecordBatch::try_from_iter([("flight", flight), ("delay", Arc::new(Int32Array::from(vec![delay])) as ArrayRef)])
        .unwrap()
}

#[tokio::test]
async fn corrections_that_go_before_they_are_read_are_a_conflict() {
    let disturbed = Disturbed::new(|turn| match turn {
        0 => Work::Correct(fixes(900)),
        _ => Work::Nothing,
    });
    let writer = open(&disturbed.catalog).await;
    writer.run(LABELS, &Parameters::default()).await.unwrap();
    writer.correct("Flight", fixes(500)).await.unwrap();
    let late = open(&disturbed.catalog).await;
    disturbed.is_armed.store(true, Ordering::Relaxed);
    let query = "MATCH (f:Flight) WHERE f.delay > 95 RETURN f.delay";
    assert_eq!(refusal(&late, query).await.kind(), ErrorKind::Conflict);
    assert_eq!(rows(&late, query).await, ["900"]);
}
