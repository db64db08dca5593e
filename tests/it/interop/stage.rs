//! A world as others find it, and notes of what each version of its tables holds.

use std::path::Path;

use futures::TryStreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use worldstore::arrow::array::RecordBatch;
use worldstore::core::table::{DescribeOptions, HistoryOptions, Scan, TableInfo, TableName, TableVersion};
#[cfg(feature = "iceberg")]
use worldstore::world::CatalogPlace;
use worldstore::world::IfOpen;
use worldstore::{TableFormat, World, WorldOptions};

use super::peers;
use crate::bed::Bed;

/// A world under test, open for writing, and what others are asked to find in it.
pub struct Stage {
    pub bed: Bed,
    pub options: WorldOptions,
    /// What other programs are told of the place: the world's folder, or the server that has its catalog.
    pub place: String,
    pub world: World,
    notes: TempDir,
    reads: Vec<Value>,
    gone: Vec<Value>,
    saved: usize,
}

pub fn name(table: &str) -> TableName {
    TableName::new(table).unwrap()
}

impl Stage {
    pub async fn new(format: TableFormat) -> Self {
        let bed = Bed::new(format);
        let (options, place) = (bed.options(), bed.uri());
        Self::with(bed, options, place).await
    }

    /// A world of Iceberg tables whose catalog is in a schema of its own at a server.
    #[cfg(feature = "iceberg")]
    pub async fn at_server(python: &Path, server: &str) -> Self {
        let bed = Bed::new(TableFormat::Iceberg);
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let schema = format!("interop_{}_{}", std::process::id(), since.as_micros());
        let place = peers::run(python, "schema.py", &[server, &schema]).trim().to_owned();
        let mark = if server.contains('?') { '&' } else { '?' };
        let catalog = CatalogPlace::Postgres(format!("{server}{mark}options[search_path]={schema}"));
        let options = bed.options().with_catalog(catalog);
        Self::with(bed, options, place).await
    }

    async fn with(bed: Bed, options: WorldOptions, place: String) -> Self {
        let world = World::create(&bed.uri(), &options).await.unwrap();
        let notes = tempfile::tempdir().unwrap();
        Self { bed, options, place, world, notes, reads: Vec::new(), gone: Vec::new(), saved: 0 }
    }

    /// Opens the world anew, also with another handle still there.
    pub async fn open(&self) -> World {
        World::open(&self.bed.uri(), &self.options.clone().with_if_open(IfOpen::TakeOver)).await.unwrap()
    }

    /// What is published.
    pub async fn reader(&self) -> World {
        World::read(&self.bed.uri(), &self.options).await.unwrap()
    }

    /// A path for one more file of notes.
    pub fn path(&mut self, what: &str) -> String {
        self.saved += 1;
        self.notes.path().join(format!("{}-{what}", self.saved)).display().to_string()
    }

    pub async fn describe(&self, table: &str) -> TableInfo {
        self.world.table_backend().describe(&name(table), &DescribeOptions::default()).await.unwrap()
    }

    pub async fn history(&self, table: &str) -> Vec<TableVersion> {
        self.world.table_backend().history(&name(table), &HistoryOptions::default()).await.unwrap()
    }

    pub async fn scan(&self, table: &str, scan: &Scan) -> Vec<RecordBatch> {
        let found = self.world.table_backend().scan(&name(table), scan).await.unwrap();
        found.batches.try_collect().await.unwrap()
    }

    /// Asks others for the newest state of a table.
    pub async fn note_newest(&mut self, table: &str) {
        self.note(table, None).await;
    }

    /// Asks others for each version of a table that is kept.
    pub async fn note_history(&mut self, table: &str) {
        for version in self.history(table).await {
            // Iceberg has no snapshot of the empty table.
            if self.bed.format == TableFormat::Lance || version.version > 0 {
                self.note(table, Some(version.version)).await;
            }
        }
    }

    async fn note(&mut self, table: &str, version: Option<u64>) {
        let path = self.path(table);
        let mut scan = Scan::all();
        scan.version = version;
        let found = self.world.table_backend().scan(&name(table), &scan).await.unwrap();
        let schema = found.schema.clone();
        let rows: Vec<RecordBatch> = found.batches.try_collect().await.unwrap();
        peers::save(Path::new(&path), &schema, &rows);
        self.reads.push(json!({ "table": table, "version": version, "rows": path }));
    }

    /// Says which versions others must not find any more.
    pub fn note_gone(&mut self, table: &str, versions: &[u64]) {
        self.gone.extend(versions.iter().map(|version| json!({ "table": table, "version": version })));
    }

    /// Has the programs read all that was noted since the last time, and counts that none was left out.
    pub fn read_by(&mut self, python: &Path, programs: &[&str]) {
        let (reads, gone) = (std::mem::take(&mut self.reads), std::mem::take(&mut self.gone));
        assert!(!reads.is_empty(), "nothing to read");
        // DuckDB's extension for Lance reads no older versions.
        let newest_only = match self.bed.format {
            TableFormat::Lance => vec!["duckdb_extension"],
            _ => Vec::new(),
        };
        let newest = reads.iter().filter(|read| read["version"].is_null()).count();
        let each = |program: &&str| match newest_only.contains(program) {
            true => newest,
            false => reads.len() + gone.len(),
        };
        let checks: usize = programs.iter().map(each).sum();
        let plan = json!({
            "world": self.place,
            "format": self.bed.format.to_string(),
            "programs": programs,
            "newest_only": newest_only,
            "reads": reads,
            "gone": gone,
        });
        let path = self.path("plan.json");
        std::fs::write(&path, plan.to_string()).unwrap();
        let told = peers::run(python, "read.py", &[&path]);
        assert_eq!(told.lines().last(), Some(format!("{checks} equal").as_str()), "{told}");
    }
}
