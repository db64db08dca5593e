//! The tables of one statement, as DataFusion's catalog sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{Result, TableReference};
use datafusion::datasource::TableType;

use crate::error::to_datafusion;
use crate::provider::PinnedProvider;
use crate::source::{TableSelection, TableSource};

/// Name of the catalog.
pub(crate) const CATALOG: &str = "world";
/// Name of the one schema in it.
pub(crate) const SCHEMA: &str = "public";
/// Name of the schema that tells tables and columns.
pub(crate) const INFORMATION: &str = "information_schema";

/// Tables that the statement names are pinned; others are only known by name until someone asks for their columns.
#[derive(Debug)]
pub(crate) struct Tables {
    source: Arc<dyn TableSource>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    names: Vec<String>,
    pinned: BTreeMap<String, Arc<dyn TableProvider>>,
}

impl Tables {
    pub fn new(source: Arc<dyn TableSource>) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// Sets the names that are listed.
    pub fn list(&self, names: Vec<String>) {
        self.change(|state| state.names = names);
    }

    /// Sets a table that the statement names.
    pub fn pin(&self, name: String, provider: Arc<dyn TableProvider>) {
        self.change(|state| {
            state.pinned.insert(name, provider);
        });
    }

    fn change<Value>(&self, change: impl FnOnce(&mut State) -> Value) -> Value {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        self.change(|state| state.names.clone())
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let (pinned, is_known) =
            self.change(|state| (state.pinned.get(name).cloned(), state.names.iter().any(|known| known == name)));
        if pinned.is_some() || !is_known {
            return Ok(pinned);
        }
        let pinned = self.source.pin(&TableSelection::table(name)).await.map_err(to_datafusion)?;
        Ok(Some(Arc::new(PinnedProvider::new(pinned))))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.change(|state| state.pinned.contains_key(name) || state.names.iter().any(|known| known == name))
    }
}

/// The table of ours that a reference means; none for the tables of the information schema, and of schemas that are not
/// there.
pub(crate) fn of_ours(reference: &TableReference) -> Option<&str> {
    let is_here = reference.catalog().is_none_or(|catalog| catalog == CATALOG)
        && reference.schema().is_none_or(|schema| schema == SCHEMA);
    is_here.then(|| reference.table())
}

/// True if a reference asks what tables there are.
pub(crate) fn asks_for_names(reference: &TableReference) -> bool {
    reference.schema() == Some(INFORMATION)
}
