//! Queries of a PostgreSQL database, at `WORLDSTORE_TEST_POSTGRES_URL`.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Decimal256Type, i256};
use futures::TryStreamExt;
use worldstore_async::{AsyncBackend, conformance};
use worldstore_core::{CheckOptions, ErrorKind, ListOptions, Prefix, ReadOptions, Result, Retry, StatOptions};
use worldstore_sql_query::{PostgresQueries, SqlQueryConfig};

use crate::support::{from_arrow, from_csv, from_parquet, key};

const URL: &str = "WORLDSTORE_TEST_POSTGRES_URL";

/// The server to test against. Without one the test is skipped, loudly, but never where everything must run.
fn server() -> Option<String> {
    match std::env::var(URL) {
        Ok(url) => Some(url),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{URL} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {URL} is not set. Run `cargo xtask test`, or start a server by hand:");
            eprintln!("    {URL}=postgres://user:password@127.0.0.1:5432/db cargo nextest run -p worldstore-sql-query");
            None
        }
    }
}

fn config(url: &str, queries: &[(&str, &str)]) -> SqlQueryConfig {
    let config = SqlQueryConfig::from_uri(url).unwrap();
    queries.iter().fold(config, |config, (name, sql)| config.with_query(name, sql).unwrap())
}

fn open(url: &str, queries: &[(&str, &str)]) -> PostgresQueries {
    config(url, queries).open_postgres().unwrap()
}

async fn all(backend: &dyn AsyncBackend, name: &str) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &ReadOptions::default()).await?;
    Ok(reply.body.try_collect::<Vec<_>>().await?.concat())
}

#[test]
fn without_a_runtime_opening_is_refused() {
    let error = config("postgres://me@127.0.0.1/db", &[]).open_postgres().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
}

#[tokio::test]
async fn the_longest_timeout_is_for_ever() {
    let Some(url) = server() else { return };
    let backend = config(&url, &[("t", "SELECT 1 AS a")]).with_timeout(Duration::MAX).open_postgres().unwrap();
    assert!(!all(&backend, "t.csv").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_finds_an_honest_read_only_backend() {
    let Some(url) = server() else { return };
    let backend = open(&url, &[("t", "SELECT 1 AS a")]);
    let report = conformance::run(&backend, &Prefix::new("kit").unwrap()).await.into_result().unwrap();
    assert!(!report.transcript().is_empty());
    backend.check(&CheckOptions::default()).await.unwrap();
}

/// Two rows of every type, the second one NULL but for its number.
const VALUES: &str = "
    SELECT * FROM (VALUES
        (1, true, (-32768)::int2, (-2147483648)::int4, (-9223372036854775808)::int8, 0.1::float4, 'NaN'::float8,
         'é, \"🌍\"'::text, 'ab'::varchar(5), '\\x00ff'::bytea, '1969-12-31'::date,
         '1999-12-31 23:59:59.999999'::timestamp, '2026-01-01 01:00:00+01'::timestamptz,
         (-12345678901234567890.0001000)::numeric(30, 7)),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    ) AS v (n, b, i2, i4, i8, f4, f8, s, v, y, d, t, z, m) ORDER BY n";

fn expected() -> Vec<ArrayRef> {
    let decimal = Decimal128Array::from(vec![Some(-123_456_789_012_345_678_900_001_000), None]);
    vec![
        Arc::new(Int32Array::from(vec![1, 2])),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int16Array::from(vec![Some(i16::MIN), None])),
        Arc::new(Int32Array::from(vec![Some(i32::MIN), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None])),
        Arc::new(Float32Array::from(vec![Some(0.1), None])),
        Arc::new(Float64Array::from(vec![Some(f64::NAN), None])),
        Arc::new(StringArray::from(vec![Some("é, \"🌍\""), None])),
        Arc::new(StringArray::from(vec![Some("ab"), None])),
        Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None])),
        Arc::new(Date32Array::from(vec![Some(-1), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(946_684_799_999_999), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(1_767_225_600_000_000), None]).with_timezone("+00:00")),
        Arc::new(decimal.with_precision_and_scale(38, 7).unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_comes_back_as_it_was() {
    let Some(url) = server() else { return };
    let backend =
        open(&url, &[("v", VALUES), ("flat", &VALUES.replace("SELECT *", "SELECT n, b, i8, f4, s, d, t, m"))]);
    for batch in
        [from_arrow(all(&backend, "v.arrow").await.unwrap()), from_parquet(all(&backend, "v.parquet").await.unwrap())]
    {
        for (at, (got, expected)) in batch.columns().iter().zip(expected()).enumerate() {
            assert_eq!(got, &expected, "column {at}");
        }
        assert_eq!(batch.num_columns(), expected().len());
    }
    let flat = from_arrow(all(&backend, "flat.arrow").await.unwrap());
    assert_eq!(from_csv(all(&backend, "flat.csv").await.unwrap(), flat.schema()), flat);
}

#[tokio::test(flavor = "multi_thread")]
async fn numerics_of_any_shape_are_exact_or_refused() {
    let Some(url) = server() else { return };
    let wide = format!("-{}", "9".repeat(60));
    let list =
        ["0", "0.00", "10000", "-10000.5", "0.0001", "0.00001", "123456789012345678901234567.89", "1e20", "100000000"];
    let values = list.map(|value| format!("({value}::numeric)")).join(", ");
    let decimals = format!("SELECT n, n::text AS s FROM (VALUES {values}) AS v (n)");
    let (wide, too_wide) = (format!("SELECT {wide} AS n"), format!("SELECT {wide}{wide} AS n").replace("9-9", "99"));
    let queries = [
        ("n", decimals.as_str()),
        ("wide", &wide),
        ("too_wide", &too_wide),
        ("nan", "SELECT 'NaN'::numeric AS n"),
        ("none", "SELECT NULL::numeric AS n"),
    ];
    let backend = open(&url, &queries);
    let batch = from_parquet(all(&backend, "n.parquet").await.unwrap());
    let numbers = batch.column(0).as_primitive::<arrow::datatypes::Decimal128Type>();
    assert_eq!(numbers.data_type(), &DataType::Decimal128(38, 5));
    let texts = batch.column(1).as_string::<i32>();
    for at in 0..batch.num_rows() {
        // The text of the server, at the scale of the column.
        let (text, number) = (texts.value(at), numbers.value_as_string(at));
        let trim = |text: &str| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text.to_owned(),
        };
        assert_eq!(trim(&number), trim(text));
    }
    let batch = from_arrow(all(&backend, "wide.arrow").await.unwrap());
    let ten = |power| i256::from_i128(10).checked_pow(power).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Decimal256Type>().value(0), i256::ONE.wrapping_sub(ten(60)));
    for name in ["too_wide.csv", "nan.csv"] {
        let error = all(&backend, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.to_string().contains("column: n, row: 0"), "{error}");
    }
    assert_eq!(from_arrow(all(&backend, "none.arrow").await.unwrap()).column(0).null_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_or_cannot_be_said_is_refused() {
    let Some(url) = server() else { return };
    let wrong = [
        ("CREATE TABLE public.worldstore_never (a int)", ErrorKind::Invalid),
        (
            "WITH made AS (INSERT INTO pg_catalog.pg_description VALUES (1, 1, 1, 'x') RETURNING 1) SELECT 1 AS a",
            ErrorKind::Invalid,
        ),
        ("SELECT set_config('transaction_read_only', 'off', false) AS a", ErrorKind::Invalid),
        ("SET TRANSACTION READ WRITE", ErrorKind::Invalid),
        ("SELECT 1 AS a; SELECT 2 AS a", ErrorKind::Invalid),
        ("COMMIT", ErrorKind::Invalid),
        ("", ErrorKind::Invalid),
        ("SELECT $1::int AS a", ErrorKind::Invalid),
        ("SELECT * FROM worldstore_none", ErrorKind::Invalid),
        ("SELECT 1 / 0 AS a", ErrorKind::Invalid),
        ("SELECT 1 AS a, 2 AS a", ErrorKind::Invalid),
        ("SELECT '{}'::json AS a", ErrorKind::Unsupported),
        ("SELECT ARRAY[1] AS a", ErrorKind::Unsupported),
        ("SELECT 'infinity'::date AS a", ErrorKind::Unsupported),
        ("SELECT '-infinity'::timestamptz AS a", ErrorKind::Unsupported),
    ];
    for (sql, kind) in wrong {
        let error = all(&open(&url, &[("q", sql)]), "q.csv").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error:?}");
    }
    let backend = open(&url, &[("q", "SELECT current_setting('transaction_read_only') AS a")]);
    assert_eq!(all(&backend, "q.csv").await.unwrap(), b"a\non\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_listings_time_and_errors() {
    let Some(url) = server() else { return };
    let clock = "SELECT clock_timestamp() AS a";
    let backend = open(&url, &[("clock", clock), ("one", "SELECT 1 AS a")]);
    let page = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    let names: Vec<_> = page.objects.iter().map(|meta| meta.key.as_str()).collect();
    assert_eq!(names, ["clock.arrow", "clock.csv", "clock.parquet", "one.arrow", "one.csv", "one.parquet"]);
    let meta = backend.stat(&key("clock.csv"), &StatOptions::default()).await.unwrap();
    assert_ne!(backend.stat(&key("clock.csv"), &StatOptions::default()).await.unwrap().version, meta.version);
    let pinned = ReadOptions::default().with_version(meta.version.unwrap());
    let one = backend.read(&key("clock.csv"), &pinned).await.unwrap().body.try_collect::<Vec<_>>().await.unwrap();
    let other = backend.read(&key("clock.csv"), &pinned).await.unwrap().body.try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(one, other);
    let forgetful = config(&url, &[("clock", clock)]).with_cache_bytes_max(0).open_postgres().unwrap();
    let error = forgetful.read(&key("clock.csv"), &pinned).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(all(&backend, "none.csv").await.unwrap_err().kind(), ErrorKind::NotFound);

    let slow = config(&url, &[("slow", "SELECT pg_sleep(30)::text AS a")]).with_timeout(Duration::from_millis(300));
    let error = all(&slow.open_postgres().unwrap(), "slow.csv").await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error:?}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = config(&format!("postgres://me:hidden@{closed}/db"), &[("q", "SELECT 1 AS a")]);
    let gone = gone.with_timeout(Duration::from_millis(300)).open_postgres().unwrap();
    let error = gone.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}
