//! `DESCRIBE`: what a label or an edge type is made of, and how much of it there is as far as that is known without data.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_cypher::ast::Name;

use crate::asked::Asked;
use crate::bind::unknown;
use crate::catalog::{Catalog, EdgePart, Edges, Label, Pinned, Rows};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::graph::Graph;
use crate::io_stats::Counters;
use crate::lake::{LakeLabel, Memo};
use crate::options::QueryOptions;
use crate::statement::columns;

/// Lines of four texts: what it is, its name, its type, and more of it.
#[derive(Debug, Default)]
struct Lines {
    items: Vec<String>,
    names: Vec<String>,
    types: Vec<String>,
    details: Vec<String>,
}

impl Lines {
    fn add(&mut self, item: &str, name: &str, kind: &str, detail: impl ToString) {
        self.items.push(item.to_owned());
        self.names.push(name.to_owned());
        self.types.push(kind.to_owned());
        self.details.push(detail.to_string());
    }

    fn result(self, counters: &Counters) -> Result<QueryResult, QueryError> {
        let Self { items, names, types, details } = self;
        let batch = columns(vec![("item", items), ("name", names), ("type", types), ("detail", details)])?;
        Ok(QueryResult::of(batch).with_stats(counters))
    }
}

impl Graph {
    /// Lines: `label`, `column` (with `path` or its expression if it is one of those, and `key`), `partitions`, `files`,
    /// `row groups`, `rows`.
    pub(crate) async fn describe_label(&self, name: &Name) -> Result<QueryResult, QueryError> {
        let catalog = self.known().await?;
        let Some(label) = catalog.labels.get(&name.text) else {
            return Err(unknown("label", name, catalog.labels.keys().map(String::as_str)).into());
        };
        let asked = Asked::new(self.tables.as_ref(), &QueryOptions::default());
        let mut lines = Lines::default();
        lines.add("label", &name.text, "", &label.rows);
        self.describe_columns(&mut lines, &label.rows, Some(label), &asked).await?;
        count(&mut lines, &label.rows, &asked).await?;
        for (edge_type, part) in parts_of(&catalog).filter(|(_, part)| part.uses(&name.text)) {
            lines.add("edge type", edge_type, "", joined(part));
        }
        lines.result(&asked.counters)
    }

    /// The same for each pair of labels, with a line `edges` before them that says which.
    pub(crate) async fn describe_edge_type(&self, name: &Name) -> Result<QueryResult, QueryError> {
        let catalog = self.known().await?;
        let Some(edge_type) = catalog.edge_types.get(&name.text) else {
            return Err(unknown("edge type", name, catalog.edge_types.keys().map(String::as_str)).into());
        };
        let asked = Asked::new(self.tables.as_ref(), &QueryOptions::default());
        let mut lines = Lines::default();
        for part in &edge_type.parts {
            lines.add("edges", &joined(part), "", part);
            if let Edges::Rows { source, .. } = &part.edges {
                lines.add("source key", &source.column, "", format!("{}({})", source.label, source.key));
            }
            let target = &part.target;
            lines.add("target key", &target.column, "", format!("{}({})", target.label, target.key));
            if let Some(rows) = part.rows() {
                self.describe_columns(&mut lines, rows, None, &asked).await?;
                count(&mut lines, rows, &asked).await?;
            }
        }
        lines.result(&asked.counters)
    }

    async fn describe_columns(
        &self,
        lines: &mut Lines,
        rows: &Rows,
        label: Option<&Arc<Label>>,
        asked: &Asked,
    ) -> Result<(), QueryError> {
        let computed = label.map_or(&[][..], |label| &label.computed);
        let key = label.and_then(|label| label.key.as_deref());
        let is_path = |name: &str| match rows {
            Rows::Lake(lake) => lake.path_columns.iter().any(|column| column.name == name),
            _ => false,
        };
        let plan = Pinned::of_rows(rows, computed, asked).await?.plan("rows")?;
        for field in plan.schema().fields() {
            let mut details = Vec::new();
            if key == Some(field.name().as_str()) {
                details.push("key".to_owned());
            }
            if is_path(field.name()) {
                details.push("path".to_owned());
            }
            if let Some(one) = computed.iter().find(|one| one.name.text == *field.name()) {
                details.push(format!("computed: {}", one.value));
            }
            lines.add("column", field.name(), &field.data_type().to_string(), details.join(", "));
        }
        Ok(())
    }
}

fn parts_of(catalog: &Catalog) -> impl Iterator<Item = (&str, &EdgePart)> {
    catalog.edge_types.iter().flat_map(|(name, one)| one.parts.iter().map(move |part| (name.as_str(), part.as_ref())))
}

fn joined(part: &EdgePart) -> String {
    format!("(:{})-->(:{})", part.source, part.target.label)
}

/// How much there is: from footers, manifests and what is in memory.
async fn count(lines: &mut Lines, rows: &Rows, asked: &Asked) -> Result<()> {
    match rows {
        Rows::Lake(lake) => count_files(lines, lake, asked).await?,
        Rows::File(file) => {
            let batches = file.batches(&asked.counters).await?;
            lines.add("rows", "", "", batches.iter().map(|batch| batch.num_rows()).sum::<usize>());
        }
        Rows::Table(selection) => rows_of(lines, asked.pin(selection).await?.rows()),
        Rows::Format(table) => rows_of(lines, asked.pin_format(table).await?.rows()),
        Rows::Missing { .. } => {}
    }
    Ok(())
}

fn rows_of(lines: &mut Lines, count: worldstore_datafusion::RowCount) {
    use worldstore_datafusion::RowCount::{AtMost, Exact, Unknown};
    match count {
        Exact(rows) => lines.add("rows", "", "", rows),
        AtMost(rows) => lines.add("rows", "", "", format!("at most {rows}")),
        Unknown => lines.add("rows", "", "", "unknown"),
    }
}

async fn count_files(lines: &mut Lines, lake: &LakeLabel, asked: &Asked) -> Result<()> {
    let listing = lake.list(None, &Memo::default(), &asked.counters).await?;
    let entries = lake.entries(&listing, None, &asked.counters).await?;
    let (rows, groups) = lake.summaries().totals(&entries);
    let partitions = listing.partitions()?;
    for (index, field) in listing.fields().iter().enumerate() {
        let values = listing.values.column(index);
        lines.add("path column", field.name(), &field.data_type().to_string(), spread(values));
    }
    lines.add("partitions", "", "", partitions.count);
    lines.add("files", "", "", listing.files.len());
    lines.add("row groups", "", "", groups);
    lines.add("rows", "", "", rows);
    Ok(())
}

/// The values of a path column, as least and greatest.
fn spread(values: &arrow::array::ArrayRef) -> String {
    use arrow::util::display::array_value_to_string;
    let order = arrow::compute::sort_to_indices(values, None, None);
    let Ok(order) = order else { return String::new() };
    let text = |place: usize| {
        let row = order.values().get(place).copied()?;
        array_value_to_string(values, row as usize).ok()
    };
    match (text(values.null_count()), order.len().checked_sub(1).and_then(text)) {
        (Some(least), Some(greatest)) if least == greatest => least,
        (Some(least), Some(greatest)) => format!("{least} to {greatest}"),
        _ => String::new(),
    }
}
