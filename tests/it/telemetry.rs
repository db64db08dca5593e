//! Spans and metrics: what the chapter lists is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use worldstore::arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt64Array};
use worldstore::core::wrap::{Metrics, MetricsBackend};
use worldstore::core::{Memory, Store};
use worldstore::graph::Parameters;
use worldstore::telemetry::{self, Metric, MetricKind};
use worldstore::{World, WorldOptions};

/// The fields of every span, under its number and name.
#[derive(Debug, Default, Clone)]
struct Notes {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<BTreeMap<u64, (&'static str, Fields)>>>,
}

#[derive(Debug, Default, Clone)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "worldstore"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.spans.lock().unwrap().insert(id, (attributes.metadata().name(), fields));
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some((_, fields)) = self.spans.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(fields);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Notes {
    /// True if there is a span of this name with these fields.
    fn has(&self, name: &str, wanted: &[(&str, &str)]) -> bool {
        let spans = self.spans.lock().unwrap();
        let fits =
            |fields: &Fields| wanted.iter().all(|(key, value)| fields.0.get(key).is_some_and(|has| has == value));
        spans.values().any(|(span, fields)| *span == name && fits(fields))
    }
}

fn positions() -> RecordBatch {
    let entity: ArrayRef = Arc::new(UInt64Array::from(vec![7, 8]));
    let x: ArrayRef = Arc::new(Float64Array::from(vec![0.5, -1.0]));
    RecordBatch::try_from_iter([("entity", entity), ("x", x)]).unwrap()
}

/// The first column of the table in the chapter whose rows begin so.
fn listed(beginning: &str) -> BTreeSet<&'static str> {
    let chapter = include_str!("../../src/docs/telemetry.md");
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.filter(|name| name.starts_with(beginning)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layer_has_its_span() {
    let notes = Notes::default();
    // For the whole process: the cache works on threads of its own.
    tracing::subscriber::set_global_default(notes.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().join("spans").display().to_string();
    let world = World::create(&uri, &WorldOptions::default()).await.unwrap();
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "watched", &positions()).await.unwrap();
    world.flush().await.unwrap();
    assert_eq!(run.now().count("watched").await.unwrap(), 2);
    let rows = world.sql("select x from watched").await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert!(world.sql("select y from watched where x = 'hush'").await.is_err());
    assert!(world.sql("select x from absent").await.is_err());
    let graph = world.graph().await.unwrap();
    assert_eq!(graph.query("MATCH (w:watched) RETURN w.x", &Parameters::default()).await.unwrap().rows(), 2);
    assert!(graph.query("MATCH (w:watched) WHERE w.x = 'hush' RETURN hush", &Parameters::default()).await.is_err());
    world.shutdown().await.unwrap();
    World::open(&uri, &WorldOptions::default()).await.unwrap().shutdown().await.unwrap();

    let (table, failed) = (("db.collection.name", "watched"), ("otel.status_code", "ERROR"));
    for (name, fields) in [
        ("cache.append", &[("worldstore.rows", "2"), ("worldstore.level", "Durable")][..]),
        ("cache.log", &[]),
        ("cache.flush", &[table, ("worldstore.rows", "2")]),
        ("cache.publish", &[("worldstore.tables", "1")]),
        ("cache.recover", &[]),
        ("table", &[table, ("db.operation.name", "append"), ("db.system.name", "lance"), ("worldstore.rows", "2")]),
        ("table", &[table, ("db.operation.name", "scan"), ("db.response.returned_rows", "2")]),
        ("cypher", &[("db.response.returned_rows", "2")]),
        ("cypher", &[("error.type", "invalid"), ("error.message", "the text has mistakes"), failed]),
        ("sql", &[("error.type", "invalid"), ("error.message", "the query failed"), failed]),
        ("backend", &[("db.operation.name", "write"), ("worldstore.scope", "call"), ("worldstore.outcome", "applied")]),
        ("backend", &[("db.operation.name", "read"), ("error.type", "not_found"), failed]),
    ] {
        assert!(notes.has(name, fields), "{name} {fields:?} in {:#?}", notes.spans.lock().unwrap());
        assert!(listed(name).contains(name), "{name} is in the chapter");
    }
    let said = format!("{:?}", notes.spans.lock().unwrap());
    assert!(!said.contains("select") && !said.contains("hush"), "no text of a query is in a span: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chapter_lists_every_metric() {
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().join("figures").display().to_string();
    let world = World::create(&uri, &WorldOptions::default()).await.unwrap();
    let _ = world.run("main").await.unwrap().append(1, "watched", &positions()).await.unwrap();
    let mut metrics = telemetry::of_cache(&world.stats().unwrap());
    let of_world = telemetry::of_store(&world.store_stats());
    let written = of_world.iter().find(|metric| metric.name == "worldstore.store.written").unwrap();
    assert!(written.value > 0.0, "{of_world:?}");
    let writes = ("db.operation.name", "write".to_owned());
    let took =
        of_world.iter().find(|one| one.name == "worldstore.store.duration" && one.attribute == Some(writes.clone()));
    assert!(took.unwrap().value > 0.0, "{of_world:?}");
    world.shutdown().await.unwrap();
    let counts = Arc::new(Metrics::default());
    let store = Store::new(Arc::new(MetricsBackend::new(Arc::new(Memory::new()), Arc::clone(&counts))));
    store.write("a", "four").unwrap();
    assert!(store.read_bytes("b").is_err());
    metrics.extend(telemetry::of_store(&counts.snapshot()));

    let names: BTreeSet<&str> = metrics.iter().map(|metric| metric.name).collect();
    assert_eq!(names, listed("worldstore."));
    let value = |name: &str| {
        let found: Vec<&Metric> = metrics.iter().filter(|metric| metric.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0].clone()
    };
    assert_eq!((value("worldstore.cache.seq").value, value("worldstore.cache.durable.seq").value), (1.0, 1.0));
    // That there is a table, and the rows.
    assert_eq!(value("worldstore.log.records").value, 2.0);
    let buffered = value("worldstore.cache.buffered.rows");
    assert_eq!((buffered.value, buffered.kind), (2.0, MetricKind::Gauge));
    assert_eq!(buffered.attribute, Some(("db.collection.name", "watched".to_owned())));
    assert_eq!(value("worldstore.store.written").value, 4.0);
    assert_eq!(value("worldstore.store.errors").attribute, Some(("error.type", "not_found".to_owned())));
}
