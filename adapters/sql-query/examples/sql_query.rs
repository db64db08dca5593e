//! A query of an SQLite file, read as a CSV file.
//!
//! `cargo run -p worldstore-sql-query --example sql_query`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use worldstore_core::{Backend, Key, ReadOptions};
use worldstore_sql_query::SqlQueryConfig;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("worldstore-sql-query-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let database = rusqlite::Connection::open(folder.join("shop.db"))?;
    database.execute_batch(
        "CREATE TABLE sales (day TEXT, amount INTEGER); INSERT INTO sales VALUES ('mon', 3), ('tue', 5)",
    )?;

    let config = SqlQueryConfig::from_uri(&format!("sqlite://{}/shop.db", folder.display()))?;
    let queries = config.with_query("daily/sales", "SELECT * FROM sales ORDER BY day")?.open_sqlite()?;
    for name in ["daily/sales.csv", "daily/sales.parquet"] {
        let reply = queries.read(&Key::new(name)?, &ReadOptions::default())?;
        println!("{name}: {} bytes", reply.meta.size);
        if name.ends_with(".csv") {
            let chunks = reply.body.collect::<worldstore_core::Result<Vec<_>>>()?;
            print!("{}", String::from_utf8_lossy(&chunks.concat()));
        }
    }
    drop((queries, database));
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
