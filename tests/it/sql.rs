//! A world asked in SQL.

use std::sync::Arc;

use worldstore::ErrorKind;
use worldstore::arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use worldstore::arrow::datatypes::Int64Type;
use worldstore::sql::{Limit, LimitExceeded, SqlOptions};
use worldstore::{View, World};

use crate::bed::{Bed, on_each_format, rows};

on_each_format!(
    tables_are_asked_by_their_names,
    views_forks_and_other_ticks,
    a_query_stays_at_its_moment,
    no_condition_loses_a_row,
    long_conditions_are_answered,
    mistakes_and_limits_are_errors
);

async fn number(view: &View, text: &str) -> i64 {
    let batches = view.sql(text).await.unwrap().collect().await.unwrap();
    batches.iter().find(|batch| batch.num_rows() == 1).unwrap().column(0).as_primitive::<Int64Type>().value(0)
}

async fn filled(bed: &Bed) -> World {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = run.append(tick, "position", &rows(&[(1, tick as f64), (2, 0.0)])).await.unwrap();
        if tick == 2 {
            world.flush().await.unwrap();
        }
    }
    world
}

async fn tables_are_asked_by_their_names(bed: &Bed) {
    let world = filled(bed).await;
    let batches = world.sql("select count(*) from position where x > 1").await.unwrap().collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 2);
    let view = world.run("main").await.unwrap().now();
    assert_eq!(number(&view, "select count(*) from position").await, 6, "buffered rows count too");
    assert_eq!(number(&view, "select max(tick) from position where entity = 2").await, 3);
    assert_eq!(
        number(&view, "select count(*) from position a join position b on a.x = b.x where a.entity = 1").await,
        3
    );
    let tables = "select count(*) from information_schema.columns where table_name = 'position'";
    assert_eq!(number(&view, tables).await, 7);
    assert_eq!(view.dataframe("position").await.unwrap().count().await.unwrap(), 6);
}

async fn views_forks_and_other_ticks(bed: &Bed) {
    let world = filled(bed).await;
    let main = world.run("main").await.unwrap();
    let child = main.fork("child", 2).await.unwrap();
    let _ = child.append(3, "position", &rows(&[(9, 30.0)])).await.unwrap();
    let _ = main.append(1, "position", &rows(&[(8, 8.0)])).await.unwrap();
    const COUNT: &str = "select count(*) from position";
    assert_eq!(number(&main.as_of(2), COUNT).await, 5);
    assert_eq!(number(&main.as_of(0), COUNT).await, 0);
    assert_eq!(number(&child.now(), COUNT).await, 5, "late rows of the parent stay out");
    assert_eq!(number(&main.now(), "select count(*) from as_of('position', 2)").await, 5);
    assert_eq!(number(&main.now(), "select count(*) from as_of('position', null, 'child')").await, 5);
    assert_eq!(number(&main.now(), "select count(*) from as_of('position', 3, 'child') where x = 30.0").await, 1);
    let gone = "select count(*) from position n left join as_of('position', 2) o
        on n.entity = o.entity and n.tick = o.tick where o.tick is null";
    assert_eq!(number(&main.now(), gone).await, 2);
    let error = main.now().sql("select * from as_of('position', 2, 'nowhere')").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

async fn a_query_stays_at_its_moment(bed: &Bed) {
    let world = filled(bed).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(3, "other", &rows(&[(1, 1.0)])).await.unwrap();
    let begun = run.now().sql("select p.x from position p union all select o.x from other o").await.unwrap();
    let frame = run.now().dataframe("other").await.unwrap();
    let _ = run.append(4, "position", &rows(&[(1, 4.0)])).await.unwrap();
    let _ = run.append(4, "other", &rows(&[(1, 4.0)])).await.unwrap();
    world.flush().await.unwrap();
    let batches = begun.collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 7);
    assert_eq!(frame.count().await.unwrap(), 1);
    assert_eq!(number(&run.now(), "select count(*) from other").await, 2);
}

/// The values on which formats and DataFusion could differ, flushed and buffered.
async fn no_condition_loses_a_row(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let floats = [f64::NAN, -0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, 1.5].map(Some);
    let floats = || floats.iter().copied().chain([None]);
    let texts = [Some(""), Some("a'b"), Some("é"), None, Some("z"), Some("a"), Some("b")];
    let state = || {
        let entities: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..7));
        let x: ArrayRef = Arc::new(Float64Array::from_iter(floats()));
        let s: ArrayRef = Arc::new(StringArray::from_iter(texts));
        RecordBatch::try_from_iter_with_nullable([("entity", entities, false), ("x", x, true), ("s", s, true)]).unwrap()
    };
    for tick in 1..=2 {
        let _ = run.append(tick, "t", &state()).await.unwrap();
        if tick == 1 {
            world.flush().await.unwrap();
        }
    }
    let view = run.now();
    for condition in [
        "x > 1",
        "x >= 0",
        "x < 0",
        "x < 0.0",
        "x = 0",
        "x <> 1.5",
        "not (x > 1)",
        "x = 'NaN'::double",
        "x > 'inf'::double",
        "x <= 'inf'::double",
        "x is null or x < 1",
        "x in (1.5, 0.0)",
        "x not in (1.5, 0.0)",
        "s > 'a'",
        "s = 'a''b'",
        "s <> ''",
        "s is null and tick = 2",
        "s in ('é', 'z') or x > 100",
        "entity >= 5 and tick between 2 and 9",
        "not (s = 'z' and x < 1)",
    ] {
        // A sum hides the condition from the tables.
        let hidden = format!("select sum(case when {condition} then 1 else 0 end) from t");
        let pushed = format!("select count(*) from t where {condition}");
        assert_eq!(number(&view, &pushed).await, number(&view, &hidden).await, "{condition}");
    }
}

/// Half of the levels alternate, so that they are levels of the table's condition too.
async fn long_conditions_are_answered(bed: &Bed) {
    let view = filled(bed).await.run("main").await.unwrap().now();
    let any = (10..490).map(|n| format!("x = {n} and tick < {n}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(number(&view, &format!("select count(*) from position where {any} or x = 3")).await, 1);
    let nested =
        (0..20).fold("x >= 2".to_owned(), |inner, n| format!("(({inner}) or entity = {}) and tick < {}", n + 9, n + 9));
    assert_eq!(number(&view, &format!("select count(*) from position where {nested}")).await, 2);
}

async fn mistakes_and_limits_are_errors(bed: &Bed) {
    let world = filled(bed).await;
    let view = world.run("main").await.unwrap().now();
    let before = view.count("position").await.unwrap();
    for (text, kind, part) in [
        ("select * from positoin", ErrorKind::Invalid, "did_you_mean: position"),
        ("select y from position", ErrorKind::Invalid, "y"),
        ("selec 1", ErrorKind::Invalid, "line: 1, column: 1"),
        ("delete from position", ErrorKind::Unsupported, "statement: DELETE"),
        ("insert into position select * from position", ErrorKind::Unsupported, "statement: INSERT"),
    ] {
        let error = view.sql(text).await.err().unwrap();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    let answer = view.sql_with("select * from position", &SqlOptions::default().with_rows_max(5)).await.unwrap();
    assert_eq!(LimitExceeded::find(&answer.collect().await.err().unwrap()), Some(Limit::Rows));
    assert_eq!(view.count("position").await.unwrap(), before);
}
