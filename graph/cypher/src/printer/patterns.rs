//! Writes patterns.

use std::fmt::{self, Display, Formatter};

use super::clauses::write_filter;
use super::expressions::write_entries;
use super::write_variable;
use crate::ast::{
    Direction, EdgePattern, Expr, Group, LabelExpr, LabelKind, Length, Name, NodePattern, Path, PathElement, PathMode,
    Properties, Quantifier, Selector, Shortest,
};
use crate::names::{Place, write_name};

impl Display for Path {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(variable) = &self.variable {
            write_variable(out, variable)?;
            out.write_str(" = ")?;
        }
        if let Some(selector) = self.selector {
            write!(out, "{selector} ")?;
        }
        if let Some(mode) = self.mode {
            write!(out, "{mode} ")?;
        }
        if let Some(Selector::ShortestGroups(_)) = self.selector {
            out.write_str("GROUPS ")?;
        }
        out.write_str(match self.shortest {
            Some(Shortest::One) => "shortestPath(",
            Some(Shortest::All) => "allShortestPaths(",
            None => "",
        })?;
        self.elements.iter().try_for_each(|element| element.fmt(out))?;
        out.write_str(if self.shortest.is_some() { ")" } else { "" })
    }
}

impl Display for PathElement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(out),
            Self::Edge(edge) => edge.fmt(out),
            Self::Group(group) => group.fmt(out),
        }
    }
}

/// Without the `GROUPS` that stands behind the mode.
impl Display for Selector {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (words, count) = match self {
            Self::All => ("ALL", None),
            Self::Any(count) => ("ANY", *count),
            Self::AnyShortest => ("ANY SHORTEST", None),
            Self::AllShortest => ("ALL SHORTEST", None),
            Self::Shortest(count) | Self::ShortestGroups(count) => ("SHORTEST", *count),
        };
        out.write_str(words)?;
        count.map_or(Ok(()), |count| write!(out, " {count}"))
    }
}

impl Display for PathMode {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Walk => "WALK",
            Self::Trail => "TRAIL",
            Self::Acyclic => "ACYCLIC",
            Self::Simple => "SIMPLE",
        })
    }
}

impl Display for Group {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "({}", self.path)?;
        write_filter(out, self.filter.as_ref())?;
        out.write_str(")")?;
        self.quantifier.map_or(Ok(()), |quantifier| quantifier.fmt(out))
    }
}

impl Display for NodePattern {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("(")?;
        Filler(self.variable.as_ref(), self.labels.as_ref(), None, self.properties.as_ref(), self.filter.as_deref())
            .fmt(out)?;
        out.write_str(")")
    }
}

impl Display for EdgePattern {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let filler = Filler(
            self.variable.as_ref(),
            self.types.as_ref(),
            self.length,
            self.properties.as_ref(),
            self.filter.as_deref(),
        );
        out.write_str(if matches!(self.direction, Direction::Left | Direction::Both) { "<-" } else { "-" })?;
        if !filler.is_empty() {
            write!(out, "[{filler}]")?;
        }
        out.write_str(if matches!(self.direction, Direction::Right | Direction::Both) { "->" } else { "-" })?;
        self.quantifier.map_or(Ok(()), |quantifier| quantifier.fmt(out))
    }
}

/// What stands between the brackets of a node or relationship.
struct Filler<'a>(Option<&'a Name>, Option<&'a LabelExpr>, Option<Length>, Option<&'a Properties>, Option<&'a Expr>);

impl Filler<'_> {
    fn is_empty(&self) -> bool {
        self.1.is_none() && self.2.is_none() && self.starts_with_properties() && self.3.is_none() && self.4.is_none()
    }

    fn starts_with_properties(&self) -> bool {
        self.0.is_none() && self.1.is_none() && self.2.is_none()
    }
}

impl Display for Filler<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self(variable, labels, length, properties, filter) = self;
        variable.map_or(Ok(()), |variable| write_variable(out, variable))?;
        labels.map_or(Ok(()), |labels| write!(out, ":{labels}"))?;
        length.map_or(Ok(()), |length| length.fmt(out))?;
        if let Some(properties) = properties {
            write!(out, "{}{properties}", if self.starts_with_properties() { "" } else { " " })?;
        }
        let is_first = self.starts_with_properties() && properties.is_none();
        filter.map_or(Ok(()), |filter| write!(out, "{}WHERE {filter}", if is_first { "" } else { " " }))
    }
}

impl Display for Properties {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(entries) => write_entries(out, entries),
            Self::Parameter(name) => {
                out.write_str("$")?;
                write_name(out, &name.text, Place::Parameter)
            }
        }
    }
}

impl Display for Length {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => out.write_str("*"),
            (Some(min), Some(max)) if min == max => write!(out, "*{min}"),
            (Some(min), Some(max)) => write!(out, "*{min}..{max}"),
            (Some(min), None) => write!(out, "*{min}.."),
            (None, Some(max)) => write!(out, "*..{max}"),
        }
    }
}

impl Display for Quantifier {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (0, None) => out.write_str("*"),
            (1, None) => out.write_str("+"),
            (0, Some(1)) => out.write_str("?"),
            (min, Some(max)) if min == max => write!(out, "{{{min}}}"),
            (min, Some(max)) => write!(out, "{{{min},{max}}}"),
            (min, None) => write!(out, "{{{min},}}"),
        }
    }
}

/// Without the first colon. Plain names stand with colons between them, as openCypher has it, where all must hold.
impl Display for LabelExpr {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.all_of() {
            Some(names) => {
                for (position, name) in names.into_iter().enumerate() {
                    write!(out, "{}{name}", if position == 0 { "" } else { ":" })?;
                }
                Ok(())
            }
            None => write_labels(out, self, 0),
        }
    }
}

/// The expression, in brackets if it binds less tightly than `least`.
fn write_labels(out: &mut Formatter<'_>, labels: &LabelExpr, least: u8) -> fmt::Result {
    let (own, left, right, between) = match &labels.kind {
        LabelKind::Name(name) => return name.fmt(out),
        LabelKind::Any => return out.write_str("%"),
        LabelKind::Not(inner) => {
            out.write_str("!")?;
            return write_labels(out, inner, 2);
        }
        LabelKind::And(left, right) => (1, left, right, "&"),
        LabelKind::Or(left, right) => (0, left, right, "|"),
    };
    out.write_str(if own < least { "(" } else { "" })?;
    write_labels(out, left, own)?;
    out.write_str(between)?;
    write_labels(out, right, own + 1)?;
    out.write_str(if own < least { ")" } else { "" })
}

/// Labels behind an expression: there a bar may mean something else, so alternatives stand in brackets.
pub(super) fn write_predicate_labels(out: &mut Formatter<'_>, labels: &LabelExpr) -> fmt::Result {
    match labels.kind {
        LabelKind::Or(..) => write!(out, ":({labels})"),
        _ => write!(out, ":{labels}"),
    }
}
