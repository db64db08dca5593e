//! What a query read and what it could leave out.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use worldstore_core::Key;
use worldstore_datafusion::ScanObserver;

use crate::lake::PageScanExec;
use crate::snapshot::Snapshot;

/// What a query read and what it could leave out. Bytes are those that byte stores delivered: for Parquet files in place
/// for planning too, for tables those that their scans read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoStats {
    /// Calls that listed folders of Parquet files.
    pub list_calls: u64,
    /// Folders whose times were asked for in place of listing them.
    pub folders_checked: u64,
    /// Folders left out because of their path: nothing in them was listed.
    pub folders_pruned: u64,
    /// Partitions (combinations of path values), over all scans. What lies in folders that were left out counts as it was
    /// when they were last listed: at the latest when the label was made.
    pub partitions_total: u64,
    /// Partitions left out because of their path.
    pub partitions_pruned: u64,
    /// Partitions that were not left out.
    pub partitions_scanned: u64,
    /// Files; those in folders that were left out as for partitions.
    pub files_total: u64,
    /// Files left out because of their path, or because statistics rule out all their row groups.
    pub files_pruned: u64,
    /// Files from which anything was read: a footer or data.
    pub files_opened: u64,
    /// Files from which data was read.
    pub files_read: u64,
    /// Row groups in the files whose path was not left out.
    pub row_groups_total: u64,
    /// Row groups left out because of statistics or bloom filters.
    pub row_groups_pruned: u64,
    /// Row groups from which data was read.
    pub row_groups_read: u64,
    /// Pages left out because of the page index, in the row groups that were not left out.
    pub pages_skipped: u64,
    /// Footers that were read; the others were known.
    pub footers_read: u64,
    /// Bytes read for those footers, and for page indexes that were read with them. At the first files of a label a few more
    /// than the footers have, as nobody knows how long they are.
    pub footer_bytes: u64,
    /// Bytes of the stored catalog of footers.
    pub catalog_bytes: u64,
    /// Bytes of data, and of bloom filters.
    pub data_bytes: u64,
    /// All bytes that were read: footers, stored catalog, data and tables.
    pub bytes_read: u64,
    /// Bytes of the Arrow arrays that scans of files made of the data.
    pub decoded_bytes: u64,
    /// Scans of tables of a world.
    pub table_scans: u64,
    /// Rows that those delivered.
    pub table_rows: u64,
    /// Bytes that their formats read from their byte stores for those scans: data, indexes and manifests that were not
    /// known yet, not what it took to find the version.
    pub table_bytes: u64,
}

impl IoStats {
    /// True if Parquet files were asked and their footers were enough.
    pub fn is_footer_only(&self) -> bool {
        self.files_total > 0 && self.data_bytes == 0
    }

    /// The part of the row groups that was left out, of those left out and those read: from 0 to 1, and 1 if none was read.
    pub fn pruning_efficiency(&self) -> f64 {
        match self.row_groups_pruned + self.row_groups_read {
            0 => 1.0,
            all => self.row_groups_pruned as f64 / all as f64,
        }
    }

    /// Files that the plan kept.
    pub fn files_kept(&self) -> u64 {
        self.files_total - self.files_pruned
    }

    /// Partitions that the plan kept.
    pub fn partitions_kept(&self) -> u64 {
        self.partitions_scanned
    }

    /// Names and values, in the order of the fields.
    pub fn counters(&self) -> [(&'static str, u64); 23] {
        [
            ("list_calls", self.list_calls),
            ("folders_checked", self.folders_checked),
            ("folders_pruned", self.folders_pruned),
            ("partitions_total", self.partitions_total),
            ("partitions_pruned", self.partitions_pruned),
            ("partitions_scanned", self.partitions_scanned),
            ("files_total", self.files_total),
            ("files_pruned", self.files_pruned),
            ("files_opened", self.files_opened),
            ("files_read", self.files_read),
            ("row_groups_total", self.row_groups_total),
            ("row_groups_pruned", self.row_groups_pruned),
            ("row_groups_read", self.row_groups_read),
            ("pages_skipped", self.pages_skipped),
            ("footers_read", self.footers_read),
            ("footer_bytes", self.footer_bytes),
            ("catalog_bytes", self.catalog_bytes),
            ("data_bytes", self.data_bytes),
            ("bytes_read", self.bytes_read),
            ("decoded_bytes", self.decoded_bytes),
            ("table_scans", self.table_scans),
            ("table_rows", self.table_rows),
            ("table_bytes", self.table_bytes),
        ]
    }
}

/// One line for each counter, then `pruning_efficiency` and `footer_only`.
impl fmt::Display for IoStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.counters() {
            writeln!(f, "{name:<18}{value:>14}")?;
        }
        writeln!(f, "{:<18}{:>14.3}", "pruning_efficiency", self.pruning_efficiency())?;
        write!(f, "{:<18}{:>14}", "footer_only", self.is_footer_only())
    }
}

/// Counts while a query is planned and run.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inner: Mutex<Inner>,
    table_bytes: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Inner {
    stats: IoStats,
    opened: BTreeSet<Key>,
    files: BTreeSet<Key>,
    row_groups: BTreeSet<(Key, usize)>,
    snapshots: Vec<Snapshot>,
    is_walked: bool,
}

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A state that was read.
    pub fn add_snapshot(&self, snapshot: Snapshot) {
        self.change(|inner| {
            if !inner.snapshots.iter().any(|known| known.is_same(&snapshot)) {
                inner.snapshots.push(snapshot);
            }
        });
    }

    /// The states that were read, by their sources.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let mut snapshots = self.inner.lock().unwrap_or_else(PoisonError::into_inner).snapshots.clone();
        snapshots.sort_by(|one, other| one.source().cmp(other.source()));
        snapshots
    }

    /// Notes that the query is walked.
    pub fn walks(&self) {
        self.change(|inner| inner.is_walked = true);
    }

    /// Whether it was.
    pub fn is_walked(&self) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).is_walked
    }

    pub fn add_list_call(&self) {
        self.change(|inner| inner.stats.list_calls += 1);
    }

    pub fn add_footer(&self) {
        self.change(|inner| inner.stats.footers_read += 1);
    }

    pub fn add_folders_checked(&self, folders: u64) {
        self.change(|inner| inner.stats.folders_checked += folders);
    }

    pub fn add_catalog_bytes(&self, bytes: u64) {
        self.change(|inner| inner.stats.catalog_bytes += bytes);
    }

    pub fn add_footer_bytes(&self, file: &Key, bytes: u64) {
        self.change(|inner| {
            inner.stats.footer_bytes += bytes;
            if !inner.opened.contains(file) {
                inner.opened.insert(file.clone());
            }
        });
    }

    /// A scan that was planned.
    pub fn add_scan(&self, scan: &Scanned) {
        self.change(|inner| {
            let stats = &mut inner.stats;
            stats.folders_pruned += scan.folders_pruned;
            stats.partitions_total += scan.partitions.total;
            stats.partitions_pruned += scan.partitions.total - scan.partitions.kept;
            stats.partitions_scanned += scan.partitions.kept;
            stats.files_total += scan.files.total;
            stats.files_pruned += scan.files.total - scan.files.kept;
            stats.row_groups_total += scan.row_groups.total;
            stats.row_groups_pruned += scan.row_groups.total - scan.row_groups.kept;
        });
    }

    pub fn add_data(&self, file: &Key, row_groups: Vec<usize>, bytes: u64) {
        self.change(|inner| {
            inner.stats.data_bytes += bytes;
            inner.files.insert(file.clone());
            inner.row_groups.extend(row_groups.into_iter().map(|index| (file.clone(), index)));
        });
    }

    /// The sum, with what the plan itself has counted.
    pub fn finish(&self, plans: &[Arc<dyn ExecutionPlan>]) -> IoStats {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stats = inner.stats.clone();
        stats.files_read = inner.files.len() as u64;
        stats.files_opened = inner.opened.union(&inner.files).count() as u64;
        stats.row_groups_read = inner.row_groups.len() as u64;
        stats.table_bytes = self.table_bytes.load(Ordering::Relaxed);
        stats.bytes_read = stats.footer_bytes + stats.catalog_bytes + stats.data_bytes + stats.table_bytes;
        plans.iter().for_each(|plan| add_pruning(plan, &mut stats));
        stats
    }
}

impl ScanObserver for Counters {
    fn scan_opened(&self) {
        self.change(|inner| inner.stats.table_scans += 1);
    }

    fn rows_read(&self, rows: usize) {
        self.change(|inner| inner.stats.table_rows += rows as u64);
    }

    fn bytes_read(&self) -> Option<Arc<AtomicU64>> {
        Some(Arc::clone(&self.table_bytes))
    }
}

/// What a scan left out before it began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanned {
    pub folders_pruned: u64,
    pub partitions: Kept,
    pub files: Kept,
    pub row_groups: Kept,
}

/// How many there were, and how many are left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub total: u64,
    pub kept: u64,
}

fn add_pruning(plan: &Arc<dyn ExecutionPlan>, stats: &mut IoStats) {
    let is_of_files = |source: &DataSourceExec| source.downcast_to_file_source::<ParquetSource>().is_some();
    let is_scan =
        plan.downcast_ref::<DataSourceExec>().is_some_and(is_of_files) || plan.downcast_ref::<PageScanExec>().is_some();
    for metric in plan.metrics().iter().flat_map(|metrics| metrics.iter()) {
        match metric.value() {
            MetricValue::PruningMetrics { name, pruning_metrics } => {
                let pruned = pruning_metrics.pruned() as u64;
                match name.as_ref() {
                    "row_groups_pruned_statistics" | "row_groups_pruned_bloom_filter" => {
                        stats.row_groups_pruned += pruned
                    }
                    "page_index_pages_pruned" => stats.pages_skipped += pruned,
                    _ => {}
                }
            }
            MetricValue::OutputBytes(bytes) if is_scan => stats.decoded_bytes += bytes.value() as u64,
            _ => {}
        }
    }
    for child in plan.children() {
        add_pruning(child, stats);
    }
}
