//! What each statement does.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::{CreateEdgeType, CreateNodeLabel, Name, Statement, StatementKind};

use crate::bind::{mistake, unknown};
use crate::catalog::{Catalog, Declared, Dropped, Record, check_free, create_edge_type, create_node_label};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::graph::Graph;
use crate::io_stats::Counters;
use crate::options::QueryOptions;
use crate::owned::CreatedName;
use crate::value::Parameters;

/// So often a declaration is tried because others create something.
const DECLARES_MAX: u32 = 32;

impl Graph {
    /// Runs one statement.
    pub(crate) async fn statement(
        &self,
        statement: &Statement,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let result = self.carry_out(statement, parameters, options).await;
        self.keep_up().await;
        result
    }

    async fn carry_out(
        &self,
        statement: &Statement,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        match &statement.kind {
            StatementKind::Query(query) => self.ask(query, parameters, options).await,
            StatementKind::Explain(query) => {
                let text = self.explain_query(query, parameters, options).await?;
                Ok(QueryResult::of(columns(vec![("plan", text.lines().map(str::to_owned).collect())])?))
            }
            StatementKind::CreateNodeLabel(create) => Ok(self.create_label(create).await?.1),
            StatementKind::CreateEdgeType(create) => self.create_edges(create).await,
            StatementKind::CreateOverlay(create) => self.create_overlay(create).await,
            StatementKind::DropOverlay(label) => self.drop_overlay(label).await,
            StatementKind::CreateLiveView(create) => self.create_live_view(create, parameters, options).await,
            StatementKind::DropLiveView(name) => self.drop_live_view(name).await,
            StatementKind::ShowLiveViews => Ok(QueryResult::of(show_live_views(&self.known().await?)?)),
            StatementKind::DropNodeLabel(name) => self.drop_label(name).await,
            StatementKind::DropEdgeType(name) => self.drop_edge_type(name).await,
            StatementKind::ShowNodeLabels => Ok(QueryResult::of(show_labels(&self.known().await?)?)),
            StatementKind::ShowEdgeTypes => Ok(QueryResult::of(show_edge_types(&self.known().await?)?)),
            StatementKind::Profile(query) => self.profile(query, parameters, options).await,
            StatementKind::DescribeNodeLabel(name) => self.describe_label(name).await,
            StatementKind::DescribeEdgeType(name) => self.describe_edge_type(name).await,
            _ => Err(Error::unsupported("this statement is not known").into()),
        }
    }

    /// Makes a label, and answers the number of the change.
    pub(crate) async fn create_label(&self, create: &CreateNodeLabel) -> Result<(u64, QueryResult), QueryError> {
        self.refresh().await?;
        check_free("label", &create.label, self.read().labels.contains_key(&create.label.text))?;
        let counters = Counters::default();
        let label = create_node_label(create, &self.mounts, self.tables.as_ref(), &counters).await?;
        let record = Record::of_label(create, &label)?;
        let (name, label) = (&create.label, Arc::new(label));
        let created = CreatedName::Label(name.text.clone());
        let number = self.declare_new(name, created, &Declared::Label(name.text.clone(), label), &record).await?;
        Ok((number, QueryResult::none().with_stats(&counters)))
    }

    async fn create_edges(&self, create: &CreateEdgeType) -> Result<QueryResult, QueryError> {
        let catalog = self.known().await?;
        check_free("edge type", &create.name, catalog.edge_types.contains_key(&create.name.text))?;
        let (tables, counters) = (self.tables.as_ref(), Counters::default());
        let edge_type = create_edge_type(create, &catalog, &self.mounts, tables, &counters).await?;
        let record = Record::of_edge_type(create, &edge_type)?;
        let (name, edge_type) = (&create.name, Arc::new(edge_type));
        let created = CreatedName::EdgeType(name.text.clone());
        let _ = self.declare_new(name, created, &Declared::EdgeType(name.text.clone(), edge_type), &record).await?;
        Ok(QueryResult::none().with_stats(&counters))
    }

    /// Declares what queries have not created: a name means rows of one kind.
    async fn declare_new(
        &self,
        name: &Name,
        created: CreatedName,
        declared: &Declared,
        record: &Record,
    ) -> Result<u64, QueryError> {
        for _ in 0..DECLARES_MAX {
            // Until it is published, nobody here creates anything.
            let known = self.owned.read().await;
            if created.is_known(&known) {
                let error = mistake(name.span, format!("{created} was created by queries"));
                return Err(error.with_help("delete what has it, and drop it, or take another name".to_owned()).into());
            }
            if let Some(number) = self.declare_after(declared.clone(), record, Some(known.changes)).await? {
                return Ok(number);
            }
            drop(known);
            self.refresh().await?;
        }
        Err(Error::new(ErrorKind::Conflict, "others have created something first each time").into())
    }

    async fn drop_label(&self, name: &Name) -> Result<QueryResult, QueryError> {
        self.refresh().await?;
        let catalog = self.read().clone();
        let used = catalog.edge_types.iter().find(|(_, edge)| edge.parts.iter().any(|part| part.uses(&name.text)));
        if let Some((edge_type, _)) = used {
            let error = Error::invalid("an edge type uses this label, drop it first");
            return Err(error.with("label", &name.text).with("edge_type", edge_type).into());
        }
        if !catalog.labels.contains_key(&name.text) {
            if self.forget(CreatedName::Label(name.text.clone())).await? {
                return Ok(QueryResult::none());
            }
            return Err(unknown("label", name, catalog.labels.keys().map(String::as_str)).into());
        }
        self.undeclare(Dropped::Label, &name.text).await?;
        Ok(QueryResult::none())
    }

    async fn drop_edge_type(&self, name: &Name) -> Result<QueryResult, QueryError> {
        self.refresh().await?;
        if !self.read().edge_types.contains_key(&name.text) {
            if self.forget(CreatedName::EdgeType(name.text.clone())).await? {
                return Ok(QueryResult::none());
            }
            return Err(unknown("edge type", name, self.read().edge_types.keys().map(String::as_str)).into());
        }
        self.undeclare(Dropped::EdgeType, &name.text).await?;
        Ok(QueryResult::none())
    }
}

fn show_live_views(catalog: &Catalog) -> Result<RecordBatch> {
    let views = &catalog.views;
    columns(vec![
        ("view", views.keys().cloned().collect()),
        ("query", views.values().map(|view| view.query.to_string()).collect()),
        ("stage", views.values().map(|view| view.stage().to_owned()).collect()),
    ])
}

fn show_labels(catalog: &Catalog) -> Result<RecordBatch> {
    let labels = &catalog.labels;
    columns(vec![
        ("label", labels.keys().cloned().collect()),
        ("rows", labels.values().map(|label| label.rows.to_string()).collect()),
        ("key", labels.values().map(|label| label.key.clone().unwrap_or_default()).collect()),
    ])
}

fn show_edge_types(catalog: &Catalog) -> Result<RecordBatch> {
    let types = &catalog.edge_types;
    let parts = || types.iter().flat_map(|(name, edge)| edge.parts.iter().map(move |part| (name, part)));
    columns(vec![
        ("edge_type", parts().map(|(name, _)| name.clone()).collect()),
        ("source", parts().map(|(_, part)| part.source.clone()).collect()),
        ("target", parts().map(|(_, part)| format!("{}({})", part.target.label, part.target.key)).collect()),
        ("edges", parts().map(|(_, part)| part.to_string()).collect()),
    ])
}

/// Columns of texts.
pub(crate) fn columns(columns: Vec<(&str, Vec<String>)>) -> Result<RecordBatch> {
    let columns = columns.into_iter().map(|(name, texts)| (name, Arc::new(StringArray::from(texts)) as ArrayRef));
    RecordBatch::try_from_iter(columns)
        .map_err(|source| Error::unexpected("columns differ in length").caused_by(source))
}
