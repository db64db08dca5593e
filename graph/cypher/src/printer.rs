//! Writes trees as canonical text: keywords in capitals, single spaces, single quotes, brackets only where they are
//! needed. What is read from that text is the same tree, except for spans, and for the names of columns that have no
//! alias: those are the text of their expression.

mod clauses;
mod expressions;
mod patterns;

use std::fmt::{self, Display, Formatter};

use crate::ast::{
    Computed, CreateEdgeType, CreateNodeLabel, Edges, Name, Reference, Source, Statement, StatementKind, Text,
};
use crate::names::{Place, write_name};
use expressions::write_text;

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl Display for StatementKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => query.fmt(out),
            Self::Explain(query) => write!(out, "EXPLAIN {query}"),
            Self::Profile(query) => write!(out, "PROFILE {query}"),
            Self::CreateNodeLabel(create) => create.fmt(out),
            Self::CreateEdgeType(create) => create.fmt(out),
            Self::DropNodeLabel(label) => write!(out, "DROP NODE LABEL {label}"),
            Self::DropEdgeType(name) => write!(out, "DROP EDGE TYPE {name}"),
            Self::ShowNodeLabels => out.write_str("SHOW NODE LABELS"),
            Self::ShowEdgeTypes => out.write_str("SHOW EDGE TYPES"),
            Self::CreateOverlay(create) => write!(out, "CREATE OVERLAY ON {} {}", create.label, create.source),
            Self::DropOverlay(label) => write!(out, "DROP OVERLAY ON {label}"),
            Self::CreateLiveView(create) => write!(out, "CREATE LIVE VIEW {} AS {}", create.name, create.query),
            Self::DropLiveView(name) => write!(out, "DROP LIVE VIEW {name}"),
            Self::ShowLiveViews => out.write_str("SHOW LIVE VIEWS"),
            Self::DescribeNodeLabel(label) => write!(out, "DESCRIBE NODE LABEL {label}"),
            Self::DescribeEdgeType(name) => write!(out, "DESCRIBE EDGE TYPE {name}"),
        }
    }
}

impl Display for CreateNodeLabel {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "CREATE NODE LABEL {} {}", self.label, self.source)?;
        if let Some(key) = &self.key {
            write!(out, " KEY {key}")?;
        }
        if !self.computed.is_empty() {
            out.write_str(" COMPUTE ")?;
            write_separated(out, &self.computed)?;
        }
        Ok(())
    }
}

impl Display for Computed {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} = {}", self.name, self.value)
    }
}

impl Display for CreateEdgeType {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "CREATE EDGE TYPE {} ", self.name)?;
        write_separated(out, &self.parts)
    }
}

impl Display for Edges {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignKey { source, target } => write!(out, "FROM {source} TARGET KEY {target}"),
            Self::Rows { rows, source, target } => write!(out, "{rows} SOURCE KEY {source} TARGET KEY {target}"),
        }
    }
}

impl Display for Source {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(place) => write!(out, "VIRTUAL FROM PARTITION {place}"),
            Self::File(place) => write!(out, "FROM FILE {place}"),
            Self::Format { format, place } => write!(out, "FROM {format} {place}"),
            Self::Table { table, run, as_of } => {
                write!(out, "FROM TABLE {table}")?;
                if let Some(run) = run {
                    write!(out, " RUN {run}")?;
                }
                match as_of {
                    Some(tick) => write!(out, " AS OF TICK {tick}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Display for Reference {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} REFERENCES {}({})", self.column, self.label, self.key)
    }
}

/// A name as a label, type, column or property: there reserved words need no backquotes.
impl Display for Name {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_name(out, &self.text, Place::Schema)
    }
}

/// A text in single quotes.
impl Display for Text {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_text(out, &self.value)
    }
}

fn write_variable(out: &mut Formatter<'_>, variable: &Name) -> fmt::Result {
    write_name(out, &variable.text, Place::Variable)
}

fn write_separated(out: &mut Formatter<'_>, parts: &[impl Display]) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        write!(out, "{}{part}", if position == 0 { "" } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
