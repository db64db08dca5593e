//! Which tables take part in runs and ticks: those that start with the base columns.

use arrow::datatypes::Schema;
use worldstore_core::table::{DescribeOptions, TableInfo, base};
use worldstore_core::{Error, Result};

use super::World;

impl World {
    /// The tables that have runs and ticks, sorted by name. Others, made past the world, have neither.
    pub(super) async fn world_tables(&self) -> Result<Vec<TableInfo>> {
        let mut found = Vec::new();
        for name in self.tables().await? {
            match self.inner.tables.describe(&name, &DescribeOptions::default()).await {
                Ok(info) if check_base(&info.schema).is_ok() => found.push(info),
                Ok(_) => {}
                // Removed since the list was made.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}

/// Checks that a table starts with the base columns.
pub(super) fn check_base(schema: &Schema) -> Result<()> {
    let base = base::fields();
    let starts = base.iter().zip(schema.fields());
    let same = starts.filter(|(ours, theirs)| ours.name() == theirs.name() && ours.data_type() == theirs.data_type());
    match same.count() == base.len() {
        true => Ok(()),
        false => Err(Error::invalid("table has no base columns, so it has no runs and ticks")),
    }
}

/// Whether a column is one of the base columns.
pub(super) fn is_base(column: &str) -> bool {
    base::fields().iter().any(|field| field.name() == column)
}
