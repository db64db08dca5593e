//! A typed property graph with Cypher over worldstore tables and Parquet files in place.
//!
//! A [`Graph`] is a catalog of labels and edge types, and a planner. Labels come from Hive partitions of Parquet files
//! that stay where they are, from files that the graph reads into memory and owns, and from the tables of a
//! [`TableSource`], such as a world. Edges are foreign keys of a label, or rows. A pattern of fixed hops becomes joins;
//! DataFusion runs them over table providers of our own, so that counts come from footers, whole directories and row
//! groups are left out, and every result says what was read ([`IoStats`]).
//!
//! Where only the number of matches matters, patterns over edge tables, runs of variable length and shortest paths are
//! counted over adjacencies in memory, which are kept while the files behind them stay the same.
//!
//! Everything else of openCypher 2024.3 is run by an interpreter ([`runtime`]) over the same rows: it reads what the
//! query touches, those columns that the query may need, into memory, 2 GiB at most. What queries create stands beside
//! the rows, in memory, for as long as the graph or a clone of it lives, or in the stored catalog that the graph is
//! opened on; only that can be changed. `EXPLAIN` says which way a query goes.
//!
//! ```
//! use worldstore_graph::{Graph, Parameters};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { tokio::runtime::Runtime::new()?.block_on(async {
//! let graph = Graph::new();
//! let text = "MATCH (f:Flihgt) RETURN count(*)";
//! let error = graph.query(text, &Parameters::default()).await.err().ok_or("there is no label yet")?;
//! assert!(error.render(text).contains("unknown label `Flihgt`"));
//! # Ok(()) }) }
//! ```

mod adjacency;
mod as_of;
mod asked;
mod bind;
mod catalog;
pub mod clock;
mod corrections;
mod describe;
mod error;
mod execute;
mod file;
mod graph;
mod hops;
mod interpret;
pub mod io_stats;
mod lake;
mod limits;
mod live;
mod options;
mod owned;
mod picture;
mod pieces;
mod profile;
mod query;
mod snapshot;
mod statement;
mod stop;
mod stored;
mod tier;
mod value;
mod window;

pub use catalog::{ExpiredCatalog, FormatTable, TableFormat, TablePlace};
pub use error::QueryError;
pub use execute::QueryResult;
pub use graph::Graph;
pub use io_stats::IoStats;
pub use lake::{FolderState, FolderTimes, Freshness, LocalFolders};
pub use limits::{Limit, LimitReached, Outcome, ResumeToken};
pub use live::{LiveEvent, Subscription};
pub use options::QueryOptions;
pub use picture::{Picture, PictureFormat};
pub use snapshot::Snapshot;
pub use tier::{Minimum, Tier};
pub use value::{Parameters, Value};
pub use worldstore_cypher as cypher;
pub use worldstore_cypher_runtime as runtime;
pub use worldstore_cypher_runtime::{Cancel, Map, SideEffects};
pub use worldstore_datafusion::{Moment, PinnedTable, RowCount, TableSelection, TableSnapshot, TableSource};
