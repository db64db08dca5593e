//! Formats of tables for the graph: what `FROM LANCE 'place'` and `FROM ICEBERG 'place'` mean in declarations.
//!
//! A place is an address of the graph, `lake://mount/path`, or a URI that a [`Registry`] can open. It is kept and shown as
//! it is written, so secrets are told as `${NAME}`, a variable of the environment.
//!
//! ```text
//! CREATE NODE LABEL Car FROM LANCE 'lake://garage/cars.lance' KEY id
//! CREATE NODE LABEL Trip FROM ICEBERG 's3://trips/wh/t/metadata/00007-a1.metadata.json'
//! CREATE NODE LABEL Trip FROM ICEBERG 'sqlite:/data/catalog.db#trips'
//! CREATE NODE LABEL Trip FROM ICEBERG 'rest+https://host/api?namespace=city&token=${TOKEN}#trips'
//! ```
//!
//! - `LANCE`: a dataset is its folder, whoever wrote it.
//! - `ICEBERG`: a metadata file, whoever wrote it; a folder whose `metadata/version-hint.text` tells the newest; or a table
//!   that a catalog knows, `CATALOG#[name/][namespace.]table`. The catalog is an SQLite file, a PostgreSQL server or one of
//!   the REST protocol, written as for `--catalog`; of a database, name and namespace are those of worlds by default,
//!   `worldstore/world`. A metadata file is one state of the table for ever, what a catalog knows is the newest at each query.
//!
//! Columns, conditions and limits are read by the format. `AS OF TIME` and `AS OF SNAPSHOT 'version:N'` ask older versions,
//! `AS OF TICK` and `AS OF SEQUENCE` rows up to there of tables that have the columns `tick` and `seq`. Results name the
//! version that was read.

#[cfg(feature = "iceberg")]
mod iceberg;
#[cfg(feature = "lance")]
mod lance;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod place;
#[cfg(any(feature = "lance", feature = "iceberg"))]
mod table;

use std::sync::Arc;

use worldstore_graph::{Graph, TableFormat};

use crate::Registry;

/// The graph with the formats that are compiled in. URIs are opened by this registry.
#[must_use]
pub fn with_table_formats(graph: Graph, registry: &Registry) -> Graph {
    formats(registry).into_iter().fold(graph, |graph, (name, format)| graph.with_format(name, format))
}

#[cfg_attr(
    not(any(feature = "lance", feature = "iceberg")),
    expect(unused_variables, reason = "no format is compiled in")
)]
fn formats(registry: &Registry) -> Vec<(&'static str, Arc<dyn TableFormat>)> {
    vec![
        #[cfg(feature = "lance")]
        ("lance", Arc::new(lance::LanceFormat::new(registry.clone()))),
        #[cfg(feature = "iceberg")]
        ("iceberg", Arc::new(iceberg::IcebergFormat::new(registry.clone()))),
    ]
}
