//! Graphs that are opened again, and those that do not list.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use worldstore_async::{AsyncBackend, CountingBackend, Counts, SyncBackendAdapter};
use worldstore_core::{Backend, DeleteOptions, Key, Local, Memory, Prefix, ReadOptions, WriteOptions};
use worldstore_graph::{FolderState, FolderTimes, Freshness, Graph, LocalFolders, Parameters};

use crate::fixture::{ask, cells, parquet, put, refusal};

const CREATE: &str = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t/k={k}'";
const COUNT: &str = "MATCH (t:T) RETURN count(*) AS n, max(t.n) AS top";

fn rows(from: i64, rows: i64) -> RecordBatch {
    let numbers: Int64Array = (from..from + rows).map(Some).collect();
    RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).unwrap()
}

/// So many folders of ten files of two rows each.
fn lake(folders: i64) -> Memory {
    let store = Memory::new();
    for folder in 0..folders {
        for file in 0..10 {
            let key = format!("t/k={folder}/f{file}.parquet");
            put(&store, &key, parquet(&rows(folder * 100 + file * 10, 2), 100));
        }
    }
    store
}

struct Lake {
    store: Arc<Memory>,
    counting: Arc<CountingBackend>,
    catalogs: Arc<Memory>,
}

impl Lake {
    fn new(store: Memory) -> Self {
        let store = Arc::new(store);
        let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(store.clone()))));
        Self { store, counting, catalogs: Arc::new(Memory::new()) }
    }

    /// A graph as another process would open it, and what opening read.
    async fn open(&self, freshness: Freshness) -> (Graph, Counts) {
        let before = self.counting.counts();
        let catalogs: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(self.catalogs.clone()));
        let graph = Graph::new()
            .with_mount("lake", self.counting.clone())
            .unwrap()
            .with_freshness("lake", freshness)
            .with_footer_catalog(catalogs, Prefix::new("footers").unwrap());
        graph.query(CREATE, &Parameters::default()).await.unwrap();
        (graph, self.counting.counts() - before)
    }

    fn catalog(&self) -> (Key, bytes::Bytes) {
        let key = Key::new("footers/lake_2ft_2fk_3d_7bk_7d.footers").unwrap();
        let mut reply = self.catalogs.read(&key, &ReadOptions::default()).unwrap();
        let chunks: Vec<_> = std::iter::from_fn(|| reply.body.next()).map(|chunk| chunk.unwrap()).collect();
        (key, chunks.concat().into())
    }
}

#[tokio::test]
async fn a_graph_that_is_opened_again_opens_no_file() {
    let lake = Lake::new(lake(20));
    let (graph, _) = lake.open(Freshness::Listed).await;
    let first = ask(&graph, COUNT).await;
    assert_eq!((cells(&first), first.io_stats.footers_read), (vec!["400|1991".to_owned()], 199));
    let (again, opening) = lake.open(Freshness::Listed).await;
    assert_eq!((opening.bytes_read, opening.range_reads, opening.lists), (0, 0, 1));
    let before = lake.counting.counts();
    for (query, expected) in [
        (COUNT, "400|1991"),
        ("MATCH (t:T) WHERE t.k = 3 RETURN count(*) AS n, max(t.n) AS top", "20|391"),
        ("MATCH (t:T) WHERE t.n >= 1000 RETURN count(*) AS n, min(t.n) AS low", "200|1000"),
    ] {
        let result = ask(&again, query).await;
        assert_eq!(cells(&result), [expected], "{query}");
        assert_eq!((result.io_stats.files_opened, result.io_stats.bytes_read), (0, 0), "{query}");
    }
    let seen = lake.counting.counts() - before;
    assert_eq!((seen.bytes_read, seen.reads, seen.range_reads, seen.stats), (0, 0, 0, 0));
    let needle = ask(&again, "MATCH (t:T) WHERE t.n = 777 RETURN t.n AS n").await;
    assert_eq!((needle.rows(), needle.io_stats.files_opened), (0, 0), "no file has it");
    let needle = ask(&again, "MATCH (t:T) WHERE t.n = 771 RETURN t.n AS n").await;
    assert_eq!((needle.rows(), needle.io_stats.files_opened, needle.io_stats.files_total), (1, 1, 200));
}

#[tokio::test]
async fn what_has_changed_since_is_read_again() {
    let lake = Lake::new(lake(2));
    let (graph, _) = lake.open(Freshness::Listed).await;
    ask(&graph, COUNT).await;
    put(&lake.store, "t/k=0/f0.parquet", parquet(&rows(5000, 5), 100));
    put(&lake.store, "t/k=7/new.parquet", parquet(&rows(9000, 1), 100));
    lake.store.delete(&[Key::new("t/k=1/f3.parquet").unwrap()], &DeleteOptions::default()).unwrap();
    let (again, _) = lake.open(Freshness::Listed).await;
    let result = ask(&again, COUNT).await;
    assert_eq!((cells(&result), result.io_stats.footers_read), (vec!["42|9000".to_owned()], 2));
    assert_eq!(again.store_footers().await.unwrap(), 0, "it was written when a tenth was new");
    let (third, _) = lake.open(Freshness::Pinned).await;
    assert_eq!(cells(&ask(&third, COUNT).await), ["42|9000"]);
}

#[tokio::test]
async fn a_damaged_catalog_is_made_anew() {
    let lake = Lake::new(lake(2));
    let (graph, _) = lake.open(Freshness::Listed).await;
    ask(&graph, COUNT).await;
    let (key, bytes) = lake.catalog();
    let mut damaged = bytes.to_vec();
    damaged[40] ^= 1;
    let _ = lake.catalogs.write(&key, damaged.into(), &WriteOptions::default()).unwrap();
    let (again, _) = lake.open(Freshness::Pinned).await;
    let result = ask(&again, COUNT).await;
    assert_eq!((cells(&result), result.io_stats.footers_read), (vec!["40|191".to_owned()], 19));
    assert_eq!(lake.catalog().1.len(), bytes.len(), "and was written again");
    let (_, opening) = lake.open(Freshness::Pinned).await;
    assert_eq!((opening.bytes_read, opening.lists), (0, 0));
}

#[tokio::test]
async fn a_pinned_graph_lists_nothing() {
    let lake = Lake::new(lake(3));
    let (graph, _) = lake.open(Freshness::Listed).await;
    ask(&graph, COUNT).await;
    let (pinned, opening) = lake.open(Freshness::Pinned).await;
    assert_eq!((opening.lists, opening.bytes_read), (0, 0));
    put(&lake.store, "t/k=0/f0.parquet", parquet(&rows(5000, 5), 100));
    put(&lake.store, "t/k=7/new.parquet", parquet(&rows(9000, 1), 100));
    let result = ask(&pinned, COUNT).await;
    assert_eq!((cells(&result), result.io_stats.list_calls), (vec!["60|291".to_owned()], 0));
    let grouped = "MATCH (t:T) WHERE t.k > 0 RETURN t.k AS k, count(*) AS n ORDER BY k";
    assert_eq!(cells(&ask(&pinned, grouped).await), ["1|20", "2|20"]);
    // What is there now is another file, which is not read in the place of that which was.
    let error = refusal(&pinned, "MATCH (t:T) WHERE t.k = 0 RETURN sum(t.n) AS s").await;
    assert_eq!(error.kind(), worldstore_core::ErrorKind::ConditionFailed, "{error}");
}

/// Folders of a memory store have no times; these are what a test says.
#[derive(Debug)]
struct Told(std::sync::Mutex<u64>);

impl FolderTimes for Told {
    fn folders(&self, root: &Prefix) -> worldstore_core::Result<FolderState> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(*self.0.lock().unwrap());
        Ok(FolderState::new(vec![(root.clone(), time)], true))
    }

    fn is_same(&self, state: &FolderState) -> worldstore_core::Result<bool> {
        Ok(self.folders(&state.folders[0].0)? == *state)
    }
}

#[tokio::test]
async fn folders_that_have_not_changed_are_not_listed() {
    let lake = Lake::new(lake(2));
    let told = Arc::new(Told(std::sync::Mutex::new(1)));
    let freshness = || Freshness::Folders(told.clone());
    let (graph, opening) = lake.open(freshness()).await;
    assert_eq!(opening.lists, 1);
    for _ in 0..2 {
        let result = ask(&graph, COUNT).await;
        assert_eq!((result.io_stats.list_calls, result.io_stats.folders_checked), (0, 1));
        assert_eq!(cells(&result), ["40|191"]);
    }
    put(&lake.store, "t/k=7/new.parquet", parquet(&rows(9000, 1), 100));
    assert_eq!(cells(&ask(&graph, COUNT).await), ["40|191"], "no time has changed");
    *told.0.lock().unwrap() = 2;
    let both = "MATCH (a:T), (b:T) WHERE a.k = 7 AND b.k = 7 AND a.n = b.n RETURN count(*) AS n";
    let result = ask(&graph, both).await;
    assert_eq!((cells(&result), result.io_stats.list_calls), (vec!["1".to_owned()], 1), "once in a query");
    assert_eq!(cells(&ask(&graph, COUNT).await), ["41|9000"]);
    let (again, opening) = lake.open(freshness()).await;
    let result = ask(&again, COUNT).await;
    assert_eq!((opening.lists, result.io_stats.list_calls, result.io_stats.bytes_read), (0, 0, 0));
    assert_eq!(cells(&result), ["41|9000"]);
}

#[tokio::test]
async fn times_of_local_folders_take_the_place_of_listing() {
    let root = tempfile::tempdir().unwrap();
    let local = Arc::new(Local::open(root.path()).unwrap());
    let write = |key: &str, from: i64| {
        let _ = local.write(&Key::new(key).unwrap(), parquet(&rows(from, 2), 100), &WriteOptions::default()).unwrap();
    };
    write("t/k=1/f.parquet", 0);
    write("t/k=2/f.parquet", 10);
    let old = SystemTime::now() - Duration::from_secs(60);
    for folder in ["t", "t/k=1", "t/k=2"] {
        std::fs::File::open(root.path().join(folder)).unwrap().set_modified(old).unwrap();
    }
    let freshness = Freshness::Folders(Arc::new(LocalFolders::new(root.path())));
    let backend = Arc::new(SyncBackendAdapter::new(local.clone()));
    let graph = Graph::new().with_mount("lake", backend).unwrap().with_freshness("lake", freshness);
    graph.query(CREATE, &Parameters::default()).await.unwrap();
    let result = ask(&graph, COUNT).await;
    assert_eq!((cells(&result), result.io_stats.list_calls), (vec!["4|11".to_owned()], 0));
    assert_eq!(result.io_stats.folders_checked, 3);
    write("t/k=3/f.parquet", 20);
    let result = ask(&graph, COUNT).await;
    assert_eq!((cells(&result), result.io_stats.list_calls), (vec!["6|21".to_owned()], 1));
}
