//! What a case is made of, and what a format under test is told to be.

use std::fmt;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::table::maintenance::ColumnChange;
use crate::table::ops::{AppendOptions, Existing, WatermarkStep};
use crate::table::predicate::Predicate;
use crate::table::scan::Scan;

/// One call, and in some steps what follows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Creates a table.
    Create {
        /// The table.
        table: &'static str,
        /// Its columns.
        schema: SchemaRef,
        /// What to do if it is there.
        existing: Existing,
    },
    /// Looks a table up.
    Describe {
        /// The table.
        table: &'static str,
        /// The version.
        at: At,
    },
    /// Appends rows.
    Append {
        /// The table.
        table: &'static str,
        /// The rows.
        batches: Vec<RecordBatch>,
        /// The step of the watermark, if it is to happen exactly once, and the writer's epoch.
        options: AppendOptions,
    },
    /// Reads rows to the end.
    Scan {
        /// The table.
        table: &'static str,
        /// What to read; the version comes from `at`.
        scan: Scan,
        /// The version.
        at: At,
    },
    /// Opens a scan of the latest version, appends rows, and only then reads the scan: it must not see them.
    ScanAcross {
        /// The table.
        table: &'static str,
        /// What to read.
        scan: Scan,
        /// What is appended meanwhile.
        batches: Vec<RecordBatch>,
    },
    /// Names the tables.
    List,
    /// Tells the versions of a table.
    History {
        /// The table.
        table: &'static str,
    },
    /// Changes the columns.
    Evolve {
        /// The table.
        table: &'static str,
        /// How.
        change: ColumnChange,
    },
    /// Compacts.
    Compact {
        /// The table.
        table: &'static str,
        /// The rows to leave out.
        drop: Option<Predicate>,
    },
    /// Forgets old versions.
    Expire {
        /// The table.
        table: &'static str,
        /// How many of the newest stay.
        keep: usize,
        /// Which commits stay besides.
        retain: Vec<usize>,
        /// Whether it is only asked what would go.
        dry_run: bool,
    },
    /// Removes a table.
    Remove {
        /// The table.
        table: &'static str,
    },
    /// Flushes everything.
    Flush,
    /// Shuts down; the next steps go to the same handle.
    Shutdown,
    /// Opens a second handle on the same tables; the next steps go to it.
    Reopen,
}

/// A version of a table, as every format can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The latest.
    Latest,
    /// The one after so many commits; 0 is the table as it was created.
    Commit(usize),
    /// One that does not exist.
    Missing,
}

/// A list of steps on tables of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Case {
    /// Lower-case letters, digits and `_`: also the name of the place in which it runs.
    pub name: &'static str,
    /// What the format must have for it.
    pub needs: Needs,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// What a case needs of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The contract only.
    Nothing,
    /// Callers that give watermarks.
    Watermarks,
    /// All values of u64.
    LargeUnsigned,
}

/// Who gives sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sequence {
    /// The caller, with a watermark; without one the watermark stays. An append is committed when it returns.
    #[default]
    Caller,
    /// The backend, one per append from 1, as caches do. An append is committed by the next flush.
    Backend,
}

/// Which unsigned integers a format can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsigned {
    /// All.
    #[default]
    Full,
    /// Those that fit an i64; an append of others is refused with `Invalid` and changes nothing.
    Half,
}

/// What the format under test is: chooses cases and how strictly they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Profile {
    /// Who gives sequence numbers.
    pub sequence: Sequence,
    /// Which unsigned integers it holds.
    pub unsigned: Unsigned,
}

impl Profile {
    /// A table format that holds every value.
    pub fn format() -> Self {
        Self::default()
    }

    /// A cache: it gives sequence numbers itself and commits on flush.
    pub fn cache() -> Self {
        Self { sequence: Sequence::Backend, ..Self::default() }
    }

    /// Sets which unsigned integers it holds.
    #[must_use]
    pub fn with_unsigned(mut self, unsigned: Unsigned) -> Self {
        self.unsigned = unsigned;
        self
    }

    /// Why a case is left out, if it is.
    pub fn skips(&self, case: &Case) -> Option<&'static str> {
        match case.needs {
            Needs::Watermarks if self.sequence == Sequence::Backend => Some("it gives sequence numbers itself"),
            Needs::LargeUnsigned if self.unsigned == Unsigned::Half => Some("it holds no u64 above i64::MAX"),
            _ => None,
        }
    }
}

impl Step {
    /// True if a later step may depend on it: after a failure of such a step the case ends.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Describe { .. } | Self::Scan { .. } | Self::List | Self::History { .. })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
        match self {
            Self::Create { table, existing, .. } => write!(f, "create {table}, if it exists: {existing:?}"),
            Self::Describe { table, at } => write!(f, "describe {table} at {at:?}"),
            Self::Append { table, batches, options } => {
                write!(f, "append batches of {:?} rows to {table}", rows(batches))?;
                if let Some(WatermarkStep { expected, next }) = options.watermark {
                    write!(f, ", watermark {expected} to {next}")?;
                }
                options.epoch.map_or(Ok(()), |epoch| write!(f, ", in epoch {epoch}"))
            }
            Self::Evolve { table, change } => write!(f, "change columns of {table}: {change:?}"),
            Self::Compact { table, drop } => write!(f, "compact {table} without rows of {drop:?}"),
            Self::Expire { table, keep, retain, dry_run } => {
                let dry_run = if *dry_run { " as a dry run" } else { "" };
                write!(f, "expire {table}{dry_run}, keep {keep} and commits {retain:?}")
            }
            Self::Remove { table } => write!(f, "remove {table}"),
            Self::Scan { table, scan, at } => {
                write!(f, "scan {table} at {at:?}, columns {:?}", scan.columns)?;
                write!(f, ", predicate {:?}, segments {:?}", scan.predicate, scan.segments)?;
                write!(f, ", limit {:?}", scan.limit)
            }
            Self::ScanAcross { table, batches, .. } => {
                write!(f, "open a scan of {table}, append batches of {:?} rows, read the scan", rows(batches))
            }
            Self::List => f.write_str("list"),
            Self::History { table } => write!(f, "history of {table}"),
            Self::Flush => f.write_str("flush"),
            Self::Shutdown => f.write_str("shut down"),
            Self::Reopen => f.write_str("open a second handle"),
        }
    }
}
