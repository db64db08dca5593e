//! Writes queries and their clauses.

use std::fmt::{self, Display, Formatter};

use super::expressions::write_text;
use super::{write_separated, write_variable};
use crate::ast::{
    AsOf, AsOfValue, Call, Clause, ClauseKind, Combinator, Match, Merge, MergeWhen, Nulls, OrderItem, Projection,
    Query, RemoveItem, ReturnItem, SetItem, SingleQuery, Yield, YieldItem,
};
use crate::names::{Place, write_name};

impl Display for Query {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(as_of) = &self.as_of {
            write!(out, "{as_of} ")?;
        }
        self.first.fmt(out)?;
        self.others.iter().try_for_each(|other| write!(out, " {} {}", other.combinator, other.query))
    }
}

impl Display for AsOf {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "AS OF {} ", self.kind.keyword())?;
        match &self.value {
            AsOfValue::Int(number) => number.fmt(out),
            AsOfValue::Text(text) => write_text(out, text),
            AsOfValue::Parameter(name) => {
                out.write_str("$")?;
                write_name(out, name, Place::Parameter)
            }
        }
    }
}

impl Display for Combinator {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Union => "UNION",
            Self::UnionAll => "UNION ALL",
            Self::Except => "EXCEPT",
            Self::Intersect => "INTERSECT",
            Self::Next => "NEXT",
        })
    }
}

impl Display for SingleQuery {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (position, clause) in self.clauses.iter().enumerate() {
            write!(out, "{}{clause}", if position == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl Display for Clause {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl Display for ClauseKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Match(clause) => clause.fmt(out),
            Self::Unwind(clause) => {
                write!(out, "UNWIND {} AS ", clause.list)?;
                write_variable(out, &clause.variable)
            }
            Self::With(clause) => {
                write!(out, "WITH {}", clause.projection)?;
                write_filter(out, clause.filter.as_ref())
            }
            Self::Return(projection) => write!(out, "RETURN {projection}"),
            Self::Call(call) => call.fmt(out),
            Self::Create(create) => {
                out.write_str("CREATE ")?;
                write_separated(out, &create.patterns)
            }
            Self::Merge(merge) => merge.fmt(out),
            Self::Set(items) => {
                out.write_str("SET ")?;
                write_separated(out, items)
            }
            Self::Remove(items) => {
                out.write_str("REMOVE ")?;
                write_separated(out, items)
            }
            Self::Delete(delete) => {
                out.write_str(if delete.detach { "DETACH DELETE " } else { "DELETE " })?;
                write_separated(out, &delete.values)
            }
            Self::Let(items) => {
                out.write_str("LET ")?;
                for (position, (name, value)) in items.iter().enumerate() {
                    out.write_str(if position == 0 { "" } else { ", " })?;
                    write_variable(out, name)?;
                    write!(out, " = {value}")?;
                }
                Ok(())
            }
            Self::Filter(condition) => write!(out, "FILTER {condition}"),
            Self::For(clause) => {
                out.write_str("FOR ")?;
                write_variable(out, &clause.variable)?;
                write!(out, " IN {}", clause.list)?;
                match &clause.ordinality {
                    Some(name) => {
                        out.write_str(" WITH ORDINALITY ")?;
                        write_variable(out, name)
                    }
                    None => Ok(()),
                }
            }
            Self::Finish => out.write_str("FINISH"),
        }
    }
}

impl Display for Match {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(if self.optional { "OPTIONAL MATCH " } else { "MATCH " })?;
        write_separated(out, &self.patterns)?;
        write_filter(out, self.filter.as_ref())
    }
}

pub(super) fn write_filter(out: &mut Formatter<'_>, filter: Option<&impl Display>) -> fmt::Result {
    filter.map_or(Ok(()), |filter| write!(out, " WHERE {filter}"))
}

impl Display for Projection {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(if self.distinct { "DISTINCT " } else { "" })?;
        if self.star {
            out.write_str(if self.items.is_empty() { "*" } else { "*, " })?;
        }
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
        write!(out, "{}{}", self.value, if self.descending { " DESC" } else { "" })?;
        out.write_str(match self.nulls {
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
            None => "",
        })
    }
}

impl Display for Call {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("CALL ")?;
        for (position, name) in self.procedure.iter().enumerate() {
            write!(out, "{}{name}", if position == 0 { "" } else { "." })?;
        }
        if let Some(arguments) = &self.arguments {
            out.write_str("(")?;
            write_separated(out, arguments)?;
            out.write_str(")")?;
        }
        self.yields.as_ref().map_or(Ok(()), |yields| yields.fmt(out))
    }
}

impl Display for Yield {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match (self.star, self.items.is_empty()) {
            (true, _) => " YIELD *",
            (false, true) => " YIELD -",
            (false, false) => " YIELD ",
        })?;
        write_separated(out, &self.items)?;
        write_filter(out, self.filter.as_ref())
    }
}

impl Display for YieldItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_variable(out, &self.result)?;
        match &self.alias {
            Some(alias) => {
                out.write_str(" AS ")?;
                write_variable(out, alias)
            }
            None => Ok(()),
        }
    }
}

impl Display for Merge {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "MERGE {}", self.pattern)?;
        for action in &self.actions {
            out.write_str(match action.when {
                MergeWhen::Create => " ON CREATE SET ",
                MergeWhen::Match => " ON MATCH SET ",
            })?;
            write_separated(out, &action.items)?;
        }
        Ok(())
    }
}

impl Display for SetItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property { target, value } => write!(out, "{target} = {value}"),
            Self::Replace { variable, value } => {
                write_variable(out, variable)?;
                write!(out, " = {value}")
            }
            Self::Merge { variable, value } => {
                write_variable(out, variable)?;
                write!(out, " += {value}")
            }
            Self::Labels { variable, labels } => {
                write_variable(out, variable)?;
                write!(out, ":{labels}")
            }
        }
    }
}

impl Display for RemoveItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(target) => target.fmt(out),
            Self::Labels { variable, labels } => {
                write_variable(out, variable)?;
                write!(out, ":{labels}")
            }
        }
    }
}
