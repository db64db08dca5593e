//! The catalog at a PostgreSQL server: races, the fence, and commits whose answers are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Connection, PgConnection};
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::table::conformance::check;
use worldstore_core::table::conformance::{Profile, Unsigned};
use worldstore_core::table::*;
use worldstore_core::{ErrorKind, Prefix};
use worldstore_iceberg::{CATALOG, CatalogLocation, IcebergConfig, IcebergTables, NAMESPACE};

use crate::proxy::{Proxy, Trouble};
use crate::{LOCATION, ids, memory_backend, name, objects, rows, schema};

const URL: &str = "WORLDSTORE_TEST_POSTGRES_URL";

/// A schema of its own at the server that is tested against.
struct Server {
    url: String,
    schema: String,
}

/// Without a server the test is skipped, loudly, but never where everything must run.
async fn server() -> Option<Server> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let Ok(url) = std::env::var(URL) else {
        assert!(std::env::var_os("CI").is_none(), "{URL} is not set");
        eprintln!("SKIPPED: {URL} is not set. Run `cargo xtask test`, or `cargo xtask services --only postgres`");
        return None;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let schema = format!("i{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let server = Server { url, schema };
    server.run(&format!("CREATE SCHEMA {}", server.schema)).await;
    Some(server)
}

impl Server {
    fn uri_at(&self, url: &str) -> String {
        let mark = if url.contains('?') { '&' } else { '?' };
        format!("{url}{mark}options[search_path]={}", self.schema)
    }

    async fn tables_at(&self, url: &str, backend: &Arc<dyn AsyncBackend>) -> IcebergTables {
        let config = IcebergConfig::new(CatalogLocation::Postgres(self.uri_at(url)), LOCATION);
        IcebergTables::open(backend.clone(), config).await.unwrap()
    }

    async fn tables(&self, backend: &Arc<dyn AsyncBackend>) -> IcebergTables {
        self.tables_at(&self.url, backend).await
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.uri_at(&self.url)).await.unwrap()
    }

    /// A writer that was stopped in the middle of changes of these tables.
    async fn stopped(&self, tables: &[TableName]) -> PgConnection {
        let mut stopped = self.connect().await;
        sqlx::raw_sql("BEGIN").execute(&mut stopped).await.unwrap();
        for table in tables {
            let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
            let name = format!("{}/{CATALOG}/{NAMESPACE}/{table}", self.schema);
            lock.bind(name).execute(&mut stopped).await.unwrap();
        }
        stopped
    }

    async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    async fn end(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }
}

async fn made(tables: &IcebergTables) -> TableName {
    let table = name("items");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows([0])], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_a_server() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let open = async |place: &str| {
        // One catalog for each place: a schema of its own.
        let schema = format!("{}_{}", server.schema, place.replace(|letter: char| !letter.is_alphanumeric(), "_"));
        server.run(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await;
        let mark = if server.url.contains('?') { '&' } else { '?' };
        let uri = format!("{}{mark}options[search_path]={schema}", server.url);
        let config = IcebergConfig::new(CatalogLocation::Postgres(uri), LOCATION).with_prefix(Prefix::new(place)?);
        Ok(Arc::new(IcebergTables::open(backend.clone(), config).await?) as Arc<dyn AsyncTableBackend>)
    };
    println!("{}", check(open, &Profile::format().with_unsigned(Unsigned::Half)).await.unwrap().into_result().unwrap());
    let like = format!("{}\\_%", server.schema);
    let mut connection = server.connect().await;
    let schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE $1";
    let schemas: Vec<String> = sqlx::query_scalar(schemas).bind(like).fetch_all(&mut connection).await.unwrap();
    for schema in schemas {
        server.run(&format!("DROP SCHEMA {schema} CASCADE")).await;
    }
    server.end().await;
}

#[tokio::test]
async fn the_catalog_is_laid_out_as_other_programs_expect() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let tables = server.tables(&backend).await;
    // Reading makes nothing.
    assert!(tables.list(&ListTablesOptions::default()).await.unwrap().is_empty());
    let missing = tables.describe(&name("items"), &DescribeOptions::default()).await.unwrap_err();
    assert!(missing.is_not_found());
    let mut connection = server.connect().await;
    let there = "SELECT to_regclass('iceberg_tables') IS NOT NULL";
    assert!(!sqlx::query_scalar::<_, bool>(there).fetch_one(&mut connection).await.unwrap());

    made(&tables).await;
    let row: (String, String, String, String, String, String) =
        sqlx::query_as("SELECT * FROM iceberg_tables").fetch_one(&mut connection).await.unwrap();
    assert_eq!(
        (row.0.as_str(), row.1.as_str(), row.2.as_str(), row.5.as_str()),
        (CATALOG, NAMESPACE, "items", "TABLE")
    );
    assert!(row.3.contains("/00001-") && row.4.contains("/00000-"), "{row:?}");
    let namespace: (String, String, String, String) =
        sqlx::query_as("SELECT * FROM iceberg_namespace_properties").fetch_one(&mut connection).await.unwrap();
    assert_eq!(namespace, (CATALOG.into(), NAMESPACE.into(), "exists".into(), "true".into()));
    tables.remove(&name("items"), &RemoveTableOptions::default()).await.unwrap();
    assert!(objects(&backend).await.is_empty());
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_of_the_same_step_have_one_winner() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(Arc::new(server.tables(&backend).await));
    }
    // All make the catalog and the table at once.
    let creates = handles.iter().map(|tables| async {
        tables.create(&name("items"), &CreateOptions::new(schema()).or_keep()).await.unwrap();
    });
    futures::future::join_all(creates).await;
    crate::race::one_winner_each(&handles, &name("items"), 5).await;
    assert_eq!(ids(&*handles[0], &name("items"), &Scan::all()).await.len(), 5);
    server.end().await;
}

#[tokio::test]
async fn an_epoch_once_claimed_shuts_out_smaller_ones() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let (old, new) = (server.tables(&backend).await, server.tables(&backend).await);
    let table = made(&old).await;
    let append = |epoch| AppendOptions::default().with_epoch(epoch);
    old.claim(1).await.unwrap();
    let _ = old.append(&table, vec![rows([1])], &append(1)).await.unwrap();
    new.claim(2).await.unwrap();
    let files = objects(&backend).await;
    assert_eq!(old.append(&table, vec![rows([2])], &append(1)).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(old.claim(1).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(objects(&backend).await, files);
    let _ = new.append(&table, vec![rows([2])], &append(2)).await.unwrap();
    assert_eq!(ids(&new, &table, &Scan::all()).await, [0, 1, 2]);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_commit_is_settled_by_reading() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let proxy = Proxy::start(&server.url).await;
    let tables = server.tables_at(&proxy.url, &backend).await;
    let table = made(&tables).await;
    // It took effect, and that is found out.
    proxy.set(Trouble::LoseAnswer);
    let receipt = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    assert_eq!((receipt.seq, receipt.version), (2, Some(2)));
    // It did not, and that is found out too: nothing is left of it.
    proxy.set(Trouble::LoseCommit);
    let files = objects(&backend).await;
    let refused = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
    assert_eq!(objects(&backend).await, files);
    // The server goes away with the answer: nobody knows, and nothing is deleted.
    proxy.set(Trouble::LoseAnswerAndServer);
    let unknown = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::OutcomeUnknown, "{unknown:?}");
    proxy.set(Trouble::Nothing);
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1, 2]);
    let again = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::ConditionFailed);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_wait_for_changes_that_wait_for_a_lock() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let tables = Arc::new(server.tables(&backend).await);
    let table = made(&tables).await;
    let others: Vec<_> = (0..5).map(|number| name(&format!("other_{number}"))).collect();
    for other in &others {
        tables.create(other, &CreateOptions::new(schema())).await.unwrap();
    }
    let mut stopped = server.stopped(&others).await;
    let appends = others.iter().cloned().map(|other| {
        let tables = tables.clone();
        tokio::spawn(async move {
            // The server's limit on the wait for a lock passes sooner than a busy machine goes on.
            while let Err(error) = tables.append(&other, vec![rows([1])], &AppendOptions::default()).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            }
        })
    });
    let appends: Vec<_> = appends.collect();
    // Those that ask for one of these locks; each has a connection.
    let waiting = "SELECT count(*) FROM pg_locks mine JOIN pg_locks other
        USING (locktype, database, classid, objid, objsubid)
        WHERE mine.pid = pg_backend_pid() AND mine.locktype = 'advisory' AND NOT other.granted";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut stopped).await.unwrap() < 4 {
        assert!(appends.iter().all(|append| !append.is_finished()), "a lock did not hold");
        tokio::task::yield_now().await;
    }
    assert_eq!(ids(&*tables, &table, &Scan::all()).await, [0]);
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap().len(), 6);
    sqlx::raw_sql("COMMIT").execute(&mut stopped).await.unwrap();
    for append in appends {
        append.await.unwrap();
    }
    for other in &others {
        assert_eq!(ids(&*tables, other, &Scan::all()).await, [1]);
    }
    server.end().await;
}

/// Whoever waited would be refused by the server's limit on that.
#[tokio::test]
async fn catalogs_in_other_schemas_are_not_waited_for() {
    let (Some(server), Some(other)) = (server().await, server().await) else { return };
    let (backend, another) = (memory_backend(), memory_backend());
    let table = made(&server.tables(&backend).await).await;
    let mut stopped = server.stopped(std::slice::from_ref(&table)).await;
    let whole = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
    whole.bind(format!("{}/{CATALOG}/{NAMESPACE}/", server.schema)).execute(&mut stopped).await.unwrap();
    // The same table in another schema, from making the catalog on, with an epoch.
    let tables = other.tables(&another).await;
    assert_eq!(made(&tables).await, table);
    tables.claim(1).await.unwrap();
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::default().with_epoch(1)).await.unwrap();
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1]);
    drop(stopped);
    server.end().await;
    other.end().await;
}

#[tokio::test]
async fn a_lost_catalog_is_no_empty_store() {
    let Some(server) = server().await else { return };
    let backend = memory_backend();
    let open = server.tables(&backend).await;
    let table = made(&open).await;
    server.run(&format!("DROP SCHEMA {0} CASCADE; CREATE SCHEMA {0}", server.schema)).await;
    // To whoever has it open it is gone, too, and not a catalog that lacks the table.
    let described = open.describe(&table, &DescribeOptions::default()).await;
    assert_eq!(described.unwrap_err().kind(), ErrorKind::Corrupt);
    let created = open.create(&table, &CreateOptions::new(schema())).await;
    assert_eq!(created.unwrap_err().kind(), ErrorKind::Corrupt);
    let tables = server.tables(&backend).await;
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(tables.recover_catalog().await.unwrap().tables.len(), 1);
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0]);
    server.end().await;
}
