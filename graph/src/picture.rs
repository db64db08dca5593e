//! Pictures: the nodes and relationships of a result, and plans, as SVG, or as text for Graphviz or Mermaid.

mod draw;
mod layout;
mod svg;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use worldstore_core::{Error, Result};
use worldstore_cypher::ast::StatementKind;
use worldstore_cypher::parse;
use worldstore_cypher_runtime::{Node, Relationship, Value};

use crate::as_of;
use crate::asked::Asked;
use crate::error::QueryError;
use crate::graph::Graph;
use crate::interpret::Walked;
use crate::options::QueryOptions;
use crate::value::Parameters;

/// A language of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFormat {
    /// An image that browsers show, laid out here. It is for what a person can look at: each long arrow costs its way.
    Svg,
    /// Graphviz, which lays out better: `dot -Tsvg` makes an image of it.
    Dot,
    /// Mermaid: many viewers of Markdown show it.
    Mermaid,
}

impl FromStr for PictureFormat {
    type Err = Error;

    /// # Errors
    /// `Invalid` for anything but `svg`, `dot` and `mermaid`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "dot" => Ok(Self::Dot),
            "mermaid" => Ok(Self::Mermaid),
            "svg" => Ok(Self::Svg),
            _ => Err(Error::invalid("a picture is svg, dot or mermaid").with("format", text)),
        }
    }
}

/// Something drawn: boxes, and arrows between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    boxes: Vec<Shape>,
    arrows: Vec<Arrow>,
}

/// A box: lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    lines: Vec<String>,
    is_round: bool,
}

/// An arrow from one box to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrow {
    from: usize,
    to: usize,
    label: String,
}

impl Picture {
    /// The number of nodes, or of steps of a plan.
    pub fn boxes(&self) -> usize {
        self.boxes.len()
    }

    /// The number of relationships, or of streams from one step to the next.
    pub fn arrows(&self) -> usize {
        self.arrows.len()
    }

    /// The nodes and relationships in values, each once. Ends of relationships that are not among them are empty boxes.
    fn of_values<'value>(values: impl Iterator<Item = &'value Value>) -> Self {
        let mut drawing = Drawing::default();
        values.for_each(|value| drawing.value(value));
        drawing.finish()
    }

    /// A plan as EXPLAIN prints it: each line is fed by those below it that are indented by one step more.
    fn of_plan(text: &str) -> Self {
        let mut picture = Self::default();
        let mut open: Vec<(usize, usize)> = Vec::new();
        let lines = text.lines().skip_while(|line| !line.starts_with("physical plan")).skip(1);
        for line in lines.take_while(|line| !line.starts_with("partitions ")).filter(|line| !line.trim().is_empty()) {
            let depth = line.len() - line.trim_start().len();
            while open.last().is_some_and(|(above, _)| *above >= depth) {
                open.pop();
            }
            let (name, details) = line.trim().split_once(": ").unwrap_or((line.trim(), ""));
            let lines = [name, details].into_iter().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            picture.boxes.push(Shape { lines, is_round: false });
            let step = picture.boxes.len() - 1;
            if let Some((_, to)) = open.last() {
                picture.arrows.push(Arrow { from: step, to: *to, label: String::new() });
            }
            open.push((depth, step));
        }
        if picture.boxes.is_empty() {
            let lines = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            picture.boxes.push(Shape { lines, is_round: false });
        }
        picture
    }

    /// The picture as text.
    pub fn print(&self, format: PictureFormat) -> String {
        match format {
            PictureFormat::Svg => svg::svg(self),
            PictureFormat::Dot => draw::dot(self),
            PictureFormat::Mermaid => draw::mermaid(self),
        }
    }
}

/// What is drawn so far.
#[derive(Debug, Default)]
struct Drawing {
    nodes: BTreeMap<u64, Option<Shape>>,
    relationships: BTreeMap<u64, (u64, u64, String)>,
}

impl Drawing {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Node(node) => self.node(node),
            Value::Relationship(relationship) => self.relationship(relationship),
            Value::Path(path) => {
                path.nodes.iter().for_each(|node| self.node(node));
                path.relationships.iter().for_each(|relationship| self.relationship(relationship));
            }
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Map(map) => map.iter().for_each(|(_, item)| self.value(item)),
            _ => {}
        }
    }

    fn node(&mut self, node: &Node) {
        let labels: Vec<&str> = node.labels.iter().map(AsRef::as_ref).collect();
        let head = if labels.is_empty() { String::new() } else { format!(":{}", labels.join(":")) };
        let properties = node.properties.iter().map(|(name, value)| format!("{name}: {value}"));
        let lines = std::iter::once(head).chain(properties).filter(|line| !line.is_empty()).collect();
        self.nodes.insert(node.id.0, Some(Shape { lines, is_round: true }));
    }

    fn relationship(&mut self, relationship: &Relationship) {
        let properties = relationship.properties.iter().map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<String> = std::iter::once(relationship.kind.to_string()).chain(properties).collect();
        let (start, end) = (relationship.start.0, relationship.end.0);
        self.relationships.insert(relationship.id.0, (start, end, lines.join(", ")));
        self.nodes.entry(start).or_default();
        self.nodes.entry(end).or_default();
    }

    fn finish(self) -> Picture {
        let numbers: BTreeMap<u64, usize> = self.nodes.keys().copied().zip(0..).collect();
        let empty = Shape { lines: Vec::new(), is_round: true };
        let boxes = self.nodes.into_values().map(|shape| shape.unwrap_or_else(|| empty.clone())).collect();
        let arrow = |(start, end, label): (u64, u64, String)| {
            Some(Arrow { from: *numbers.get(&start)?, to: *numbers.get(&end)?, label })
        };
        Picture { boxes, arrows: self.relationships.into_values().filter_map(arrow).collect() }
    }
}

impl Graph {
    /// Draws the last statement of a text: the nodes, relationships and paths of the result of a query, or the plan of
    /// `EXPLAIN`. Statements before it are carried out.
    ///
    /// # Errors
    /// As for [`run_with`](Self::run_with); `Invalid` if the last statement is no query, or its result has nothing to
    /// draw.
    pub async fn picture(
        &self,
        source: &str,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<Picture, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        let Some((last, before)) = statements.split_last() else {
            return Err(Error::invalid("there is no query to draw").into());
        };
        for statement in before {
            self.statement(statement, parameters, options).await?;
        }
        let query = match &last.kind {
            StatementKind::Query(query) => query,
            StatementKind::Explain(query) => {
                return Ok(Picture::of_plan(&self.explain_query(query, parameters, options).await?));
            }
            _ => return Err(Error::invalid("the last statement is no query, so there is nothing to draw").into()),
        };
        let options = as_of::with(query, parameters, options)?;
        let asked = Asked::new(self.tables.as_ref(), &options);
        crate::query::check(query)?;
        // Only values that are walked know what they are.
        let interpreter = self.interpreter(self.known().await?);
        let Walked { answer, cut, .. } = interpreter.walk(query, parameters, &asked, &options).await?;
        if let Some((limit, _)) = cut {
            return Err(Error::invalid("a picture is of the whole result").with("limit", limit).into());
        }
        let picture = Picture::of_values(answer.rows.iter().flatten());
        match picture.boxes.is_empty() && !answer.rows.is_empty() {
            true => {
                let error = Error::invalid("there are no nodes and relationships in the result");
                Err(error.with("help", "return nodes, relationships or paths as they are").into())
            }
            false => Ok(picture),
        }
    }
}

/// How many boxes and arrows there are.
impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} boxes, {} arrows", self.boxes.len(), self.arrows.len())
    }
}

#[cfg(test)]
mod tests;
