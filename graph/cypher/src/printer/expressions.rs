//! Writes expressions.

use std::fmt::{self, Display, Formatter, Write};

use super::clauses::write_filter;
use super::patterns::write_predicate_labels;
use super::{write_separated, write_variable};
use crate::ast::{
    BinaryOp, Comprehension, Expr, ExprKind, Literal, MapItem, Name, Quantified, Reduce, SubqueryKind, UnaryOp,
};
use crate::names::{Place, write_name};
use crate::parser::Level;

impl Display for Expr {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl Display for ExprKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(out),
            Self::Parameter(name) => {
                out.write_char('$')?;
                write_name(out, name, Place::Parameter)
            }
            Self::Variable(name) => write_name(out, name, Place::Variable),
            Self::Property(inner, name) => {
                write_operand(out, inner, Level::Postfix)?;
                write!(out, ".{name}")
            }
            Self::Unary(operator, operand) => write_unary(out, *operator, operand),
            Self::Binary(operator, left, right) => write_binary(out, *operator, left, right),
            Self::IsNull(operand) => {
                write_operand(out, operand, Level::Predicate)?;
                out.write_str(" IS NULL")
            }
            Self::IsNotNull(operand) => {
                write_operand(out, operand, Level::Predicate)?;
                out.write_str(" IS NOT NULL")
            }
            Self::Comparisons(first, others) => {
                write_operand(out, first, Level::Predicate)?;
                others.iter().try_for_each(|(operator, other)| {
                    write!(out, " {operator} ")?;
                    write_operand(out, other, Level::Predicate)
                })
            }
            Self::HasLabels(of, labels) => {
                write_operand(out, of, Level::Postfix)?;
                write_predicate_labels(out, labels)
            }
            Self::List(parts) => write_list(out, parts),
            Self::Map(entries) => write_entries(out, entries),
            Self::MapProjection(name, items) => {
                write_name(out, &name.text, Place::Projected)?;
                out.write_str(" {")?;
                write_separated(out, items)?;
                out.write_str("}")
            }
            Self::Index(of, index) => {
                write_operand(out, of, Level::Postfix)?;
                write!(out, "[{index}]")
            }
            Self::Slice(of, from, to) => write_slice(out, of, from.as_deref(), to.as_deref()),
            Self::ListComprehension(comprehension) => write!(out, "[{comprehension}]"),
            Self::PatternComprehension { pattern, filter, value } => {
                write!(out, "[{pattern}")?;
                write_filter(out, filter.as_ref())?;
                write!(out, " | {value}]")
            }
            Self::Quantified(quantified, comprehension) => write!(out, "{quantified}({comprehension})"),
            Self::Reduce(reduce) => reduce.fmt(out),
            Self::Pattern(path) => path.fmt(out),
            Self::Subquery(kind, query) => write!(out, "{kind} {{ {query} }}"),
            Self::Call { namespace, function, distinct, arguments } => {
                write_function(out, namespace, function)?;
                out.write_str(if *distinct { "(DISTINCT " } else { "(" })?;
                write_separated(out, arguments)?;
                out.write_str(")")
            }
            Self::CountAll => out.write_str("count(*)"),
            Self::Case { operand, branches, otherwise } => {
                write_case(out, operand.as_deref(), branches, otherwise.as_deref())
            }
        }
    }
}

/// A literal.
impl Display for Literal {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Float(value) if value.is_nan() => out.write_str("NaN"),
            Self::Float(value) if value.is_infinite() => out.write_str(if *value > 0.0 { "INF" } else { "-INF" }),
            Self::Float(value) => write!(out, "{value:?}"),
            Self::Text(value) => write_text(out, value),
        }
    }
}

/// Without the brackets around it.
impl Display for Comprehension {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_variable(out, &self.variable)?;
        write!(out, " IN {}", self.list)?;
        write_filter(out, self.filter.as_ref())?;
        self.value.as_ref().map_or(Ok(()), |value| write!(out, " | {value}"))
    }
}

impl Display for Reduce {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("reduce(")?;
        write_variable(out, &self.result)?;
        write!(out, " = {}, ", self.start)?;
        write_variable(out, &self.variable)?;
        write!(out, " IN {} | {})", self.list, self.value)
    }
}

impl Display for MapItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name, value) => write!(out, "{name}: {value}"),
            Self::Property(name) => write!(out, ".{name}"),
            Self::Variable(name) => write_variable(out, name),
            Self::All => out.write_str(".*"),
        }
    }
}

impl Display for Quantified {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::All => "all",
            Self::Any => "any",
            Self::None => "none",
            Self::Single => "single",
        })
    }
}

impl Display for SubqueryKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Exists => "EXISTS",
            Self::Count => "COUNT",
            Self::Collect => "COLLECT",
        })
    }
}

impl Display for UnaryOp {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Not => "NOT",
            Self::Minus => "-",
            Self::Plus => "+",
        })
    }
}

impl Display for BinaryOp {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Or => "OR",
            Self::Xor => "XOR",
            Self::And => "AND",
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::In => "IN",
            Self::StartsWith => "STARTS WITH",
            Self::EndsWith => "ENDS WITH",
            Self::Contains => "CONTAINS",
            Self::Matches => "=~",
            Self::Concat => "||",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        })
    }
}

/// A text in single quotes, with escapes for quotes, backslashes and control characters.
pub(super) fn write_text(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('\'')?;
    for next in text.chars() {
        match next {
            '\'' => out.write_str("\\'")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\t' => out.write_str("\\t")?,
            '\r' => out.write_str("\\r")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            _ if next.is_control() => write!(out, "\\u{:04X}", u32::from(next))?,
            _ => out.write_char(next)?,
        }
    }
    out.write_char('\'')
}

/// How tightly an expression holds together.
fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Literal(Literal::Int(value)) if *value < 0 => Level::Sign,
        ExprKind::Literal(Literal::Float(value)) if value.is_sign_negative() && !value.is_nan() => Level::Sign,
        // Nothing may follow the labels that would go on with the operand.
        ExprKind::HasLabels(..) => Level::Sign,
        // Behind a pattern, `-` and `<` would begin a relationship.
        ExprKind::Pattern(path) if path.shortest.is_none() => Level::Comparison,
        ExprKind::Comparisons(..) => Level::Comparison,
        ExprKind::Unary(UnaryOp::Not, _) => Level::Not,
        ExprKind::Unary(UnaryOp::Minus | UnaryOp::Plus, _) => Level::Sign,
        ExprKind::Binary(operator, ..) => Level::of(*operator),
        ExprKind::IsNull(_) | ExprKind::IsNotNull(_) => Level::Predicate,
        _ => Level::Postfix,
    }
}

/// An expression, in brackets if it binds less tightly than `least`.
fn write_operand(out: &mut Formatter<'_>, expr: &Expr, least: Level) -> fmt::Result {
    match level(expr) < least {
        true => write!(out, "({expr})"),
        false => write!(out, "{expr}"),
    }
}

fn write_unary(out: &mut Formatter<'_>, operator: UnaryOp, operand: &Expr) -> fmt::Result {
    match operator {
        UnaryOp::Not => {
            out.write_str("NOT ")?;
            write_operand(out, operand, Level::Not)
        }
        UnaryOp::Minus | UnaryOp::Plus => {
            write!(out, "{operator}{}", if level(operand) == Level::Sign { " " } else { "" })?;
            write_operand(out, operand, Level::Sign)
        }
    }
}

/// Operators associate to the left; comparisons do not nest at all, since `a < b < c` is a chain.
fn write_binary(out: &mut Formatter<'_>, operator: BinaryOp, left: &Expr, right: &Expr) -> fmt::Result {
    let own = Level::of(operator);
    let least = if own == Level::Comparison { own.tighter() } else { own };
    write_operand(out, left, least)?;
    write!(out, " {operator} ")?;
    write_operand(out, right, own.tighter())
}

fn write_function(out: &mut Formatter<'_>, namespace: &[Name], function: &Name) -> fmt::Result {
    for (position, name) in namespace.iter().chain([function]).enumerate() {
        out.write_str(if position == 0 { "" } else { "." })?;
        write_name(out, &name.text, if position == 0 { Place::Function } else { Place::Schema })?;
    }
    Ok(())
}

fn write_slice(out: &mut Formatter<'_>, of: &Expr, from: Option<&Expr>, to: Option<&Expr>) -> fmt::Result {
    write_operand(out, of, Level::Postfix)?;
    out.write_char('[')?;
    from.map_or(Ok(()), |from| from.fmt(out))?;
    out.write_str("..")?;
    to.map_or(Ok(()), |to| to.fmt(out))?;
    out.write_char(']')
}

/// `{name: value, …}`.
pub(super) fn write_entries(out: &mut Formatter<'_>, entries: &[(Name, Expr)]) -> fmt::Result {
    out.write_char('{')?;
    for (position, (name, value)) in entries.iter().enumerate() {
        write!(out, "{}{name}: {value}", if position == 0 { "" } else { ", " })?;
    }
    out.write_char('}')
}

fn write_list(out: &mut Formatter<'_>, parts: &[Expr]) -> fmt::Result {
    match parts.split_first() {
        // Without brackets it would read as a list comprehension.
        Some((first, others)) if starts_with_in(first) => {
            write!(out, "[({first})")?;
            others.iter().try_for_each(|part| write!(out, ", {part}"))?;
        }
        _ => {
            out.write_str("[")?;
            write_separated(out, parts)?;
        }
    }
    out.write_str("]")
}

/// True if the text of the expression may start with `variable IN`.
fn starts_with_in(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::In, left, _) if matches!(left.kind, ExprKind::Variable(_)) => true,
        ExprKind::Comparisons(left, _) => level(left) >= Level::Predicate && starts_with_in(left),
        ExprKind::Binary(_, left, _) => level(left) >= level(expr) && starts_with_in(left),
        ExprKind::IsNull(left) | ExprKind::IsNotNull(left) => level(left) >= level(expr) && starts_with_in(left),
        _ => false,
    }
}

fn write_case(
    out: &mut Formatter<'_>,
    operand: Option<&Expr>,
    branches: &[(Vec<Expr>, Expr)],
    otherwise: Option<&Expr>,
) -> fmt::Result {
    out.write_str("CASE")?;
    if let Some(operand) = operand {
        write!(out, " {operand}")?;
    }
    for (when, then) in branches {
        out.write_str(" WHEN ")?;
        write_separated(out, when)?;
        write!(out, " THEN {then}")?;
    }
    if let Some(otherwise) = otherwise {
        write!(out, " ELSE {otherwise}")?;
    }
    out.write_str(" END")
}
