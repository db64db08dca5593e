//! Labels and edge types over Lance datasets and Iceberg tables, whoever wrote them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use worldstore::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use worldstore::arrow::util::display::{ArrayFormatter, FormatOptions};
use worldstore::asynchronous::table::AsyncTableBackend;
use worldstore::asynchronous::{AsyncBackend, SyncBackendAdapter};
use worldstore::core::table::{AppendOptions, CreateOptions, TableName};
use worldstore::core::{Local, Prefix};
use worldstore::formats::with_table_formats;
use worldstore::graph::{Graph, Moment, Parameters, QueryError, QueryResult};
use worldstore::iceberg::{CatalogLocation, IcebergConfig, IcebergTables, MetadataCompression};
use worldstore::lance::{LanceConfig, LanceTables};
use worldstore::{ErrorKind, Registry};

/// A folder with tables of cars in both formats.
struct Garage {
    folder: TempDir,
    lance: LanceTables,
    iceberg: IcebergTables,
}

fn cars(ids: &[i64]) -> RecordBatch {
    let names: Vec<String> = ids.iter().map(|id| format!("car {id}")).collect();
    let speeds = ids.iter().map(|id| *id as f64 * 10.0);
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("name", Arc::new(StringArray::from(names))),
        ("speed", Arc::new(Float64Array::from_iter_values(speeds))),
    ])
    .unwrap()
}

fn follows(pairs: &[(i64, i64)]) -> RecordBatch {
    let ends = |end: fn(&(i64, i64)) -> i64| Arc::new(Int64Array::from_iter_values(pairs.iter().map(end))) as ArrayRef;
    RecordBatch::try_from_iter([("behind", ends(|pair| pair.0)), ("ahead", ends(|pair| pair.1))]).unwrap()
}

async fn put(tables: &dyn AsyncTableBackend, name: &str, rows: RecordBatch) {
    let name = TableName::new(name).unwrap();
    tables.create(&name, &CreateOptions::new(rows.schema())).await.unwrap();
    let _ = tables.append(&name, vec![rows], &AppendOptions::default()).await.unwrap();
}

async fn more(tables: &dyn AsyncTableBackend, rows: RecordBatch) {
    let name = TableName::new("cars").unwrap();
    let _ = tables.append(&name, vec![rows], &AppendOptions::default()).await.unwrap();
}

impl Garage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = backend(folder.path());
        let lance = LanceTables::open(Arc::clone(&backend), LanceConfig::default()).unwrap();
        let catalog = CatalogLocation::File(folder.path().join("catalog.db"));
        let config = IcebergConfig::new(catalog, format!("file://{}", folder.path().display()));
        let config =
            config.with_prefix(Prefix::new("wh").unwrap()).with_metadata_compression(MetadataCompression::None);
        let iceberg = IcebergTables::open(backend, config).await.unwrap();
        put(&lance, "cars", cars(&[1, 2, 3])).await;
        put(&lance, "follows", follows(&[(1, 2), (2, 3)])).await;
        put(&iceberg, "cars", cars(&[1, 2, 3])).await;
        put(&iceberg, "follows", follows(&[(1, 2), (2, 3)])).await;
        Self { folder, lance, iceberg }
    }

    fn graph(&self) -> Graph {
        let graph = Graph::new().with_mount("garage", backend(self.folder.path())).unwrap();
        with_table_formats(graph, &Registry::compiled_in())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.path().display())
    }

    /// The newest metadata file of the Iceberg table of cars, below the folder.
    fn metadata(&self) -> String {
        let newest = metadata_files(self.folder.path()).into_iter().filter(|file| file.contains("/cars/")).max();
        newest.unwrap()
    }
}

fn backend(folder: &Path) -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(folder).unwrap())))
}

/// Below a folder.
fn metadata_files(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from(folder)]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.to_string_lossy().ends_with(".metadata.json") => {
                    found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
                }
                false => {}
            }
        }
    }
    found
}

async fn ask(graph: &Graph, text: &str) -> QueryResult {
    match graph.run(text, &Parameters::default()).await {
        Ok(mut results) => results.pop().unwrap(),
        Err(error) => panic!("{}\n{error:?}", error.render(text)),
    }
}

async fn refused(graph: &Graph, text: &str) -> QueryError {
    graph.run(text, &Parameters::default()).await.err().unwrap_or_else(|| panic!("{text} was not refused"))
}

/// Rows as texts, sorted.
async fn rows(graph: &Graph, text: &str) -> Vec<String> {
    let result = ask(graph, text).await;
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for batch in &result.batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|one| ArrayFormatter::try_new(one, &options).unwrap()).collect();
        let row = |row: usize| columns.iter().map(|one| one.value(row).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.num_rows()).map(row));
    }
    rows.sort();
    rows
}

fn snapshots(result: &QueryResult) -> Vec<String> {
    result.snapshots.iter().map(ToString::to_string).collect()
}

/// What holds of labels over cars, of whichever format.
async fn holds(graph: &Graph, place: &str) {
    assert_eq!(rows(graph, "MATCH (c:Car) WHERE c.speed > 15 RETURN c.name").await, ["car 2", "car 3"]);
    assert_eq!(rows(graph, "MATCH (c:Car {id: 2}) RETURN c.name, c.speed").await, ["car 2|20.0"]);
    let pairs = rows(graph, "MATCH (a:Car)-[:FOLLOWS]->(b:Car) WHERE b.id = 3 RETURN a.name, b.name").await;
    assert_eq!(pairs, ["car 2|car 3"]);
    assert_eq!(rows(graph, "MATCH p = (a:Car {id: 1})-[:FOLLOWS*2]->(b) RETURN b.name").await, ["car 3"]);
    let plan = rows(graph, "EXPLAIN MATCH (c:Car) WHERE c.speed > 15 RETURN c.name").await.join("\n");
    assert!(plan.contains("columns=[name, speed], where=") || plan.contains("columns=[name], where="), "{plan}");
    let counted = ask(graph, "MATCH (c:Car) RETURN count(*)").await;
    assert_eq!((counted.io_stats.table_scans, counted.io_stats.table_rows), (0, 0), "the format knows it");
    let read = ask(graph, "MATCH (c:Car) WHERE c.speed > 15 RETURN c.name").await;
    assert_eq!((read.io_stats.table_scans, read.io_stats.table_rows), (1, 2), "the format leaves rows out");
    assert!(read.io_stats.table_bytes > 0, "{}", read.io_stats);
    assert_eq!(read.io_stats.bytes_read, read.io_stats.table_bytes);
    let [snapshot] = snapshots(&read).try_into().unwrap();
    assert!(snapshot.starts_with(&format!("{place} version:")), "{snapshot}");
}

#[tokio::test]
async fn lance_datasets_are_labels_and_edges() {
    let garage = Garage::new().await;
    let folder = garage.path("cars.lance");
    for (cars, follows) in [
        ("lake://garage/cars.lance", "lake://garage/follows.lance"),
        (folder.as_str(), &format!("file://{}", garage.path("follows.lance"))),
    ] {
        let graph = garage.graph();
        let declared = format!(
            "CREATE NODE LABEL Car FROM LANCE '{cars}' KEY id;
             CREATE EDGE TYPE FOLLOWS FROM lance '{follows}'
                SOURCE KEY behind REFERENCES Car(id) TARGET KEY ahead REFERENCES Car(id)"
        );
        ask(&graph, &declared).await;
        holds(&graph, cars).await;
    }
}

#[tokio::test]
async fn iceberg_tables_are_found_by_catalog_and_by_metadata_file() {
    let garage = Garage::new().await;
    let catalog = garage.path("catalog.db");
    let file = |name: &str| {
        let files = metadata_files(garage.folder.path());
        files.into_iter().filter(|file| file.contains(&format!("/{name}/"))).max().unwrap()
    };
    let (cars, follows) = (file("cars"), file("follows"));
    for (cars, follows) in [
        (format!("sqlite:{catalog}#cars"), format!("sqlite:{catalog}#worldstore/world.follows")),
        (format!("lake://garage/{cars}"), format!("lake://garage/{follows}")),
        (garage.path(&cars), format!("file://{}", garage.path(&follows))),
    ] {
        let graph = garage.graph();
        let declared = format!(
            "CREATE NODE LABEL Car FROM ICEBERG '{cars}' KEY id;
             CREATE EDGE TYPE FOLLOWS FROM Iceberg '{follows}'
                SOURCE KEY behind REFERENCES Car(id) TARGET KEY ahead REFERENCES Car(id)"
        );
        ask(&graph, &declared).await;
        holds(&graph, &cars).await;
    }
}

#[tokio::test]
async fn corrections_in_formats_have_each_key_once() {
    let garage = Garage::new().await;
    let catalog = garage.path("catalog.db");
    let fixes = |ids: &[i64]| {
        let names: Vec<String> = ids.iter().map(|id| format!("fixed {id}")).collect();
        let columns: [(&str, ArrayRef); 2] =
            [("id", Arc::new(Int64Array::from(ids.to_vec()))), ("name", Arc::new(StringArray::from(names)))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let name = TableName::new("fixes").unwrap();
    for (tables, from) in [
        (&garage.lance as &dyn AsyncTableBackend, "LANCE 'lake://garage/fixes.lance'"),
        (&garage.iceberg, &format!("ICEBERG 'sqlite:{catalog}#fixes'")),
    ] {
        put(tables, "fixes", fixes(&[2, 9])).await;
        let graph = garage.graph();
        let label = "CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY id";
        ask(&graph, &format!("{label}; CREATE OVERLAY ON Car FROM {from}")).await;
        let joined = "MATCH (c:Car) RETURN c.name";
        let walked = "MATCH (c:Car) WITH c RETURN c.name";
        for query in [joined, walked] {
            assert_eq!(rows(&graph, query).await, ["car 1", "car 3", "fixed 2"], "{query}");
        }
        let _ = tables.append(&name, vec![fixes(&[2])], &AppendOptions::default()).await.unwrap();
        for query in [joined, walked] {
            let error = refused(&graph, query).await;
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.to_string().contains("key is there twice"), "{query}: {error}");
        }
    }
    // Two texts that are one number are one key.
    let texts = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let graph = garage.graph();
    ask(&graph, "CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY id").await;
    for (ids, names) in [(["2", "9"], vec!["car 1", "car 3", "y"]), (["2", "02"], vec![])] {
        let fixes = RecordBatch::try_from_iter([("id", texts(&ids)), ("name", texts(&["y", "z"]))]).unwrap();
        graph.correct("Car", fixes).await.unwrap();
        let query = "MATCH (c:Car) RETURN c.name";
        match names.is_empty() {
            false => assert_eq!(rows(&graph, query).await, names),
            true => assert!(refused(&graph, query).await.to_string().contains("key is there twice")),
        }
    }
}

#[tokio::test]
async fn each_query_reads_the_newest_state_and_older_ones_when_asked() {
    let garage = Garage::new().await;
    let (graph, catalog) = (garage.graph(), garage.path("catalog.db"));
    let declared = format!(
        "CREATE NODE LABEL L FROM LANCE 'lake://garage/cars.lance' KEY id;
         CREATE NODE LABEL I FROM ICEBERG 'sqlite:{catalog}#cars' KEY id;
         CREATE NODE LABEL F FROM ICEBERG 'lake://garage/{}' KEY id",
        garage.metadata()
    );
    ask(&graph, &declared).await;
    let before = SystemTime::now();
    std::thread::sleep(Duration::from_millis(5));
    more(&garage.lance, cars(&[4])).await;
    more(&garage.iceberg, cars(&[4])).await;
    for (label, all) in [("L", "4"), ("I", "4"), ("F", "3")] {
        let count = format!("MATCH (c:{label}) RETURN count(*)");
        assert_eq!(rows(&graph, &count).await, [all], "{label}");
        let asked = graph.query_at(Moment::Time(before), &count, &Parameters::default()).await.unwrap();
        let [snapshot] = asked.snapshots.as_slice() else { panic!("{label}: {:?}", asked.snapshots) };
        let again = format!("AS OF SNAPSHOT '{}' {count}", snapshot.id());
        assert_eq!(rows(&graph, &again).await, ["3"], "{label}");
        assert_eq!(refused(&graph, &format!("AS OF SNAPSHOT 'version:99' {count}")).await.kind(), ErrorKind::NotFound);
        assert_eq!(refused(&graph, &format!("AS OF SNAPSHOT 'monday' {count}")).await.kind(), ErrorKind::NotFound);
        assert_eq!(refused(&graph, &format!("AS OF TICK 3 {count}")).await.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_table_that_was_copied_is_read_where_it_is() {
    let garage = Garage::new().await;
    let (from, to) = (garage.folder.path(), tempfile::tempdir().unwrap());
    let metadata = garage.metadata();
    let table = metadata.split("/metadata/").next().unwrap();
    copy(&from.join(table), &to.path().join("elsewhere"));
    drop(std::fs::remove_dir_all(from.join("wh")));
    let file = metadata.replace(table, "elsewhere");
    let hint = to.path().join("elsewhere/metadata/version-hint.text");
    std::fs::write(hint, file.rsplit('/').next().unwrap().trim_end_matches(".metadata.json")).unwrap();
    let graph = Graph::new().with_mount("copy", backend(to.path())).unwrap();
    let graph = with_table_formats(graph, &Registry::compiled_in());
    for place in [file.as_str(), "elsewhere", "elsewhere/"] {
        ask(&graph, &format!("CREATE NODE LABEL Car FROM ICEBERG 'lake://copy/{place}' KEY id")).await;
        assert_eq!(rows(&graph, "MATCH (c:Car) WHERE c.id > 1 RETURN c.name").await, ["car 2", "car 3"], "{place}");
        ask(&graph, "DROP NODE LABEL Car").await;
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[tokio::test]
async fn what_is_no_table_is_refused_when_it_is_declared() {
    let garage = Garage::new().await;
    let (graph, catalog) = (garage.graph(), garage.path("catalog.db"));
    std::fs::write(garage.path("wh/broken.metadata.json"), "{\"format-version\": 2").unwrap();
    std::fs::create_dir_all(garage.path("broken.lance/_versions")).unwrap();
    std::fs::write(garage.path("broken.lance/_versions/18446744073709551614.manifest"), "no manifest").unwrap();
    use ErrorKind::{Corrupt, Invalid, NotFound};
    let metadata = garage.metadata();
    for (source, kind) in [
        ("LANCE 'lake://garage/boats.lance'", NotFound),
        ("LANCE 'lake://garage/'", Invalid),
        (&format!("LANCE 'lake://garage/{metadata}'"), NotFound),
        ("LANCE 'lake://garage/broken.lance'", Corrupt),
        ("LANCE 'lake://nowhere/cars.lance'", NotFound),
        ("LANCE '/no/such/folder/cars.lance'", NotFound),
        ("LANCE 'ftp://host/cars.lance'", Invalid),
        ("ICEBERG 'lake://garage/wh/none.metadata.json'", NotFound),
        ("ICEBERG 'lake://garage/wh/broken.metadata.json'", Corrupt),
        ("ICEBERG 'lake://garage/cars.lance'", Invalid),
        ("ICEBERG 'lake://garage/wh'", Invalid),
        (&format!("ICEBERG 'sqlite:{catalog}#boats'"), NotFound),
        (&format!("ICEBERG 'sqlite:{catalog}#other/world.cars'"), NotFound),
        (&format!("ICEBERG 'sqlite:{catalog}'"), Invalid),
        ("ICEBERG 'sqlite:/no/such/catalog.db#cars'", NotFound),
        (&format!("ICEBERG 'sqlite:{}#cars'", garage.path("wh/broken.metadata.json")), Corrupt),
        ("ICEBERG 'postgres://me:word@host/db#cars'", Invalid),
        ("DELTA 'lake://garage/cars.lance'", NotFound),
    ] {
        let error = refused(&graph, &format!("CREATE NODE LABEL Car FROM {source} KEY id")).await;
        assert_eq!(error.kind(), kind, "{source}: {error}");
        assert!(!error.to_string().contains("word"), "{error}");
    }
    assert!(!std::fs::exists(garage.path("boats.lance")).unwrap(), "nothing is made");
    let error = refused(&graph, "CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY plate").await;
    assert!(error.render("").contains("unknown column `plate`"), "{error}");
    ask(&graph, "CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY id").await;
    let error = refused(&graph, "CREATE (:Car {id: 9})").await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_stored_catalog_keeps_them() {
    let garage = Garage::new().await;
    let store: Arc<dyn AsyncBackend> = backend(garage.folder.path());
    let open = async |graph: Graph| graph.open(Arc::clone(&store), Prefix::new("labels").unwrap()).await.unwrap();
    let first = open(garage.graph()).await;
    let declared = format!(
        "CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY id;
         CREATE EDGE TYPE FOLLOWS FROM ICEBERG 'sqlite:{}#follows'
            SOURCE KEY behind REFERENCES Car(id) TARGET KEY ahead REFERENCES Car(id)",
        garage.path("catalog.db")
    );
    ask(&first, &declared).await;
    let again = open(garage.graph()).await;
    let pattern = "MATCH (a:Car)-[:FOLLOWS]->(b:Car) RETURN a.id, b.id";
    assert_eq!(rows(&again, pattern).await, ["1|2", "2|3"]);
    more(&garage.lance, cars(&[4])).await;
    assert_eq!(rows(&again, "MATCH (c:Car) RETURN count(*)").await, ["4"]);
    // Without the formats the labels are there, and cannot be asked.
    let bare = open(Graph::new()).await;
    assert_eq!(rows(&bare, "SHOW NODE LABELS").await.len(), 1);
    assert_eq!(refused(&bare, "MATCH (c:Car) RETURN c.id").await.kind(), ErrorKind::NotFound);
}
