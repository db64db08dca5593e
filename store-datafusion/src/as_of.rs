//! The table function `as_of('table', tick [, 'run'])`.
//!
//! A function is called while a statement is planned, where nothing can be awaited. So it notes what it is asked for;
//! the session pins that together with the tables of the statement, and plans again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, TableReference, plan_datafusion_err, plan_err};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use crate::source::TableSelection;

/// Its name in statements.
pub(crate) const AS_OF: &str = "as_of";

#[derive(Debug, Default)]
pub(crate) struct AsOf {
    calls: Mutex<Vec<Call>>,
}

#[derive(Debug)]
struct Call {
    selection: TableSelection,
    provider: Option<Arc<dyn TableProvider>>,
}

impl AsOf {
    /// Everything it was asked for so far.
    pub fn selections(&self) -> Vec<TableSelection> {
        self.lock().iter().map(|call| call.selection.clone()).collect()
    }

    /// Gives it what it will answer with, in the order of [`selections`](Self::selections).
    pub fn answer(&self, providers: impl IntoIterator<Item = Arc<dyn TableProvider>>) -> Result<()> {
        for (call, provider) in self.lock().iter_mut().zip(providers) {
            call.provider = Some(named(&call.selection, provider)?);
        }
        Ok(())
    }

    /// True if it was asked for what it has no answer to.
    pub fn is_waiting(&self) -> bool {
        self.lock().iter().any(|call| call.provider.is_none())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a scan a name of its own. DataFusion names them all after the function and takes scans of one name for the same
/// rows: of two subqueries at two ticks it would run one.
fn named(selection: &TableSelection, provider: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let TableSelection { table, run, as_of, at } = selection;
    let name = TableReference::bare(format!("{table} as of {as_of:?} of {run:?} at {at:?}"));
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

impl TableFunctionImpl for AsOf {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let selection = selection(args.exprs())?;
        let mut calls = self.lock();
        match calls.iter().find(|call| call.selection == selection) {
            Some(Call { provider: Some(provider), .. }) => return Ok(Arc::clone(provider)),
            Some(_) => {}
            None => calls.push(Call { selection, provider: None }),
        }
        plan_err!("the tables of {AS_OF} are not pinned yet")
    }
}

fn selection(args: &[Expr]) -> Result<TableSelection> {
    let usage =
        || plan_datafusion_err!("{AS_OF} takes a table, a tick and perhaps a run, like as_of('cars', 10, 'main')");
    let value = |arg: &Expr| match arg {
        Expr::Literal(value, _) => Ok(value.clone()),
        _ => Err(usage()),
    };
    let text = |arg: &Expr| match value(arg)? {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            Ok(text)
        }
        _ => Err(usage()),
    };
    let (table, tick, run) = match args {
        [table, tick] => (table, tick, None),
        [table, tick, run] => (table, tick, Some(run)),
        _ => return Err(usage()),
    };
    let mut selection = TableSelection::table(text(table)?);
    selection.as_of = match value(tick)? {
        ScalarValue::Int64(Some(tick)) => Some(tick),
        // The tick that the session reads by default.
        ScalarValue::Null => None,
        _ => return Err(usage()),
    };
    selection.run = run.map(text).transpose()?;
    Ok(selection)
}
