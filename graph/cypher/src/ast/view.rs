//! Statements that declare standing queries and corrections.

use super::{Name, Query, Source};

/// `CREATE LIVE VIEW name AS query`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateLiveView {
    /// The view.
    pub name: Name,
    /// Its rows.
    pub query: Query,
}

/// `CREATE OVERLAY ON label source`: rows whose values win over those of the label with the same key.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateOverlay {
    /// The label that is corrected.
    pub label: Name,
    /// The corrections.
    pub source: Source,
}
