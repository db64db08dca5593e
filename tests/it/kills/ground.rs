//! Where a world is that processes write and are killed in: its folder, and the server of its catalog if it has one.

use std::fmt;
use std::path::PathBuf;
#[cfg(feature = "iceberg")]
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "iceberg")]
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use worldstore::{TableFormat, WorldOptions};

use super::options;

/// A server for catalogs.
#[cfg(feature = "iceberg")]
const URL: &str = "WORLDSTORE_TEST_POSTGRES_URL";

/// A kind of world that outlives a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    #[cfg(feature = "lance")]
    Lance,
    /// With a catalog in SQLite.
    #[cfg(feature = "iceberg")]
    Iceberg,
    /// With a catalog at a PostgreSQL server.
    #[cfg(feature = "iceberg")]
    IcebergPostgres,
}

impl Kind {
    pub fn format(self) -> TableFormat {
        match self {
            #[cfg(feature = "lance")]
            Self::Lance => TableFormat::Lance,
            #[cfg(feature = "iceberg")]
            Self::Iceberg | Self::IcebergPostgres => TableFormat::Iceberg,
        }
    }

    /// Whether there is a server for catalogs. Without one a test is skipped, loudly, but never where everything must run.
    #[cfg(feature = "iceberg")]
    pub fn has_server() -> bool {
        let is_there = std::env::var_os(URL).is_some();
        if !is_there {
            assert!(std::env::var_os("CI").is_none(), "{URL} is not set");
            eprintln!("SKIPPED: {URL} is not set. Run `cargo xtask test`, or `cargo xtask services --only postgres`");
        }
        is_there
    }
}

/// As the tests are named.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "lance")]
            Self::Lance => "lance",
            #[cfg(feature = "iceberg")]
            Self::Iceberg => "iceberg",
            #[cfg(feature = "iceberg")]
            Self::IcebergPostgres => "iceberg_postgres",
        })
    }
}

/// What a process has to know of the world.
#[derive(Debug, Clone)]
pub struct Ground {
    pub format: TableFormat,
    pub folder: PathBuf,
    /// The URI of the catalog, where it is at a server.
    pub catalog: Option<String>,
}

impl Ground {
    /// Where the world is.
    pub fn uri(&self) -> String {
        self.folder.join("world").display().to_string()
    }

    pub fn options(&self) -> WorldOptions {
        let options = options(self.format);
        match &self.catalog {
            Some(catalog) => options.with_catalog(catalog.as_str()),
            None => options,
        }
    }
}

/// A ground that goes with the test.
pub struct Held {
    pub ground: Ground,
    _folder: TempDir,
    #[cfg(feature = "iceberg")]
    _schema: Option<Schema>,
}

impl Held {
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground { format: kind.format(), folder: folder.path().to_owned(), catalog: None };
        #[cfg(feature = "iceberg")]
        {
            let schema = (kind == Kind::IcebergPostgres).then(Schema::make);
            let ground = Ground { catalog: schema.as_ref().map(Schema::uri), ..ground };
            Self { ground, _folder: folder, _schema: schema }
        }
        #[cfg(not(feature = "iceberg"))]
        Self { ground, _folder: folder }
    }
}

/// A schema at the server, for one catalog.
#[cfg(feature = "iceberg")]
struct Schema {
    server: String,
    name: String,
}

#[cfg(feature = "iceberg")]
impl Schema {
    fn make() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let schema = Self { server: std::env::var(URL).unwrap(), name: format!("kills_{now}_{}", std::process::id()) };
        schema.run(&format!("CREATE SCHEMA {}", schema.name)).unwrap();
        schema
    }

    fn uri(&self) -> String {
        let mark = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{mark}options[search_path]={}", self.server, self.name)
    }

    fn run(&self, statement: &str) -> sqlx::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.server).await?;
            connection.execute(statement).await?;
            connection.close().await
        })
    }
}

#[cfg(feature = "iceberg")]
impl Drop for Schema {
    fn drop(&mut self) {
        if let Err(error) = self.run(&format!("DROP SCHEMA {} CASCADE", self.name)) {
            eprintln!("schema {} stays at the server: {error}", self.name);
        }
    }
}
