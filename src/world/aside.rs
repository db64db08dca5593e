//! Rows that a log has and their table cannot hold: kept beside the tables, where a person finds them.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use worldstore_async::AsyncBackend;
use worldstore_cache::{KeepUnfit, UnfitRows};
use worldstore_core::{Prefix, Result, WriteOptions};

/// The folder of such rows in a world.
const FOLDER: &str = "set-aside";

/// What opening a world does with rows of its log that their table cannot hold.
///
/// Such rows are refused before they are acknowledged. A log has some all the same if another program has changed the
/// table since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unfit {
    /// The world is not opened: the error names table, record, column and row, and nothing has changed.
    #[default]
    Refuse,
    /// The rows of that append and table go to the object `set-aside/{table}-{seq}.arrows` of the world, an Arrow IPC stream,
    /// before the log forgets them. Other tables of the same tick keep theirs, so that tick is not whole any more.
    /// [`World::recovery`](super::World::recovery) tells how many they are.
    SetAside,
}

/// The folder of a world for rows that are set aside.
pub(super) struct Aside(pub Arc<dyn AsyncBackend>);

impl KeepUnfit for Aside {
    fn keep<'keep>(&'keep self, rows: &'keep UnfitRows) -> BoxFuture<'keep, Result<()>> {
        Box::pin(async move {
            let key = Prefix::new(FOLDER)?.key(format!("{}-{}.arrows", rows.table, rows.seq))?;
            // The same rows have the same name: whoever was stopped here writes them again.
            let options = WriteOptions::default();
            let written = self.0.write(&key, rows.stream.clone(), &options).await?;
            written.applied(&key, &options.condition).map(drop)
        })
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aside").field(&self.0.to_string()).finish()
    }
}
