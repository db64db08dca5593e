//! A shorter way into stores that keep the state in this process.

use worldstore_core::Result;

use super::{Keys, Visitor};
use crate::table::Table;
use crate::weight::Weight;

/// Called with the number of the key and its value, `None` if it has none.
pub type FoundVisitor<'v> = dyn FnMut(usize, Option<&[u8]>) -> Result<()> + 'v;

/// Entries to put: keys, each with a value or with `None`, which removes it.
pub type Entries<'e> = dyn Iterator<Item = (&'e [u8], Option<&'e [u8]>)> + 'e;

/// What a step does most, without columns and without an allocation for each key. It means what the methods of
/// [`Transaction`](super::Transaction) and [`Snapshot`](super::Snapshot) mean, and is undone and committed with them.
pub trait Direct {
    /// Adds to the weights of keys; nobody wants to know the new ones. A key that comes twice gets the sum.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits; otherwise those of the store. The transaction must then be
    /// dropped.
    fn append(&mut self, table: &Table, keys: Keys, changes: Vec<Weight>) -> Result<()>;

    /// Visits the values of keys of a table of values, in the order of the keys.
    ///
    /// # Errors
    /// Those of the store, and those of the visitor, which end the visit.
    fn visit_values(&mut self, table: &Table, keys: &[&[u8]], visitor: &mut FoundVisitor<'_>) -> Result<()>;

    /// Puts or removes values of different keys.
    ///
    /// # Errors
    /// Those of the store. The transaction must then be dropped.
    fn put_all(&mut self, table: &Table, entries: &mut Entries<'_>) -> Result<()>;

    /// Visits the entries of a table of weights whose keys begin with each of these, ascending.
    ///
    /// # Errors
    /// Those of the store, and those of the visitor, which end the scan.
    fn scan_prefixes(&mut self, table: &Table, prefixes: &[&[u8]], visitor: &mut Visitor<'_>) -> Result<()>;
}
