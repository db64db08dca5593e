//! `CALL`: rows from procedures.

use std::rc::Rc;

use worldstore_cypher::Span;
use worldstore_cypher::ast::{Call, ClauseKind, Expr, ExprKind, Literal, Name, Query, SingleQuery};

use super::{Options, Row, Session, Stream, read};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::eval;
use crate::procedures::{Field, Procedure, ProcedureRows, Procedures};
use crate::value::Value;

/// Looks for mistakes in calls before anything runs.
pub(super) fn check(query: &Query, options: &Options) -> Result<()> {
    let others = query.others.iter().map(|other| &other.query);
    std::iter::once(&query.first).chain(others).try_for_each(|query| check_single(query, options))
}

fn check_single(query: &SingleQuery, options: &Options) -> Result<()> {
    for clause in &query.clauses {
        let ClauseKind::Call(call) = &clause.kind else { continue };
        let signature = find(call, clause.span, &options.procedures)?.signature();
        let Some(arguments) = &call.arguments else {
            let missing = |field: &&Field| !options.parameters.contains_key(&field.name);
            if let Some(field) = signature.inputs.iter().find(missing) {
                let message = format!("the procedure takes the parameter `${}`, which is not given", field.name);
                let error = RuntimeError::new(ErrorClass::ParameterMissing, ErrorDetail::MissingParameter, message);
                return Err(error.at(clause.span));
            }
            continue;
        };
        if arguments.len() != signature.inputs.len() {
            let (wanted, found) = (signature.inputs.len(), arguments.len());
            let message = format!("`{}` takes {wanted} arguments, found {found}", signature.name);
            return Err(wrong(ErrorDetail::InvalidNumberOfArguments, message, clause.span));
        }
        for (field, argument) in signature.inputs.iter().zip(arguments) {
            if literal(argument).is_some_and(|value| field.accept(value).is_none()) {
                let message = format!("the argument `{}` has another type", field.name);
                return Err(wrong(ErrorDetail::InvalidArgumentType, message, argument.span));
            }
        }
        for item in call.yields.iter().flat_map(|yields| &yields.items) {
            if !signature.outputs.iter().any(|field| field.name == item.result.text) {
                let message = format!("`{}` gives no `{}`", signature.name, item.result.text);
                return Err(wrong(ErrorDetail::UndefinedVariable, message, item.result.span));
            }
        }
    }
    Ok(())
}

fn wrong(detail: ErrorDetail, message: String, span: Span) -> RuntimeError {
    RuntimeError::new(ErrorClass::SyntaxError, detail, message).at(span)
}

fn literal(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(Literal::Bool(bool)) => Some(Value::Bool(*bool)),
        ExprKind::Literal(Literal::Int(int)) => Some(Value::Int(*int)),
        ExprKind::Literal(Literal::Float(float)) => Some(Value::Float(*float)),
        ExprKind::Literal(Literal::Text(text)) => Some(Value::from(text.as_str())),
        _ => None,
    }
}

fn find<'p>(call: &Call, span: Span, procedures: &'p Procedures) -> Result<&'p dyn Procedure> {
    let name: Vec<&str> = call.procedure.iter().map(|name| name.text.as_str()).collect();
    let name = name.join(".");
    procedures.get(&name).ok_or_else(|| {
        let known: Vec<&str> = procedures.names().collect();
        let message = match known.is_empty() {
            true => format!("there is no procedure `{name}`, and no other"),
            false => format!("there is no procedure `{name}`; known are {}", known.join(", ")),
        };
        RuntimeError::new(ErrorClass::ProcedureError, ErrorDetail::ProcedureNotFound, message).at(span)
    })
}

/// Each row with each row of the procedure.
pub(super) fn call<'q>(
    session: Session<'q>,
    call: &'q Call,
    span: Span,
    is_alone: bool,
    stream: Stream<'q>,
) -> Result<Stream<'q>> {
    let procedure = find(call, span, session.shared.procedures)?;
    let outputs = &procedure.signature().outputs;
    let place = |name: &Name| outputs.iter().position(|field| field.name == name.text);
    // Which outputs go on, and under which names.
    let kept: Vec<(usize, String)> = match &call.yields {
        Some(yields) if !yields.star => {
            let name = |item: &'q worldstore_cypher::ast::YieldItem| item.alias.as_ref().unwrap_or(&item.result);
            yields.items.iter().filter_map(|item| Some((place(&item.result)?, name(item).text.clone()))).collect()
        }
        None if !is_alone => Vec::new(),
        _ => outputs.iter().enumerate().map(|(place, field)| (place, field.name.clone())).collect(),
    };
    let names: Vec<String> = stream.names.iter().cloned().chain(kept.iter().map(|(_, name)| name.clone())).collect();
    let before = stream.names;
    let mut rows = stream.rows;
    let mut current: Option<(Row, ProcedureRows<'q>)> = None;
    let next = move || -> Result<Option<Row>> {
        loop {
            session.meter.tick()?;
            if let Some((row, results)) = &mut current {
                if let Some(result) = results.next() {
                    let result = result?;
                    let more = kept.iter().map(|(place, _)| result.get(*place).cloned().unwrap_or_default());
                    return Ok(Some(row.iter().cloned().chain(more).collect()));
                }
                current = None;
            }
            let Some(row) = rows.next() else { return Ok(None) };
            let row = row?;
            let arguments = arguments(session, call, procedure, &before, &row)?;
            let results = procedure.call(&arguments)?;
            if outputs.is_empty() {
                // It is called for what it does, and changes no rows.
                results.into_iter().try_for_each(|result| result.map(drop))?;
                if is_alone {
                    continue;
                }
                return Ok(Some(row));
            }
            current = Some((row, results));
        }
    };
    let stream = Stream { names: Rc::new(names), rows: read::from_steps(next) };
    Ok(match call.yields.as_ref().and_then(|yields| yields.filter.as_ref()) {
        Some(filter) => read::filter(session, filter, stream),
        None => stream,
    })
}

/// The arguments, or the parameters of the same names.
fn arguments(
    session: Session<'_>,
    call: &Call,
    procedure: &dyn Procedure,
    names: &[String],
    row: &[Value],
) -> Result<Vec<Value>> {
    let env = session.env(names, row);
    let signature = procedure.signature();
    let accept = |field: &Field, value: Value, span: Option<Span>| {
        let found = value.type_name();
        field.accept(value).ok_or_else(|| {
            let message = format!("the argument `{}` of `{}` cannot be {found}", field.name, signature.name);
            let error = RuntimeError::argument_type(message);
            match span {
                Some(span) => error.at(span),
                None => error,
            }
        })
    };
    match &call.arguments {
        Some(arguments) => {
            let each = signature.inputs.iter().zip(arguments);
            each.map(|(field, argument)| accept(field, eval(argument, &env)?, Some(argument.span))).collect()
        }
        None => {
            let parameter = |field: &Field| accept(field, env.parameter(&field.name)?, None);
            signature.inputs.iter().map(parameter).collect()
        }
    }
}
