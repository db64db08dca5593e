//! Addresses of data in a lake: `lake://bucket/path/{variable}/season={season}/part-{n}.parquet`.
//!
//! - [`LakeUri`] is a bucket and a [`Template`]; a template says which keys are meant and what their names tell.
//! - [`Filter`] is a condition on those values: `season = 2024 and week < 3`.
//! - [`list`] walks the folders of a [`Backend`](crate::Backend) level by level and leaves out whole folders by what
//!   their names say, before it lists them and before any file is opened; [`ListStats`] counts what was seen and what was
//!   left out. [`Walk`] is the same without I/O.
//! - [`Residency`] says where the bytes behind a bucket are: what a bucket means is told by who opens it.
//!
//! ```
//! use worldstore_core::lake::{self, Filter, LakeListOptions, LakeUri};
//! use worldstore_core::{Backend, Key, Memory, WriteOptions};
//!
//! # fn main() -> worldstore_core::Result<()> {
//! let backend = Memory::new();
//! for name in ["2023/week=1/a.parquet", "2024/week=1/a.parquet", "2024/week=12/a.parquet"] {
//!     backend.write(&Key::new(format!("tracks/{name}"))?, "rows".into(), &WriteOptions::default())?;
//! }
//! let uri = LakeUri::parse("lake://nfl/tracks/{season}/week={week}")?;
//! let filter = Filter::parse("season = 2024 and week < 3")?;
//! let listing = lake::list(&backend, &uri.template, &LakeListOptions::default().with_filter(filter))?;
//! assert_eq!(listing.files.len(), 1);
//! assert_eq!(listing.files[0].meta.key.as_str(), "tracks/2024/week=1/a.parquet");
//! assert_eq!((listing.stats.folders_seen, listing.stats.folders_pruned, listing.stats.files_seen), (4, 2, 1));
//! # Ok(()) }
//! ```

mod filter;
mod list;
mod listing;
mod residency;
mod template;
mod uri;
mod walk;

pub use filter::{Compare, Decision, Filter};
pub use list::list;
pub use listing::{LakeColumn, LakeFile, LakeListOptions, LakeListing, ListStats, UNFIT_SHOWN};
pub use residency::Residency;
pub use template::{Template, VARIABLES_MAX, Variable};
pub use uri::{BUCKET_BYTES_MAX, LakeUri, SCHEME, check_bucket};
pub use walk::{LakeStep, Walk};
