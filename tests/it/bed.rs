//! Where a test runs: a world of one table format, in memory or in a folder that goes with the test.

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;
use worldstore::arrow::array::{AsArray, Float64Array, RecordBatch, UInt64Array};
use worldstore::arrow::datatypes::{Float64Type, UInt64Type};
use worldstore::core::table::Scan;
use worldstore::core::{ListOptions, Prefix};
use worldstore::{CacheConfig, TableFormat, View, World, WorldOptions};

/// Runs each test once per table format that is compiled in.
macro_rules! on_each_format {
    ($($test:ident),+ $(,)?) => {
        crate::bed::on_each_format!(@ memory Memory, $($test),+);
        #[cfg(feature = "lance")]
        crate::bed::on_each_format!(@ lance Lance, $($test),+);
        #[cfg(feature = "iceberg")]
        crate::bed::on_each_format!(@ iceberg Iceberg, $($test),+);
    };
    (@ $module:ident $format:ident, $($test:ident),+) => {
        mod $module {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&crate::bed::Bed::new(worldstore::TableFormat::$format)).await;
            })+
        }
    };
}

/// Runs each test once per table format that outlives the process.
#[cfg(any(feature = "lance", feature = "iceberg"))]
macro_rules! on_each_lasting_format {
    ($($test:ident),+ $(,)?) => {
        #[cfg(feature = "lance")]
        crate::bed::on_each_format!(@ lance Lance, $($test),+);
        #[cfg(feature = "iceberg")]
        crate::bed::on_each_format!(@ iceberg Iceberg, $($test),+);
    };
}

pub(crate) use on_each_format;
#[cfg(any(feature = "lance", feature = "iceberg"))]
pub(crate) use on_each_lasting_format;

/// A place for one world.
pub struct Bed {
    pub format: TableFormat,
    folder: TempDir,
}

impl Bed {
    pub fn new(format: TableFormat) -> Self {
        Self { format, folder: tempfile::tempdir().unwrap() }
    }

    /// The URI of the world.
    pub fn uri(&self) -> String {
        match self.format {
            TableFormat::Memory => "memory:".to_owned(),
            _ => self.folder.path().join("world").display().to_string(),
        }
    }

    /// Nothing is flushed behind the test's back.
    pub fn options(&self) -> WorldOptions {
        let cache = CacheConfig::default().with_idle_sec(3_600.0);
        WorldOptions::default().with_format(self.format).with_cache(cache)
    }

    pub async fn create(&self) -> World {
        World::create(&self.uri(), &self.options()).await.unwrap()
    }

    #[cfg(any(feature = "lance", feature = "iceberg"))]
    pub async fn open(&self) -> World {
        World::open(&self.uri(), &self.options()).await.unwrap()
    }
}

/// Rows with a component `x`, one for each entity.
pub fn rows(state: &[(u64, f64)]) -> RecordBatch {
    let entities = UInt64Array::from_iter_values(state.iter().map(|(entity, _)| *entity));
    let x = Float64Array::from_iter_values(state.iter().map(|(_, x)| *x));
    RecordBatch::try_from_iter([("entity", Arc::new(entities) as _), ("x", Arc::new(x) as _)]).unwrap()
}

/// Entity and `x` of all rows of table `position`, sorted.
pub async fn state(view: &View) -> Vec<(u64, f64)> {
    let mut state = Vec::new();
    for batch in view.collect("position", &Scan::all().with_columns(["entity", "x"])).await.unwrap() {
        let entities = batch.column(0).as_primitive::<UInt64Type>().values().iter().copied();
        state.extend(entities.zip(batch.column(1).as_primitive::<Float64Type>().values().iter().copied()));
    }
    state.sort_by(|one, other| one.partial_cmp(other).unwrap());
    state
}

/// Ticks and their rows of table `position`.
pub async fn ticks(view: &View) -> Vec<(i64, u64)> {
    view.ticks("position").await.unwrap().iter().map(|count| (count.tick, count.rows)).collect()
}

/// All objects of the world with their size and version, but for the catalog, which SQLite touches on its own account.
pub async fn objects(world: &World) -> BTreeMap<String, (u64, String)> {
    let mut options = ListOptions::default();
    let mut objects = BTreeMap::new();
    loop {
        let page = world.storage().backend.list(&Prefix::root(), &options).await.unwrap();
        for object in page.objects.into_iter().filter(|object| !object.key.as_str().starts_with("catalog.db")) {
            objects.insert(object.key.to_string(), (object.size, format!("{:?}", object.version)));
        }
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return objects,
        }
    }
}
