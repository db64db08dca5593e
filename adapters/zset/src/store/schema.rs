//! Whether the tables of a store fit those of a circuit.

use std::collections::BTreeMap;

use worldstore_core::{Error, Result};

use super::Mode;
use crate::table::Table;

/// What is to be done before the store can be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// All tables are there and fit.
    Nothing,
    /// None is there: make all.
    Create,
}

/// Compares the signatures that a store has, by table, with the tables of a circuit.
pub(super) fn compare(stored: &BTreeMap<String, String>, tables: &[&Table], mode: Mode) -> Result<Todo> {
    if stored.is_empty() {
        return match mode {
            Mode::CreateTables => Ok(Todo::Create),
            Mode::Open if tables.is_empty() => Ok(Todo::Nothing),
            Mode::Open => Err(Error::not_found("the store has no tables; open it with create tables")),
        };
    }
    for table in tables {
        match stored.get(&table.name) {
            None => {
                let error = Error::invalid("the store was made for another circuit: an operator has no table in it");
                return Err(error.with("operator", &table.operator).with("table", &table.name));
            }
            Some(signature) if *signature != table.signature => {
                let error = Error::invalid("the store was made for another circuit: an operator differs");
                let error = error.with("operator", &table.operator).with("table", &table.name);
                return Err(error.with("stored", signature).with("wanted", &table.signature));
            }
            Some(_) => {}
        }
    }
    match stored.keys().find(|name| tables.iter().all(|table| table.name != **name)) {
        None => Ok(Todo::Nothing),
        Some(name) => {
            let message = "the store was made for another circuit: it has a table that no operator keeps current";
            Err(Error::invalid(message).with("table", name))
        }
    }
}
