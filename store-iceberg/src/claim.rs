//! Claiming an epoch: from then on no writer before takes effect.

use worldstore_core::table::{AppendOptions, TableName};
use worldstore_core::{ErrorKind, Result};

use crate::catalog::Fenced;
use crate::commit::check_changeable;
use crate::edit::Edit;
use crate::error::of_table;
use crate::tables::{IcebergTables, next_marks};

impl IcebergTables {
    /// Claims an epoch in the catalog: from when this returns, no append with a smaller one takes effect in any table of
    /// it, in whatever process. Appends without an epoch are not refused.
    ///
    /// A REST catalog cannot compare epochs: each table of it gets a version without rows that carries the epoch.
    ///
    /// # Errors
    /// `Fenced` if a greater one was claimed.
    pub async fn claim(&self, epoch: u64) -> Result<()> {
        self.expect_catalog().await?;
        if self.catalog().claim(epoch).await? == Fenced::Everywhere {
            return Ok(());
        }
        for table in self.catalog().list().await? {
            match self.mark(&table, epoch).await {
                // One that was removed meanwhile, or to which nobody of ours can append.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => {}
                marked => marked.map_err(|error| of_table(error, &table))?,
            }
        }
        Ok(())
    }

    /// Commits an epoch to a table, so that no commit on what was there before takes effect.
    async fn mark(&self, table: &TableName, epoch: u64) -> Result<()> {
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        check_changeable(&state)?;
        let options = AppendOptions::default().with_epoch(epoch);
        let marks = next_marks(&state, &[], &options)?;
        if state.marks.epoch == marks.epoch {
            return Ok(());
        }
        self.commit(table, &state, Edit::Append(&[]), Some(epoch), &|state| next_marks(state, &[], &options)).await?;
        Ok(())
    }
}
