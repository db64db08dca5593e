//! What a query read and what it could leave out.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use worldstore_core::Key;
use worldstore_datafusion::ScanObserver;

/// What a query read and what it could leave out. Bytes are those that byte stores delivered for Parquet files in
/// place; tables of a world count their rows here, and their bytes below their own byte store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoStats {
    /// Calls that listed folders of Parquet files.
    pub list_calls: u64,
    /// Folders left out because of their path: nothing in them was listed.
    pub folders_pruned: u64,
    /// Partitions (combinations of path values), over all scans. What lies in folders that were left out counts as it was
    /// when they were last listed: at the latest when the label was made.
    pub partitions_total: u64,
    /// Partitions left out because of their path.
    pub partitions_pruned: u64,
    /// Files; those in folders that were left out as for partitions.
    pub files_total: u64,
    /// Files left out because of their path.
    pub files_pruned: u64,
    /// Files from which data was read.
    pub files_read: u64,
    /// Row groups in the files that were not left out.
    pub row_groups_total: u64,
    /// Row groups left out because of their statistics.
    pub row_groups_pruned: u64,
    /// Row groups from which data was read.
    pub row_groups_read: u64,
    /// Pages left out because of the page index, in the row groups that were read.
    pub pages_pruned: u64,
    /// Footers that were read; the others were known.
    pub footers_read: u64,
    /// Bytes of those footers.
    pub footer_bytes: u64,
    /// Bytes of data.
    pub data_bytes: u64,
    /// Scans of tables of a world.
    pub table_scans: u64,
    /// Rows that those delivered.
    pub table_rows: u64,
}

impl IoStats {
    /// True if Parquet files were asked and their footers were enough.
    pub fn is_footer_only(&self) -> bool {
        self.files_total > 0 && self.data_bytes == 0
    }

    /// Files that the plan kept.
    pub fn files_kept(&self) -> u64 {
        self.files_total - self.files_pruned
    }

    /// Partitions that the plan kept.
    pub fn partitions_kept(&self) -> u64 {
        self.partitions_total - self.partitions_pruned
    }

    /// Names and values, in the order of the fields.
    pub fn counters(&self) -> [(&'static str, u64); 16] {
        [
            ("list_calls", self.list_calls),
            ("folders_pruned", self.folders_pruned),
            ("partitions_total", self.partitions_total),
            ("partitions_pruned", self.partitions_pruned),
            ("files_total", self.files_total),
            ("files_pruned", self.files_pruned),
            ("files_read", self.files_read),
            ("row_groups_total", self.row_groups_total),
            ("row_groups_pruned", self.row_groups_pruned),
            ("row_groups_read", self.row_groups_read),
            ("pages_pruned", self.pages_pruned),
            ("footers_read", self.footers_read),
            ("footer_bytes", self.footer_bytes),
            ("data_bytes", self.data_bytes),
            ("table_scans", self.table_scans),
            ("table_rows", self.table_rows),
        ]
    }
}

/// One line for each counter.
impl fmt::Display for IoStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.counters().map(|(name, value)| format!("{name:<18}{value:>14}"));
        f.write_str(&lines.join("\n"))
    }
}

/// Counts while a query is planned and run.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    stats: IoStats,
    files: BTreeSet<Key>,
    row_groups: BTreeSet<(Key, usize)>,
}

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn add_list_call(&self) {
        self.change(|inner| inner.stats.list_calls += 1);
    }

    pub fn add_folders_pruned(&self, folders: u64) {
        self.change(|inner| inner.stats.folders_pruned += folders);
    }

    pub fn add_footer(&self) {
        self.change(|inner| inner.stats.footers_read += 1);
    }

    pub fn add_footer_bytes(&self, bytes: u64) {
        self.change(|inner| inner.stats.footer_bytes += bytes);
    }

    /// A scan that was planned.
    pub fn add_scan(&self, partitions: Kept, files: Kept, row_groups: u64) {
        self.change(|inner| {
            inner.stats.partitions_total += partitions.total;
            inner.stats.partitions_pruned += partitions.total - partitions.kept;
            inner.stats.files_total += files.total;
            inner.stats.files_pruned += files.total - files.kept;
            inner.stats.row_groups_total += row_groups;
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
        stats.row_groups_read = inner.row_groups.len() as u64;
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
}

/// How many there were, and how many are left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub total: u64,
    pub kept: u64,
}

fn add_pruning(plan: &Arc<dyn ExecutionPlan>, stats: &mut IoStats) {
    for metric in plan.metrics().iter().flat_map(|metrics| metrics.iter()) {
        if let MetricValue::PruningMetrics { name, pruning_metrics } = metric.value() {
            let pruned = pruning_metrics.pruned() as u64;
            match name.as_ref() {
                "row_groups_pruned_statistics" | "row_groups_pruned_bloom_filter" => stats.row_groups_pruned += pruned,
                "page_index_pages_pruned" => stats.pages_pruned += pruned,
                _ => {}
            }
        }
    }
    for child in plan.children() {
        add_pruning(child, stats);
    }
}
