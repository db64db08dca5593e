//! A tick on its way into the tables.

use arrow::record_batch::RecordBatch;
use worldstore_core::table::{Level, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::Run;
use crate::world::entity_leases::Lease;

/// All rows of a tick.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(super) run: Run,
    pub(super) lease: Lease,
    pub(super) tick: i64,
    pub(super) parts: Vec<(TableName, RecordBatch)>,
    pub(super) level: Level,
}

impl Commit {
    /// Stores the tick, all tables or none, and waits until it is as safe as it shall be.
    ///
    /// # Errors
    /// `Fenced` if another has opened the entities since; `OutcomeUnknown` if the tick may be stored or not; those of the
    /// world, in which case nothing is.
    pub async fn run(self) -> Result<()> {
        let _held = self.lease.hold().await?;
        let mut writer = self.run.tick(self.tick);
        for (table, rows) in &self.parts {
            writer = writer.append(table.as_str(), rows)?;
        }
        let stored = match writer.commit().await {
            Err(error) if is_definite(error.kind()) => return Err(error),
            stored => stored.map_err(unknown)?,
        };
        for receipt in stored.receipts.iter().filter(|receipt| receipt.level < self.level) {
            let _ = self.run.world().wait(receipt, self.level).await.map_err(unknown)?;
        }
        Ok(())
    }
}

/// Whether nothing was stored. A log that has no room takes the rows back, and what says that access was refused or that
/// another change came first was asked before any rows were given to it. Of a log that failed nobody knows what it holds.
fn is_definite(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    let is_refused = matches!(kind, Invalid | Unsupported | PermissionDenied | StorageFull | Unavailable | Fenced);
    is_refused || matches!(kind, NotFound | AlreadyExists | ConditionFailed | Conflict)
}

fn unknown(source: Error) -> Error {
    match source.kind() {
        ErrorKind::Fenced => source,
        _ => Error::new(ErrorKind::OutcomeUnknown, "the tick may be stored or not: open the entities again")
            .caused_by(source),
    }
}

#[cfg(test)]
mod tests;
