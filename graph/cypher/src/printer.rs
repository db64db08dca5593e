//! Writes trees as canonical text: keywords in capitals, single spaces, single quotes, brackets only where they are
//! needed. What is read from that text is the same tree, except for spans, and for the names of columns that have no
//! alias: those are the text of their expression.

mod expressions;

use std::fmt::{self, Display, Formatter};

use crate::ast::{
    Computed, CreateEdgeType, CreateNodeLabel, Direction, EdgePattern, Edges, Expr, Match, Name, NodePattern,
    OrderItem, Path, Query, Reference, Return, ReturnItem, Source, Statement, StatementKind, Text,
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
            Self::CreateNodeLabel(create) => create.fmt(out),
            Self::CreateEdgeType(create) => create.fmt(out),
            Self::DropNodeLabel(label) => write!(out, "DROP NODE LABEL {label}"),
            Self::DropEdgeType(name) => write!(out, "DROP EDGE TYPE {name}"),
            Self::ShowNodeLabels => out.write_str("SHOW NODE LABELS"),
            Self::ShowEdgeTypes => out.write_str("SHOW EDGE TYPES"),
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
        match &self.edges {
            Edges::ForeignKey { source, target } => write!(out, "FROM {source} TARGET KEY {target}"),
            Edges::Rows { rows, source, target } => write!(out, "{rows} SOURCE KEY {source} TARGET KEY {target}"),
        }
    }
}

impl Display for Source {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(place) => write!(out, "VIRTUAL FROM PARTITION {place}"),
            Self::File(place) => write!(out, "FROM FILE {place}"),
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

impl Display for Query {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for clause in &self.matches {
            write!(out, "{clause} ")?;
        }
        self.returns.fmt(out)
    }
}

impl Display for Match {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("MATCH ")?;
        write_separated(out, &self.patterns)?;
        match &self.filter {
            Some(filter) => write!(out, " WHERE {filter}"),
            None => Ok(()),
        }
    }
}

impl Display for Path {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.start.fmt(out)?;
        self.hops.iter().try_for_each(|(edge, node)| write!(out, "{edge}{node}"))
    }
}

impl Display for NodePattern {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("(")?;
        write_variable(out, self.variable.as_ref())?;
        if let Some(label) = &self.label {
            write!(out, ":{label}")?;
        }
        let is_first = self.variable.is_none() && self.label.is_none();
        write_properties(out, &self.properties, is_first)?;
        out.write_str(")")
    }
}

impl Display for EdgePattern {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(if self.direction == Direction::Left { "<-" } else { "-" })?;
        if self.variable.is_some() || !self.types.is_empty() || !self.properties.is_empty() {
            out.write_str("[")?;
            write_variable(out, self.variable.as_ref())?;
            for (position, name) in self.types.iter().enumerate() {
                write!(out, "{}{name}", if position == 0 { ":" } else { "|" })?;
            }
            let is_first = self.variable.is_none() && self.types.is_empty();
            write_properties(out, &self.properties, is_first)?;
            out.write_str("]")?;
        }
        out.write_str(if self.direction == Direction::Right { "->" } else { "-" })
    }
}

impl Display for Return {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(if self.distinct { "RETURN DISTINCT " } else { "RETURN " })?;
        write_separated(out, &self.items)?;
        if !self.order_by.is_empty() {
            out.write_str(" ORDER BY ")?;
            write_separated(out, &self.order_by)?;
        }
        for (keyword, bound) in [("SKIP", &self.skip), ("LIMIT", &self.limit)] {
            if let Some(bound) = bound {
                write!(out, " {keyword} {bound}")?;
            }
        }
        Ok(())
    }
}

impl Display for ReturnItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)?;
        if self.is_aliased {
            out.write_str(" AS ")?;
            write_name(out, &self.name, Place::Variable)?;
        }
        Ok(())
    }
}

impl Display for OrderItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.value, if self.descending { " DESC" } else { "" })
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

fn write_variable(out: &mut Formatter<'_>, variable: Option<&Name>) -> fmt::Result {
    variable.map_or(Ok(()), |name| write_name(out, &name.text, Place::Variable))
}

fn write_properties(out: &mut Formatter<'_>, properties: &[(Name, Expr)], is_first: bool) -> fmt::Result {
    if properties.is_empty() {
        return Ok(());
    }
    out.write_str(if is_first { "{" } else { " {" })?;
    for (position, (name, value)) in properties.iter().enumerate() {
        write!(out, "{}{name}: {value}", if position == 0 { "" } else { ", " })?;
    }
    out.write_str("}")
}

fn write_separated(out: &mut Formatter<'_>, parts: &[impl Display]) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        write!(out, "{}{part}", if position == 0 { "" } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
