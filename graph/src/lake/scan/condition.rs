//! Conditions on one column, which are decided for values of a dictionary in place of rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::error::from_datafusion;
use crate::lake::pages::Test;

/// A condition over a schema of its one column.
#[derive(Debug)]
pub(super) struct Condition {
    expr: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl Condition {
    /// The condition, over a schema of its one column.
    pub fn new(expr: Arc<dyn PhysicalExpr>, schema: SchemaRef) -> Result<Self> {
        Ok(Self { expr: reassign_expr_columns(expr, &schema)?, schema })
    }

    fn evaluate(&self, values: &ArrayRef) -> Result<BooleanArray> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::clone(values)])?;
        let array = self.expr.evaluate(&batch)?.into_array(values.len())?;
        Ok(as_boolean_array(&array)?.clone())
    }
}

impl Test for Condition {
    fn keeps(&self, values: &ArrayRef) -> worldstore_core::Result<BooleanArray> {
        self.evaluate(values).map_err(from_datafusion)
    }
}

/// True if an expression is a condition on one column that gives an answer for whatever value.
///
/// What computes can fail for a value that no row has, and stays with the rows.
pub(super) fn is_of_one_column(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let mut is_known = collect_columns(expr).len() == 1;
    let looked = expr.apply(|node| {
        is_known &= decides(node);
        Ok(if is_known { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    looked.is_ok() && is_known
}

fn decides(node: &Arc<dyn PhysicalExpr>) -> bool {
    if let Some(binary) = node.downcast_ref::<BinaryExpr>() {
        use Operator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
        return matches!(binary.op(), And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq);
    }
    if let Some(function) = node.downcast_ref::<ScalarFunctionExpr>() {
        return function.name() == "isnan";
    }
    // Numbers of all other types are numbers of this one.
    if let Some(cast) = node.downcast_ref::<CastExpr>() {
        return *cast.cast_type() == DataType::Float64;
    }
    node.downcast_ref::<Column>().is_some()
        || node.downcast_ref::<Literal>().is_some()
        || node.downcast_ref::<NotExpr>().is_some()
        || node.downcast_ref::<IsNullExpr>().is_some()
        || node.downcast_ref::<IsNotNullExpr>().is_some()
        || node.downcast_ref::<InListExpr>().is_some()
}
