//! One scan for all partitions of an operator: its parts are of one state, whatever happens between their first batches.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt, stream};
use tokio::sync::OnceCell;
use worldstore_async::table::AsyncBatches;
use worldstore_core::Result;
use worldstore_core::table::Scan;

use crate::source::PinnedTable;

/// The scans that are under way. Who runs an operator again gets a new one.
#[derive(Debug, Default)]
pub(crate) struct Openings(Mutex<Vec<Claimed>>);

/// A scan, and the partitions whose part was claimed.
#[derive(Debug, Default)]
struct Claimed {
    opening: Arc<Opening>,
    partitions: BTreeSet<usize>,
}

/// A scan that is opened when the first of its parts is asked for.
#[derive(Default)]
pub(crate) struct Opening(OnceCell<Vec<Mutex<Option<AsyncBatches>>>>);

impl Openings {
    /// The first scan of which the part is still free. True if it is a new one.
    pub fn claim(&self, partition: usize) -> (Arc<Opening>, bool) {
        let mut all = lock(&self.0);
        if let Some(free) = all.iter_mut().find(|claimed| !claimed.partitions.contains(&partition)) {
            free.partitions.insert(partition);
            return (Arc::clone(&free.opening), false);
        }
        let opening = Arc::<Opening>::default();
        all.push(Claimed { opening: Arc::clone(&opening), partitions: BTreeSet::from([partition]) });
        (opening, true)
    }
}

impl Opening {
    /// The rows of a part; none if the scan has fewer parts.
    ///
    /// # Errors
    /// Those of opening the scan, in each of its parts.
    pub async fn part(&self, partition: usize, table: &dyn PinnedTable, scan: &Scan) -> Result<AsyncBatches> {
        let open = async || {
            let parts = table.scan(scan).await?.into_parts();
            Ok(parts.into_iter().map(|part| Mutex::new(Some(part))).collect())
        };
        let parts = self.0.get_or_try_init(open).await?;
        let part = parts.get(partition).and_then(|part| lock(part).take());
        Ok(part.unwrap_or_else(|| stream::empty().boxed()))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("parts", &self.0.get().map(Vec::len)).finish()
    }
}

fn lock<Value>(value: &Mutex<Value>) -> MutexGuard<'_, Value> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
