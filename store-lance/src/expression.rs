//! Predicates as DataFusion expressions that give the same rows as their reference evaluation.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit};
use worldstore_core::table::{CompareOp, Predicate, Scalar};
use worldstore_core::{Error, Result};

/// Translates a predicate over a table of this schema.
///
/// # Errors
/// `Invalid` if a column is missing or cannot be compared with its constant.
pub(crate) fn translate(predicate: &Predicate, schema: &Schema) -> Result<Expr> {
    match predicate {
        Predicate::Compare { column, op, value } => compare(column, *op, value, type_of(schema, column)?),
        Predicate::IsNull(name) => type_of(schema, name).map(|_| column(name).is_null()),
        Predicate::IsNotNull(name) => type_of(schema, name).map(|_| column(name).is_not_null()),
        Predicate::And(_) => all_of(predicate, schema, Operator::And, true),
        Predicate::Or(_) => all_of(predicate, schema, Operator::Or, false),
        Predicate::Not(inner) => Ok(Expr::Not(Box::new(translate(inner, schema)?))),
        other => Err(Error::unsupported("predicate is not known here").with("predicate", format!("{other:?}"))),
    }
}

/// What an operator puts together, also over several predicates in each other, as a tree that is as flat as can be: what
/// plans and evaluates it calls itself once for each level.
fn all_of(predicate: &Predicate, schema: &Schema, operator: Operator, empty: bool) -> Result<Expr> {
    let (mut waiting, mut parts) = (vec![predicate], Vec::new());
    while let Some(part) = waiting.pop() {
        match (part, operator) {
            (Predicate::And(inner), Operator::And) | (Predicate::Or(inner), Operator::Or) => {
                waiting.extend(inner.iter().rev());
            }
            (part, _) => parts.push(translate(part, schema)?),
        }
    }
    while parts.len() > 1 {
        let mut rest = parts.into_iter();
        parts = Vec::with_capacity(rest.len().div_ceil(2));
        while let Some(left) = rest.next() {
            parts.push(match rest.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
    }
    Ok(parts.pop().unwrap_or_else(|| lit(empty)))
}

/// A column by its exact name.
fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn type_of<'schema>(schema: &'schema Schema, name: &str) -> Result<&'schema DataType> {
    let field = schema.field_with_name(name);
    field.map(|field| field.data_type()).map_err(|_| Error::invalid("unknown column").with("column", name))
}

fn compare(name: &str, op: CompareOp, value: &Scalar, data_type: &DataType) -> Result<Expr> {
    let operator = match op {
        CompareOp::Eq => Operator::Eq,
        CompareOp::NotEq => Operator::NotEq,
        CompareOp::Lt => Operator::Lt,
        CompareOp::LtEq => Operator::LtEq,
        CompareOp::Gt => Operator::Gt,
        CompareOp::GtEq => Operator::GtEq,
    };
    let constant = ScalarValue::try_from_array(&value.to_array(), 0)
        .map_err(|source| Error::unexpected("constant has no value").caused_by(source))?;
    let Some(common) = value.common_type(data_type) else {
        return Err(Error::invalid("column cannot be compared with this constant")
            .with("column", name)
            .with("type", data_type)
            .with("constant", value));
    };
    if data_type.is_integer() && !matches!(value, Scalar::Float(_)) {
        return Ok(compare_integers(name, operator, &constant, value, data_type));
    }
    let constant = cast_constant(&constant, &common)?;
    let left = if *data_type == common { column(name) } else { cast(column(name), common) };
    Ok(binary_expr(left, operator, lit(constant)))
}

fn cast_constant(constant: &ScalarValue, to: &DataType) -> Result<ScalarValue> {
    constant.cast_to(to).map_err(|source| Error::unexpected("constant cannot be cast").caused_by(source))
}

/// Where the constant fits the column's type, it is compared as it is, so that statistics and indexes apply. Where it
/// does not, the answer is the same for every value that is not null.
fn compare_integers(name: &str, op: Operator, constant: &ScalarValue, value: &Scalar, data_type: &DataType) -> Expr {
    if let Ok(fitting) = constant.cast_to(data_type)
        && !fitting.is_null()
    {
        return binary_expr(column(name), op, lit(fitting));
    }
    let is_negative = matches!(value, Scalar::Int(value) if *value < 0);
    let holds = match op {
        Operator::NotEq => true,
        Operator::Gt | Operator::GtEq => is_negative,
        Operator::Lt | Operator::LtEq => !is_negative,
        _ => false,
    };
    let unknown = lit(ScalarValue::Boolean(None));
    match holds {
        true => column(name).is_not_null().or(unknown),
        false => column(name).is_null().and(unknown),
    }
}
