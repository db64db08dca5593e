//! `worldstore sql`.

use worldstore::sql::SqlOptions;
use worldstore::{Registry, Result};

use super::query::text;
use super::{print_rows, read, view};
use crate::args::sql::SqlArgs;

pub async fn run(args: SqlArgs, registry: &Registry) -> Result<()> {
    let text = text(args.text.as_deref(), args.file.as_deref())?;
    let view = view(&read(&args.at, registry).await?, &args.run, args.as_of).await?;
    let mut options = SqlOptions::default().with_memory_bytes_max(args.limit_memory);
    (options.time_max, options.rows_max) = (args.timeout, args.limit_rows);
    let answer = view.sql_with(&text, &options).await?;
    print_rows(args.output.format(), answer.schema, answer.batches).await
}
