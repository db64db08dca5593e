//! A log of a release that did not look what Iceberg holds.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::TempDir;
use worldstore::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use worldstore::arrow::ipc::reader::StreamReader;
use worldstore::cache::TableCache;
use worldstore::core::table::{AppendOptions, CreateOptions, DescribeOptions, Level, MemoryTables, TableBackend};
use worldstore::core::vfs::OsVfs;
use worldstore::core::wal::WalOptions;
use worldstore::world::Unfit;
use worldstore::{ErrorKind, TableFormat, World, WorldOptions};
use worldstore_async::AsyncWal;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};

use super::TableName;

fn options() -> WorldOptions {
    WorldOptions::default().with_format(TableFormat::Iceberg)
}

fn entities(entities: &[u64]) -> RecordBatch {
    RecordBatch::try_from_iter([("entity", Arc::new(UInt64Array::from(entities.to_vec())) as ArrayRef)]).unwrap()
}

/// A world with entity 1 in its table, and the entities `u64::MAX` and 2 in its log, acknowledged by a cache that asks
/// tables in memory.
async fn world_with_old_log(folder: &Path) -> String {
    let uri = folder.join("world").display().to_string();
    let world = World::create(&uri, &options()).await.unwrap();
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "agents", &entities(&[1])).await.unwrap();
    let table = TableName::new("agents").unwrap();
    let schema = world.table_backend().describe(&table, &DescribeOptions::default()).await.unwrap().schema;
    world.shutdown().await.unwrap();
    drop((run, world));

    let log = AsyncWal::open(&OsVfs::open(folder.join("world")).unwrap(), "log", WalOptions::new()).await.unwrap().0;
    let memory = MemoryTables::new();
    TableBackend::create(&memory, &table, &CreateOptions::new(schema.clone())).unwrap();
    let cache = TableCache::builder(Arc::new(SyncTableAdapter::new(Arc::new(memory)))).with_log(log).with_seq_floor(1);
    let cache = cache.open().await.unwrap().0;
    for entity in [u64::MAX, 2] {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["world"])),
            Arc::new(StringArray::from(vec!["main"])),
            Arc::new(UInt64Array::from(vec![entity])),
            Arc::new(Int64Array::from(vec![2])),
            Arc::new(BooleanArray::from(vec![true])),
            Arc::new(UInt64Array::from(vec![0])),
        ];
        let rows = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let receipt = cache.append(&table, vec![rows], &AppendOptions::default()).await.unwrap();
        assert_eq!(receipt.level, Level::Durable);
    }
    uri
}

/// Entities of the newest state.
async fn state(world: &World) -> Vec<u64> {
    use worldstore::arrow::array::AsArray;
    use worldstore::arrow::datatypes::UInt64Type;
    let rows = world.run("main").await.unwrap().now().collect_state("agents").await.unwrap();
    rows.iter().flat_map(|rows| rows["entity"].as_primitive::<UInt64Type>().values().to_vec()).collect()
}

#[tokio::test]
async fn it_is_told_and_set_aside_on_demand() {
    let folder = TempDir::new().unwrap();
    let uri = world_with_old_log(folder.path()).await;
    for _ in 0..2 {
        let error = World::open(&uri, &options()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        for said in [
            "set aside",
            "table: agents",
            "seq: 2",
            "column: entity",
            "row: 0",
            "value: 18446744073709551615",
            "record: ",
        ] {
            assert!(error.to_string().contains(said), "{said}: {error}");
        }
    }
    let world = World::open(&uri, &options().with_unfit(Unfit::SetAside)).await.unwrap();
    let told: Vec<_> = world.recovery().tables.iter().map(|table| (table.replayed, table.set_aside)).collect();
    assert_eq!((told, state(&world).await), (vec![(1, 1)], vec![1, 2]));
    let kept = std::fs::File::open(folder.path().join("world/set-aside/agents-2.arrows")).unwrap();
    let kept = StreamReader::try_new(kept, None).unwrap().next().unwrap().unwrap();
    assert_eq!(&kept["entity"], &entities(&[u64::MAX])["entity"]);
    world.shutdown().await.unwrap();
    drop(world);
    let world = World::open(&uri, &options()).await.unwrap();
    assert_eq!((world.recovery().rows, state(&world).await), (0, vec![1, 2]));
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn the_command_says_how() {
    let folder = TempDir::new().unwrap();
    let uri = world_with_old_log(folder.path()).await;
    let run = |args: &[&str]| -> Output { Command::new(env!("CARGO_BIN_EXE_worldstore")).args(args).output().unwrap() };
    let told = |output: &Output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
    let (code, errors) = told(&run(&["fork", &uri, "storm", "--at", "1"]));
    assert!(code == Some(2) && errors.contains("--set-aside"), "{code:?} {errors}");
    let (code, errors) = told(&run(&["fork", &uri, "storm", "--at", "1", "--set-aside"]));
    assert!(code == Some(0) && errors.contains("1 row that table agents cannot hold went to set-aside/"), "{errors}");
    assert_eq!(told(&run(&["fork", &uri, "calm", "--at", "1"])), (Some(0), String::new()));
}

/// What is refused leaves nothing behind: no row, no record, no table.
#[tokio::test]
async fn an_entity_beyond_iceberg_is_refused_by_the_append() {
    let folder = TempDir::new().unwrap();
    let uri = folder.path().join("world").display().to_string();
    let world = World::create(&uri, &options()).await.unwrap();
    let run = world.run("main").await.unwrap();
    let error = run.append(1, "agents", &entities(&[7, 1 << 63])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    for said in ["table: agents", "column: entity", "row: 1"] {
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    assert_eq!(world.tables().await.unwrap(), []);
    let tick = run.tick(1).append("agents", &entities(&[1])).unwrap();
    assert_eq!(
        tick.append("others", &entities(&[u64::MAX])).unwrap().commit().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert!(world.tables().await.unwrap().is_empty() && world.stats().unwrap().last_seq == 0);
    let _ = run.append(1, "agents", &entities(&[i64::MAX as u64])).await.unwrap();
    let error = run.append(2, "agents", &entities(&[u64::MAX])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    world.flush().await.unwrap();
    assert_eq!(state(&world).await, [i64::MAX as u64]);
}
