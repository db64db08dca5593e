//! From the syntax tree to a logical plan: names are resolved, types are checked, nothing is read.

mod certainty;
mod expr;
mod floats;
mod functions;
mod join;
mod kind;
mod pattern;
mod reads;
mod returns;
mod scope;
mod udf;
mod whole;

use worldstore_cypher::ast::Name;
use worldstore_cypher::{Diagnostic, Span, closest};

pub(crate) use expr::{Lower, Names};
pub(crate) use join::{Sources, alternatives, column, plan_matches};
pub(crate) use pattern::{Shape, shape};
pub(crate) use reads::{Reads, Run, RunKind, reads, run};
pub(crate) use returns::plan_returns;
pub(crate) use scope::{NodeVariable, Scope};
pub(crate) use udf::{ADD, MULTIPLY, SUBTRACT, once};

/// A mistake of the query.
pub(crate) fn mistake(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::semantic(message, span)
}

/// Something that Cypher has and this planner does not.
pub(crate) fn unsupported(span: Span, construct: impl Into<String>) -> Diagnostic {
    Diagnostic::unsupported(format!("not supported: {}", construct.into()), span)
}

/// A name that is not known, with the closest one that is.
pub(crate) fn unknown<'known>(what: &str, name: &Name, known: impl IntoIterator<Item = &'known str>) -> Diagnostic {
    let diagnostic = mistake(name.span, format!("unknown {what} `{}`", name.text));
    let known: Vec<_> = known.into_iter().collect();
    match closest(&name.text, known.iter().copied()) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None if known.is_empty() => diagnostic.with_help(format!("there is no {what} yet")),
        None if known.len() <= 12 => diagnostic.with_help(format!("known: {}", known.join(", "))),
        None => diagnostic,
    }
}
