//! Corrections and standing queries of a stored catalog: others see them, and they are there when it is opened again.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::manifest::{ManifestOptions, Manifests};
use worldstore_core::{Backend, ErrorKind, Memory, Prefix};
use worldstore_graph::{Graph, LiveEvent, Parameters, Value};

use crate::fixture::{LABELS, ask, parquet, put, refused, rows, store};

/// Files with corrections among them, and an empty catalog.
struct Bed {
    data: Arc<dyn AsyncBackend>,
    catalog: Arc<dyn Backend>,
}

fn fixes(flights: &[i64], delays: &[i32]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("flight", Arc::new(Int64Array::from(flights.to_vec())) as ArrayRef),
        ("delay", Arc::new(Int32Array::from(delays.to_vec()))),
    ])
    .unwrap()
}

impl Bed {
    fn new() -> Self {
        let data = store();
        put(&data, "fixes.parquet", parquet(&fixes(&[1, 3], &[500, 600]), 10));
        Self { data: Arc::new(SyncBackendAdapter::new(Arc::new(data))), catalog: Arc::new(Memory::new()) }
    }

    async fn open(&self) -> Graph {
        let folder = Prefix::new("catalog").unwrap();
        let manifests = Manifests::open_or_create(self.catalog.clone(), folder, ManifestOptions::default()).unwrap();
        let graph = Graph::new().with_mount("data", Arc::clone(&self.data)).unwrap();
        graph.open_manifests(manifests).await.unwrap()
    }
}

const LATE: &str = "MATCH (f:Flight) WHERE f.delay > 80 RETURN f.flight, f.delay";

#[tokio::test]
async fn corrections_that_are_declared() {
    let bed = Bed::new();
    let (one, other) = (bed.open().await, bed.open().await);
    one.run(LABELS, &Parameters::default()).await.unwrap();
    assert_eq!(rows(&other, LATE).await, ["5|90"]);
    let _ = ask(&one, "CREATE OVERLAY ON Flight FROM FILE 'lake://data/fixes.parquet'").await;
    for graph in [&one, &other, &bed.open().await] {
        assert_eq!(rows(graph, LATE).await, ["1|500", "3|600", "5|90"]);
    }
    assert!(refused(&other, "CREATE OVERLAY ON Flight FROM FILE 'lake://data/fixes.parquet'").await.contains("exists"));
    let _ = ask(&other, "DROP OVERLAY ON Flight").await;
    assert_eq!(rows(&one, LATE).await, ["5|90"]);
    assert!(refused(&one, "DROP OVERLAY ON Flight").await.contains("unknown overlay"));
}

#[tokio::test]
async fn corrections_that_are_given() {
    let bed = Bed::new();
    let (one, other) = (bed.open().await, bed.open().await);
    one.run(LABELS, &Parameters::default()).await.unwrap();
    one.correct("Flight", fixes(&[2], &[999])).await.unwrap();
    for graph in [&one, &other, &bed.open().await] {
        assert_eq!(rows(graph, LATE).await, ["2|999", "5|90"]);
    }
    other.correct("Flight", fixes(&[2, 5], &[1, 2])).await.unwrap();
    for graph in [&one, &other, &bed.open().await] {
        assert!(rows(graph, LATE).await.is_empty(), "they take the place of those before");
    }
    let _ = ask(&one, "DROP OVERLAY ON Flight").await;
    assert_eq!(rows(&bed.open().await, LATE).await, ["2|70", "5|90"][1..]);
    assert_eq!(one.correct("Boat", fixes(&[2], &[1])).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_declared_at_once_is_taken_over_in_its_order() {
    let bed = Bed::new();
    let graph = bed.open().await;
    graph.run(LABELS, &Parameters::default()).await.unwrap();
    for round in 0..12_i32 {
        let tasks: Vec<_> = (0..4)
            .map(|task| {
                let graph = graph.clone();
                tokio::spawn(async move { graph.correct("Flight", fixes(&[2], &[round * 4 + task])).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let query = "MATCH (f:Flight {flight: 2}) RETURN f.delay";
        assert_eq!(rows(&graph, query).await, rows(&bed.open().await, query).await, "{round}");
    }
}

#[tokio::test]
async fn standing_queries() {
    let bed = Bed::new();
    let one = bed.open().await;
    one.run(LABELS, &Parameters::default()).await.unwrap();
    let _ = ask(&one, "CREATE (:Note {state: 'CA', text: 'dry'})").await;
    let parameters = Parameters::default().with("state", "NY").with("more", Value::Float(0.5));
    let view = "CREATE LIVE VIEW notes AS MATCH (n:Note) WHERE n.state = $state RETURN n.text";
    one.query(view, &parameters).await.unwrap();
    let _ = ask(&one, "CREATE (:Note {state: 'NY', text: 'windy'})").await;
    let other = bed.open().await;
    assert_eq!(rows(&other, "SHOW LIVE VIEWS").await.len(), 1);
    let mut changes = other.subscribe("notes", None).await.unwrap();
    let texts = |events: &[LiveEvent]| -> Vec<(i64, String)> {
        let rows = events.iter().filter_map(|event| match event {
            LiveEvent::Row { diff, row, .. } => Some((*diff, row[0].to_string())),
            _ => None,
        });
        rows.collect()
    };
    assert_eq!(texts(&changes.next().await.unwrap()), [(1, "'windy'".to_owned())]);
    let _ = ask(&one, "MATCH (n:Note) SET n.text = 'calm'").await;
    let mut seen = texts(&changes.next().await.unwrap());
    seen.sort();
    assert_eq!(seen, [(-1, "'windy'".to_owned()), (1, "'calm'".to_owned())]);
    assert!(one.query(view, &parameters).await.is_err());
    let _ = ask(&other, "DROP LIVE VIEW notes").await;
    assert_eq!(one.subscribe("notes", None).await.unwrap_err().kind(), ErrorKind::NotFound);
}
