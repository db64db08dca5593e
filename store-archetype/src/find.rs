//! Which tables hold the components that a query asks for.

use arrow::datatypes::{Schema, SchemaRef};
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};

use crate::component::{ComponentSchema, Presence};
use crate::plan;

/// What a search has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Matches {
    /// Tables that hold all components, and perhaps more, in the order given.
    pub tables: Vec<TableName>,
    /// Tables that were left out because a component has other columns there.
    pub conflicts: Vec<Conflict>,
}

/// A component that has other columns in a table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Conflict {
    /// The table.
    pub table: TableName,
    /// The component.
    pub component: String,
    /// What differs: names the column, and `expected` and `got` where types differ.
    pub error: Error,
}

/// Finds the tables that hold all of these components: by name and by columns. A table that was made before an optional
/// field was added, or before a field was renamed, holds the component too.
///
/// # Errors
/// `Invalid` for no component; `NotFound`, naming the component, if no table holds it.
pub fn find<'a>(
    tables: impl IntoIterator<Item = (&'a TableName, &'a SchemaRef)>,
    components: &[ComponentSchema],
) -> Result<Matches> {
    if components.is_empty() {
        return Err(Error::invalid("no component to look for"));
    }
    let mut matches = Matches { tables: Vec::new(), conflicts: Vec::new() };
    let mut held = vec![false; components.len()];
    for (table, schema) in tables {
        let mut all = true;
        for (component, held) in components.iter().zip(&mut held) {
            match holds(schema, component) {
                Ok(true) => *held = true,
                Ok(false) => all = false,
                Err(error) => {
                    all = false;
                    let (table, component) = (table.clone(), component.name().to_owned());
                    matches.conflicts.push(Conflict { table, component, error });
                }
            }
        }
        if all {
            matches.tables.push(table.clone());
        }
    }
    match components.iter().zip(held).find(|(_, held)| !held) {
        Some((missing, _)) => Err(absent(missing, &matches)),
        None => Ok(matches),
    }
}

/// Whether the table has the component; an error if it has another one of that name.
fn holds(table: &Schema, component: &ComponentSchema) -> Result<bool> {
    let (mut found, mut missing) = (false, None);
    for column in component.columns() {
        match plan::find(table, column)? {
            Some(field) => {
                plan::check_type(field, column)?;
                found = true;
            }
            None if column.presence() == Presence::Required => missing = Some(column),
            None => {}
        }
    }
    let prefix = format!("{}__", component.name());
    let is_named = table.fields().iter().any(|field| field.name().starts_with(&prefix));
    match (is_named, missing) {
        (true, Some(column)) => Err(Error::invalid("the table misses a column of the component")
            .with("column", column.name())
            .with("expected", column.data_type())),
        _ => Ok(found),
    }
}

fn absent(component: &ComponentSchema, matches: &Matches) -> Error {
    let other = matches.conflicts.iter().filter(|conflict| conflict.component == component.name());
    let other: Vec<&str> = other.map(|conflict| conflict.table.as_str()).collect();
    let error = Error::not_found("no table holds this component").with("component", component.name());
    match other.is_empty() {
        true => error,
        false => error.with("tables_with_other_columns", other.join(" ")),
    }
}

#[cfg(test)]
mod tests;
