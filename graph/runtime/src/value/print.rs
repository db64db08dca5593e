//! Values as text, in the notation of the openCypher TCK.

use std::fmt;

use super::{List, Map, Node, Path, Relationship, Value};

/// As the openCypher TCK writes results: texts in single quotes, `(:Label {name: value})`, `[:TYPE]`, `<(…)-[…]->(…)>`.
/// Temporal values are in single quotes too.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(bool) => write!(out, "{bool}"),
            Self::Int(int) => write!(out, "{int}"),
            Self::Float(float) => write_float(out, *float),
            Self::Text(text) => write_text(out, text),
            Self::List(list) => write_list(out, list),
            Self::Map(map) => write_map(out, map),
            Self::Node(node) => write_node(out, node),
            Self::Relationship(relationship) => {
                out.write_str("[")?;
                write_relationship(out, relationship)?;
                out.write_str("]")
            }
            Self::Path(path) => write_path(out, path),
            Self::Date(date) => write!(out, "'{date}'"),
            Self::LocalTime(time) => write!(out, "'{time}'"),
            Self::Time(time) => write!(out, "'{time}'"),
            Self::LocalDateTime(time) => write!(out, "'{time}'"),
            Self::DateTime(time) => write!(out, "'{time}'"),
            Self::Duration(duration) => write!(out, "'{duration}'"),
        }
    }
}

/// Writes a float so that it reads back as the same float: with a point, or an exponent where it is very large or small.
pub(crate) fn write_float(out: &mut impl fmt::Write, float: f64) -> fmt::Result {
    let size = float.abs();
    if float.is_nan() {
        out.write_str("NaN")
    } else if float.is_infinite() {
        out.write_str(if float > 0.0 { "Infinity" } else { "-Infinity" })
    } else if size != 0.0 && !(1e-3..1e7).contains(&size) {
        let text = format!("{float:e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => write!(out, "{mantissa}.0E{exponent}"),
            Some((mantissa, exponent)) => write!(out, "{mantissa}E{exponent}"),
            None => out.write_str(&text),
        }
    } else {
        write!(out, "{float:?}")
    }
}

/// Writes a text in single quotes.
fn write_text(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('\'')?;
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(letter)?;
    }
    out.write_char('\'')
}

fn write_list(out: &mut fmt::Formatter<'_>, list: &List) -> fmt::Result {
    out.write_str("[")?;
    for (index, item) in list.iter().enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        write!(out, "{item}")?;
    }
    out.write_str("]")
}

fn write_map(out: &mut fmt::Formatter<'_>, map: &Map) -> fmt::Result {
    out.write_str("{")?;
    for (index, (name, value)) in map.iter().enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        write!(out, "{name}: {value}")?;
    }
    out.write_str("}")
}

fn write_node(out: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    out.write_str("(")?;
    for label in &node.labels {
        write!(out, ":{label}")?;
    }
    if !node.properties.is_empty() {
        out.write_str(if node.labels.is_empty() { "" } else { " " })?;
        write_map(out, &node.properties)?;
    }
    out.write_str(")")
}

fn write_relationship(out: &mut fmt::Formatter<'_>, relationship: &Relationship) -> fmt::Result {
    write!(out, ":{}", relationship.kind)?;
    if !relationship.properties.is_empty() {
        out.write_str(" ")?;
        write_map(out, &relationship.properties)?;
    }
    Ok(())
}

fn write_path(out: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    out.write_str("<")?;
    for (index, node) in path.nodes.iter().enumerate() {
        let hop = index.checked_sub(1).and_then(|hop| path.relationships.get(hop));
        if let Some(relationship) = hop {
            let (before, after) = if relationship.end == node.id { ("-[", "]->") } else { ("<-[", "]-") };
            out.write_str(before)?;
            write_relationship(out, relationship)?;
            out.write_str(after)?;
        }
        write_node(out, node)?;
    }
    out.write_str(">")
}
