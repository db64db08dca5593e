//! Catalogs in a store: what one process declares another sees, and a graph that is opened again knows all of it.

use std::sync::Arc;

use worldstore_async::{AsyncBackend, CountingBackend, SyncBackendAdapter};
use worldstore_core::manifest::{ManifestOptions, Manifests};
use worldstore_core::{DeleteOptions, ErrorKind, Key, Memory, Prefix, WriteOptions};
use worldstore_graph::{Freshness, Graph, Parameters};

use crate::fixture::{LABELS, ask, cells, refusal, refused, rows, store};

struct World {
    data: Arc<CountingBackend>,
    catalog: Arc<Memory>,
}

impl World {
    fn new() -> Self {
        let data = SyncBackendAdapter::new(Arc::new(store()));
        Self { data: Arc::new(CountingBackend::new(Arc::new(data))), catalog: Arc::new(Memory::new()) }
    }

    fn manifests(&self) -> Manifests {
        let folder = Prefix::new("catalog").unwrap();
        Manifests::open_or_create(self.catalog.clone(), folder, ManifestOptions::default()).unwrap()
    }

    /// A graph as another process opens it.
    async fn open(&self) -> Graph {
        self.open_with(Freshness::Listed).await
    }

    async fn open_with(&self, freshness: Freshness) -> Graph {
        let graph = Graph::new().with_mount("data", self.data.clone()).unwrap().with_freshness("data", freshness);
        graph.open_manifests(self.manifests()).await.unwrap()
    }
}

async fn run(graph: &Graph, text: &str) {
    graph.run(text, &Parameters::default()).await.unwrap();
}

const QUERIES: [&str; 6] = [
    "SHOW NODE LABELS",
    "SHOW EDGE TYPES",
    "MATCH (f:Flight) WHERE f.month = 2 RETURN count(*) AS n, max(f.delay) AS top",
    "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN a.name, count(*) AS n",
    "MATCH (a:Airport)-[r:ROUTE]->(b:Airport) RETURN a.faa, r.miles, b.faa",
    "MATCH p = (a:Airport {faa: 'EWR'})-[:ROUTE*1..2]->(b) RETURN length(p), b.faa",
];

#[tokio::test]
async fn a_graph_that_is_opened_again_gives_the_same_answers() {
    let world = World::new();
    let first = world.open().await;
    run(&first, LABELS).await;
    run(
        &first,
        "CREATE NODE LABEL Late VIRTUAL FROM PARTITION 'lake://data/flights' KEY flight
        COMPUTE twice = hours * 2, hours = delay / 60.0",
    )
    .await;
    let before = world.data.counts();
    let again = world.open_with(Freshness::Listed).await;
    assert_eq!(world.data.counts(), before, "opening reads nothing but the catalog");
    for query in QUERIES.into_iter().chain(["MATCH (l:Late) RETURN l.flight, l.twice"]) {
        assert_eq!(rows(&again, query).await, rows(&first, query).await, "{query}");
    }
    let before = world.data.counts();
    assert!(ask(&again, "MATCH (f:Flight) RETURN count(*) AS n").await.io_stats.is_footer_only());
    assert!(world.data.counts() != before || rows(&again, "SHOW NODE LABELS").await.len() == 4);
    let pinned = world.open_with(Freshness::Pinned).await;
    assert_eq!(rows(&pinned, QUERIES[2]).await, rows(&first, QUERIES[2]).await);
}

#[tokio::test]
async fn others_see_what_is_declared_and_dropped() {
    let world = World::new();
    let (writer, reader) = (world.open().await, world.open().await);
    assert!(refused(&reader, "MATCH (f:Flight) RETURN count(*)").await.contains("there is no label yet"));
    run(&writer, LABELS).await;
    assert_eq!(rows(&reader, "MATCH (f:Flight) RETURN count(*) AS n").await, ["8"]);
    let published = world.manifests().latest().unwrap().number;
    assert_eq!(published, 8, "one manifest to begin, and one for each of seven declarations");
    run(&reader, "DROP EDGE TYPE ROUTE").await;
    assert_eq!(world.manifests().latest().unwrap().number, published + 1);
    assert_eq!(rows(&writer, "SHOW EDGE TYPES").await.len(), 3);
    assert!(refused(&writer, "DROP EDGE TYPE ROUTE").await.contains("unknown edge type"));
    // What fails publishes nothing.
    assert_eq!(refusal(&writer, "DROP NODE LABEL Airport").await.kind(), ErrorKind::Invalid);
    assert_eq!(
        refusal(&writer, "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet'").await.kind(),
        ErrorKind::Invalid
    );
    assert_eq!(world.manifests().latest().unwrap().number, published + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_at_once_lose_nothing() {
    let world = World::new();
    run(&world.open().await, "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa").await;
    let mut tasks = Vec::new();
    for process in 0..4 {
        let graph = world.open().await;
        tasks.push(tokio::spawn(async move {
            for label in 0..5 {
                let create = format!("CREATE NODE LABEL L{process}x{label} FROM FILE 'lake://data/airlines.parquet'");
                graph.query(&create, &Parameters::default()).await.unwrap();
            }
            // One name wins once.
            let create = "CREATE NODE LABEL Same FROM FILE 'lake://data/airlines.parquet'";
            graph.query(create, &Parameters::default()).await.map(drop).map_err(|error| error.kind())
        }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            Err(kind) => assert!(matches!(kind, ErrorKind::AlreadyExists | ErrorKind::Invalid), "{kind:?}"),
        }
    }
    assert_eq!(won, 1);
    let all = world.open().await;
    assert_eq!(rows(&all, "SHOW NODE LABELS").await.len(), 22);
}

#[tokio::test]
async fn a_label_that_is_gone_makes_a_conflict() {
    let world = World::new();
    let graph = world.open().await;
    run(
        &graph,
        "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa;
        CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://data/flights'",
    )
    .await;
    let numbers =
        graph.register_virtual_partition("Again", "lake://data/flights/month={month}/day={day}").await.unwrap();
    assert_eq!(numbers, world.manifests().latest().unwrap().number);
    assert_eq!(rows(&world.open().await, "MATCH (f:Again {month: 1}) RETURN count(*) AS n").await, ["4"]);
    let error = graph.register_virtual_partition("Again", "lake://data/flights").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = graph.register_virtual_partition("Other", "lake://data/k={k}{").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn what_is_not_mounted_is_there_and_cannot_be_asked() {
    let world = World::new();
    run(&world.open().await, LABELS).await;
    let bare = Graph::new().open_manifests(world.manifests()).await.unwrap();
    assert_eq!(rows(&bare, "SHOW NODE LABELS").await.len(), 3);
    let error = refusal(&bare, "MATCH (f:Flight) RETURN count(*)").await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("nothing is mounted"), "{error}");
}

#[tokio::test]
async fn damaged_records_and_files_that_changed_are_told() {
    let world = World::new();
    run(&world.open().await, LABELS).await;
    let manifests = world.manifests();
    manifests
        .publish_shared(|draft| {
            draft.properties.insert("label/Bad".to_owned(), "{".to_owned());
            Ok(())
        })
        .unwrap();
    let error = Graph::new().open_manifests(world.manifests()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("label/Bad"), "{error}");
    manifests
        .publish_shared(|draft| {
            draft.properties.remove("label/Bad");
            Ok(())
        })
        .unwrap();
    let graph = world.open().await;
    let (from, to) = (Key::new("routes.parquet").unwrap(), Key::new("airlines.parquet").unwrap());
    let bytes = worldstore_core::Store::new(Arc::new(store())).read_bytes(from.as_str()).unwrap();
    world.data.delete(std::slice::from_ref(&to), &DeleteOptions::default()).await.unwrap();
    let _ = world.data.write(&to, bytes, &WriteOptions::default()).await.unwrap();
    let error = refusal(&graph, "MATCH (a:Airline) RETURN count(a.name)").await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("other columns"), "{error}");
}

#[tokio::test]
async fn a_folder_of_an_async_store_will_do() {
    let store: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
    let data: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(crate::fixture::store())));
    let open = || async {
        let graph = Graph::new().with_mount("data", Arc::clone(&data)).unwrap();
        graph.open(Arc::clone(&store), Prefix::new("graph").unwrap()).await.unwrap()
    };
    run(&open().await, LABELS).await;
    assert_eq!(cells(&ask(&open().await, "MATCH (a:Airport) RETURN count(*) AS n").await), ["5"]);
    let declared = Graph::new().with_mount("data", Arc::clone(&data)).unwrap();
    run(&declared, "CREATE NODE LABEL A FROM FILE 'lake://data/airports.parquet'").await;
    let error = declared.open(store, Prefix::new("graph").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
