//! Options and results.

/// Options of [`write`](crate::Dataset::write) and [`append`](crate::Dataset::append).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DatasetWriteOptions {
    /// The columns by whose values rows are parted, outermost folder first. By default those that the dataset has, and
    /// none for a new one. Texts, integers, booleans and days can be partition columns; they are in the paths and the
    /// manifest, and not in the files.
    pub partition_by: Option<Vec<String>>,
    /// Rows of a row group at most: 1,048,576 by default; 0 counts as 1. Readers hold the columns that they want of one row
    /// group.
    pub row_group_rows: usize,
    /// Encoded bytes of a row group at most, about: 64 MiB by default; 0 counts as 1.
    pub row_group_bytes: usize,
    /// Files that are written at the same time at most: 64 by default; 0 counts as 1. If rows come in no order of their
    /// partitions, more partitions than this make more and smaller files. Memory is at most this many row groups.
    pub open_files: usize,
}

impl Default for DatasetWriteOptions {
    fn default() -> Self {
        Self { partition_by: None, row_group_rows: 1 << 20, row_group_bytes: 64 << 20, open_files: 64 }
    }
}

impl DatasetWriteOptions {
    /// Sets the partition columns.
    #[must_use]
    pub fn with_partition_by<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.partition_by = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how many rows a row group has at most; 0 counts as 1.
    #[must_use]
    pub fn with_row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows;
        self
    }

    /// Sets how many encoded bytes a row group has at most, about; 0 counts as 1.
    #[must_use]
    pub fn with_row_group_bytes(mut self, bytes: usize) -> Self {
        self.row_group_bytes = bytes;
        self
    }

    /// Sets how many files are written at the same time at most; 0 counts as 1.
    #[must_use]
    pub fn with_open_files(mut self, files: usize) -> Self {
        self.open_files = files;
        self
    }
}

/// What a write has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The number of the manifest that has it.
    pub sequence: u64,
    /// Files that were added.
    pub files: u64,
    /// Rows that were added.
    pub rows: u64,
    /// Bytes of the files that were added.
    pub bytes: u64,
    /// How often the manifest had to be swapped until no other writer was faster: 1 if none was.
    pub attempts: u32,
}

/// Options of [`read`](crate::Dataset::read): by default all columns of all rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DatasetReadOptions {
    /// The columns to read, in this order; all by default.
    pub columns: Option<Vec<String>>,
    /// Which partitions to read: a condition on partition columns only. Days are compared as texts, `2024-02-29`.
    pub partitions: Option<worldstore_core::table::Predicate>,
    /// Rows of a batch at most: 8,192 by default; 0 counts as 1.
    pub batch_rows: usize,
}

impl Default for DatasetReadOptions {
    fn default() -> Self {
        Self { columns: None, partitions: None, batch_rows: 8192 }
    }
}

impl DatasetReadOptions {
    /// Sets the columns.
    #[must_use]
    pub fn with_columns<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Sets which partitions to read.
    #[must_use]
    pub fn with_partitions(mut self, partitions: worldstore_core::table::Predicate) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Sets how many rows a batch has at most; 0 counts as 1.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }
}

/// What a read has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReadStats {
    /// Files of the manifest.
    pub files: u64,
    /// Files of them that the condition on partitions has ruled out, without opening one.
    pub files_pruned: u64,
    /// Files that were opened.
    pub files_opened: u64,
    /// Row groups that were read.
    pub row_groups: u64,
    /// Bytes that were read of files: footers and the columns wanted.
    pub bytes: u64,
}
