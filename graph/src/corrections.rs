//! Declaring corrections to the rows of a label.

use std::sync::Arc;

use arrow::array::RecordBatch;
use worldstore_core::{Error, Result};
use worldstore_cypher::ast::{CreateOverlay, Name, Source};

use crate::bind::{mistake, unknown, unsupported};
use crate::catalog::{Corrections, Declared, Dropped, Overlay, Pinned, Record, Rows, check_key, rows};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::graph::Graph;
use crate::io_stats::Counters;

impl Graph {
    /// Corrects rows of a label that cannot be changed where they are, such as those of files: where a correction has the
    /// key of a row, each of its values that is not null takes the place of the row's. Corrections that were declared for
    /// the label before are replaced. They live as long as the graph, or the stored catalog if one is open.
    ///
    /// # Errors
    /// `NotFound` if there is no such label; `Invalid` if it declares no key, or the corrections have it not, or not once
    /// each; those of the stored catalog.
    pub async fn correct(&self, label: &str, corrections: RecordBatch) -> Result<()> {
        let key = {
            let catalog = self.known().await?;
            let found = catalog.labels.get(label);
            let found = found.ok_or_else(|| Error::not_found("there is no such label").with("label", label))?;
            found.key.clone().ok_or_else(|| no_key(label))?
        };
        let schema = corrections.schema();
        if schema.column_with_name(&key).is_none() {
            return Err(Error::invalid("corrections need the key of their label")
                .with("label", label)
                .with("key", key));
        }
        check_key(std::slice::from_ref(&corrections), &key)?;
        match &self.store {
            Some(store) => {
                store.correct(label, &key, &corrections, self.here()).await?;
                self.keep_up().await;
            }
            None => {
                let overlay = Overlay { key, rows: Corrections::Given([corrections].into(), schema) };
                self.change(|catalog| catalog.overlays.insert(label.to_owned(), Arc::new(overlay)));
            }
        }
        Ok(())
    }

    pub(crate) async fn create_overlay(&self, create: &CreateOverlay) -> Result<QueryResult, QueryError> {
        let catalog = self.known().await?;
        let name = &create.label;
        let label = catalog.labels.get(&name.text);
        let label = label.ok_or_else(|| unknown("label", name, catalog.labels.keys().map(String::as_str)))?;
        let key = label.key.clone().ok_or_else(|| {
            let message = format!("`{}` declares no key, so its rows cannot be told apart", name.text);
            mistake(name.span, message).with_help("declare it with KEY".to_owned())
        })?;
        crate::catalog::check_free("overlay of", name, catalog.overlays.contains_key(&name.text))?;
        if let Source::Partition(place) = &create.source {
            let help = "corrections are a file or a table".to_owned();
            return Err(unsupported(place.span, "corrections in partitions").with_help(help).into());
        }
        let counters = Arc::new(Counters::default());
        let rows = rows(&create.source, &self.mounts, &counters).await?;
        let pinned = Pinned::new(&rows, &[], self.tables.as_ref(), &counters).await?;
        let plan = pinned.plan("corrections")?;
        if !plan.schema().fields().iter().any(|field| *field.name() == key) {
            let error = Error::invalid("corrections need the key of their label");
            return Err(error.with("label", &name.text).with("key", key).into());
        }
        if let Rows::File(file) = &rows {
            check_key(&file.batches(&counters).await?, &key)?;
        }
        let overlay = Overlay { key, rows: Corrections::Declared(rows) };
        let record = Record::of_overlay(create, &overlay)?;
        self.declare(Declared::Overlay(name.text.clone(), Arc::new(overlay)), &record).await?;
        Ok(QueryResult::none().with_stats(&counters))
    }

    pub(crate) async fn drop_overlay(&self, label: &Name) -> Result<QueryResult, QueryError> {
        self.refresh().await?;
        if !self.read().overlays.contains_key(&label.text) {
            return Err(unknown("overlay of", label, self.read().overlays.keys().map(String::as_str)).into());
        }
        self.undeclare(Dropped::Overlay, &label.text).await?;
        Ok(QueryResult::none())
    }
}

fn no_key(label: &str) -> Error {
    Error::invalid("the label declares no key, so its rows cannot be told apart").with("label", label)
}
