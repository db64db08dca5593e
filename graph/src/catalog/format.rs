//! Tables of formats that the graph does not know by itself: whoever builds the graph gives it a way to read them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use worldstore_async::AsyncBackend;
use worldstore_core::lake::{LakeUri, SCHEME};
use worldstore_core::{Error, Result};
use worldstore_datafusion::{Moment, PinnedTable};

use super::ddl::{Mounts, mounted};

/// A format of tables: what `FROM FORMAT 'place'` means.
#[async_trait]
pub trait TableFormat: Debug + Send + Sync {
    /// Opens the table at a place. It is asked for a state of it right after.
    ///
    /// # Errors
    /// `Invalid` for a place that can be none of this format; those of opening it.
    async fn open(&self, place: TablePlace<'_>) -> Result<Arc<dyn FormatTable>>;
}

/// A table that was opened. It is kept by the graph for all queries, so it may keep what it has read.
#[async_trait]
pub trait FormatTable: Debug + Send + Sync {
    /// Fixes a state of the table, the newest by default. None if the table has no states of the kind that is asked: it
    /// is then read as it is, beside tables that have them.
    ///
    /// # Errors
    /// `NotFound` if there is no table, or no such state of it; `Corrupt` if it cannot be read; `Unsupported` for what it
    /// has and the format's reader has not.
    async fn pin(&self, at: Option<&Moment>) -> Result<Option<Arc<dyn PinnedTable>>>;
}

/// Where a table of a format is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TablePlace<'place> {
    /// Below the root of what is mounted: of `lake://mount/path`, the path.
    Mounted {
        /// What is mounted.
        backend: &'place Arc<dyn AsyncBackend>,
        /// The path.
        path: &'place str,
    },
    /// Anything else, as it was declared: what it means is the format's to say.
    Uri(&'place str),
}

/// A table of a format, as it was declared.
#[derive(Debug)]
pub(crate) struct DeclaredTable {
    /// The format, as it was declared.
    pub name: String,
    /// The place, as it was declared.
    pub from: String,
    format: Arc<dyn TableFormat>,
    place: Place,
    open: OnceCell<Arc<dyn FormatTable>>,
}

#[derive(Debug)]
enum Place {
    Mounted(Arc<dyn AsyncBackend>, String),
    Uri,
}

/// A state of a table of a format.
pub(crate) struct PinnedState {
    pub table: Arc<dyn PinnedTable>,
    /// True if it is the state of the past that was asked for.
    pub is_asked: bool,
}

impl DeclaredTable {
    /// Nothing is read.
    ///
    /// # Errors
    /// `NotFound` if the graph has no such format, or nothing is mounted there; `Invalid` for a wrong address.
    pub fn new(name: &str, place: &str, mounts: &Mounts) -> Result<Self> {
        let format = mounts.formats.get(&name.to_ascii_lowercase()).cloned().ok_or_else(|| {
            let known: Vec<_> = mounts.formats.keys().map(String::as_str).collect();
            Error::not_found("the graph has no such format of tables")
                .with("format", name)
                .with("known", known.join(" "))
                .with("help", "FILE, PARTITION and TABLE are always there")
        })?;
        let from = place.to_owned();
        let place = match place.starts_with(SCHEME) {
            false => Place::Uri,
            true => {
                let address = LakeUri::parse(place)?;
                let path = address.template.expand(&[])?;
                Place::Mounted(mounted(&address, mounts)?, path)
            }
        };
        Ok(Self { name: name.to_owned(), from, format, place, open: OnceCell::new() })
    }

    /// A state of it: the one that is asked if the table has such states, else the newest.
    ///
    /// # Errors
    /// As for [`FormatTable::pin`].
    pub async fn pin(&self, at: Option<&Moment>) -> Result<PinnedState> {
        let about = |error: Error| error.with("table", &self.from);
        let opened = self.open.get_or_try_init(|| self.format.open(self.place())).await;
        // A URI that is refused may hold a secret: what of it can be shown is the format's to say.
        let open = opened.map_err(|error| match self.place {
            Place::Mounted(..) => about(error),
            Place::Uri => error,
        })?;
        if at.is_some()
            && let Some(table) = open.pin(at).await.map_err(about)?
        {
            return Ok(PinnedState { table, is_asked: true });
        }
        let newest = open.pin(None).await.map_err(about)?;
        let table = newest.ok_or_else(|| about(Error::unexpected("a format gave no state of its table")))?;
        Ok(PinnedState { table, is_asked: false })
    }

    fn place(&self) -> TablePlace<'_> {
        match &self.place {
            Place::Mounted(backend, path) => TablePlace::Mounted { backend, path },
            Place::Uri => TablePlace::Uri(&self.from),
        }
    }
}
