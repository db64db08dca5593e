//! Create, append, scan, versions, history, listing and errors.

use std::collections::BTreeSet;

use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::*;

use crate::{Fixture, fixtures, ids, in_memory, lines, name, objects, on_disk, open, read, rows, schema};

async fn with_table() -> [(Fixture, TableName); 2] {
    let made = fixtures().await.map(|fixture| (fixture, name("items")));
    for (fixture, table) in &made {
        let info = fixture.tables.create(table, &CreateOptions::new(schema())).await.unwrap();
        assert_eq!((info.version, info.watermark, info.rows, &info.schema), (0, 0, 0, &schema()));
    }
    made
}

#[tokio::test]
async fn appended_rows_are_read() {
    for (Fixture { tables, .. }, table) in with_table().await {
        assert!(read(&tables, &table, &Scan::all()).await.unwrap().is_empty());
        let receipt = tables.append(&table, vec![rows(0..5), rows(5..9)], &AppendOptions::default()).await.unwrap();
        assert_eq!((receipt.rows, receipt.seq, receipt.version, receipt.level), (9, 0, Some(1), Level::Committed));
        let receipt = tables.append(&table, vec![rows(9..12)], &AppendOptions::exactly_once(0, 7)).await.unwrap();
        assert_eq!((receipt.rows, receipt.seq, receipt.version), (3, 7, Some(2)));

        let all = read(&tables, &table, &Scan::all()).await.unwrap();
        assert_eq!(lines(&all), lines(&[rows(0..12)]));
        assert_eq!(all[0].schema(), schema());
        let info = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
        assert_eq!((info.version, info.watermark, info.rows, info.schema), (2, 7, 12, schema()));
    }
}

#[tokio::test]
async fn projection_predicate_limit_and_count() {
    for (Fixture { tables, .. }, table) in with_table().await {
        for start in [0, 10, 20] {
            let _ = tables.append(&table, vec![rows(start..start + 10)], &AppendOptions::default()).await.unwrap();
        }
        let scan = Scan::all().with_columns(["big", "id", "big"]).with_predicate(Predicate::ge("id", 28_i64));
        let found = read(&tables, &table, &scan).await.unwrap();
        assert_eq!(lines(&found), ["28|28|28", "29|29|29"]);
        // A column that is only filtered by is not delivered.
        let scan = Scan::all().with_columns(["id"]).with_predicate(Predicate::eq("note", "note 11"));
        assert_eq!(lines(&read(&tables, &table, &scan).await.unwrap()), ["11"]);
        let found = read(&tables, &table, &Scan::all().with_limit(13)).await.unwrap();
        assert_eq!(found.iter().map(|batch| batch.num_rows()).sum::<usize>(), 13);
        assert!(read(&tables, &table, &Scan::all().with_limit(0)).await.unwrap().is_empty());

        let none: [&str; 0] = [];
        let count = |batches: Vec<arrow::record_batch::RecordBatch>| -> usize {
            assert!(batches.iter().all(|batch| batch.num_columns() == 0));
            batches.iter().map(|batch| batch.num_rows()).sum()
        };
        let scan = Scan::all().with_columns(none);
        assert_eq!(count(read(&tables, &table, &scan).await.unwrap()), 30);
        assert_eq!(count(read(&tables, &table, &scan.clone().with_limit(4)).await.unwrap()), 4);
        let some = scan.clone().with_predicate(Predicate::IsNull("note".to_owned()));
        assert_eq!(count(read(&tables, &table, &some).await.unwrap()), 10);
        assert_eq!(count(read(&tables, &table, &scan.with_segments(vec![])).await.unwrap()), 0);
    }
}

#[tokio::test]
async fn every_version_stays_readable() {
    for (Fixture { tables, .. }, table) in with_table().await {
        for step in 0..4_u64 {
            let options = AppendOptions::exactly_once(step, step + 1);
            let _ = tables.append(&table, vec![rows([step as i64])], &options).await.unwrap();
        }
        for version in 0..=4_u64 {
            let scan = Scan::all().with_version(version);
            assert_eq!(ids(&tables, &table, &scan).await, (0..version as i64).collect::<Vec<_>>());
            let found = tables.scan(&table, &scan).await.unwrap();
            assert_eq!((found.version, found.watermark), (version, version));
            let info = tables.describe(&table, &DescribeOptions::default().with_version(version)).await.unwrap();
            assert_eq!((info.version, info.watermark, info.rows), (version, version, version));
        }
        let missing = read(&tables, &table, &Scan::all().with_version(5)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let missing = tables.describe(&table, &DescribeOptions::default().with_version(5)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);

        let history = tables.history(&table, &HistoryOptions::default()).await.unwrap();
        let versions: Vec<_> = history.iter().map(|version| (version.version, version.watermark)).collect();
        assert_eq!(versions, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]);
        assert!(history.is_sorted_by_key(|version| version.committed_ms));
        assert!(history[0].committed_ms > 1_600_000_000_000);
    }
}

#[tokio::test]
async fn a_repeated_step_is_refused_and_leaves_nothing() {
    for (Fixture { tables, backend, .. }, table) in with_table().await {
        let options = AppendOptions::exactly_once(0, 3);
        let _ = tables.append(&table, vec![rows(0..3)], &options).await.unwrap();
        let before = objects(&backend).await;
        let refused = tables.append(&table, vec![rows(0..3)], &options).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
        let context: Vec<_> = refused.context().collect();
        assert!(context.contains(&("have", "3")) && context.contains(&("expected", "0")), "{refused}");
        let refused = tables.append(&table, vec![rows(0..3)], &AppendOptions::exactly_once(3, 3)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(objects(&backend).await, before);
        assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1, 2]);
    }
}

#[tokio::test]
async fn empty_appends() {
    for (Fixture { tables, backend, .. }, table) in with_table().await {
        // Without a watermark they change nothing.
        let before = objects(&backend).await;
        for batches in [vec![], vec![rows([])]] {
            let receipt = tables.append(&table, batches, &AppendOptions::default()).await.unwrap();
            assert_eq!((receipt.rows, receipt.version), (0, Some(0)));
        }
        assert_eq!(objects(&backend).await, before);
        // With one they are versions, the first one too.
        let receipt = tables.append(&table, vec![], &AppendOptions::exactly_once(0, 2)).await.unwrap();
        assert_eq!((receipt.seq, receipt.version), (2, Some(1)));
        let _ = tables.append(&table, vec![rows(0..2)], &AppendOptions::exactly_once(2, 3)).await.unwrap();
        let receipt = tables.append(&table, vec![rows([])], &AppendOptions::exactly_once(3, 9)).await.unwrap();
        assert_eq!((receipt.seq, receipt.version), (9, Some(3)));
        assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1]);
        let other = arrow::record_batch::RecordBatch::new_empty(base_schema());
        let refused = tables.append(&table, vec![other], &AppendOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }
}

fn base_schema() -> arrow::datatypes::SchemaRef {
    base::with_base(&arrow::datatypes::Schema::empty()).unwrap()
}

#[tokio::test]
async fn create_keeps_or_refuses_what_exists() {
    for (Fixture { tables, .. }, table) in with_table().await {
        let _ = tables.append(&table, vec![rows(0..3)], &AppendOptions::exactly_once(0, 1)).await.unwrap();
        let exists = tables.create(&table, &CreateOptions::new(schema())).await.unwrap_err();
        assert_eq!(exists.kind(), ErrorKind::AlreadyExists);
        let kept = tables.create(&table, &CreateOptions::new(schema()).or_keep()).await.unwrap();
        assert_eq!((kept.version, kept.watermark, kept.rows), (1, 1, 3));
        let other = tables.create(&table, &CreateOptions::new(base_schema()).or_keep()).await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn reading_creates_nothing() {
    let Fixture { tables, backend, folder } = on_disk().await;
    let folder = folder.unwrap();
    let table = name("nowhere");
    assert!(tables.list(&ListTablesOptions::default()).await.unwrap().is_empty());
    let errors = [
        tables.describe(&table, &DescribeOptions::default()).await.map(|_| ()).unwrap_err(),
        tables.scan(&table, &Scan::all()).await.map(|_| ()).unwrap_err(),
        tables.history(&table, &HistoryOptions::default()).await.map(|_| ()).unwrap_err(),
        tables.append(&table, vec![rows(0..2)], &AppendOptions::default()).await.map(|_| ()).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.is_not_found()), "{errors:?}");
    assert!(!folder.path().join("catalog.db").exists());
    assert!(objects(&backend).await.is_empty());
}

#[tokio::test]
async fn tables_are_listed_and_found_again() {
    let Fixture { tables, backend, folder } = on_disk().await;
    for text in ["zebra", "ant", "Bee"] {
        tables.create(&name(text), &CreateOptions::new(schema())).await.unwrap();
    }
    let _ = tables.append(&name("ant"), vec![rows(0..4)], &AppendOptions::exactly_once(0, 4)).await.unwrap();
    tables.shutdown(&ShutdownOptions::default()).await.unwrap();
    let again = open(&backend, folder.as_ref().unwrap().path()).await;
    let listed = again.list(&ListTablesOptions::default()).await.unwrap();
    assert_eq!(listed, [name("Bee"), name("ant"), name("zebra")]);
    assert_eq!(ids(&again, &name("ant"), &Scan::all()).await, [0, 1, 2, 3]);
    let folders: BTreeSet<_> =
        objects(&backend).await.iter().map(|key| key.split('/').take(3).collect::<Vec<_>>().join("/")).collect();
    let expected = ["tables/world/Bee", "tables/world/ant", "tables/world/zebra"];
    assert_eq!(folders.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn after_a_shutdown_appends_are_refused_and_reads_go_on() {
    for (Fixture { tables, .. }, table) in with_table().await {
        let _ = tables.append(&table, vec![rows(0..2)], &AppendOptions::default()).await.unwrap();
        for _ in 0..2 {
            tables.shutdown(&ShutdownOptions::default()).await.unwrap();
        }
        let refused = tables.append(&table, vec![rows(0..2)], &AppendOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Poisoned);
        assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1]);
    }
}

#[tokio::test]
async fn segments_of_a_world_table() {
    let Fixture { tables, .. } = in_memory().await;
    let table = name("units");
    let schema = base_schema();
    tables.create(&table, &CreateOptions::new(schema.clone())).await.unwrap();
    for (seq, run) in [(1_u64, "main"), (2, "fork"), (3, "main")] {
        use arrow::array::*;
        use std::sync::Arc;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["w"; 4])),
            Arc::new(StringArray::from(vec![run; 4])),
            Arc::new(UInt64Array::from(vec![1, 2, 3, 4])),
            Arc::new(Int64Array::from(vec![10, 11, 12, 13])),
            Arc::new(BooleanArray::from(vec![true; 4])),
            Arc::new(UInt64Array::from(vec![seq; 4])),
        ];
        let batch = arrow::record_batch::RecordBatch::try_new(schema.clone(), columns).unwrap();
        let _ = tables.append(&table, vec![batch], &AppendOptions::exactly_once(seq - 1, seq)).await.unwrap();
    }
    let main = Segment::run("w", "main").with_ticks(12..=99).with_seq_max(1);
    let fork = Segment::run("w", "fork").with_ticks(13..=13);
    let scan = Scan::all().with_columns(["run", "tick", "seq"]);
    let found = read(&tables, &table, &scan.clone().with_segments(vec![main, fork])).await.unwrap();
    assert_eq!(lines(&found), ["fork|13|2", "main|12|1", "main|13|1"]);
    assert!(read(&tables, &table, &scan.with_segments(vec![])).await.unwrap().is_empty());
}

#[tokio::test]
async fn wrong_scans_are_refused_at_once() {
    for (Fixture { tables, .. }, table) in with_table().await {
        let unknown = Scan::all().with_columns(["nothing"]);
        let filter = Scan::all().with_predicate(Predicate::eq("nothing", 1_i64));
        let mixed = Scan::all().with_predicate(Predicate::eq("note", 1_i64));
        for scan in [unknown, filter, mixed] {
            assert_eq!(tables.scan(&table, &scan).await.err().unwrap().kind(), ErrorKind::Invalid);
        }
    }
}

#[tokio::test]
async fn rows_of_another_schema_are_refused() {
    for (Fixture { tables, backend, .. }, table) in with_table().await {
        let before = objects(&backend).await;
        let other = rows(0..3).project(&[0, 1]).unwrap();
        let refused = tables.append(&table, vec![rows(0..1), other], &AppendOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(objects(&backend).await, before);
    }
}
