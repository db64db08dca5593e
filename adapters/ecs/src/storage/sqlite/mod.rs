//! Entities in a file of SQLite: a table for each component, with typed columns that other programs can query.

mod apply;
mod cells;
mod config;
mod database;
mod query;
mod read;
mod schema;
mod whole;

use std::fmt;
use std::sync::Arc;

use worldstore_core::Result;

use crate::batch::{Applied, Batch};
use crate::chunk::Chunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::storage::catalog::{Catalog, LastCatalog};
use crate::storage::gather::shorter;
use crate::storage::{Durability, Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

pub use config::{BUSY_TIMEOUT, SqliteConfig};

use database::Database;
use read::Head;

/// A storage in a file of SQLite. Several processes may use it at once: batches wait for each other, and each read sees
/// one state of the file. A batch that was acknowledged is in the synced log of the file.
///
/// | table | rows |
/// |---|---|
/// | `entities` | those that are alive: `entity`, 63 bits as [`Entity::to_bits`] gives them, `born` (a tick) |
/// | `components` | `id`, `name`, `fields` |
/// | `c{id}_{name}` | entities that have the component: `entity`, `changed` (a tick), `shared`, and its fields |
/// | `s{id}_{name}` | values that are stored once: `id`, which `shared` names, and the fields |
///
/// Everything else in the file is for this program alone.
pub struct Sqlite {
    database: Arc<Database>,
    shard: u16,
    catalog: LastCatalog,
}

impl Sqlite {
    fn open(config: SqliteConfig) -> Result<Self> {
        let (wanted, database) = (config.shard, Database::open(config)?);
        let head = Head::read(database.reader()?.connection()?)?;
        if wanted != 0 && wanted != head.shard {
            let error = worldstore_core::Error::invalid("the file is of another shard");
            return Err(error.with("shard", head.shard).with("wanted", wanted));
        }
        Ok(Self { database, shard: head.shard, catalog: LastCatalog::default() })
    }

    /// Looks at one state of the file.
    fn look<Value>(&self, work: impl FnOnce(&rusqlite::Connection, &Catalog) -> Result<Value>) -> Result<Value> {
        let reader = self.database.reader()?;
        let catalog = self.catalog(reader.connection()?)?;
        work(reader.connection()?, &catalog)
    }

    /// The components as a connection sees them.
    fn catalog(&self, connection: &rusqlite::Connection) -> Result<Arc<Catalog>> {
        let found = schema::catalog(connection, &self.catalog.get())?;
        Ok(self.catalog.keep(found))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.database.config.path).field("shard", &self.shard).finish()
    }
}

impl fmt::Display for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite({})", self.database.config.path.display())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for Sqlite {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("sqlite", self.shard, Durability::Durable)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.look(|_, catalog| Ok(catalog.all().iter().map(|known| Arc::clone(&known.component)).collect()))
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        self.database.change(|transaction| {
            let catalog = self.catalog(transaction)?;
            schema::register(transaction, &catalog, components)
        })?;
        self.catalog.learn(components);
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let (applied, catalog) = self.database.change(|transaction| {
            let catalog = self.catalog(transaction)?;
            apply::apply(transaction, catalog, batch, self.database.config.planted)
        })?;
        self.catalog.keep(catalog);
        self.catalog.learn(batch.components());
        Ok(applied)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        self.look(|connection, _| {
            let alive = read::alive(connection, Head::read(connection)?, entities)?;
            Ok(entities.iter().map(|entity| alive.contains(entity)).collect())
        })
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.look(|connection, catalog| match read::alive(connection, Head::read(connection)?, &[entity])?.is_empty() {
            true => Ok(None),
            false => read::types(connection, catalog, entity).map(Some),
        })
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Ok(self.get_many(&[entity], component)?.pop().flatten())
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        self.look(|connection, catalog| match catalog.get(component) {
            Some(known) => read::values(connection, known, entities),
            None => Ok(vec![None; entities.len()]),
        })
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        let reader = self.database.reader()?;
        let catalog = self.catalog(reader.connection()?)?;
        let pages = query::Pages::begin(reader, &catalog, query, self.database.config.planted)?;
        Ok(Box::new(pages.into_iter().flatten().map(shorter)))
    }

    fn tick(&self) -> Result<Tick> {
        self.look(|connection, _| Ok(Tick(Head::read(connection)?.tick)))
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.look(|connection, catalog| whole::changes(connection, catalog, since))
    }

    fn export(&self) -> Result<State<'_>> {
        self.look(whole::export)
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        state.check()?;
        let catalog = self.database.change(|transaction| {
            let catalog = self.catalog(transaction)?;
            whole::import(transaction, &catalog, state, self.database.config.planted)
        })?;
        self.catalog.keep(catalog);
        self.shard = state.allocator.shard;
        self.catalog.learn(&state.components);
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
