//! A world asked in SQL: each table by its name, read as of one run and tick.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_datafusion::datafusion::dataframe::DataFrame;
use worldstore_datafusion::{SqlOptions, SqlRows, SqlSession};

use super::source::WorldTables;
use super::view::View;
use super::{MAIN_RUN, World};

impl World {
    /// Runs one query over run `main` at the time of the call, buffered rows included. See [`View::sql`].
    ///
    /// # Errors
    /// Those of opening the run and of [`View::sql`].
    pub async fn sql(&self, text: &str) -> Result<SqlRows> {
        self.run(MAIN_RUN).await?.now().sql(text).await
    }
}

impl View {
    /// Runs one query over the rows of this run up to this tick. All its tables are read at one moment of the world.
    /// `as_of('table', tick [, 'run'])` is a table at another tick or run.
    ///
    /// # Errors
    /// Those of [`SqlSession::sql`].
    pub async fn sql(&self, text: &str) -> Result<SqlRows> {
        self.sql_session().sql(text).await
    }

    /// [`sql`](Self::sql) with limits.
    ///
    /// # Errors
    /// Those of [`SqlSession::sql`].
    pub async fn sql_with(&self, text: &str, options: &SqlOptions) -> Result<SqlRows> {
        self.sql_session().with_options(options.clone()).sql(text).await
    }

    /// A table, for DataFusion's own methods. It stays at the moment of this call.
    ///
    /// # Errors
    /// Those of [`SqlSession::dataframe`].
    pub async fn dataframe(&self, table: &str) -> Result<DataFrame> {
        self.sql_session().dataframe(table).await
    }

    /// A session over this view, with default limits: each query of it is at the time of its own call.
    pub fn sql_session(&self) -> SqlSession {
        SqlSession::new(Arc::new(WorldTables::new(self.clone())))
    }
}
