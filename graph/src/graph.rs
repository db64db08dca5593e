//! The graph: a catalog, and statements over it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use worldstore_async::AsyncBackend;
use worldstore_core::manifest::ExpireOptions;
use worldstore_core::{Error, Prefix, Result};
use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::parse;
use worldstore_datafusion::{Moment, TableSource};

use crate::adjacency::Adjacencies;
use crate::catalog::{Catalog, CatalogStore, Expiry, Label, Mounts, Rows, TableFormat};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::lake::{Freshness, LakeLabel, Place};
use crate::options::QueryOptions;
use crate::owned::Owned;
use crate::value::Parameters;

/// A property graph: labels and edge types over rows that stay where they are. Clones share their catalog.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) catalog: Arc<RwLock<Catalog>>,
    pub(crate) mounts: Mounts,
    pub(crate) tables: Option<Arc<dyn TableSource>>,
    pub(crate) owned: Owned,
    pub(crate) store: Option<Arc<CatalogStore>>,
    pub(crate) expiry: Expiry,
    pub(crate) adjacencies: Arc<Adjacencies>,
}

impl Graph {
    /// A graph without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what `lake://name/…` means.
    ///
    /// # Errors
    /// `Invalid` if the name is not of lower-case letters, digits, `-` and `_`, or is mounted already.
    pub fn with_mount(mut self, name: &str, backend: Arc<dyn AsyncBackend>) -> Result<Self> {
        let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-_".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(
                Error::invalid("a mount has a name of lower-case letters, digits, `-` and `_`").with("mount", name)
            );
        }
        match self.mounts.backends.insert(name.to_owned(), backend) {
            None => Ok(self),
            Some(_) => Err(Error::invalid("mounted already").with("mount", name)),
        }
    }

    /// Says how labels over `lake://name/…` that are made from now on know that their files are what they were. Every query
    /// lists them by default.
    #[must_use]
    pub fn with_freshness(mut self, name: &str, freshness: Freshness) -> Self {
        self.mounts.freshness.insert(name.to_owned(), freshness);
        self
    }

    /// Keeps catalogs of footers in a folder: a graph that is opened again on the same files counts without opening any of
    /// them. One is written when a query has read footers of many files that were not in it; see
    /// [`store_footers`](Self::store_footers).
    #[must_use]
    pub fn with_footer_catalog(mut self, backend: Arc<dyn AsyncBackend>, folder: Prefix) -> Self {
        self.mounts.place = Some(Place { backend, folder });
        self
    }

    /// Keeps edges of tables in memory, by their ends, up to so many bytes: 1 GiB by default. With 0 none are built, and
    /// patterns are joined or walked.
    #[must_use]
    pub fn with_adjacency_bytes(mut self, bytes_max: u64) -> Self {
        self.adjacencies = Arc::new(Adjacencies::new(bytes_max));
        self
    }

    /// Writes the catalogs of footers to which something is to be added, and answers how many.
    ///
    /// # Errors
    /// Those of the byte store; `Unsupported` if a column has a type that the catalog cannot hold.
    pub async fn store_footers(&self) -> Result<usize> {
        let mut stored = 0;
        for label in self.lakes() {
            stored += usize::from(label.store(true).await?);
        }
        Ok(stored)
    }

    /// Says what a stored catalog that is opened after this keeps when it expires by itself; with none it never does.
    /// [`kept_states`](Self::kept_states) by default.
    #[must_use]
    pub fn with_kept_states(mut self, options: Option<ExpireOptions>) -> Self {
        self.expiry = Expiry::new(options);
        self
    }

    /// Says how `FROM NAME 'place'` is read, whatever the case of the name.
    #[must_use]
    pub fn with_format(mut self, name: &str, format: Arc<dyn TableFormat>) -> Self {
        self.mounts.formats.insert(name.to_ascii_lowercase(), format);
        self
    }

    /// Shows tables: each is a label of its own name, unless a label of that name is declared.
    #[must_use]
    pub fn with_tables(mut self, tables: Arc<dyn TableSource>) -> Self {
        self.tables = Some(tables);
        self
    }

    /// Runs all statements in order, and stops at the first that fails; those before it stay done.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] for mistakes in the text: if one statement cannot be parsed, none is run.
    /// [`QueryError::Store`] for the store and its data.
    pub async fn run(&self, source: &str, parameters: &Parameters) -> Result<Vec<QueryResult>, QueryError> {
        self.run_with(source, parameters, &QueryOptions::default()).await
    }

    /// As [`run`](Self::run), with limits for each statement. A token to go on from is one of the last statement.
    ///
    /// # Errors
    /// As for [`run`](Self::run), and [`QueryError::Limit`].
    pub async fn run_with(
        &self,
        source: &str,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<Vec<QueryResult>, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        let mut before = options.clone();
        before.resume = None;
        let mut results = Vec::new();
        for (index, statement) in statements.iter().enumerate() {
            let options = if index + 1 == statements.len() { options } else { &before };
            results.push(self.statement(statement, parameters, options).await?);
        }
        Ok(results)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// As for [`run`](Self::run); `Invalid` if the text does not hold exactly one statement.
    pub async fn query(&self, source: &str, parameters: &Parameters) -> Result<QueryResult, QueryError> {
        self.query_with(source, parameters, &QueryOptions::default()).await
    }

    /// Runs one statement within limits, and in the state of the tables that the options say.
    ///
    /// # Errors
    /// As for [`query`](Self::query). [`QueryError::Limit`] if a limit is reached and there is no part of the result that
    /// could be given. `Invalid` for a token of another query, `Conflict` if what it read has changed since.
    pub async fn query_with(
        &self,
        source: &str,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        match statements.as_slice() {
            [one] => self.statement(one, parameters, options).await,
            all => Err(Error::invalid("expected one statement").with("got", all.len()).into()),
        }
    }

    /// Runs one statement in a state of the past, as `AS OF` in its text does.
    ///
    /// # Errors
    /// As for [`query_with`](Self::query_with); `NotFound` if the state is not known, or not any more; `Unsupported` if
    /// nothing that is read has states.
    pub async fn query_at(&self, at: Moment, source: &str, parameters: &Parameters) -> Result<QueryResult, QueryError> {
        self.query_with(source, parameters, &QueryOptions::default().with_at(at)).await
    }

    /// Tells how the last query of the text would be run. Declarations before it are carried out.
    ///
    /// # Errors
    /// As for [`run`](Self::run); `Invalid` if the last statement is no query.
    pub async fn explain(&self, source: &str, parameters: &Parameters) -> Result<String, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        let Some((last, before)) = statements.split_last() else {
            return Err(Error::invalid("there is no query to explain").into());
        };
        for statement in before {
            if !matches!(statement.kind, StatementKind::Query(_) | StatementKind::Explain(_)) {
                self.statement(statement, parameters, &QueryOptions::default()).await?;
            }
        }
        match &last.kind {
            StatementKind::Query(query) | StatementKind::Explain(query) => {
                self.explain_query(query, parameters, &QueryOptions::default()).await
            }
            _ => Err(Error::invalid("the last statement is no query").into()),
        }
    }

    /// Labels and edges over files in place.
    fn lakes(&self) -> Vec<Arc<LakeLabel>> {
        let catalog = self.read();
        let of_labels = catalog.labels.values().map(|label| &label.rows);
        let of_edges = catalog.edge_types.values().flat_map(|edge| &edge.parts).filter_map(|part| part.rows());
        let lake = |rows: &Rows| match rows {
            Rows::Lake(label) => Some(Arc::clone(label)),
            _ => None,
        };
        of_labels.chain(of_edges).filter_map(lake).collect()
    }

    /// Stores what was learnt; a catalog that cannot be written is no reason for a query to fail.
    pub(crate) async fn store_new_footers(&self) {
        if self.mounts.place.is_none() {
            return;
        }
        for label in self.lakes() {
            if let Err(error) = label.store(false).await {
                tracing::warn!(target: "worldstore", %error, address = %label.address, "the catalog of footers cannot be stored");
            }
        }
    }

    /// What is declared, and the tables as labels.
    pub(crate) async fn known(&self) -> Result<Catalog> {
        self.refresh().await?;
        let mut catalog = self.read().clone();
        if let Some(tables) = &self.tables {
            for table in tables.tables().await? {
                let label = Label::of_table(&table);
                catalog.labels.entry(table).or_insert_with(|| Arc::new(label));
            }
        }
        Ok(catalog)
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change<Answer>(&self, change: impl FnOnce(&mut Catalog) -> Answer) -> Answer {
        change(&mut self.catalog.write().unwrap_or_else(PoisonError::into_inner))
    }
}
