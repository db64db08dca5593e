//! Lance datasets.

use std::sync::Arc;

use async_trait::async_trait;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::TableName;
use worldstore_core::{Error, Prefix, Result};
use worldstore_datafusion::{Moment, PinnedTable};
use worldstore_graph::{FormatTable, TableFormat, TablePlace};
use worldstore_lance::{LanceConfig, LanceTables};

use super::{place, table};
use crate::Registry;

/// The name by which the one dataset is asked.
const NAME: &str = "dataset";

/// See the module.
#[derive(Debug)]
pub(super) struct LanceFormat {
    registry: Registry,
}

impl LanceFormat {
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[async_trait]
impl TableFormat for LanceFormat {
    async fn open(&self, place: TablePlace<'_>) -> Result<Arc<dyn FormatTable>> {
        let (backend, folder) = match place {
            TablePlace::Mounted { backend, path } => (Arc::clone(backend), path.to_owned()),
            TablePlace::Uri(text) => place::open(&self.registry, &place::resolve(text)?).await?,
            _ => return Err(Error::unsupported("a place of this kind is not known")),
        };
        let folder = folder.trim_end_matches('/');
        if folder.is_empty() {
            return Err(Error::invalid("a dataset is a folder with a name"));
        }
        let config = LanceConfig::default().with_dataset(Prefix::new(folder)?);
        let tables: Arc<dyn AsyncTableBackend> = Arc::new(LanceTables::open(backend, config)?);
        Ok(Arc::new(Dataset { tables, name: TableName::new(NAME)? }))
    }
}

#[derive(Debug)]
struct Dataset {
    tables: Arc<dyn AsyncTableBackend>,
    name: TableName,
}

#[async_trait]
impl FormatTable for Dataset {
    async fn pin(&self, at: Option<&Moment>) -> Result<Option<Arc<dyn PinnedTable>>> {
        table::pin(&self.tables, &self.name, at).await
    }
}
