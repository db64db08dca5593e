//! Queries: what they see, and of which moment.

use std::sync::Arc;

use expect_test::expect;
use worldstore_datafusion::{BackendTables, SqlSession};

use crate::fixture::{append, cars, rows, session, town};

#[tokio::test]
async fn tables_are_joined_and_grouped() {
    let session = session().await;
    let text = r#"select r.road, r."Lanes", count(c.entity) as n, max(c.speed) as fastest
        from "Roads" r join cars c on c.road = r.road group by 1, 2 order by 1"#;
    assert_eq!(rows(&session, text).await.unwrap(), ["a|2|2|9.0", "b|4|1|"]);
    let text = "with fast as (select * from cars where speed > 2) select entity from fast";
    assert_eq!(rows(&session, text).await.unwrap(), ["3"]);
    let text = "select entity from world.public.cars where tick in (select max(tick) from public.cars)";
    assert_eq!(rows(&session, text).await.unwrap(), ["3"]);
    assert_eq!(rows(&session, "select 1 + 1").await.unwrap(), ["2"]);
    assert_eq!(rows(&session, "select count(*) from cars where entity > 18446744073709551614").await.unwrap(), ["0"]);
}

#[tokio::test]
async fn tables_and_columns_are_told() {
    let session = session().await;
    let tables = "select table_name from information_schema.tables where table_schema = 'public' order by 1";
    assert_eq!(rows(&session, tables).await.unwrap(), ["Roads", "cars"]);
    let shown = rows(&session, "show tables").await.unwrap();
    assert!(shown.contains(&"world|public|cars|BASE TABLE".to_owned()), "{shown:?}");
    let columns =
        "select column_name, data_type, is_nullable from information_schema.columns where table_name = 'cars'";
    assert_eq!(
        rows(&session, columns).await.unwrap(),
        ["entity|UInt64|NO", "tick|Int64|NO", "speed|Float64|YES", "road|Utf8|YES"]
    );
    assert_eq!(rows(&session, "describe cars").await.unwrap().len(), 4);
    assert_eq!(rows(&session, "show columns from cars").await.unwrap().len(), 4);
}

#[tokio::test]
async fn other_ticks_stand_beside_the_newest() {
    let session = session().await;
    let text = "select count(*) from as_of('cars', 10)";
    assert_eq!(rows(&session, text).await.unwrap(), ["2"]);
    let text =
        "select n.entity from cars n left join as_of('cars', 5 + 5) o on n.entity = o.entity where o.entity is null";
    assert_eq!(rows(&session, text).await.unwrap(), ["3"]);
    let text = "select (select count(*) from as_of('cars', -1)) as a, (select count(*) from as_of('cars', null)) as b";
    assert_eq!(rows(&session, text).await.unwrap(), ["0|3"]);
}

#[tokio::test]
async fn a_query_stays_at_the_moment_of_its_start() {
    let tables = town().await;
    let session = SqlSession::new(Arc::new(BackendTables::new(tables.clone())));
    let begun = session.sql("select entity from cars union all select entity from cars").await.unwrap();
    let frame = session.dataframe("cars").await.unwrap();
    append(&tables, "cars", cars(8, &[12], &[None], &["c"])).await;
    let count = |batches: Vec<arrow::array::RecordBatch>| batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
    assert_eq!(count(begun.collect().await.unwrap()), 6);
    assert_eq!(frame.count().await.unwrap(), 3);
    assert_eq!(rows(&session, "select count(*) from cars").await.unwrap(), ["4"]);
}

#[tokio::test]
async fn the_plan_is_shown() {
    let session = session().await;
    let plan =
        rows(&session, "explain format indent select road from cars where tick > 10 order by road limit 2").await;
    let scan = plan.unwrap().into_iter().find(|line| line.contains("TableScanExec")).unwrap();
    expect!["TableScanExec: columns=[road], where=tick > 10"].assert_eq(scan.trim_matches(['|', ' ']));
    let analyzed = rows(&session, "explain analyze select road from cars where tick > 10").await.unwrap();
    assert!(analyzed.iter().any(|line| line.contains("output_rows=1")), "{analyzed:?}");
}
