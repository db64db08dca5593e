//! `worldstore sql`.

use futures::TryStreamExt;
use worldstore::sql::SqlOptions;
use worldstore::{Registry, Result};

use super::query::text;
use super::{read, view};
use crate::args::sql::SqlArgs;
use crate::output::Rows;

pub async fn run(args: SqlArgs, registry: &Registry) -> Result<()> {
    let text = text(args.text.as_deref(), args.file.as_deref())?;
    let view = view(&read(&args.at, registry).await?, &args.run, args.as_of).await?;
    let mut options = SqlOptions::default().with_memory_bytes_max(args.limit_memory);
    (options.time_max, options.rows_max) = (args.timeout, args.limit_rows);
    let mut answer = view.sql_with(&text, &options).await?;
    let mut rows = Rows::new(args.output.format(), answer.schema.clone())?;
    while let Some(batch) = answer.batches.try_next().await? {
        rows.write(&batch)?;
    }
    rows.finish()
}
