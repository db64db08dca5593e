//! What a stored catalog says of a label, an edge type, corrections or a live view: its declaration, and what was learnt when it was made.
//!
//! ```text
//! {"declared":"CREATE NODE LABEL …","rows":[{"columns":[{"name":"a","type":"Int64"}],"path":[{"name":"day","kind":"date"}]}],
//!  "labels":["Airport"]}
//! ```
//!
//! The declaration is canonical text of the language. A column whose type has no text that reads back has it as the bytes of
//! an Arrow schema of that one column, in hexadecimal digits (`ipc`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::convert::{IpcSchemaEncoder, try_schema_from_flatbuffer_bytes};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use worldstore_core::blocks::Content;
use worldstore_core::hive::HiveType;
use worldstore_core::lake::LakeColumn;
use worldstore_core::manifest::Manifests;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::{
    CreateEdgeType, CreateLiveView, CreateNodeLabel, CreateOverlay, Edges as EdgesAst, Statement, StatementKind,
};
use worldstore_cypher::parse;

use super::ddl::{Mounts, recorded_rows};
use super::kept::KeptRows;
use super::order::ordered;
use super::{Corrections, EdgePart, EdgeType, Edges, Label, Overlay, Reference, Rows};
use crate::live::LiveView;
use crate::owned::{from_json, to_json};
use crate::value::Parameters;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    declared: String,
    /// What was learnt of the rows of the label, or of those of each part of the edge type; none where nothing is recorded.
    rows: Vec<Option<RecordedRows>>,
    /// The labels that an edge type joins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    /// The key of corrections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Corrections that were given as rows: then nothing is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<Content>,
    /// The parameters of a live view.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, Json>,
}

/// The columns of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordedRows {
    columns: Vec<Column>,
    /// Columns that come from the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    path: Vec<PathColumn>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipc: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathColumn {
    name: String,
    kind: String,
}

/// The kinds of path columns, as they are written.
const KINDS: [(HiveType, &str); 4] =
    [(HiveType::Bool, "bool"), (HiveType::Int, "int"), (HiveType::Date, "date"), (HiveType::Text, "text")];

impl Record {
    pub fn of_label(create: &CreateNodeLabel, label: &Label) -> Result<Self> {
        let rows = vec![RecordedRows::of(&label.rows)?];
        Ok(Self { declared: create.to_string(), rows, ..Self::default() })
    }

    pub fn of_edge_type(create: &CreateEdgeType, edge_type: &EdgeType) -> Result<Self> {
        let rows = edge_type.parts.iter().map(|part| part.rows().map_or(Ok(None), RecordedRows::of));
        let labels = edge_type.parts.iter().flat_map(|part| [part.source.clone(), part.target.label.clone()]);
        let (rows, labels) = (rows.collect::<Result<_>>()?, labels.collect());
        Ok(Self { declared: create.to_string(), rows, labels, ..Self::default() })
    }

    /// Corrections: rows that are declared, or that are given and stored.
    pub fn of_overlay(create: &CreateOverlay, overlay: &Overlay) -> Result<Self> {
        let rows = match &overlay.rows {
            Corrections::Declared(rows) => vec![RecordedRows::of(rows)?],
            Corrections::Given(..) | Corrections::Kept(_) => Vec::new(),
        };
        let declared = StatementKind::CreateOverlay(create.clone()).to_string();
        Ok(Self { declared, rows, key: Some(overlay.key.clone()), ..Self::default() })
    }

    pub fn of_given(key: &str, content: Content) -> Self {
        Self { key: Some(key.to_owned()), given: Some(content), ..Self::default() }
    }

    /// A standing query and its parameters.
    ///
    /// # Errors
    /// `Unsupported` for a parameter that cannot be stored.
    pub fn of_view(create: &CreateLiveView, parameters: &Parameters) -> Result<Self> {
        let values = parameters.clone().into_iter().map(|(name, value)| Ok((name, to_json(&value)?)));
        let declared = StatementKind::CreateLiveView(create.clone()).to_string();
        Ok(Self { declared, parameters: values.collect::<Result<_>>()?, ..Self::default() })
    }

    pub fn encode(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|source| Error::unexpected("a record cannot be written").caused_by(source))
    }

    /// # Errors
    /// `Corrupt`.
    pub fn decode(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|source| corrupt("a record cannot be read").caused_by(source))
    }

    /// True if it is of an edge type that joins this label.
    pub fn uses(&self, label: &str) -> bool {
        self.labels.iter().any(|one| one == label)
    }

    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The label as it was declared. Nothing is read.
    pub fn label(&self, mounts: &Mounts) -> Result<Label> {
        let StatementKind::CreateNodeLabel(create) = self.statement()?.kind else {
            return Err(corrupt("a record is of something else"));
        };
        let rows = recorded_rows(&create.source, self.rows.first().and_then(Option::as_ref), mounts)?;
        let computed = ordered(&create.computed).map_err(|one| corrupt(&one.to_string()))?;
        Ok(Label { rows, key: create.key.map(|key| key.text), computed })
    }

    /// The edge type as it was declared. Nothing is read.
    pub fn edge_type(&self, mounts: &Mounts) -> Result<EdgeType> {
        let StatementKind::CreateEdgeType(create) = self.statement()?.kind else {
            return Err(corrupt("a record is of something else"));
        };
        let recorded = self.rows.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let parts = create.parts.iter().zip(recorded).map(|(edges, recorded)| part(edges, recorded, mounts));
        Ok(EdgeType { parts: parts.collect::<Result<_>>()? })
    }

    /// The corrections as they were declared or given. Nothing is read.
    pub fn overlay(&self, mounts: &Mounts, manifests: &Manifests) -> Result<Overlay> {
        let key = self.key.clone().ok_or_else(|| corrupt("corrections have no key"))?;
        if let Some(content) = &self.given {
            let kept = KeptRows::new(manifests.clone(), content.clone());
            return Ok(Overlay { key, rows: Corrections::Kept(Arc::new(kept)) });
        }
        let StatementKind::CreateOverlay(create) = self.statement()?.kind else {
            return Err(corrupt("a record is of something else"));
        };
        let rows = recorded_rows(&create.source, self.rows.first().and_then(Option::as_ref), mounts)?;
        Ok(Overlay { key, rows: Corrections::Declared(rows) })
    }

    /// The standing query as it was declared. It is not run.
    pub fn view(&self) -> Result<LiveView> {
        let StatementKind::CreateLiveView(create) = self.statement()?.kind else {
            return Err(corrupt("a record is of something else"));
        };
        let mut parameters = Parameters::default();
        for (name, value) in &self.parameters {
            parameters = parameters.with(name, from_json(value)?);
        }
        Ok(LiveView::declared(create.query, parameters))
    }

    fn statement(&self) -> Result<Statement> {
        let statements = parse(&self.declared).map_err(|all| {
            let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
            corrupt("a declaration cannot be read").with("declared", &self.declared).with("why", texts.join("; "))
        })?;
        let mut statements = statements.into_iter();
        match (statements.next(), statements.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(corrupt("a record holds one declaration").with("declared", &self.declared)),
        }
    }
}

fn part(edges: &EdgesAst, recorded: Option<&RecordedRows>, mounts: &Mounts) -> Result<std::sync::Arc<EdgePart>> {
    let reference = |one: &worldstore_cypher::ast::Reference| Reference {
        column: one.column.text.clone(),
        label: one.label.text.clone(),
        key: one.key.text.clone(),
    };
    let part = match edges {
        EdgesAst::ForeignKey { source, target } => {
            EdgePart { edges: Edges::ForeignKey, source: source.text.clone(), target: reference(target) }
        }
        EdgesAst::Rows { rows, source, target } => {
            let (rows, source) = (recorded_rows(rows, recorded, mounts)?, reference(source));
            EdgePart { source: source.label.clone(), edges: Edges::Rows { rows, source }, target: reference(target) }
        }
        _ => return Err(corrupt("edges of this kind are not known")),
    };
    Ok(Arc::new(part))
}

impl RecordedRows {
    /// What is to be kept of rows: nothing of tables, which tell their columns by themselves.
    fn of(rows: &Rows) -> Result<Option<Self>> {
        let (schema, path) = match rows {
            Rows::Lake(label) => (&label.columns, label.path_columns.as_slice()),
            Rows::File(file) => (&file.schema, &[][..]),
            _ => return Ok(None),
        };
        let columns = schema.fields().iter().map(|field| Column::of(field)).collect::<Result<_>>()?;
        let path = path.iter().map(|column| {
            let kind = KINDS.iter().find(|(kind, _)| *kind == column.kind).map_or("text", |(_, name)| name);
            PathColumn { name: column.name.clone(), kind: kind.to_owned() }
        });
        Ok(Some(Self { columns, path: path.collect() }))
    }

    pub fn schema(&self) -> Result<SchemaRef> {
        let fields = self.columns.iter().map(Column::field).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Schema::new(fields)))
    }

    pub fn path_columns(&self) -> Result<Vec<LakeColumn>> {
        let column = |one: &PathColumn| {
            let kind = KINDS.iter().find(|(_, name)| *name == one.kind).map(|(kind, _)| *kind);
            let kind = kind.ok_or_else(|| corrupt("this kind of path column is not known").with("kind", &one.kind))?;
            Ok(LakeColumn::new(one.name.clone(), kind))
        };
        self.path.iter().map(column).collect()
    }
}

impl Column {
    fn of(field: &Field) -> Result<Self> {
        let (name, text) = (field.name().clone(), field.data_type().to_string());
        if text.parse::<DataType>().ok().as_ref() == Some(field.data_type()) {
            return Ok(Self { name, r#type: Some(text), ipc: None });
        }
        let schema = Schema::new(vec![field.clone()]);
        let bytes = IpcSchemaEncoder::new().schema_to_fb(&schema);
        let mut digits = String::new();
        for byte in bytes.finished_data() {
            // Writing to a text cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        let column = Self { name, r#type: None, ipc: Some(digits) };
        match column.field()?.data_type() == field.data_type() {
            true => Ok(column),
            false => Err(Error::unsupported("a column has a type that a catalog cannot hold")
                .with("column", field.name())
                .with("type", field.data_type())),
        }
    }

    fn field(&self) -> Result<Field> {
        let failed = || corrupt("the type of a column cannot be read").with("column", &self.name);
        let data_type = match (&self.r#type, &self.ipc) {
            (Some(text), None) => text.parse().map_err(|_| failed().with("type", text))?,
            (None, Some(digits)) => {
                let pairs = digits.as_bytes().chunks(2);
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                let bytes: Vec<u8> = pairs.map(byte).collect::<Option<_>>().ok_or_else(failed)?;
                let schema = try_schema_from_flatbuffer_bytes(&bytes).map_err(|source| failed().caused_by(source))?;
                schema.fields().first().ok_or_else(failed)?.data_type().clone()
            }
            _ => return Err(failed()),
        };
        Ok(Field::new(&self.name, data_type, true))
    }
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message.to_owned())
}
