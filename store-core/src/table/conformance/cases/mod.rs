//! The cases.

mod appends;
mod reads;
mod upkeep;
mod watermarks;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::step::{At, Case, Needs, Step};
use crate::error::Result;
use crate::table::ops::{AppendOptions, Existing};
use crate::table::scan::Scan;

/// All cases. Each runs on tables of its own.
///
/// # Errors
/// None that can happen: the rows are constants.
pub fn cases() -> Result<Vec<Case>> {
    let mut all = appends::cases()?;
    all.extend(reads::cases()?);
    all.extend(watermarks::cases()?);
    all.extend(upkeep::cases()?);
    Ok(all)
}

fn case(name: &'static str, steps: Vec<Step>) -> Case {
    Case { name, needs: Needs::Nothing, steps }
}

fn create(table: &'static str, schema: SchemaRef) -> Step {
    Step::Create { table, schema, existing: Existing::Refuse }
}

fn keep(table: &'static str, schema: SchemaRef) -> Step {
    Step::Create { table, schema, existing: Existing::Keep }
}

fn append(table: &'static str, batches: Vec<RecordBatch>) -> Step {
    Step::Append { table, batches, options: AppendOptions::default() }
}

fn read(table: &'static str, scan: Scan) -> Step {
    Step::Scan { table, scan, at: At::Latest }
}

fn all(table: &'static str) -> Step {
    read(table, Scan::all())
}

fn describe(table: &'static str) -> Step {
    Step::Describe { table, at: At::Latest }
}
