//! Receipts of baskets, kept current in a database: this process writes and exits, a second one goes on and queries the
//! receipts, and plain SQL reads them too.
//!
//! In an SQLite file: `cargo run -p worldstore-zset --example receipts --features sqlite`. In a schema of a PostgreSQL
//! database: the same with `--features postgres`, `-- postgres://user:password@host:port/database schema` behind it.
#![allow(clippy::print_stdout)]

mod shop;

use std::env;
use std::error::Error;
use std::process::Command;

use shop::{Receipt, Shop, line_item, product, shop};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Changes, Engine, Time};

/// What plain SQL is asked.
const SQL: &str = "SELECT basket_id, total, _weight FROM receipts ORDER BY total";

/// Where the state is: a file, or the address of a server and a schema.
type Place = Vec<String>;

fn open(place: &Place) -> Result<Box<dyn Store>, Box<dyn Error>> {
    match place.as_slice() {
        #[cfg(feature = "sqlite")]
        [path] => Ok(Box::new(worldstore_zset::store::Sqlite::open(path)?)),
        #[cfg(feature = "postgres")]
        [url, schema] => {
            use worldstore_zset::store::PostgresConfig;
            Ok(Box::new(PostgresConfig::from_uri(url)?.with_schema(schema)?.open()?))
        }
        _ => Err("compiled without a store for this place".into()),
    }
}

/// The first process: makes the tables and sells.
fn sell(place: &Place) -> Result<(), Box<dyn Error>> {
    let Shop { circuit, products, line_items, changes, .. } = shop()?;
    println!("{}", circuit.explain());
    let mut engine = Engine::open(circuit, open(place)?, Mode::CreateTables)?;
    engine.insert(&products, [product("tv", 300), product("radio", 500)])?;
    let deltas =
        engine.insert(&line_items, [line_item(1, "radio", 4), line_item(1, "tv", 1), line_item(2, "tv", 2)])?;
    print_changes("sold", deltas.get(&changes)?);
    Ok(())
}

/// The second process: opens the tables, queries, and changes a price.
fn query(place: &Place) -> Result<(), Box<dyn Error>> {
    let Shop { circuit, products, changes, receipts, .. } = shop()?;
    let mut engine = Engine::open(circuit, open(place)?, Mode::Open)?;
    for (receipt, count) in engine.read(&receipts)?.all()? {
        println!("{count} x {receipt}");
    }
    let cheaper = Changes::new().replace(&products, product("tv", 300), product("tv", 250));
    print_changes("tv at $2.50", engine.step(cheaper, Time::none())?.get(&changes)?);
    println!("checked: {} tables", engine.check()?.tables);
    Ok(())
}

fn print_changes(what: &str, changes: &[(Receipt, i64)]) {
    println!("{what}:");
    changes.iter().for_each(|(receipt, weight)| println!("  {weight:+} {receipt}"));
}

/// Any program can ask: here one that knows SQL and nothing of circuits.
fn ask(place: &Place) -> Result<(), Box<dyn Error>> {
    println!("-- plain SQL --\n{SQL}");
    match place.as_slice() {
        [path] => {
            let connection = rusqlite::Connection::open(path)?;
            let mut statement = connection.prepare(SQL)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                println!("{} | {} | {}", row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
            }
            Ok(())
        }
        [url, schema] => tokio::runtime::Runtime::new()?.block_on(async {
            use sqlx::{Connection as _, Row as _};
            let mut connection = sqlx::PgConnection::connect(url).await?;
            let sql = format!("SET search_path = {schema}; {}", SQL.replace("basket_id,", "basket_id::bigint,"));
            for row in sqlx::raw_sql(&sql).fetch_all(&mut connection).await? {
                let [basket, total, weight] = [row.try_get::<i64, _>(0)?, row.try_get(1)?, row.try_get(2)?];
                println!("{basket} | {total} | {weight}");
            }
            Ok(())
        }),
        _ => Err("no such place".into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Place = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "query") {
        return query(&words.split_off(1));
    }
    let folder = tempfile::tempdir()?;
    if words.is_empty() {
        words.push(folder.path().join("shop.db").display().to_string());
    }
    sell(&words)?;
    println!("-- another process --");
    let status = Command::new(env::current_exe()?).arg("query").args(&words).status()?;
    if !status.success() {
        return Err("the second process failed".into());
    }
    ask(&words)
}
