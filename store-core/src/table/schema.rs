//! Comparing the schema of rows with the schema of a table.

use arrow::datatypes::{Field, Schema};

use crate::error::{Error, Result};

/// Checks that rows of schema `got` can be appended to a table of schema `expected`: the same columns in the same
/// order, with the same names, types and nullability. Metadata does not count.
///
/// # Errors
/// `Invalid`, naming the first difference.
pub fn check_schema(expected: &Schema, got: &Schema) -> Result<()> {
    let same = |ours: &Field, theirs: &Field| {
        ours.name() == theirs.name()
            && ours.data_type() == theirs.data_type()
            && ours.is_nullable() == theirs.is_nullable()
    };
    let other = || Error::invalid("rows have another schema than the table");
    for (ours, theirs) in expected.fields().iter().zip(got.fields()) {
        if !same(ours, theirs) {
            return Err(other().with("expected", describe(ours)).with("got", describe(theirs)));
        }
    }
    match expected.fields().len() == got.fields().len() {
        true => Ok(()),
        false => Err(other().with("expected_columns", expected.fields().len()).with("got_columns", got.fields().len())),
    }
}

fn describe(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{} {}{null}", field.name(), field.data_type())
}
