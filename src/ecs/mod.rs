//! Entities with components, over storages that can be swapped; and with worlds as one of these.
//!
//! All of [`worldstore_ecs`] is here. [`WorldTables`] is the storage over the tables of a run: each batch is a tick, any tick
//! can be opened again, and the rows can be asked with SQL and Cypher. See [`docs::entities`](crate::docs::entities).

mod cells;
mod checkpoint;
mod commit;
mod ids;
mod layout;
mod merge;
mod names;
mod opening;
mod options;
mod prepare;
mod recover;
mod rows;
mod shared;
mod stored;
mod world_tables;

pub use layout::EntityTable;
pub use opening::Opening;
pub use options::WorldTablesOptions;
pub(crate) use prepare::Prepared;
pub use world_tables::WorldTables;
pub use worldstore_ecs::*;
