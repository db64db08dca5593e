//! Queries in SQL over a set of tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, SchemaProvider, TableProvider};
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::{SQLOptions, SessionContext, SessionState};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use tokio::runtime::Handle;
use tracing::Instrument;
use tracing::field::Empty;
use worldstore_core::wrap::failed_as;
use worldstore_core::{Error, Result};

use crate::as_of::{AS_OF, AsOf};
use crate::catalog::{CATALOG, SCHEMA, Tables, asks_for_names, of_ours};
use crate::depth;
use crate::error::from_datafusion;
use crate::limits::{SqlOptions, with_size};
use crate::near::nearest;
use crate::provider::PinnedProvider;
use crate::room::Roomy;
use crate::rows::{Deadline, SqlRows};
use crate::source::{PinnedTable, TableSelection, TableSource};
use crate::statement;

/// Runs queries over a [`TableSource`]. It holds no rows and no state between two of them.
///
/// The tables are those of schema `public` in catalog `world`, which need not be said; `information_schema` and `SHOW
/// TABLES` tell them, `DESCRIBE` their columns. `as_of('table', tick [, 'run'])` is a table at another tick or run; the
/// tick `NULL` is the session's own. Names without quotes are lower case.
#[derive(Debug, Clone)]
pub struct SqlSession {
    source: Arc<dyn TableSource>,
    options: Arc<SqlOptions>,
}

impl SqlSession {
    /// A session with default limits.
    pub fn new(source: Arc<dyn TableSource>) -> Self {
        Self { source, options: Arc::new(SqlOptions::default()) }
    }

    /// Sets limits.
    #[must_use]
    pub fn with_options(mut self, options: SqlOptions) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Runs one query. Its tables are fixed at one moment, before it is planned; rows come as they are asked for.
    ///
    /// # Errors
    /// `Invalid` for a mistake in the text, with `line` and `column` where they are known, or a name that is not there;
    /// `Unsupported` for a statement that is no query; `Invalid` with [`LimitExceeded`](crate::LimitExceeded) as its
    /// cause; those of the tables. Outside of a tokio runtime it is `Unsupported`.
    pub async fn sql(&self, text: &str) -> Result<SqlRows> {
        if Handle::try_current().is_err() {
            return Err(Error::unsupported("a query needs a tokio runtime"));
        }
        let deadline = Deadline::after(self.options.time_max);
        let opened = async {
            let frame = self.query(text).await?;
            let context = Arc::new(frame.task_ctx());
            let explained = |error| with_size(from_datafusion(error), &self.options);
            let plan = frame.create_physical_plan().await.map_err(explained)?;
            depth::check_plan(&plan)?;
            execute_stream(plan, context).map_err(explained)
        };
        let span = tracing::debug_span!(
            target: "worldstore", "sql", db.system.name = "worldstore", db.operation.name = "query", otel.kind = "client",
            "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
        );
        let opened = async { deadline.within(Roomy::new(opened)).await? }.instrument(span.clone()).await;
        // What is wrong with a text is told in its own words: they are not for the span.
        let stream = opened.inspect_err(|error| failed_as(&span, error.kind(), "the query failed"))?;
        Ok(SqlRows::new(stream, Arc::clone(&self.options), deadline))
    }

    /// Plans one query, for DataFusion's own methods. Limits of time and rows are not applied to what they run.
    ///
    /// # Errors
    /// As for [`sql`](Self::sql).
    pub async fn query(&self, text: &str) -> Result<DataFrame> {
        depth::check(text)?;
        Roomy::new(self.planned(text)).await
    }

    async fn planned(&self, text: &str) -> Result<DataFrame> {
        let (tables, as_of) = (Arc::new(Tables::new(Arc::clone(&self.source))), Arc::new(AsOf::default()));
        let state = self.context(Some((&tables, &as_of)))?.state();
        let dialect = state.config().options().sql_parser.dialect;
        let statement = state.sql_to_statement(text, &dialect);
        let statement = statement.map_err(|source| with_end(from_datafusion(source), text))?;
        statement::check(&statement)?;
        let references = state.resolve_table_references(&statement).map_err(from_datafusion)?;
        let mut names: BTreeSet<&str> = references.iter().filter_map(of_ours).collect();
        // The name of a table function looks like that of a table.
        let is_function = |name: &&str| state.table_functions().contains_key(*name);
        if names.iter().any(is_function) || references.iter().any(asks_for_names) {
            let known = self.source.tables().await?;
            names.retain(|name| !is_function(name) || known.iter().any(|known| known == name));
            tables.list(known);
        }
        loop {
            self.pin(&names, &tables, &as_of).await?;
            match plan(&state, &statement).await {
                Ok(plan) => return Ok(DataFrame::new(state, plan)),
                Err(_) if as_of.is_waiting() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A table, for DataFusion's own methods. Limits of time and rows are not applied to what they run.
    ///
    /// # Errors
    /// `Invalid` for a table that is not there; those of the tables.
    pub async fn dataframe(&self, table: &str) -> Result<DataFrame> {
        let pinned = self.pin_all(&[TableSelection::table(table)]).await?;
        let provider = pinned.into_iter().next().ok_or_else(|| Error::unexpected("no table was pinned"))?;
        self.context(None)?.read_table(provider).map_err(from_datafusion)
    }

    /// Pins all that a statement reads.
    async fn pin(&self, names: &BTreeSet<&str>, tables: &Tables, as_of: &AsOf) -> Result<()> {
        let mut selections: Vec<_> = names.iter().map(|name| TableSelection::table(*name)).collect();
        selections.extend(as_of.selections());
        let mut pinned = self.pin_all(&selections).await?.into_iter();
        for (name, provider) in names.iter().zip(pinned.by_ref()) {
            tables.pin((*name).to_owned(), provider);
        }
        as_of.answer(pinned).map_err(from_datafusion)
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn TableProvider>>> {
        let provider =
            |pinned: Arc<dyn PinnedTable>| -> Arc<dyn TableProvider> { Arc::new(PinnedProvider::new(pinned)) };
        match self.source.pin_all(selections).await {
            Ok(pinned) => Ok(pinned.into_iter().map(provider).collect()),
            Err(error) if error.is_not_found() => Err(self.unknown(selections, error).await?),
            Err(error) => Err(error),
        }
    }

    /// Says which table is not there, if it is a table that is not there.
    async fn unknown(&self, selections: &[TableSelection], error: Error) -> Result<Error> {
        let known = self.source.tables().await?;
        let Some(missing) = selections.iter().find(|selection| !known.contains(&selection.table)) else {
            return Ok(error);
        };
        let unknown = Error::invalid("unknown table").with("table", &missing.table);
        Ok(match nearest(&missing.table, &known) {
            // Without quotes it would be read in lower case.
            Some(near) if near.to_lowercase() != near => unknown.with("did_you_mean", format!("\"{near}\"")),
            Some(near) => unknown.with("did_you_mean", near),
            None => unknown.with("known", known.join(" ")),
        })
    }

    fn context(&self, of_statement: Option<(&Arc<Tables>, &Arc<AsOf>)>) -> Result<SessionContext> {
        let SqlOptions { memory_bytes_max, batch_rows, partitions, .. } = *self.options;
        let mut config = SessionConfig::new()
            .with_batch_size(batch_rows.max(1))
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        if let Some(partitions) = partitions {
            config = config.with_target_partitions(partitions.max(1));
        }
        config.options_mut().sql_parser.collect_spans = true;
        let nothing_on_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(memory_bytes_max, 1.0)
            .with_disk_manager_builder(nothing_on_disk)
            .build_arc()
            .map_err(from_datafusion)?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        if let Some((tables, as_of)) = of_statement {
            let catalog = MemoryCatalogProvider::new();
            let tables: Arc<dyn SchemaProvider> = Arc::clone(tables) as _;
            catalog.register_schema(SCHEMA, tables).map_err(from_datafusion)?;
            context.register_catalog(CATALOG, Arc::new(catalog));
            context.register_udtf(AS_OF, Arc::clone(as_of) as _);
        }
        Ok(context)
    }
}

/// Plans a statement that only asks; its form was checked, what is inside of it is here.
async fn plan(state: &SessionState, statement: &Statement) -> Result<LogicalPlan> {
    let plan = state.statement_to_plan(statement.clone()).await.map_err(from_datafusion)?;
    let nothing = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    match nothing.verify_plan(&plan) {
        Ok(()) => Ok(plan),
        Err(source) => Err(statement::refused(&statement_word(statement)).caused_by(source)),
    }
}

/// The parser gives no place where the text ends too early.
fn with_end(error: Error, text: &str) -> Error {
    match error.message().ends_with("found: EOF") && error.context().all(|(key, _)| key != "line") {
        true => {
            let last = text.lines().last().unwrap_or_default();
            error.with("line", text.lines().count().max(1)).with("column", last.chars().count() + 1)
        }
        false => error,
    }
}

fn statement_word(statement: &Statement) -> String {
    statement.to_string().split_whitespace().next().unwrap_or_default().to_owned()
}
