//! The book: [`quickstart`] begins it, [`architecture`] tells how all of it is built. Then a chapter for each thing: [worlds] and
//! [tables], [SQL](sql), [Cypher](cypher), [`entities`] and [Z-sets](zsets); [bytes], [backends], [lakes](lake), [configuration](config) and
//! [features]; [durability], the [log], [manifests] and [snapshots] with their formats; [operations] and [telemetry]; how others
//! [compare](comparison), what [upgrades] may change, and how it is released ([`releasing`]).

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("backends.md")]
pub mod backends {}

#[doc = include_str!("bytes.md")]
pub mod bytes {}

#[doc = include_str!("comparison.md")]
pub mod comparison {}

#[doc = include_str!("config.md")]
pub mod config {}

#[doc = include_str!("cypher.md")]
pub mod cypher {}

#[doc = include_str!("durability.md")]
pub mod durability {}

#[doc = include_str!("entities.md")]
pub mod entities {}

#[doc = include_str!("features.md")]
pub mod features {}

#[doc = include_str!("log.md")]
pub mod log {}

#[doc = include_str!("manifests.md")]
pub mod manifests {}

#[doc = include_str!("lake.md")]
pub mod lake {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("quickstart.md")]
pub mod quickstart {}

#[doc = include_str!("releasing.md")]
pub mod releasing {}

#[doc = include_str!("snapshots.md")]
pub mod snapshots {}

#[doc = include_str!("sql.md")]
pub mod sql {}

#[doc = include_str!("tables.md")]
pub mod tables {}

#[doc = include_str!("telemetry.md")]
pub mod telemetry {}

#[doc = include_str!("upgrades.md")]
pub mod upgrades {}

#[doc = include_str!("worlds.md")]
pub mod worlds {}

#[doc = include_str!("zsets.md")]
pub mod zsets {}
