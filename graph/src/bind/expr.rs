//! Expressions: names resolved, types checked, Cypher's meaning in DataFusion's terms.

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::functions::expr_fn;
use datafusion::logical_expr::{Case, Expr, Operator, binary_expr, cast, lit};
use worldstore_cypher::ast::{self, BinaryOp, ExprKind, Literal, Name, UnaryOp};
use worldstore_cypher::{Diagnostic, Span};

use super::floats;
use super::functions::{self, Called};
use super::join::column;
use super::kind::Kind;
use super::reads::name_of_expression;
use super::scope::{NodeVariable, Scope};
use super::{mistake, unknown, unsupported, whole};
use crate::value::{Parameters, Value};

pub(super) type Lowered = Result<Expr, Diagnostic>;

/// What names without a dot mean.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names<'scope> {
    /// Columns, in a derived property.
    Columns,
    /// Variables of the patterns.
    Variables(&'scope Scope),
}

/// Lowers expressions over one schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lower<'a> {
    pub schema: &'a DFSchema,
    pub names: Names<'a>,
    pub parameters: &'a Parameters,
}

impl Lower<'_> {
    /// Lowers an expression; aggregates stay in it as they are.
    pub fn value(&self, expr: &ast::Expr) -> Lowered {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => Ok(constant(literal)),
            ExprKind::Parameter(name) => self.parameter(name, span),
            ExprKind::Variable(name) => self.variable(name, span),
            ExprKind::Property(of, property) => self.property(of, property),
            ExprKind::Unary(op, operand) => self.unary(*op, operand),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, span),
            ExprKind::IsNull(operand) => Ok(self.value(operand)?.is_null()),
            ExprKind::IsNotNull(operand) => Ok(self.value(operand)?.is_not_null()),
            ExprKind::List(_) => Err(unsupported(span, "a list outside of IN")),
            ExprKind::CountAll => Ok(functions::count_all(self.weight())),
            ExprKind::Comparisons(first, others) => self.comparisons(first, others, span),
            ExprKind::Call { namespace, .. } if !namespace.is_empty() => {
                Err(unsupported(span, "functions in a namespace"))
            }
            ExprKind::Call { function, distinct, arguments, .. } => self.call(function, *distinct, arguments, span),
            ExprKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref())
            }
            other => Err(unsupported(span, name_of_expression(other))),
        }
    }

    /// `a < b < c`, which means `a < b AND b < c`.
    fn comparisons(&self, first: &ast::Expr, others: &[(BinaryOp, ast::Expr)], span: Span) -> Lowered {
        let mut left = first;
        let mut whole: Option<Expr> = None;
        for (op, right) in others {
            let part = self.binary(*op, left, right, span)?;
            whole = Some(whole.map_or(part.clone(), |before| before.and(part)));
            left = right;
        }
        whole.ok_or_else(|| mistake(span, "a comparison without operators"))
    }

    /// How many matches a row stands for, where it may be several.
    pub(super) fn weight(&self) -> Option<&Expr> {
        match self.names {
            Names::Columns => None,
            Names::Variables(scope) => scope.weight.as_ref(),
        }
    }

    /// Lowers an expression where rows are not grouped.
    pub fn without_aggregates(&self, expr: &ast::Expr, place: &str) -> Lowered {
        let value = self.value(expr)?;
        match functions::has_aggregate(&value) {
            true => Err(mistake(expr.span, format!("an aggregate cannot stand in {place}"))),
            false => Ok(value),
        }
    }

    /// `variable.property = value`, for inline properties.
    pub fn equal_property(&self, variable: &str, property: &Name, value: &ast::Expr) -> Lowered {
        let left = self.column_of(variable, property)?;
        let right = self.without_aggregates(value, "a pattern")?;
        self.comparable(&left, &right, value.span)?;
        Ok(floats::compared(self.schema, left, Operator::Eq, right))
    }

    /// True for a variable of a node that has a key.
    pub(super) fn has_key(&self, expr: &ast::Expr) -> bool {
        self.node(expr).is_some_and(|node| node.key.is_some())
    }

    fn parameter(&self, name: &str, span: Span) -> Lowered {
        match self.parameters.value(name) {
            None => {
                let known: Vec<_> = self.parameters.names().map(|name| format!("${name}")).collect();
                let error = mistake(span, format!("parameter `${name}` has no value"));
                match known.is_empty() {
                    true => Err(error.with_help("no parameter was given".to_owned())),
                    false => Err(error.with_help(format!("given: {}", known.join(", ")))),
                }
            }
            Some(Value::List(_)) => Err(unsupported(span, "a list outside of IN")),
            Some(value) => Ok(literal(value, span)?),
        }
    }

    pub(super) fn variable(&self, name: &str, span: Span) -> Lowered {
        match self.names {
            Names::Columns => self.bare_column(name, span),
            Names::Variables(scope) => match (scope.node(name), scope.edge(name)) {
                (Some(node), _) => Ok(self.structure(&node.name)),
                (None, Some(edge)) if edge.has_properties => Ok(self.structure(&edge.name)),
                (None, Some(_)) => Err(unsupported(span, "a relationship without properties as a value")
                    .with_help("type() tells its type, count() counts".to_owned())),
                (None, None) => {
                    let name = Name { text: name.to_owned(), span };
                    Err(unknown("variable", &name, scope.names()))
                }
            },
        }
    }

    fn bare_column(&self, name: &str, span: Span) -> Lowered {
        match self.schema.iter().find(|(_, field)| field.name() == name) {
            Some((relation, _)) => Ok(Expr::Column(Column::new(relation.cloned(), name))),
            None => {
                let name = Name { text: name.to_owned(), span };
                Err(unknown("column", &name, self.schema.fields().iter().map(|field| field.name().as_str())))
            }
        }
    }

    /// All properties of a variable.
    fn structure(&self, variable: &str) -> Expr {
        let properties = self.properties(variable).flat_map(|name| [lit(name), column(variable, name)]);
        named_struct(properties.collect())
    }

    pub(super) fn properties<'schema>(&'schema self, variable: &'schema str) -> impl Iterator<Item = &'schema str> {
        let of_variable = move |relation: Option<&datafusion::common::TableReference>| {
            relation.is_some_and(|relation| relation.table() == variable)
        };
        self.schema.iter().filter(move |(relation, _)| of_variable(*relation)).map(|(_, field)| field.name().as_str())
    }

    fn property(&self, of: &ast::Expr, property: &Name) -> Lowered {
        match (&of.kind, self.names) {
            (ExprKind::Variable(name), Names::Variables(scope)) => match (scope.node(name), scope.edge(name)) {
                (None, None) => self.variable(name, of.span),
                (None, Some(edge)) if !edge.has_properties => {
                    Err(mistake(property.span, format!("the relationship `{name}` has no properties")))
                }
                _ => self.column_of(name, property),
            },
            _ => Err(unsupported(of.span, "a property of something other than a variable")),
        }
    }

    fn column_of(&self, variable: &str, property: &Name) -> Lowered {
        match self.properties(variable).any(|name| name == property.text) {
            true => Ok(column(variable, &property.text)),
            false => Err(unknown("property", property, self.properties(variable))),
        }
    }

    fn unary(&self, op: UnaryOp, operand: &ast::Expr) -> Lowered {
        let value = self.value(operand)?;
        match op {
            UnaryOp::Not => Ok(datafusion::logical_expr::not(self.expect_bool(value, operand.span)?)),
            UnaryOp::Minus => Ok(whole::negative(self.schema, self.expect(value, &[Kind::Number], operand.span)?)),
            UnaryOp::Plus => self.expect(value, &[Kind::Number], operand.span),
        }
    }

    fn binary(&self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Lowered {
        match op {
            BinaryOp::In => return self.is_in(left, right),
            BinaryOp::Eq | BinaryOp::NotEq => {
                if let (Some(one), Some(other)) = (self.node(left), self.node(right)) {
                    return same_node(op, one, other, span);
                }
            }
            _ => {}
        }
        let (one, other) = (self.value(left)?, self.value(right)?);
        let text = |value, of: &ast::Expr| self.expect(value, &[Kind::Text], of.span);
        let number = |value, of: &ast::Expr| self.expect(value, &[Kind::Number], of.span);
        let bool = |value, of: &ast::Expr| self.expect_bool(value, of.span);
        match op {
            BinaryOp::Or => Ok(bool(one, left)?.or(bool(other, right)?)),
            BinaryOp::And => Ok(bool(one, left)?.and(bool(other, right)?)),
            BinaryOp::Xor => Ok(bool(one, left)?.not_eq(bool(other, right)?)),
            BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => {
                self.comparable(&one, &other, span)?;
                Ok(floats::compared(self.schema, one, comparison(op), other))
            }
            BinaryOp::Matches => Err(unsupported(span, "`=~`").with_help("use STARTS WITH, ENDS WITH or CONTAINS")),
            BinaryOp::Concat => Ok(binary_expr(text(one, left)?, Operator::StringConcat, text(other, right)?)),
            BinaryOp::StartsWith => Ok(expr_fn::starts_with(text(one, left)?, text(other, right)?)),
            BinaryOp::EndsWith => Ok(expr_fn::ends_with(text(one, left)?, text(other, right)?)),
            BinaryOp::Contains => Ok(expr_fn::contains(text(one, left)?, text(other, right)?)),
            BinaryOp::Add if self.kind(&one, left.span)? == Kind::Text => {
                Ok(binary_expr(one, Operator::StringConcat, text(other, right)?))
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => {
                let (one, other) = (number(one, left)?, number(other, right)?);
                Ok(whole::arithmetic(self.schema, one, arithmetic(op), other))
            }
            BinaryOp::Power => {
                let float = |value| cast(value, DataType::Float64);
                Ok(expr_fn::power(float(number(one, left)?), float(number(other, right)?)))
            }
            BinaryOp::In => Err(unsupported(span, "this use of IN")),
        }
    }

    fn node(&self, expr: &ast::Expr) -> Option<&NodeVariable> {
        match (&expr.kind, self.names) {
            (ExprKind::Variable(name), Names::Variables(scope)) => scope.node(name),
            _ => None,
        }
    }

    fn is_in(&self, left: &ast::Expr, right: &ast::Expr) -> Lowered {
        let one = self.value(left)?;
        let values: Vec<Expr> = match &right.kind {
            ExprKind::List(items) => items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?,
            ExprKind::Parameter(name) => match self.parameters.value(name) {
                Some(Value::List(items)) => {
                    items.iter().map(|item| literal(item, right.span)).collect::<Result<_, _>>()?
                }
                Some(_) => return Err(mistake(right.span, format!("parameter `${name}` is no list"))),
                None => return self.parameter(name, right.span),
            },
            _ => return Err(unsupported(right.span, "IN with something other than a list or a parameter")),
        };
        for value in &values {
            self.comparable(&one, value, right.span)?;
        }
        Ok(floats::is_in(self.schema, one, values))
    }

    fn call(&self, function: &Name, distinct: bool, arguments: &[ast::Expr], span: Span) -> Lowered {
        if let (Names::Variables(scope), [only]) = (self.names, arguments)
            && let ExprKind::Variable(name) = &only.kind
            && let Some(value) = functions::of_variable(scope, &function.text, name, distinct, span)?
        {
            return Ok(value);
        }
        if let Some(value) = self.certainty(&function.text, arguments, span)? {
            return Ok(value);
        }
        let arguments = arguments.iter().map(|argument| Ok((self.value(argument)?, argument.span)));
        let mut arguments = arguments.collect::<Result<Vec<_>, Diagnostic>>()?;
        if distinct {
            if let Some((_, span)) = arguments.iter().find(|(value, _)| self.is_nested(value)) {
                return Err(unsupported(*span, "DISTINCT structures and lists"));
            }
            arguments.iter_mut().for_each(|(value, _)| *value = floats::canonical(self.schema, value.clone()));
        }
        functions::call(self, &Called { function, distinct, arguments, span })
    }

    fn case(
        &self,
        operand: Option<&ast::Expr>,
        branches: &[(Vec<ast::Expr>, ast::Expr)],
        otherwise: Option<&ast::Expr>,
    ) -> Lowered {
        let operand = operand.map(|operand| self.value(operand)).transpose()?;
        let mut lowered = Vec::new();
        let branches = branches.iter().flat_map(|(when, then)| when.iter().map(move |when| (when, then)));
        for (when, then) in branches {
            let condition = self.value(when)?;
            let condition = match &operand {
                Some(operand) => {
                    self.comparable(operand, &condition, when.span)?;
                    floats::compared(self.schema, operand.clone(), Operator::Eq, condition)
                }
                None => self.expect_bool(condition, when.span)?,
            };
            lowered.push((Box::new(condition), Box::new(self.value(then)?)));
        }
        let otherwise = otherwise.map(|otherwise| self.value(otherwise)).transpose()?;
        Ok(Expr::Case(Case::new(None, lowered, otherwise.map(Box::new))))
    }
}

fn comparison(op: BinaryOp) -> Operator {
    match op {
        BinaryOp::NotEq => Operator::NotEq,
        BinaryOp::Lt => Operator::Lt,
        BinaryOp::LtEq => Operator::LtEq,
        BinaryOp::Gt => Operator::Gt,
        BinaryOp::GtEq => Operator::GtEq,
        _ => Operator::Eq,
    }
}

fn arithmetic(op: BinaryOp) -> Operator {
    match op {
        BinaryOp::Add => Operator::Plus,
        BinaryOp::Subtract => Operator::Minus,
        BinaryOp::Multiply => Operator::Multiply,
        BinaryOp::Divide => Operator::Divide,
        _ => Operator::Modulo,
    }
}

/// Whether two variables stand for one node.
fn same_node(op: BinaryOp, one: &NodeVariable, other: &NodeVariable, span: Span) -> Lowered {
    if one.label != other.label {
        return Ok(lit(op == BinaryOp::NotEq));
    }
    let Some(key) = &one.key else {
        return Err(mistake(span, format!("nodes of `{}` cannot be compared, the label declares no key", one.label)));
    };
    Ok(binary_expr(column(&one.name, key), comparison(op), column(&other.name, key)))
}

fn constant(literal: &Literal) -> Expr {
    match literal {
        Literal::Null => lit(ScalarValue::Null),
        Literal::Bool(value) => lit(*value),
        Literal::Int(value) => lit(*value),
        Literal::Float(value) => lit(*value),
        Literal::Text(text) => lit(text.as_str()),
    }
}

fn literal(value: &Value, span: Span) -> Lowered {
    match value {
        Value::Null => Ok(lit(ScalarValue::Null)),
        Value::Bool(value) => Ok(lit(*value)),
        Value::Int(value) => Ok(lit(*value)),
        Value::Float(value) => Ok(lit(*value)),
        Value::Text(text) => Ok(lit(&**text)),
        Value::List(_) => Err(unsupported(span, "a list in a list")),
        _ => Err(unsupported(span, "a parameter of this type")),
    }
}
