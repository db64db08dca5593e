//! From a condition of the query to one that can be bounded; what is not known here becomes [`Node::Other`].

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, ExprSchemable, Operator};

use super::arithmetic::{Number, VALUE, above, below};
use super::{Comparison, FALSE, Function, Limits, Node, Operation, TRUE, Unit};
use crate::bind::{ADD, MULTIPLY, SUBTRACT};

/// Parts of a condition that is looked at; a larger one is not bounded.
const PARTS_MAX: usize = 4_096;

/// Whole numbers up to here are the same as floats of 32 bits.
const FLOAT_32_EXACT_MAX: f64 = 16_777_216.0;

/// A condition that can be asked of row groups.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition(Node);

impl Condition {
    /// True if no row of a row group can fulfil it.
    pub fn rules_out(&self, unit: &Unit<'_>) -> bool {
        self.0.truth(unit) & TRUE == 0
    }

    /// True if all rows of a row group fulfil it.
    pub fn is_certain(&self, unit: &Unit<'_>) -> bool {
        self.0.truth(unit) & !TRUE == 0
    }
}

impl Condition {
    /// The part of the rows of a row group that is expected to fulfil it, if values lie evenly between their bounds; none if
    /// it is no comparison of columns with constants.
    pub fn share(&self, unit: &Unit<'_>) -> Option<f64> {
        self.0.share(unit)
    }
}

/// A condition over columns of the files and of the path, whose names have no qualifier.
pub(crate) fn compile(filter: &Expr, schema: &DFSchema, path_columns: usize) -> Condition {
    let mut parts = 0;
    // The closure never fails, so neither does the walk.
    let _ = filter.apply(|_| {
        parts += 1;
        Ok(if parts > PARTS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    let compiler = Compiler { schema, first_path: schema.fields().len() - path_columns };
    Condition(if parts > PARTS_MAX { Node::Other } else { compiler.node(filter) })
}

struct Compiler<'schema> {
    schema: &'schema DFSchema,
    first_path: usize,
}

/// Values that compare with each other as their bounds do.
#[derive(Debug, PartialEq)]
enum Class {
    Number,
    Bool,
    Text,
    Time(DataType),
    Null,
    Other,
}

impl Compiler<'_> {
    fn node(&self, expr: &Expr) -> Node {
        match expr {
            Expr::Alias(alias) => self.node(&alias.expr),
            Expr::Column(column) => self.column(column),
            Expr::Literal(value, _) => literal(value),
            Expr::Not(inner) => Node::Not(Box::new(self.node(inner))),
            Expr::IsNull(inner) => Node::IsNull(Box::new(self.node(inner))),
            Expr::IsNotNull(inner) => Node::Not(Box::new(Node::IsNull(Box::new(self.node(inner))))),
            Expr::Negative(inner) => self.function(Function::Negate, inner, expr),
            Expr::Cast(Cast { expr: inner, .. }) => self.function(Function::Cast, inner, expr),
            Expr::BinaryExpr(binary) => self.binary(binary, expr),
            Expr::Between(Between { expr: value, negated, low, high }) => {
                let low = self.compare(Comparison::GreaterOrEqual, value, low);
                let both = Node::And(Box::new(low), Box::new(self.compare(Comparison::LessOrEqual, value, high)));
                if *negated { Node::Not(Box::new(both)) } else { both }
            }
            Expr::InList(InList { expr: value, list, negated }) => {
                let equal = list.iter().map(|item| self.compare(Comparison::Equal, value, item));
                let any = equal.reduce(|one, other| Node::Or(Box::new(one), Box::new(other)));
                let any = any.unwrap_or(Node::Truth(FALSE));
                if *negated { Node::Not(Box::new(any)) } else { any }
            }
            Expr::ScalarFunction(call) => self.call(call, expr),
            _ => Node::Other,
        }
    }

    fn column(&self, column: &Column) -> Node {
        match self.schema.index_of_column_by_name(None, &column.name) {
            Some(index) if index < self.first_path => Node::Column(index),
            Some(index) => Node::Path(index - self.first_path),
            None => Node::Other,
        }
    }

    fn class(&self, expr: &Expr) -> Class {
        match expr.get_type(self.schema) {
            Ok(DataType::Null) => Class::Null,
            Ok(DataType::Boolean) => Class::Bool,
            Ok(data_type) if data_type.is_integer() || data_type.is_floating() => Class::Number,
            Ok(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => Class::Text,
            Ok(DataType::Dictionary(_, value)) if value.is_string() => Class::Text,
            Ok(data_type) if data_type.is_temporal() => Class::Time(data_type),
            _ => Class::Other,
        }
    }

    /// Where a computed number ends; none if it is no number, or one that is rounded more coarsely than here.
    fn limits(&self, expr: &Expr) -> Option<Limits> {
        let int = |bits: u32, is_signed: bool| match is_signed {
            true => Limits::Int {
                low: -2_f64.powi(bits as i32 - 1),
                high: (2_f64.powi(bits as i32 - 1) - 1.0).min(below(i64::MAX)),
            },
            false => Limits::Int { low: 0.0, high: (2_f64.powi(bits as i32) - 1.0).min(2_f64.powi(63)) },
        };
        match expr.get_type(self.schema).ok()? {
            DataType::Float64 => Some(Limits::Float),
            DataType::Int8 => Some(int(8, true)),
            DataType::Int16 => Some(int(16, true)),
            DataType::Int32 => Some(int(32, true)),
            DataType::Int64 => Some(int(64, true)),
            DataType::UInt8 => Some(int(8, false)),
            DataType::UInt16 => Some(int(16, false)),
            DataType::UInt32 => Some(int(32, false)),
            DataType::UInt64 => Some(int(64, false)),
            _ => None,
        }
    }

    fn function(&self, function: Function, inner: &Expr, whole: &Expr) -> Node {
        let narrows = || {
            // A cast from a float to a whole number cuts, and may fail.
            let from = inner.get_type(self.schema).ok();
            function == Function::Cast
                && from.is_none_or(|from| from.is_floating())
                && self.limits(whole) != Some(Limits::Float)
        };
        match self.limits(whole) {
            Some(limits) if self.class(inner) == Class::Number && !narrows() => {
                Node::Function(function, Box::new(self.node(inner)), limits)
            }
            _ => Node::Other,
        }
    }

    fn call(&self, call: &ScalarFunction, whole: &Expr) -> Node {
        match (call.name(), call.args.as_slice()) {
            ("sqrt", [inner]) => self.function(Function::Sqrt, inner, whole),
            ("abs", [inner]) => self.function(Function::Abs, inner, whole),
            ("floor", [inner]) => self.function(Function::Floor, inner, whole),
            ("ceil", [inner]) => self.function(Function::Ceil, inner, whole),
            (ADD, [one, other]) => self.arithmetic(Operation::Add, one, other, whole),
            (SUBTRACT, [one, other]) => self.arithmetic(Operation::Subtract, one, other, whole),
            (MULTIPLY, [one, other]) => self.arithmetic(Operation::Multiply, one, other, whole),
            _ => Node::Other,
        }
    }

    fn binary(&self, BinaryExpr { left, op, right }: &BinaryExpr, whole: &Expr) -> Node {
        let arithmetic = |operation| self.arithmetic(operation, left, right, whole);
        match op {
            Operator::And => Node::And(Box::new(self.node(left)), Box::new(self.node(right))),
            Operator::Or => Node::Or(Box::new(self.node(left)), Box::new(self.node(right))),
            Operator::Plus => arithmetic(Operation::Add),
            Operator::Minus => arithmetic(Operation::Subtract),
            Operator::Multiply => arithmetic(Operation::Multiply),
            Operator::Divide => arithmetic(Operation::Divide),
            Operator::Eq => self.compare(Comparison::Equal, left, right),
            Operator::NotEq => self.compare(Comparison::NotEqual, left, right),
            Operator::Lt => self.compare(Comparison::Less, left, right),
            Operator::LtEq => self.compare(Comparison::LessOrEqual, left, right),
            Operator::Gt => self.compare(Comparison::Greater, left, right),
            Operator::GtEq => self.compare(Comparison::GreaterOrEqual, left, right),
            _ => Node::Other,
        }
    }

    fn arithmetic(&self, operation: Operation, left: &Expr, right: &Expr, whole: &Expr) -> Node {
        match self.limits(whole) {
            Some(limits) if self.class(left) == Class::Number && self.class(right) == Class::Number => {
                Node::Arithmetic(operation, Box::new(self.node(left)), Box::new(self.node(right)), limits)
            }
            _ => Node::Other,
        }
    }

    /// True if whole numbers are rounded to floats of 32 bits before they are compared.
    fn is_coarse(&self, float: &Expr, int: &Expr) -> bool {
        let is_small = match int {
            Expr::Literal(value, _) => match literal(value) {
                Node::Number(number) => number.low.abs() <= FLOAT_32_EXACT_MAX,
                _ => true,
            },
            _ => false,
        };
        let type_of = |expr: &Expr| expr.get_type(self.schema).ok();
        !is_small && type_of(float) == Some(DataType::Float32) && type_of(int).is_none_or(|int| int.is_integer())
    }

    /// Values of different classes compare in ways of their own.
    fn compare(&self, comparison: Comparison, left: &Expr, right: &Expr) -> Node {
        let (one, other) = (self.class(left), self.class(right));
        if self.is_coarse(left, right) || self.is_coarse(right, left) {
            return Node::Other;
        }
        match one != Class::Other && (one == other || one == Class::Null || other == Class::Null) {
            true => Node::Compare(comparison, Box::new(self.node(left)), Box::new(self.node(right))),
            false => Node::Other,
        }
    }
}

fn literal(value: &ScalarValue) -> Node {
    if value.is_null() {
        return Node::Null;
    }
    let int = |value: i64| Node::Number(Number { low: below(value), high: above(value), may: VALUE });
    let float = |value: f64| match value.is_nan() {
        true => Node::Other,
        false => Node::Number(Number { low: value, high: value, may: VALUE }),
    };
    match value {
        ScalarValue::Boolean(Some(value)) => Node::Truth(if *value { TRUE } else { FALSE }),
        ScalarValue::Int8(Some(value)) => int(i64::from(*value)),
        ScalarValue::Int16(Some(value)) => int(i64::from(*value)),
        ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => int(i64::from(*value)),
        ScalarValue::Int64(Some(value)) => int(*value),
        ScalarValue::UInt8(Some(value)) => int(i64::from(*value)),
        ScalarValue::UInt16(Some(value)) => int(i64::from(*value)),
        ScalarValue::UInt32(Some(value)) => int(i64::from(*value)),
        ScalarValue::UInt64(Some(value)) => i64::try_from(*value).map_or(Node::Other, int),
        ScalarValue::Float32(Some(value)) => float(f64::from(*value)),
        ScalarValue::Float64(Some(value)) => float(*value),
        ScalarValue::Time32Second(Some(value)) | ScalarValue::Time32Millisecond(Some(value)) => int(i64::from(*value)),
        ScalarValue::Time64Microsecond(Some(value)) | ScalarValue::Time64Nanosecond(Some(value)) => int(*value),
        ScalarValue::TimestampSecond(Some(value), _)
        | ScalarValue::TimestampMillisecond(Some(value), _)
        | ScalarValue::TimestampMicrosecond(Some(value), _)
        | ScalarValue::TimestampNanosecond(Some(value), _) => int(*value),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Node::Text(text.clone())
        }
        _ => Node::Other,
    }
}
