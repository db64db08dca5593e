//! Whether the tables of a store fit those of a circuit.

use std::collections::BTreeMap;

use worldstore_core::{Error, Result};

use super::Mode;
use crate::table::Table;

/// A table as a store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) signature: String,
    /// False between the making of a table that was added, and its filling.
    pub(super) is_filled: bool,
}

/// What is to be done before the store can be used.
#[derive(Debug, Default)]
pub(super) struct Todo<'t> {
    /// Names of tables to remove: those that a migration made and did not come to fill.
    pub(super) remove: Vec<String>,
    /// Tables to make, after that.
    pub(super) create: Vec<&'t Table>,
    /// Names of those that are added to others and are to be filled.
    pub(super) fill: Vec<String>,
}

impl Todo<'_> {
    /// True if the tables that are there stay as they are.
    pub(super) fn is_nothing(&self) -> bool {
        self.remove.is_empty() && self.create.is_empty()
    }
}

/// Compares the tables that a store has with those of a circuit.
pub(super) fn compare<'t>(stored: &BTreeMap<String, Stored>, tables: &[&'t Table], mode: Mode) -> Result<Todo<'t>> {
    if stored.is_empty() {
        return match mode {
            Mode::CreateTables | Mode::Migrate => Ok(Todo { create: tables.to_vec(), ..Todo::default() }),
            Mode::Open if tables.is_empty() => Ok(Todo::default()),
            Mode::Open => Err(Error::not_found("the store has no tables; open it with create tables")),
        };
    }
    let mut todo = Todo::default();
    if mode == Mode::Migrate {
        let unfilled = stored.iter().filter(|(_, found)| !found.is_filled);
        todo.remove.extend(unfilled.map(|(name, _)| name.clone()));
    }
    for table in tables {
        if is_about_steps(&table.name) && !stored.contains_key(&table.name) {
            // A store that was made without it gets it when tables may be made; until then steps are whole in it.
            if mode != Mode::Open {
                todo.create.push(table);
            }
            continue;
        }
        match stored.get(&table.name).filter(|found| found.is_filled || mode != Mode::Migrate) {
            None if mode == Mode::Migrate => {
                todo.create.push(table);
                todo.fill.push(table.name.clone());
            }
            None => {
                let message = "the store was made for another circuit: an operator has no table in it; migrate adds it";
                return Err(of(table, Error::invalid(message)));
            }
            Some(found) if found.signature != table.signature => {
                let error = of(table, Error::invalid("the store was made for another circuit: an operator differs"));
                return Err(error.with("stored", &found.signature).with("wanted", &table.signature));
            }
            Some(found) if found.is_filled => {}
            Some(_) => {
                return Err(of(
                    table,
                    Error::invalid("a migration of the store was not finished; migrate finishes it"),
                ));
            }
        }
    }
    // What an unfinished migration to yet another circuit left behind is empty.
    let is_foreign = |name: &str| !is_about_steps(name) && tables.iter().all(|table| table.name != name);
    match stored.iter().find(|(name, found)| found.is_filled && is_foreign(name)) {
        None => Ok(todo),
        Some((name, _)) => {
            let message = "the store was made for another circuit: it has a table that no operator keeps current";
            Err(Error::invalid(message).with("table", name))
        }
    }
}

/// True for tables that belong to no operator; names of operators cannot begin like this.
fn is_about_steps(name: &str) -> bool {
    name.starts_with('_')
}

fn of(table: &Table, error: Error) -> Error {
    error.with("operator", &table.operator).with("table", &table.name)
}
