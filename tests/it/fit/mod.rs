//! What is acknowledged can be flushed, and is read back as it was, whatever its type and value; the rest is refused before
//! it is acknowledged.

#![allow(clippy::print_stderr, reason = "it is told how many types and appends were tried")]

#[cfg(feature = "iceberg")]
mod old_log;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use worldstore::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use worldstore::arrow::compute::cast;
use worldstore::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use worldstore::core::table::{AppendOptions, CompactOptions, CreateOptions, FlushOptions, Scan, TableName};
use worldstore::{CacheConfig, ErrorKind, TableFormat, World, WorldOptions};

use futures::TryStreamExt;
use values::{Chance, column, types};

/// Columns of a case, each in a table of its own: a type that is refused does not take others with it.
const COLUMNS: usize = 6;
const APPENDS: usize = 4;

/// What a case is made of.
#[derive(Debug, Clone)]
struct Plan {
    columns: Vec<(DataType, bool)>,
    seed: u64,
    /// Whether the world is left and opened again before it is flushed.
    reopens: bool,
}

fn plans() -> impl Strategy<Value = Plan> {
    let columns = prop::collection::vec((types(), any::<bool>()), 1..=COLUMNS);
    (columns, any::<u64>(), any::<bool>()).prop_map(|(columns, seed, reopens)| Plan { columns, seed, reopens })
}

/// Appends of all cases of a format.
#[derive(Debug, Default)]
struct Figures {
    tables: u64,
    refused_tables: u64,
    appends: u64,
    refused: u64,
}

fn acknowledged_is_flushed(format: TableFormat) {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |number| number.parse().unwrap());
    let cases = number("WORLDSTORE_FIT_CASES", 24) as u32;
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("WORLDSTORE_FIT_SEED", 1).to_le_bytes());
    let runtime = Runtime::new().unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let figures = std::cell::RefCell::new(Figures::default());
    let ran = runner.run(&plans(), |plan| {
        let mut figures = figures.borrow_mut();
        runtime.block_on(play(format, &plan, &mut figures)).map_err(TestCaseError::fail)
    });
    ran.unwrap();
    let figures = figures.into_inner();
    eprintln!("{format}: {figures:?}");
    assert!(figures.tables > figures.refused_tables && figures.appends > figures.refused, "{figures:?}");
}

type Played<Value = ()> = Result<Value, String>;

fn told<Value>(what: &str, result: worldstore::Result<Value>) -> Played<Value> {
    result.map_err(|error| format!("{what}: {error:?}"))
}

async fn play(format: TableFormat, plan: &Plan, figures: &mut Figures) -> Played {
    let folder = TempDir::new().unwrap();
    let uri = match format {
        TableFormat::Memory => "memory:".to_owned(),
        _ => folder.path().join("world").display().to_string(),
    };
    let options = WorldOptions::default().with_format(format);
    let options = options.with_cache(CacheConfig::default().with_idle_sec(3_600.0));
    let mut world = told("create", World::create(&uri, &options).await)?;
    let mut tables = Vec::new();
    for (number, (data_type, nullable)) in plan.columns.iter().enumerate() {
        let name = TableName::new(format!("t{number}")).unwrap();
        let mut chance = Chance(plan.seed.wrapping_add(number as u64));
        tables.extend(fill(&world, &name, data_type, *nullable, &mut chance, figures).await?);
    }
    check(&world, &tables, "in memory").await?;
    if plan.reopens && format != TableFormat::Memory {
        drop(world);
        world = told("open", World::open(&uri, &options).await)?;
        check(&world, &tables, "recovered").await?;
    }
    told("flush", world.table_backend().flush(&FlushOptions::default()).await)?;
    check(&world, &tables, "flushed").await?;
    for table in &tables {
        told("compact", world.table_backend().compact(&table.name, &CompactOptions::default()).await)
            .map_err(|error| format!("{} {error}", table.data_type))?;
    }
    check(&world, &tables, "compacted").await?;
    told("shutdown", world.shutdown().await)
}

/// A table, and the rows that were acknowledged.
struct Filled {
    name: TableName,
    data_type: DataType,
    batches: Vec<RecordBatch>,
}

/// Makes a table with a column of a type, and appends to it. None if there is no such table.
async fn fill(
    world: &World,
    name: &TableName,
    data_type: &DataType,
    nullable: bool,
    chance: &mut Chance,
    figures: &mut Figures,
) -> Played<Option<Filled>> {
    let fields = vec![Field::new("n", DataType::Int64, false), Field::new("c", data_type.clone(), nullable)];
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    figures.tables += 1;
    let tables = world.table_backend();
    if let Err(error) = tables.create(name, &CreateOptions::new(schema.clone())).await {
        figures.refused_tables += 1;
        return match error.kind() {
            ErrorKind::Unsupported | ErrorKind::Invalid => Ok(None),
            _ => Err(format!("create with {data_type}: {error:?}")),
        };
    }
    let (mut batches, mut first) = (Vec::new(), 0);
    for _ in 0..APPENDS {
        let rows = 1 + chance.below(5);
        let Some(values) = column(data_type, rows, nullable, chance) else { continue };
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows as i64));
        // Arrow takes it for null where none is allowed: no such rows can be made.
        let Ok(batch) = RecordBatch::try_new(schema.clone(), vec![numbers, values]) else { continue };
        first += rows as i64;
        figures.appends += 1;
        match tables.append(name, vec![batch.clone()], &AppendOptions::default()).await {
            Ok(_) => batches.push(batch),
            Err(error) => {
                figures.refused += 1;
                let named = |key: &str| error.context().any(|(name, _)| name == key);
                let kinds = [ErrorKind::Unsupported, ErrorKind::Invalid];
                if !kinds.contains(&error.kind()) || !["table", "column", "row"].iter().all(|key| named(key)) {
                    return Err(format!("append of {data_type}: {error:?}"));
                }
            }
        }
    }
    Ok(Some(Filled { name: name.clone(), data_type: data_type.clone(), batches }))
}

/// Each row, by its number.
fn by_number(batches: &[RecordBatch]) -> Played<BTreeMap<i64, ArrayRef>> {
    let mut rows = BTreeMap::new();
    for batch in batches {
        for (row, number) in batch.column(0).as_primitive::<Int64Type>().values().iter().enumerate() {
            if rows.insert(*number, batch.column(1).slice(row, 1)).is_some() {
                return Err(format!("row {number} is there twice"));
            }
        }
    }
    Ok(rows)
}

/// Without dictionaries: where in them a value or a null stands does not matter.
fn plain(values: &ArrayRef) -> ArrayRef {
    cast(values, &plain_type(values.data_type())).unwrap_or_else(|_| values.clone())
}

fn plain_type(data_type: &DataType) -> DataType {
    use DataType::*;
    let plain = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())));
    match data_type {
        Dictionary(_, value) => plain_type(value),
        List(item) => List(plain(item)),
        LargeList(item) => LargeList(plain(item)),
        FixedSizeList(item, items) => FixedSizeList(plain(item), *items),
        Struct(fields) => Struct(fields.iter().map(plain).collect()),
        Map(entries, sorted) => Map(plain(entries), *sorted),
        other => other.clone(),
    }
}

async fn check(world: &World, tables: &[Filled], when: &str) -> Played {
    for table in tables {
        let scan = told("scan", world.table_backend().scan(&table.name, &Scan::all()).await)?;
        let read: Vec<RecordBatch> =
            told(&format!("{when}: read {}", table.data_type), scan.batches.try_collect().await)?;
        let (expected, read) = (by_number(&table.batches)?, by_number(&read)?);
        let numbers = |rows: &BTreeMap<i64, ArrayRef>| rows.keys().copied().collect::<Vec<_>>();
        if numbers(&expected) != numbers(&read) {
            return Err(format!(
                "{when}: rows of {}: {:?}, not {:?}",
                table.data_type,
                numbers(&read),
                numbers(&expected)
            ));
        }
        for (number, value) in &expected {
            let (read, data_type) = (&read[number], &table.data_type);
            if plain(read).to_data() != plain(value).to_data() {
                return Err(format!("{when}: row {number} of {data_type}: {read:?}, not {value:?}"));
            }
        }
    }
    Ok(())
}

macro_rules! on {
    ($($name:ident $format:ident),+) => {
        $(#[test]
        fn $name() {
            acknowledged_is_flushed(TableFormat::$format);
        })+
    };
}

on!(memory Memory);
#[cfg(feature = "lance")]
on!(lance Lance);
#[cfg(feature = "iceberg")]
on!(iceberg Iceberg);
