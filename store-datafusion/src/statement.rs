//! Which statements are run: those that only ask.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use worldstore_core::{Error, Result};

/// Refuses what is no question, by its form alone: before a table is looked up.
pub(crate) fn check(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(inner) => check_sql(inner),
        Statement::Explain(explain) => check(&explain.statement),
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

fn check_sql(statement: &SqlStatement) -> Result<()> {
    match statement {
        SqlStatement::Query(_)
        | SqlStatement::ExplainTable { .. }
        | SqlStatement::ShowTables { .. }
        | SqlStatement::ShowColumns { .. }
        | SqlStatement::ShowFunctions { .. } => Ok(()),
        SqlStatement::Explain { statement, .. } => check_sql(statement),
        other => Err(refused(other.to_string().split_whitespace().next().unwrap_or_default())),
    }
}

/// The error of a statement that is more than a question.
pub(crate) fn refused(what: &str) -> Error {
    Error::unsupported("only queries can be run, for nothing may be changed").with("statement", what)
}
