//! The contract of a table format, async: the mirror of `worldstore_core::table::backend`.

use std::fmt::{Debug, Display};

use arrow::record_batch::RecordBatch;

use async_trait::async_trait;
use futures::stream::BoxStream;
use worldstore_core::Result;
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan, ShutdownOptions,
    TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};

/// The rows of a scan, batch by batch, all with the scan's schema. After an error it ends.
pub type AsyncBatches = BoxStream<'static, Result<RecordBatch>>;

/// A set of append-only tables: what an author of a table format implements.
///
/// # Contract
/// - An append is visible whole or not at all, and makes exactly one new version.
/// - Rows keep the order of their append within a batch; the order between batches of a scan is not promised.
/// - A scan reads one version, whatever is appended meanwhile. Reading never creates anything.
/// - Compaction and a change of columns keep the watermark and the epoch, and old versions stay as they were.
/// - Every method may be called from several threads at once.
#[async_trait]
pub trait AsyncTableBackend: Send + Sync + Debug + Display + 'static {
    /// Describes the backend. No I/O.
    fn info(&self) -> TableBackendInfo;

    /// Creates a table.
    ///
    /// # Errors
    /// `AlreadyExists`, or `Invalid` if it is to be kept and has another schema, or if the format cannot hold a type.
    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo>;

    /// Looks a table up.
    ///
    /// # Errors
    /// `NotFound` if there is no such table or version.
    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo>;

    /// Whether the format can hold these rows, which have the columns of the table: an append does not refuse for their
    /// types and values what passes here. The table need not be there yet. No I/O, so whoever acknowledges rows before they
    /// are appended, as a cache does, asks first.
    ///
    /// # Errors
    /// `Invalid` for a value that the format cannot hold (context `column` and `row`, which counts from 0);
    /// `Unsupported` for a type.
    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()>;

    /// Appends rows in one commit. No batch, or batches without rows, change nothing unless a watermark is given.
    ///
    /// # Errors
    /// `NotFound` without such a table; `Invalid` if a batch's schema is not the table's; `ConditionFailed` if the
    /// watermark is not the expected one (context `have`); `Fenced` if a writer of a greater epoch has appended;
    /// `OutcomeUnknown` if it may have happened.
    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt>;

    /// Reads rows lazily: nothing is read before the first batch is asked for, but what is needed to plan. The rows come in
    /// one part, or in some that are of one state if the scan asks for them: each row is in one of them.
    ///
    /// # Errors
    /// `NotFound` for the table or version; `Invalid` for a column that is not there.
    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>>;

    /// Names all tables, sorted.
    ///
    /// # Errors
    /// Those of the byte store.
    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>>;

    /// Tells the versions of a table, oldest first.
    ///
    /// # Errors
    /// `NotFound` if there is no such table.
    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>>;

    /// Changes the columns, in one new version. Old versions keep theirs.
    ///
    /// # Errors
    /// `NotFound` without such a table; `Invalid` for a column that is not nullable, a name that is taken, or one that
    /// is not there; `Unsupported` for a type that the format cannot hold; `Conflict` if another change came first.
    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo>;

    /// Rewrites many small files as few large ones, in a new version; rows keep their values.
    ///
    /// # Errors
    /// `NotFound` without such a table; `Invalid` for files of no rows, or a predicate on a column that is not there;
    /// `Conflict` if another change came first each time.
    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction>;

    /// Forgets old versions, and deletes the files that only they have. Reading such a version is `NotFound` then.
    ///
    /// # Errors
    /// `NotFound` without such a table; `Invalid` if no version would stay.
    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry>;

    /// Names the objects that a version is made of, sorted; empty for tables that have none.
    ///
    /// # Errors
    /// `NotFound` if there is no such table or version.
    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>>;

    /// Removes a table with all its versions and files. A table made later under its name is another one.
    ///
    /// # Errors
    /// `NotFound` without such a table.
    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()>;

    /// Commits what is buffered. Formats that buffer nothing have nothing to do.
    ///
    /// # Errors
    /// Those of `append`; what could not be committed stays buffered.
    async fn flush(&self, options: &FlushOptions) -> Result<()>;

    /// Commits what is buffered and refuses appends from then on. A second call does nothing.
    ///
    /// # Errors
    /// Those of `flush`; it can be called again then.
    async fn shutdown(&self, options: &ShutdownOptions) -> Result<()>;
}
