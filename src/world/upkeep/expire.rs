//! Expiry: old states first, then the versions of tables that no state is left to name.

use std::time::Duration;

use worldstore_cache::{ExpireTablesOptions, ExpiredTables, expire_tables};
use worldstore_core::manifest::{ExpireOptions, Expired, Mode};
use worldstore_core::{Error, Result};

use crate::world::World;
use crate::world::open::blocking;

/// Which states a world keeps: those that any of the rules keeps, and those that are pinned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpireWorldOptions {
    /// The newest so many states that differ in a table or its version, 1 at least; 64 by default. What is published
    /// without a change, as by opening the world or by an expiry, does not count.
    pub keep: u64,
    /// States that are younger; none by default. It goes by the clocks of those who have published.
    pub keep_for: Option<Duration>,
    /// Versions of tables that were committed in so much time before now stay in any case, for those who read without a
    /// lease; 10 minutes by default.
    pub spare_for: Duration,
    /// Whether to do it.
    pub mode: Mode,
}

impl Default for ExpireWorldOptions {
    fn default() -> Self {
        Self { keep: 64, keep_for: None, spare_for: Duration::from_secs(600), mode: Mode::Apply }
    }
}

impl ExpireWorldOptions {
    /// Sets how many states are kept in any case.
    #[must_use]
    pub fn with_keep(mut self, states: u64) -> Self {
        self.keep = states;
        self
    }

    /// Keeps states that are younger, too.
    #[must_use]
    pub fn with_keep_for(mut self, time: Duration) -> Self {
        self.keep_for = Some(time);
        self
    }

    /// Sets for how long versions of tables stay in any case.
    #[must_use]
    pub fn with_spare_for(mut self, time: Duration) -> Self {
        self.spare_for = time;
        self
    }

    /// Sets whether to do it.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

/// What an expiry has taken, or would take.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExpiredWorld {
    /// States and leases.
    pub states: Expired,
    /// Versions of tables, and the tables that could not be expired.
    pub tables: ExpiredTables,
}

impl World {
    /// Expires old states, then what of the tables only they had. What is buffered is committed first. What is read at a state that is kept, or is pinned,
    /// stays. A dry run changes nothing, and a world that is open for reading can do it.
    ///
    /// # Errors
    /// `Invalid` if no state is to be kept; `Unsupported` if it is open for reading only and this is no dry run; those of
    /// [`Manifests::expire`](worldstore_core::manifest::Manifests::expire) and of [`expire_tables`]. What fails for one
    /// table is in the answer.
    pub async fn expire(&self, options: &ExpireWorldOptions) -> Result<ExpiredWorld> {
        if options.keep == 0 {
            return Err(Error::invalid("one state at least must be kept"));
        }
        if options.mode == Mode::Apply {
            self.cache()?;
            // What is still to be published comes first: it must not move what is counted.
            self.flush().await?;
        }
        let oldest = self.oldest_to_keep(options.keep).await?;
        let mut settings = ExpireOptions::default().with_keep_last(1).with_keep_from(oldest).with_mode(options.mode);
        settings.keep_for = options.keep_for;
        let manifests = self.manifests().clone();
        let states = blocking(move || manifests.expire(&settings)).await?;
        let mut settings = ExpireTablesOptions::default().with_keep_for(options.spare_for).with_mode(options.mode);
        if options.mode == Mode::DryRun {
            settings = settings.with_expiring(states.removed.iter().copied());
        }
        let tables = expire_tables(&self.inner.versions, self.manifests(), &settings).await?;
        Ok(ExpiredWorld { states, tables })
    }

    /// The manifest from which on there are so many states; the oldest if there are fewer.
    async fn oldest_to_keep(&self, states: u64) -> Result<u64> {
        let found = self.states().await?;
        let mut count = 0;
        for (index, state) in found.iter().enumerate().rev() {
            if found.get(index + 1).is_none_or(|later| !state.has_tables_of(later)) {
                count += 1;
                if count == states {
                    return Ok(state.number);
                }
            }
        }
        Ok(found.first().map_or(0, |oldest| oldest.number))
    }
}
