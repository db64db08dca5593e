//! Waiting until rows are as safe as they shall be.

use worldstore_core::table::{Level, Receipt};
use worldstore_core::{Error, ErrorKind, Result};

use crate::cache::TableCache;
use crate::flush;

impl TableCache {
    /// Waits until the rows of a receipt are as safe as `level`, flushing and publishing if need be:
    /// - [`Level::Buffered`]: they are in memory already.
    /// - [`Level::Durable`]: their record is in the log, synced.
    /// - [`Level::Committed`]: they are in a version of the table; and where there is a publisher, in a published cut.
    ///
    /// # Errors
    /// `Unsupported` for [`Level::Durable`] without a log: ask for `Committed`. `Invalid` for a receipt that is not of
    /// this cache. `NotFound` if the table was removed. Those of the log, the flush, the publication; it can be asked
    /// again then, but after `Fenced` and `Poisoned`.
    pub async fn wait(&self, receipt: &Receipt, level: Level) -> Result<Receipt> {
        match level {
            Level::Buffered => Ok(receipt.clone()),
            Level::Durable => self.wait_durable(receipt).await,
            Level::Committed => self.wait_committed(receipt).await,
        }
    }

    /// Waits until it is certain of all appends so far whether their rows are read, also of those whose callers have gone
    /// away before they knew. Nothing is flushed.
    ///
    /// # Errors
    /// `Poisoned` and `Fenced` if the log ended before that: it is certain once the log is opened again.
    pub async fn settled(&self) -> Result<()> {
        let until = self.state().last_seq;
        while self.visible() < until {
            match flush::until_logged(&self.shared, until).await {
                // Rows that the log had no room for were taken back; behind them there may be others.
                Err(error) if error.kind() == ErrorKind::StorageFull => {}
                logged => return logged,
            }
        }
        Ok(())
    }

    fn visible(&self) -> u64 {
        flush::settle(&self.shared);
        self.state().visible()
    }

    async fn wait_durable(&self, receipt: &Receipt) -> Result<Receipt> {
        if self.state().journal.is_none() {
            return Err(Error::unsupported("this cache has no log, wait for the commit instead"));
        }
        self.check_receipt(receipt)?;
        flush::until_logged(&self.shared, receipt.seq).await?;
        let mut durable = receipt.clone();
        durable.level = durable.level.max(Level::Durable);
        Ok(durable)
    }

    async fn wait_committed(&self, receipt: &Receipt) -> Result<Receipt> {
        loop {
            self.check_receipt(receipt)?;
            if let Some(version) = self.committed_version(receipt)? {
                return Ok(Receipt::committed(receipt.table.clone(), receipt.rows, receipt.seq, version));
            }
            match self.shared.publisher {
                Some(_) => flush::all(&self.shared).await?,
                None => flush::table(&self.shared, &receipt.table).await?,
            }
        }
    }

    fn check_receipt(&self, receipt: &Receipt) -> Result<()> {
        let last_seq = self.state().last_seq;
        match receipt.seq <= last_seq {
            true => Ok(()),
            false => Err(Error::invalid("receipt is not of this cache")
                .with("table", &receipt.table)
                .with("seq", receipt.seq)
                .with("last_seq", last_seq)),
        }
    }

    /// The version that holds the rows, if they are committed.
    fn committed_version(&self, receipt: &Receipt) -> Result<Option<u64>> {
        let mut state = self.state();
        let published = state.publication.last.as_ref().map_or(0, |(cut, _)| cut.seq);
        let table = state.table(&receipt.table)?;
        let is_flushed = table.first_unflushed().is_none_or(|first| first > receipt.seq);
        let is_published = self.shared.publisher.is_none() || published >= receipt.seq;
        Ok((is_flushed && is_published).then_some(table.version))
    }
}
