//! Receipts of baskets, kept current in an SQLite file: this process writes and exits, a second one goes on and queries
//! the receipts, and plain SQL reads them too.
//!
//! `cargo run -p worldstore-zset --example receipts --features sqlite`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use worldstore_zset::store::{Mode, Sqlite};
use worldstore_zset::{Builder, Cache, Changes, Circuit, Engine, Input, Output, Stream, Time};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Product {
    name: String,
    /// In cents: sums are of whole numbers.
    price: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct LineItem {
    basket_id: u64,
    product_name: String,
    quantity: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Receipt {
    basket_id: u64,
    total: i64,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "basket {}: ${}.{:02}", self.basket_id, self.total / 100, self.total % 100)
    }
}

/// The query: what each basket costs.
fn receipts<'b>(products: Stream<'b, Product>, line_items: Stream<'b, LineItem>) -> Stream<'b, Receipt> {
    let priced = line_items.join(
        "priced",
        products,
        |item| item.product_name.clone(),
        |product| product.name.clone(),
        |item, product| (item.basket_id, item.quantity * product.price),
    );
    priced.group_reduce_flatten(
        "totals",
        |(basket_id, _)| *basket_id,
        |(_, amount)| *amount,
        |basket_id, total| Receipt { basket_id: *basket_id, total: *total },
    )
}

struct Shop {
    circuit: Circuit,
    products: Input<Product>,
    line_items: Input<LineItem>,
    changes: Output<Receipt>,
    receipts: Cache<Receipt>,
}

fn shop() -> worldstore_core::Result<Shop> {
    let builder = Builder::new();
    let (products, product_rows) = builder.input("products");
    let (line_items, line_item_rows) = builder.input("line_items");
    let rows = receipts(product_rows, line_item_rows);
    let (changes, receipts) = (rows.output("changes"), rows.cache("receipts"));
    Ok(Shop { circuit: builder.build()?, products, line_items, changes, receipts })
}

fn product(name: &str, price: i64) -> Product {
    Product { name: name.to_owned(), price }
}

fn line_item(basket_id: u64, product_name: &str, quantity: i64) -> LineItem {
    LineItem { basket_id, product_name: product_name.to_owned(), quantity }
}

/// The first process: makes the tables and sells.
fn sell(path: &Path) -> Result<(), Box<dyn Error>> {
    let Shop { circuit, products, line_items, changes, .. } = shop()?;
    println!("{}", circuit.explain());
    let mut engine = Engine::open(circuit, Sqlite::open(path)?, Mode::CreateTables)?;
    engine.insert(&products, [product("tv", 300), product("radio", 500)])?;
    let deltas =
        engine.insert(&line_items, [line_item(1, "radio", 4), line_item(1, "tv", 1), line_item(2, "tv", 2)])?;
    print_changes("sold", deltas.get(&changes)?);
    Ok(())
}

/// The second process: opens the tables, queries, and changes a price.
fn query(path: &Path) -> Result<(), Box<dyn Error>> {
    let Shop { circuit, products, changes, receipts, .. } = shop()?;
    let mut engine = Engine::open(circuit, Sqlite::open(path)?, Mode::Open)?;
    for (receipt, count) in engine.read(&receipts)?.all()? {
        println!("{count} x {receipt}");
    }
    let cheaper = Changes::new().replace(&products, product("tv", 300), product("tv", 250));
    print_changes("tv at $2.50", engine.step(cheaper, Time::none())?.get(&changes)?);
    Ok(())
}

fn print_changes(what: &str, changes: &[(Receipt, i64)]) {
    println!("{what}:");
    changes.iter().for_each(|(receipt, weight)| println!("  {weight:+} {receipt}"));
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(path) = std::env::args_os().nth(1) {
        return query(&PathBuf::from(path));
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shop.db");
    sell(&path)?;
    println!("-- another process --");
    let status = Command::new(std::env::current_exe()?).arg(&path).status()?;
    if !status.success() {
        return Err("the second process failed".into());
    }
    println!("-- plain SQL --");
    let connection = rusqlite::Connection::open(&path)?;
    let sql = "SELECT basket_id, total, _weight FROM receipts ORDER BY total";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    println!("{sql}");
    while let Some(row) = rows.next()? {
        println!("{} | {} | {}", row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
    }
    Ok(())
}
