//! The shop: its rows, and the query for its receipts.

use std::fmt;

use serde::{Deserialize, Serialize};
use worldstore_zset::{Builder, Cache, Circuit, Input, Output, Stream};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    name: String,
    /// In cents: sums are of whole numbers.
    price: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineItem {
    basket_id: u64,
    product_name: String,
    quantity: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receipt {
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

/// The circuit with its handles.
pub struct Shop {
    pub circuit: Circuit,
    pub products: Input<Product>,
    pub line_items: Input<LineItem>,
    pub changes: Output<Receipt>,
    pub receipts: Cache<Receipt>,
}

/// The query as a circuit.
pub fn shop() -> worldstore_core::Result<Shop> {
    let builder = Builder::new();
    let (products, product_rows) = builder.input("products");
    let (line_items, line_item_rows) = builder.input("line_items");
    let rows = receipts(product_rows, line_item_rows);
    let (changes, receipts) = (rows.output("changes"), rows.cache("receipts"));
    Ok(Shop { circuit: builder.build()?, products, line_items, changes, receipts })
}

pub fn product(name: &str, price: i64) -> Product {
    Product { name: name.to_owned(), price }
}

pub fn line_item(basket_id: u64, product_name: &str, quantity: i64) -> LineItem {
    LineItem { basket_id, product_name: product_name.to_owned(), quantity }
}
