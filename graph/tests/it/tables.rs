//! Labels over tables: what is pushed down gives what is not pushed down.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, UInt64Array};
use async_trait::async_trait;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend, SyncTableAdapter};
use worldstore_core::Result;
use worldstore_core::table::{AppendOptions, CreateOptions, MemoryTables, Scan, TableName, TableScan};
use worldstore_graph::{Graph, Parameters, PinnedTable, RowCount, TableSelection, TableSource};

use crate::fixture::{ask, cells, refusal, rows, texts};

#[derive(Debug)]
struct Tables(Arc<dyn AsyncTableBackend>);

#[derive(Debug)]
struct Pin {
    tables: Arc<dyn AsyncTableBackend>,
    name: TableName,
    version: u64,
    schema: arrow::datatypes::SchemaRef,
}

#[async_trait]
impl TableSource for Tables {
    async fn tables(&self) -> Result<Vec<String>> {
        Ok(self.0.list(&Default::default()).await?.into_iter().map(|name| name.to_string()).collect())
    }

    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let name = TableName::new(&selection.table)?;
        let info = self.0.describe(&name, &Default::default()).await?;
        Ok(Arc::new(Pin { tables: self.0.clone(), name, version: info.version, schema: info.schema }))
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>> {
        let mut pins = Vec::new();
        for selection in selections {
            pins.push(self.pin(selection).await?);
        }
        Ok(pins)
    }
}

#[async_trait]
impl PinnedTable for Pin {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> RowCount {
        RowCount::Unknown
    }

    async fn scan(&self, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.tables.scan(&self.name, &scan.clone().with_version(self.version)).await
    }
}

fn cars() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("entity", Arc::new(UInt64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("tick", Arc::new(Int64Array::from(vec![10, 10, 11])) as ArrayRef),
        ("speed", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(9.0)])) as ArrayRef),
        ("road", texts(&["a", "b", "a"])),
    ])
    .unwrap()
}

async fn graph() -> Graph {
    let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
    let name = TableName::new("cars").unwrap();
    tables.create(&name, &CreateOptions::new(cars().schema())).await.unwrap();
    let _ = tables.append(&name, vec![cars()], &AppendOptions::default()).await.unwrap();
    Graph::new().with_tables(Arc::new(Tables(tables)))
}

#[tokio::test]
async fn a_table_is_a_label_of_its_name() {
    let graph = graph().await;
    let result = ask(&graph, "MATCH (c:cars) RETURN count(*) AS n").await;
    assert_eq!(cells(&result), ["3"]);
    assert_eq!((result.io_stats.table_scans, result.io_stats.table_rows), (1, 3));
    assert_eq!(rows(&graph, "SHOW NODE LABELS").await, ["cars|table 'cars'|"]);
    assert_eq!(refusal(&graph, "MATCH (c:Cars) RETURN count(*)").await.kind(), worldstore_core::ErrorKind::Invalid);
}

#[tokio::test]
async fn conditions_reach_the_table() {
    let graph = graph().await;
    for (condition, expected, read) in [
        ("c.entity >= 2", "2", 2),
        ("c.speed > 1", "2", 2),
        ("c.road = 'a' AND c.tick = 10", "1", 1),
        ("c.speed IS NULL", "1", 1),
        ("c.road IN ['b', 'z'] OR c.speed = 9.0", "2", 2),
        ("10 < c.tick", "1", 1),
        ("NOT c.road = 'a'", "1", 1),
        ("c.entity < 1", "0", 0),
        ("c.entity > -1", "3", 3),
    ] {
        let result = ask(&graph, &format!("MATCH (c:cars) WHERE {condition} RETURN count(*) AS n")).await;
        assert_eq!(cells(&result), [expected], "{condition}");
        assert_eq!(result.io_stats.table_rows, read, "{condition}");
    }
}

#[tokio::test]
async fn a_table_joins_itself() {
    let graph = graph().await;
    graph.query("CREATE NODE LABEL Car FROM TABLE 'cars' KEY entity", &Parameters::default()).await.unwrap();
    let pairs = "MATCH (a:Car), (b:Car) WHERE a.road = b.road AND a <> b RETURN a.entity AS a, b.entity AS b";
    assert_eq!(rows(&graph, pairs).await, ["1|3", "3|1"]);
}
