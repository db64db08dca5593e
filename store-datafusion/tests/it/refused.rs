//! What is not run, and mistakes.

use worldstore_core::ErrorKind;

use crate::fixture::{error, session};

#[tokio::test]
async fn nothing_can_be_changed() {
    let session = session().await;
    for (text, word) in [
        ("insert into cars values (1, 2, 3.0, 'a')", "INSERT"),
        ("update cars set speed = 0", "UPDATE"),
        ("delete from cars", "DELETE"),
        ("truncate table cars", "TRUNCATE"),
        ("drop table cars", "DROP"),
        ("create table t as select * from cars", "CREATE"),
        ("create view t as select * from cars", "CREATE"),
        ("create schema s", "CREATE"),
        ("create external table t stored as parquet location '/tmp/'", "CREATE EXTERNAL TABLE"),
        ("copy cars to '/tmp/worldstore-cars.parquet'", "COPY"),
        ("copy (select 1) to '/tmp/worldstore-cars.csv'", "COPY"),
        ("set datafusion.execution.batch_size = 1", "SET"),
        ("reset datafusion.execution.batch_size", "RESET"),
        ("begin", "BEGIN"),
        ("prepare p as select 1", "PREPARE"),
        ("execute p", "EXECUTE"),
        ("explain insert into cars values (1, 2, 3.0, 'a')", "INSERT"),
        ("explain analyze delete from cars", "DELETE"),
        ("explain copy cars to '/tmp/worldstore-cars.parquet'", "COPY"),
    ] {
        let error = error(&session, text).await;
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}: {error}");
        assert!(error.message().starts_with("only queries can be run"), "{text}: {error}");
        assert!(error.to_string().ends_with(&format!("statement: {word}")), "{text}: {error}");
    }
    let hidden = error(&session, "select * into t from cars").await;
    assert!(matches!(hidden.kind(), ErrorKind::Unsupported | ErrorKind::Invalid), "{hidden}");
}

#[tokio::test]
async fn files_cannot_be_named() {
    let session = session().await;
    for text in
        ["select * from '/etc/passwd'", "select * from \"/etc/passwd.csv\"", "select * from read_csv('/etc/passwd')"]
    {
        assert_eq!(error(&session, text).await.kind(), ErrorKind::Invalid, "{text}");
    }
}

#[tokio::test]
async fn mistakes_are_told_with_their_place_or_what_was_meant() {
    let session = session().await;
    for (text, parts) in [
        ("select\n  from cars where", &["invalid", "line: 2, column: 18"][..]),
        ("selct 1", &["invalid", "line: 1, column: 1"]),
        ("select * from crs", &["unknown table", "table: crs", "did_you_mean: cars"]),
        ("select * from Roads", &["unknown table", "table: roads", "did_you_mean: \"Roads\""]),
        ("select * from position", &["unknown table", "known: Roads cars"]),
        ("select * from as_of('crs', 10)", &["unknown table", "did_you_mean: cars"]),
        ("select spead from cars", &["invalid", "spead", "speed", "line: 1, column: 8"]),
        ("select lanes from \"Roads\"", &["invalid", "lanes", "Lanes"]),
        ("select cars.speed from \"Roads\"", &["invalid", "cars.speed"]),
        ("select nofun(speed) from cars", &["invalid", "nofun"]),
        ("select * from other.cars", &["invalid", "other.cars"]),
        ("select * from cars join cars on true", &["invalid"]),
        ("select speed from cars group by road", &["invalid", "speed"]),
        ("select * from cars where speed > 'fast'", &["invalid", "fast"]),
        ("select 1 / 0", &["invalid", "a value of the query cannot be computed", "zero"]),
        ("select * from as_of('cars')", &["as_of takes a table, a tick"]),
        ("select * from as_of('cars', 'ten')", &["as_of takes a table, a tick"]),
        ("select * from as_of(cars, 10)", &["invalid"]),
        ("select * from as_of('Roads', 10)", &["the table has no such column", "table: Roads", "column: tick"]),
        ("", &["invalid"]),
        (" -- nothing", &["invalid"]),
    ] {
        let error = error(&session, text).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}: {error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{text} should say {part:?}: {error}");
        }
    }
    let two = error(&session, "select 1; select 2").await;
    assert_eq!(two.kind(), ErrorKind::Unsupported, "{two}");
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    let session = tokio::runtime::Runtime::new().unwrap().block_on(session());
    let answer = futures::executor::block_on(session.sql("select 1"));
    assert_eq!(answer.err().unwrap().kind(), ErrorKind::Unsupported);
}
