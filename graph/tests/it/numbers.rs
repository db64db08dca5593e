//! Columns of numbers, which are read page by page: the answers are those of DataFusion's own scan.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use worldstore_async::{CountingBackend, SyncBackendAdapter};
use worldstore_core::{ErrorKind, Memory};
use worldstore_graph::{Graph, IoStats, Parameters};

use crate::fixture::{ask, cells, put};

const ROWS: i64 = 4_000;

/// Ascending numbers; few values, some null; floats with both zeros, NaN and null; a text.
fn batch(start: i64) -> RecordBatch {
    let rows = || start..start + ROWS;
    let float = |n: i64| match n % 97 {
        0 => Some(f64::NAN),
        1 => Some(-0.0),
        2 => None,
        part => Some((part - 3) as f64 / 2.0),
    };
    RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from_iter_values(rows())) as ArrayRef),
        ("k", Arc::new(rows().map(|n| (n % 13 > 0).then_some((n * 31 % 101) as i32)).collect::<Int32Array>())),
        ("x", Arc::new(rows().map(float).collect::<Float64Array>())),
        ("name", Arc::new(StringArray::from_iter_values(rows().map(|n| format!("name {}", n % 5))))),
    ])
    .unwrap()
}

fn file(start: i64, version: WriterVersion, has_bloom: bool) -> Bytes {
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(1_500))
        .set_data_page_row_count_limit(200)
        .set_write_batch_size(100)
        .set_bloom_filter_enabled(has_bloom)
        .build();
    let batch = batch(start);
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

struct Lake {
    graph: Graph,
    counting: Arc<CountingBackend>,
}

impl Lake {
    async fn of(files: [Bytes; 2]) -> Self {
        let store = Memory::new();
        for (part, file) in files.into_iter().enumerate() {
            put(&store, &format!("t/p={part}/f.parquet"), file);
        }
        let counting = Arc::new(CountingBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(store)))));
        let graph = Graph::new().with_mount("lake", counting.clone()).unwrap();
        let create = "CREATE NODE LABEL T VIRTUAL FROM PARTITION 'lake://lake/t/p={p}' COMPUTE half = x / 2";
        graph.query(create, &Parameters::default()).await.unwrap();
        Self { graph, counting }
    }

    /// Bloom filters leave a scan to DataFusion, where there is a condition.
    async fn new(has_bloom: bool) -> Self {
        let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
        Self::of([file(0, versions[0], has_bloom), file(ROWS, versions[1], has_bloom)]).await
    }

    /// The rows in some order, and what was read for them.
    async fn ask(&self, query: &str) -> (Vec<String>, IoStats) {
        let before = self.counting.counts();
        let result = ask(&self.graph, query).await;
        assert_eq!((self.counting.counts() - before).bytes_read, result.io_stats.bytes_read, "{query}");
        let mut rows = cells(&result);
        rows.sort();
        (rows, result.io_stats)
    }

    async fn reads_pages(&self, query: &str) -> bool {
        let plan = self.graph.explain(query, &Parameters::default()).await.unwrap();
        assert_ne!(plan.contains("PageScanExec"), plan.contains("DataSourceExec"), "{plan}");
        plan.contains("PageScanExec")
    }
}

#[tokio::test]
async fn conditions_keep_the_rows_that_they_keep_elsewhere() {
    let (ours, other) = (Lake::new(false).await, Lake::new(true).await);
    let conditions = [
        "t.k = 7",
        "t.k = 7 AND t.x > 3",
        "t.k = 7 OR t.k = 9",
        "t.k IN [3, 4, 999]",
        "t.k > 90 AND t.x = 0",
        "t.k > 90 AND t.x <= 0 AND t.n < 5000",
        "t.k > 90 AND NOT t.x > 1",
        "t.k > 95 AND t.x IS NULL",
        "t.k > 95 AND t.x IS NOT NULL",
        "t.k > 95 AND t.x <> 2.5",
        "t.k IS NULL",
        "t.k IS NULL AND t.n < 100",
        "t.k IS NULL OR t.n < 10",
        "t.k > 90 AND t.x > t.k - 80",
        "t.k > 90 AND t.half < 4",
        "t.k < 4 AND t.k > t.p",
        "t.n = 4321",
        "t.n >= 1700 AND t.n < 1712",
        "t.n > 7990 AND t.p = 1",
        "t.x > 20",
        "t.x > 1000",
        "t.k > 1000 AND t.x > 0",
    ];
    for condition in conditions {
        for wanted in ["t.n AS n, t.k AS k, t.x AS x, t.p AS p", "t.half AS h", "count(*) AS c"] {
            let query = format!("MATCH (t:T) WHERE {condition} RETURN {wanted}");
            let (rows, stats) = ours.ask(&query).await;
            let (expected, others) = other.ask(&query).await;
            assert_eq!(rows, expected, "{query}");
            assert_eq!(stats.pages_skipped, others.pages_skipped, "{query}");
            assert_eq!(stats.row_groups_pruned + stats.row_groups_read, stats.row_groups_total, "{query}");
        }
    }
}

#[tokio::test]
async fn scans_of_numbers_are_read_page_by_page() {
    let (ours, other) = (Lake::new(false).await, Lake::new(true).await);
    let query = "MATCH (t:T) WHERE t.k = 7 RETURN t.n AS n, t.x AS x";
    assert!(ours.reads_pages(query).await);
    assert!(!other.reads_pages(query).await, "bloom filters are DataFusion's");
    assert!(ours.reads_pages("MATCH (t:T) RETURN t.k AS k, sum(t.x) AS s").await);
    assert!(!ours.reads_pages("MATCH (t:T) WHERE t.k = 7 RETURN t.name AS name").await, "a text is DataFusion's");
    assert!(!ours.reads_pages("MATCH (t:T) RETURN t.n AS n ORDER BY t.x LIMIT 3").await, "so are the best rows");
    assert!(!ours.reads_pages("MATCH (t:T) RETURN t.n AS n LIMIT 3").await, "and an early end");
}

#[tokio::test]
async fn pages_without_rows_that_are_left_are_not_read() {
    let lake = Lake::new(false).await;
    let (_, all) = lake.ask("MATCH (t:T) RETURN sum(t.n) AS n, sum(t.x) AS x").await;
    let (rows, few) = lake.ask("MATCH (t:T) WHERE t.n >= 1700 AND t.n < 1712 RETURN sum(t.x) AS x").await;
    assert_eq!((rows.len(), few.row_groups_read, few.pages_skipped), (1, 1, 7));
    assert!(few.data_bytes * 8 < all.data_bytes, "{} of {}", few.data_bytes, all.data_bytes);
    // Nothing says before that no row is left; then no other column is read.
    let (rows, none) = lake.ask("MATCH (t:T) WHERE t.k = 57 AND t.x = 0.25 RETURN t.n AS n").await;
    let (_, some) = lake.ask("MATCH (t:T) WHERE t.k = 57 AND t.x > 20 RETURN t.n AS n").await;
    assert!(rows.is_empty() && none.data_bytes < some.data_bytes, "{} of {}", none.data_bytes, some.data_bytes);
}

#[tokio::test]
async fn damaged_pages_end_in_an_error_that_names_the_file() {
    let whole = file(0, WriterVersion::PARQUET_1_0, false);
    let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
    let mut refused = 0;
    for place in (10..2_000).step_by(97) {
        let mut bytes = whole.to_vec();
        assert!(place < bytes.len() - footer);
        bytes[place] ^= 0x5a;
        let lake = Lake::of([Bytes::from(bytes), file(ROWS, WriterVersion::PARQUET_1_0, false)]).await;
        let asked =
            lake.graph.query("MATCH (t:T) RETURN sum(t.n % 1000) AS n, sum(t.k) AS k", &Parameters::default()).await;
        if let Err(error) = asked {
            let error = worldstore_core::Error::from(error);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains("t/p=0/f.parquet"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 2, "{refused}");
}
