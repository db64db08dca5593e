//! `PROFILE`: runs a query, and tells what each operator did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use worldstore_core::{Error, Result};
use worldstore_cypher::ast::Query;

use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::graph::Graph;
use crate::options::QueryOptions;
use crate::value::Parameters;

/// Lines of the answer: an operator, the rows that it gave, and the time that it took by itself.
#[derive(Debug, Default)]
struct Lines {
    operators: Vec<String>,
    rows: Vec<Option<u64>>,
    micros: Vec<Option<u64>>,
}

impl Lines {
    fn add(&mut self, operator: String, rows: Option<u64>, time: Option<Duration>) {
        self.operators.push(operator);
        self.rows.push(rows);
        self.micros.push(time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)));
    }

    fn add_plan(&mut self, plan: &Arc<dyn ExecutionPlan>, depth: usize) {
        let metrics = plan.metrics();
        let rows = metrics.as_ref().and_then(|metrics| metrics.output_rows()).map(|rows| rows as u64);
        let nanos = metrics.as_ref().and_then(|metrics| metrics.elapsed_compute());
        let line = displayable(plan.as_ref()).one_line().to_string();
        let time = nanos.map(|nanos| Duration::from_nanos(nanos as u64));
        self.add(format!("{}{}", "  ".repeat(depth), line.trim_end()), rows, time);
        plan.children().into_iter().for_each(|child| self.add_plan(child, depth + 1));
    }

    fn batch(self) -> Result<RecordBatch> {
        let columns: [(&str, ArrayRef); 3] = [
            ("operator", Arc::new(StringArray::from(self.operators))),
            ("rows", Arc::new(UInt64Array::from(self.rows))),
            ("time_us", Arc::new(UInt64Array::from(self.micros))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .map_err(|source| Error::unexpected("columns differ in length").caused_by(source))
    }
}

impl Graph {
    /// Lines: the whole query with its rows and its time on the clock; each operator below it with the rows that it gave and
    /// the time of processors that it took by itself, added up over threads; and what was read. The rows of the query are
    /// not given out.
    pub(crate) async fn profile(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let started = Instant::now();
        let (result, asked) = self.ask_as(query, parameters, options).await?;
        let took = started.elapsed();
        let (plans, is_walked) = (asked.ran(), asked.counters.is_walked());
        let mut lines = Lines::default();
        let way = match (is_walked, plans.is_empty()) {
            (true, _) => "interpreter",
            (false, true) => "answered without a plan",
            (false, false) => "query",
        };
        lines.add(way.to_owned(), Some(result.rows() as u64), Some(took));
        plans.iter().for_each(|plan| lines.add_plan(plan, 1));
        for (name, value) in result.io_stats.counters().into_iter().filter(|(_, value)| *value > 0) {
            lines.add(format!("io_stats: {name}"), Some(value), None);
        }
        let batch = lines.batch()?;
        Ok(QueryResult { schema: batch.schema(), batches: vec![batch], ..result })
    }
}
