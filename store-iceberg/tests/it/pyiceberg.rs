//! PyIceberg on the same catalog: it reads partitioned tables of ours, and we read and append to those of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use worldstore_async::SyncBackendAdapter;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{ErrorKind, Key, Local};
use worldstore_iceberg::{CatalogLocation, CatalogReader, IcebergConfig, IcebergTables, OrphanOptions, Partitioning};

use crate::{lines, name, read};

const PYTHON: &str = "WORLDSTORE_PYTHON";

pub(crate) fn python() -> Option<PathBuf> {
    let found = std::env::var_os(PYTHON).map(PathBuf::from);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{PYTHON} is not set");
        eprintln!("SKIPPED: {PYTHON} is not set. Run `cargo xtask test`");
    }
    found
}

/// Runs a script with `catalog` and `place`, and gives what it prints.
fn run(python: &Path, folder: &Path, script: &str) -> String {
    let start = format!(
        "import pyarrow as pa\nfrom pyiceberg.catalog.sql import SqlCatalog\nplace = 'file://{0}/data'\n\
         catalog = SqlCatalog('worldstore', uri='sqlite:///{0}/catalog.db', warehouse=place)\n",
        folder.display()
    );
    let done = Command::new(python).arg("-c").arg(start + script).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

async fn tables(folder: &Path) -> IcebergTables {
    let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(folder.join("data")).unwrap())));
    let catalog = CatalogLocation::File(folder.join("catalog.db"));
    let config = IcebergConfig::new(catalog, format!("file://{}/data", folder.display()));
    IcebergTables::open(backend, config.with_partitioning(Partitioning::Runs)).await.unwrap()
}

fn batch(runs: &[&str], tick: i64) -> RecordBatch {
    let (run, ticks) = (StringArray::from_iter_values(runs), Int64Array::from(vec![tick; runs.len()]));
    RecordBatch::try_from_iter_with_nullable([
        ("run", Arc::new(run) as arrow::array::ArrayRef, true),
        ("tick", Arc::new(ticks) as _, true),
    ])
    .unwrap()
}

const THEIRS: &str = "
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType, LongType
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.transforms import IdentityTransform
schema = Schema(NestedField(1, 'run', StringType()), NestedField(2, 'tick', LongType()))
spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), 'run'))
catalog.create_namespace_if_not_exists('world')
table = catalog.create_table('world.theirs', schema, partition_spec=spec, location=place + '/world/theirs')
table.append(pa.table({'run': ['a', 'b', None, 'a'], 'tick': [1, 1, 1, 2]}))
";

#[tokio::test]
async fn a_partitioned_table_of_pyiceberg() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    run(&python, folder.path(), THEIRS);
    let (tables, table) = (tables(folder.path()).await, name("theirs"));
    let all = lines(&read(&tables, &table, &Scan::all()).await.unwrap());
    assert_eq!(all, ["a|1", "a|2", "b|1", "null|1"]);
    let some = Scan::all().with_predicate(Predicate::eq("run", "a"));
    assert_eq!(lines(&read(&tables, &table, &some).await.unwrap()), ["a|1", "a|2"]);
    let none = Scan::all().with_predicate(Predicate::IsNull("run".to_owned()));
    assert_eq!(lines(&read(&tables, &table, &none).await.unwrap()), ["null|1"]);

    let _ = tables.append(&table, vec![batch(&["c", "a"], 3)], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    tables.compact(&table, &CompactOptions::default()).await.unwrap();
    tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    let count = "table = catalog.load_table('world.theirs')
rows = lambda **kw: sorted((str(row['run']), row['tick']) for row in table.scan(**kw).to_arrow().to_pylist())
print(rows(), rows(row_filter=\"run = 'a'\"), len(list(table.scan(row_filter=\"run = 'c'\").plan_files())))";
    let a = "('a', 1), ('a', 2), ('a', 3)";
    let expected = format!("[('None', 1), {a}, ('b', 1), ('c', 3)] [{a}] 1");
    assert_eq!(run(&python, folder.path(), count), expected);
    run(&python, folder.path(), "catalog.load_table('world.theirs').append(pa.table({'run': ['d'], 'tick': [4]}))");
    let at_once = OrphanOptions::default().with_older_than(std::time::Duration::ZERO);
    tables.remove_orphans(&table, &at_once).await.unwrap();
    assert_eq!(lines(&read(&tables, &table, &Scan::all()).await.unwrap()).len(), 7);
    assert!(run(&python, folder.path(), count).contains("('d', 4)"));
    // Another partition spec: older files stay where they are, also when they are packed.
    let evolve = "table = catalog.load_table('world.theirs')
with table.update_spec() as update:
    update.remove_field('run')
    update.add_identity('tick')";
    run(&python, folder.path(), evolve);
    let _ = tables.append(&table, vec![batch(&["a"], 5)], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    let drop_a = CompactOptions::default().with_drop(Predicate::eq("run", "a"));
    assert_eq!(tables.compact(&table, &drop_a).await.unwrap().dropped_rows, 4);
    assert_eq!(lines(&read(&tables, &table, &Scan::all()).await.unwrap()), ["b|1", "c|3", "d|4", "null|1"]);
    assert!(run(&python, folder.path(), count).starts_with("[('None', 1), ('b', 1), ('c', 3), ('d', 4)] []"));
}

#[tokio::test]
async fn a_table_partitioned_by_fractions_is_not_appended_to() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let script = THEIRS.replace("LongType", "DoubleType").replace("'run', StringType()", "'run', DoubleType()");
    let script = script
        .replace("['a', 'b', None, 'a']", "[1.5, 2.5, None, 1.5]")
        .replace("[1, 1, 1, 2]", "[1.0, 1.0, 1.0, 2.0]");
    run(&python, folder.path(), &script.replace("StringType, DoubleType", "DoubleType"));
    let (tables, table) = (tables(folder.path()).await, name("theirs"));
    let rows = read(&tables, &table, &Scan::all()).await.unwrap();
    assert_eq!(lines(&rows), ["1.5|1.0", "1.5|2.0", "2.5|1.0", "null|1.0"]);
    let refused = tables.append(&table, rows, &AppendOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_partitioned_table_of_ours() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (tables, table) = (tables(folder.path()).await, name("units"));
    let rows = crate::partition::world(&[("main", 0), ("fork", 1), ("main", 1)], 1);
    tables.create(&table, &CreateOptions::new(rows.schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    let script = "table = catalog.load_table('world.units')
table.append(table.scan(row_filter=\"run = 'fork'\").to_arrow())
print(sorted((row['run'], row['tick']) for row in table.scan().to_arrow().to_pylist()))
print([field.name for field in table.spec().fields], len(list(table.scan(row_filter=\"run = 'main'\").plan_files())))";
    let printed = run(&python, folder.path(), script);
    assert_eq!(printed, "[('fork', 1), ('fork', 1), ('main', 0), ('main', 1)]\n['world', 'run'] 1");
    let forks = Scan::all().with_predicate(Predicate::eq("run", "fork"));
    assert_eq!(lines(&read(&tables, &table, &forks).await.unwrap()).len(), 2);
    let _ = tables
        .append(&table, vec![crate::partition::world(&[("main", 2)], 2)], &AppendOptions::exactly_once(1, 2))
        .await
        .unwrap();
    assert_eq!(lines(&read(&tables, &table, &Scan::all()).await.unwrap()).len(), 5);
}

const OF_THEIR_OWN: &str = "
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType, LongType
mine = SqlCatalog('mine', uri=catalog.properties['uri'], warehouse=place)
mine.create_namespace('docs')
schema = Schema(NestedField(1, 'run', StringType()), NestedField(2, 'tick', LongType()))
table = mine.create_table('docs.trips', schema)
table.append(pa.table({'run': ['a', 'b'], 'tick': [1, 2]}))
with table.update_schema() as update:
    update.rename_column('tick', 'time').add_column('note', StringType())
table.append(pa.table({'run': ['c'], 'time': [3], 'note': ['late']}))
";

#[tokio::test]
async fn a_table_of_a_catalog_of_their_own_is_read_by_its_metadata() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    run(&python, folder.path(), OF_THEIR_OWN);
    let reader = CatalogReader::new(&CatalogLocation::File(folder.path().join("catalog.db"))).unwrap();
    assert_eq!(reader.metadata_location("trips").await.unwrap_err().kind(), ErrorKind::NotFound, "not in ours");
    let reader = reader.with_catalog("mine").with_namespace("docs");
    let location = reader.metadata_location("trips").await.unwrap();
    let root = format!("file://{}/data/", folder.path().display());
    let key = Key::new(location.strip_prefix(&root).unwrap()).unwrap();
    let backend = || Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(folder.path().join("data")).unwrap())));
    let (tables, any) =
        (IcebergTables::of_metadata(backend(), &key).await.unwrap(), IcebergTables::any_name().unwrap());
    let all = lines(&read(&tables, &any, &Scan::all()).await.unwrap());
    assert_eq!(all, ["a|1|null", "b|2|null", "c|3|late"]);
    let late = Scan::all().with_predicate(Predicate::ge("time", 2_i64)).with_columns(["run"]);
    assert_eq!(lines(&read(&tables, &any, &late).await.unwrap()), ["b", "c"]);
    let info = tables.describe(&any, &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.rows, info.version), (3, 2));
    assert_eq!(tables.history(&any, &HistoryOptions::default()).await.unwrap().len(), 3);
    // Nothing of it can be changed.
    let rows = batch(&["d"], 4);
    let error = tables.append(&any, vec![rows], &AppendOptions::default()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid), "{error}");
    let none = Key::new("docs/none.metadata.json").unwrap();
    assert_eq!(IcebergTables::of_metadata(backend(), &none).await.unwrap_err().kind(), ErrorKind::NotFound);
}

const OF_VERSION_1: &str = "
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType, LongType
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.transforms import IdentityTransform
schema = Schema(NestedField(1, 'run', StringType()), NestedField(2, 'tick', LongType()))
spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), 'run'))
catalog.create_namespace_if_not_exists('world')
table = catalog.create_table('world.old', schema, partition_spec=spec, location=place + '/world/old',
                             properties={'format-version': '1'})
table.append(pa.table({'run': ['a', 'b'], 'tick': [1, 1]}))
with table.update_schema() as update:
    update.rename_column('tick', 'time').add_column('note', StringType())
table.append(pa.table({'run': ['a', 'c'], 'time': [2, 2], 'note': ['late', None]}))
table.delete(\"run = 'b'\")
print(table.metadata.format_version, [snapshot.timestamp_ms for snapshot in table.snapshots()])
";

const UPGRADED: &str = "
table = catalog.load_table('world.old')
with table.transaction() as change:
    change.upgrade_table_version(2)
print(table.metadata.format_version)
";

#[tokio::test]
async fn a_table_of_format_version_1_is_read_and_not_changed() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let printed = run(&python, folder.path(), OF_VERSION_1);
    let (format, times) = printed.split_once(' ').unwrap();
    assert_eq!(format, "1");
    let times: Vec<u64> = times.trim_matches(['[', ']']).split(", ").map(|time| time.parse().unwrap()).collect();
    let (opened, table) = (tables(folder.path()).await, name("old"));
    let all = async |scan: Scan| lines(&read(&opened, &table, &scan).await.unwrap());
    assert_eq!(all(Scan::all()).await, ["a|1|null", "a|2|late", "c|2|null"]);
    assert_eq!(all(Scan::all().with_predicate(Predicate::eq("run", "a"))).await, ["a|1|null", "a|2|late"]);
    assert_eq!(all(Scan::all().with_predicate(Predicate::ge("time", 2_i64))).await, ["a|2|late", "c|2|null"]);
    // A version is a time.
    let history = opened.history(&table, &HistoryOptions::default()).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|version| version.version).filter(|version| *version > 0).collect();
    assert!(
        times.iter().all(|time| versions.iter().any(|version| version.abs_diff(*time) < 3)),
        "{versions:?} {times:?}"
    );
    let first = versions.iter().min().copied().unwrap();
    assert_eq!(all(Scan::all().with_version(first)).await, ["a|1", "b|1"]);

    let row = RecordBatch::try_from_iter([("run", Arc::new(StringArray::from(vec!["z"])) as arrow::array::ArrayRef)]);
    let appended = opened.append(&table, vec![row.unwrap()], &AppendOptions::default()).await.map(drop);
    let compacted = opened.compact(&table, &CompactOptions::default()).await.map(drop);
    let expired = opened.expire(&table, &ExpireOptions::default().with_keep(1)).await.map(drop);
    for done in [appended, compacted, expired] {
        assert!(matches!(done.unwrap_err().kind(), ErrorKind::Unsupported | ErrorKind::Invalid));
    }
    // Its snapshots stay what they are when it is of version 2.
    assert_eq!(run(&python, folder.path(), UPGRADED), "2");
    let reopened = tables(folder.path()).await;
    for tables in [&opened, &reopened] {
        let info = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
        let rows = lines(&read(tables, &table, &Scan::all().with_version(info.version)).await.unwrap());
        assert_eq!(rows, ["a|1|null", "a|2|late", "c|2|null"]);
    }
    let append = "catalog.load_table('world.old').append(pa.table({'run': ['d'], 'time': [3], 'note': ['new']}))";
    run(&python, folder.path(), append);
    let all = lines(&read(&reopened, &table, &Scan::all()).await.unwrap());
    assert_eq!(all, ["a|1|null", "a|2|late", "c|2|null", "d|3|new"]);
}
