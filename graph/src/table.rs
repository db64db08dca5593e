//! The table provider over a pinned table of a world.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_core::table::{CompareOp, Predicate, Scalar, Scan};

use crate::error::to_datafusion;
use crate::io_stats::Counters;
use crate::source::PinnedTable;

/// A pinned table, for DataFusion.
#[derive(Debug)]
pub(crate) struct WorldTable {
    table: Arc<dyn PinnedTable>,
    schema: SchemaRef,
    counters: Arc<Counters>,
}

impl WorldTable {
    pub fn new(table: Arc<dyn PinnedTable>, counters: Arc<Counters>) -> Self {
        let schema = table.schema();
        Self { table, schema, counters }
    }
}

#[async_trait]
impl TableProvider for WorldTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match predicate(filter, &self.schema) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(indices) => Arc::new(self.schema.project(indices)?),
            None => Arc::clone(&self.schema),
        };
        let mut scan = Scan::all().with_columns(schema.fields().iter().map(|field| field.name().as_str()));
        for filter in filters.iter().filter_map(|filter| predicate(filter, &self.schema)) {
            scan = scan.with_predicate(filter);
        }
        scan.limit = limit;
        let (table, counters) = (Arc::clone(&self.table), Arc::clone(&self.counters));
        let rows = Rows { table, scan, schema: schema.clone(), counters };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(rows)], None, None, false, limit)?))
    }
}

/// The rows of one scan, opened when they are asked for.
#[derive(Debug)]
struct Rows {
    table: Arc<dyn PinnedTable>,
    scan: Scan,
    schema: SchemaRef,
    counters: Arc<Counters>,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (table, scan, counters) = (Arc::clone(&self.table), self.scan.clone(), Arc::clone(&self.counters));
        counters.add_table_scan();
        let opened = async move { table.scan(&scan).await.map(|scan| scan.batches) };
        let batches = stream::once(opened).try_flatten().map_err(to_datafusion);
        let counted = batches.inspect_ok(move |batch| counters.add_table_rows(batch.num_rows()));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), counted.boxed()))
    }
}

/// The part of DataFusion's expressions that tables understand. What it gives may not keep fewer rows.
fn predicate(filter: &Expr, schema: &Schema) -> Option<Predicate> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Some(Predicate::And(vec![predicate(left, schema)?, predicate(right, schema)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Predicate::Or(vec![predicate(left, schema)?, predicate(right, schema)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => compare(&column.name, *op, value, schema),
            (Expr::Literal(value, _), Expr::Column(column)) => compare(&column.name, op.swap()?, value, schema),
            _ => None,
        },
        Expr::Not(inner) => Some(Predicate::Not(Box::new(predicate(inner, schema)?))),
        Expr::IsNull(inner) => Some(Predicate::IsNull(column(inner)?)),
        Expr::IsNotNull(inner) => Some(Predicate::IsNotNull(column(inner)?)),
        Expr::InList(list) if !list.negated => {
            let name = column(&list.expr)?;
            let equal = |value: &Expr| match value {
                Expr::Literal(value, _) => compare(&name, Operator::Eq, value, schema),
                _ => None,
            };
            Some(Predicate::Or(list.list.iter().map(equal).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    }
}

fn compare(column: &str, op: Operator, value: &ScalarValue, schema: &Schema) -> Option<Predicate> {
    let op = match op {
        Operator::Eq => CompareOp::Eq,
        Operator::NotEq => CompareOp::NotEq,
        Operator::Lt => CompareOp::Lt,
        Operator::LtEq => CompareOp::LtEq,
        Operator::Gt => CompareOp::Gt,
        Operator::GtEq => CompareOp::GtEq,
        _ => return None,
    };
    let value = scalar(value)?;
    value.common_type(schema.field_with_name(column).ok()?.data_type())?;
    Some(Predicate::compare(column, op, value))
}

fn scalar(value: &ScalarValue) -> Option<Scalar> {
    match value {
        ScalarValue::Boolean(Some(value)) => Some(Scalar::Bool(*value)),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(Scalar::Text(text.clone()))
        }
        ScalarValue::UInt64(Some(value)) => Some(Scalar::UInt(*value)),
        ScalarValue::Float32(Some(value)) => Some(Scalar::Float(f64::from(*value))),
        ScalarValue::Float64(Some(value)) => Some(Scalar::Float(*value)),
        ScalarValue::TimestampMicrosecond(Some(value), _) => Some(Scalar::TimestampMicros(*value)),
        number if number.data_type().is_integer() && !number.is_null() => {
            match number.cast_to(&DataType::Int64).ok()? {
                ScalarValue::Int64(Some(value)) => Some(Scalar::Int(value)),
                _ => None,
            }
        }
        _ => None,
    }
}
