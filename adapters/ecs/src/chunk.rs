//! Rows with the same components, column by column: what queries, snapshots and states are made of.

mod column;

use std::borrow::Cow;

use futures::stream::BoxStream;
use worldstore_core::{Error, Result};

use crate::Entity;

pub use column::{Column, Strided};

/// The chunks that a query finds, one by one.
pub type Chunks<'a> = Box<dyn Iterator<Item = Result<Chunk<'a>>> + Send + 'a>;

/// The chunks that a query finds, one by one, awaited.
pub type AsyncChunks<'a> = BoxStream<'a, Result<Chunk<'a>>>;

/// Entities with the same components: a list of entities, and a column of as many rows for each component.
#[derive(Debug, Clone)]
pub struct Chunk<'a> {
    entities: Cow<'a, [Entity]>,
    columns: Vec<Column<'a>>,
}

impl<'a> Chunk<'a> {
    /// Puts a chunk together.
    ///
    /// # Errors
    /// `Invalid` if a column has another length, or two are of one component.
    pub fn new(entities: impl Into<Cow<'a, [Entity]>>, columns: Vec<Column<'a>>) -> Result<Self> {
        let entities = entities.into();
        for (place, column) in columns.iter().enumerate() {
            let name = column.component().name();
            if column.len() != entities.len() {
                let error = Error::invalid("a column has another length than its chunk").with("component", name);
                return Err(error.with("rows", column.len()).with("entities", entities.len()));
            }
            if columns[..place].iter().any(|other| other.component().name() == name) {
                return Err(Error::invalid("two columns of a chunk are of one component").with("component", name));
            }
        }
        Ok(Self { entities, columns })
    }

    /// The entities, one for each row.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// The columns: those of a query in the order of its arguments.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// The column of a component.
    pub fn column(&self, component: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|column| &**column.component().name() == component)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The same chunk, with all rows its own.
    ///
    /// # Errors
    /// `Invalid` if serde does not write a field as JSON.
    pub fn into_owned(self) -> Result<Chunk<'static>> {
        let columns = self.columns.into_iter().map(Column::into_owned).collect::<Result<_>>()?;
        Ok(Chunk { entities: Cow::Owned(self.entities.into_owned()), columns })
    }
}
