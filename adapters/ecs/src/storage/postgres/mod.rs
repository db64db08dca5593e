//! Entities in a schema of PostgreSQL: a table for each component, with typed columns that other programs can query.

mod apply;
mod cells;
mod config;
mod error;
mod query;
mod read;
mod schema;
mod whole;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Transaction};
use worldstore_core::{Error, Result};
use worldstore_db_common::postgres::pool_options;

use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::AsyncChunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::planted::{Bug, Planted};
use crate::query::Query;
use crate::state::State;
use crate::storage::catalog::{Catalog, LastCatalog};
use crate::storage::{Durability, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

pub use config::{ACQUIRE_TIMEOUT, CONNECTIONS_MAX, LOCK_TIMEOUT, NAMESPACE, PostgresConfig, STATEMENT_TIMEOUT};

use error::{is_overtaken, of_commit, translate};
use read::Head;

/// What changes something. It sees what others have committed whenever a statement begins.
const CHANGE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on";
/// What sees one state.
const LOOK: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// So many restores by others may come between the beginning of a read and its tables.
const LOOKS: usize = 8;

/// A storage in a schema of PostgreSQL. Any number of processes may use it at once: batches wait for each other, and each
/// read sees one state. A batch that was acknowledged is in the synced log of the server.
///
/// | table | rows |
/// |---|---|
/// | `entities` | those that are alive: `entity`, 63 bits as [`Entity::to_bits`] gives them, `born` (a tick) |
/// | `components` | `id`, `name`, `fields` |
/// | `c{id}_{name}` | entities that have the component: `entity`, `changed` (a tick), `shared`, and its fields |
/// | `s{id}_{name}` | values that are stored once: `id`, which `shared` names, and the fields |
///
/// Everything else in the schema is for this program alone.
pub struct Postgres {
    pool: PgPool,
    /// The quoted name of the schema.
    namespace: String,
    location: String,
    shard: u16,
    catalog: LastCatalog,
    planted: Planted,
}

impl Postgres {
    async fn connect(config: PostgresConfig) -> Result<Self> {
        let pool = pool_options(config.connections_max, config.acquire_timeout)?;
        let pool = pool.connect_with(config.options()).await.map_err(translate)?;
        let mut connection = pool.acquire().await.map_err(translate)?;
        schema::prepare(&mut connection, &config.namespace, config.shard).await?;
        let namespace = format!("\"{}\"", config.namespace);
        let shard = Head::read(&mut connection, &namespace).await?.shard;
        drop(connection);
        if config.shard != 0 && config.shard != shard {
            let error = Error::invalid("the namespace is of another shard").with("shard", shard);
            return Err(error.with("wanted", config.shard));
        }
        let (catalog, location) = (LastCatalog::default(), config.location());
        Ok(Self { pool, namespace, location, shard, catalog, planted: config.planted })
    }

    async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, sqlx::Postgres>> {
        self.pool.begin_with(statement).await.map_err(translate)
    }

    /// A transaction in which nobody else changes anything, and the components as it sees them.
    async fn change(&self) -> Result<(Transaction<'static, sqlx::Postgres>, Head, Arc<Catalog>)> {
        let mut transaction = self.begin(CHANGE).await?;
        let head = Head::lock(&mut transaction, &self.namespace).await?;
        let catalog = self.catalog(&mut transaction).await?;
        Ok((transaction, head, catalog))
    }

    /// A transaction that sees one state, and the components in it. After the first look it keeps restores waiting.
    async fn look(&self, looks: usize) -> Result<(Transaction<'static, sqlx::Postgres>, Arc<Catalog>)> {
        let mut transaction = self.begin(LOOK).await?;
        if looks > 0 {
            // The state is that behind the lock: this reads nothing.
            let sql = format!("LOCK TABLE {}.components IN ACCESS SHARE MODE", self.namespace);
            schema::run(&mut transaction, &sql).await?;
        }
        let catalog = self.catalog(&mut transaction).await?;
        Ok((transaction, catalog))
    }

    /// True if a read or a restore is to be made again: a restore by another has removed tables that were there when it
    /// began, or the two waited for each other.
    fn looks_again<Value>(looks: &mut usize, read: &Result<Value>) -> bool {
        *looks += 1;
        *looks < LOOKS && read.as_ref().is_err_and(is_overtaken)
    }

    async fn catalog(&self, connection: &mut PgConnection) -> Result<Arc<Catalog>> {
        let found = schema::catalog(connection, &self.namespace, &self.catalog.get()).await?;
        Ok(self.catalog.keep(found))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("location", &self.location).field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres({})", self.location)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncStorage for Postgres {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("postgres", self.shard, Durability::Durable)
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        let (_, catalog) = self.look(0).await?;
        Ok(catalog.all().iter().map(|known| Arc::clone(&known.component)).collect())
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        let (mut transaction, _, catalog) = self.change().await?;
        schema::register(&mut transaction, &self.namespace, &catalog, components).await?;
        transaction.commit().await.map_err(of_commit)?;
        self.catalog.learn(components);
        Ok(())
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let (mut transaction, head, catalog) = self.change().await?;
        let space = (&*self.namespace, self.planted);
        let applied = apply::apply(&mut transaction, space, head, catalog, batch).await;
        if applied.is_ok() || self.planted.has(Bug::CommitDespiteError) {
            transaction.commit().await.map_err(of_commit)?;
        }
        let (applied, catalog) = applied?;
        self.catalog.keep(catalog);
        self.catalog.learn(batch.components());
        Ok(applied)
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        let mut transaction = self.begin(LOOK).await?;
        let head = Head::read(&mut transaction, &self.namespace).await?;
        let alive = read::alive(&mut transaction, &self.namespace, head, entities).await?;
        Ok(entities.iter().map(|entity| alive.contains(entity)).collect())
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        let mut looks = 0;
        loop {
            let (mut transaction, catalog) = self.look(looks).await?;
            let head = Head::read(&mut transaction, &self.namespace).await?;
            if read::alive(&mut transaction, &self.namespace, head, &[entity]).await?.is_empty() {
                return Ok(None);
            }
            let types = read::types(&mut transaction, &self.namespace, &catalog, entity).await;
            if !Self::looks_again(&mut looks, &types) {
                return types.map(Some);
            }
        }
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Ok(self.get_many(&[entity], component).await?.pop().flatten())
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let mut looks = 0;
        loop {
            let (mut transaction, catalog) = self.look(looks).await?;
            let Some(known) = catalog.get(component) else { return Ok(vec![None; entities.len()]) };
            let values = read::values(&mut transaction, &self.namespace, known, entities).await;
            if !Self::looks_again(&mut looks, &values) {
                let values = values?;
                return Ok(entities.iter().map(|entity| values.get(entity).cloned()).collect());
            }
        }
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        let mut looks = 0;
        loop {
            let (transaction, catalog) = self.look(looks).await?;
            let chunks = query::chunks(transaction, (&self.namespace, self.planted), &catalog, query).await;
            if !Self::looks_again(&mut looks, &chunks) {
                // A chunk of its own rows is one of any lifetime.
                return Ok(chunks?.map(|chunk| chunk).boxed());
            }
        }
    }

    async fn tick(&self) -> Result<Tick> {
        let mut connection = self.pool.acquire().await.map_err(translate)?;
        Ok(Tick(Head::read(&mut connection, &self.namespace).await?.tick))
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        let mut looks = 0;
        loop {
            let (mut transaction, catalog) = self.look(looks).await?;
            let changes = whole::changes(&mut transaction, &self.namespace, &catalog, since).await;
            if !Self::looks_again(&mut looks, &changes) {
                return changes;
            }
        }
    }

    async fn export(&self) -> Result<State<'_>> {
        let mut looks = 0;
        loop {
            let (mut transaction, catalog) = self.look(looks).await?;
            let state = whole::export(&mut transaction, &self.namespace, &catalog).await;
            if !Self::looks_again(&mut looks, &state) {
                return state;
            }
        }
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        state.check()?;
        let incoming = whole::Incoming::of(state)?;
        let components = state.components.clone();
        let shard = state.allocator.shard;
        let mut looks = 0;
        let (transaction, catalog) = loop {
            let (mut transaction, head, catalog) = self.change().await?;
            let space = (&*self.namespace, self.planted);
            let imported = whole::import(&mut transaction, space, head, &catalog, &incoming).await;
            if !Self::looks_again(&mut looks, &imported) {
                break (transaction, imported?);
            }
        };
        transaction.commit().await.map_err(of_commit)?;
        self.catalog.keep(catalog);
        self.shard = shard;
        self.catalog.learn(&components);
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
