//! What a snapshot has, and where.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, Result};

use crate::component::ComponentType;
use crate::error::corrupt;
use crate::{Field, FieldKind, Tick};

/// The most components of a snapshot.
const COMPONENTS_MAX: usize = 4_096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub tick: u64,
    pub shard: u16,
    components: Vec<ComponentEntry>,
    pub slots: PartEntry,
    pub free: PartEntry,
    pub guests: PartEntry,
    pub chunks: Vec<ChunkEntry>,
    /// For changes: since when, and what else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    pub tick: u64,
    pub created: PartEntry,
    pub destroyed: PartEntry,
    pub removed: Vec<Removed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    pub component: String,
    pub entities: PartEntry,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentEntry {
    name: String,
    fields: Vec<FieldEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    name: String,
    kind: FieldKind,
    nullable: bool,
}

/// Where a part is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEntry {
    pub offset: u64,
    pub length: u64,
    pub crc32c: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkEntry {
    pub part: PartEntry,
    pub columns: Vec<ColumnEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEntry {
    /// The place of the component in the list.
    pub component: usize,
    pub layout: Layout,
}

/// How the values of a column are written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One behind the other.
    Packed,
    /// A column for each field.
    Fields,
    /// Places of values that are a part of their own.
    Shared(PartEntry),
}

impl Manifest {
    pub fn new(tick: Tick, components: &[Arc<ComponentType>], shard: u16) -> Self {
        let field =
            |field: &Field| FieldEntry { name: field.name.to_string(), kind: field.kind, nullable: field.nullable };
        let components = components.iter().map(|component| ComponentEntry {
            name: component.name().to_string(),
            fields: component.fields().iter().map(field).collect(),
        });
        let (slots, free, guests) = Default::default();
        let components = components.collect();
        Self { tick: tick.0, shard, components, slots, free, guests, chunks: Vec::new(), since: None }
    }

    /// The place of a component.
    pub fn place(&self, component: &ComponentType) -> Result<usize> {
        let found = self.components.iter().position(|entry| *entry.name == **component.name());
        found.ok_or_else(|| Error::invalid("the state does not list a component").with("component", component))
    }

    /// The components, checked.
    pub fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        if self.components.len() > COMPONENTS_MAX {
            return Err(corrupt("there are too many components").with("components", self.components.len()));
        }
        let component = |entry: &ComponentEntry| {
            let fields = entry.fields.iter().map(|field| {
                let made = Field::new(field.name.as_str(), field.kind);
                if field.nullable { made.nullable() } else { made }
            });
            let component = ComponentType::dynamic(entry.name.as_str(), fields.collect());
            component.map(Arc::new).map_err(|source| corrupt("a component cannot be").caused_by(source))
        };
        let components: Vec<Arc<ComponentType>> = self.components.iter().map(component).collect::<Result<_>>()?;
        let mut names: Vec<&str> = components.iter().map(|component| &**component.name()).collect();
        names.sort_unstable();
        match names.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(corrupt("two components have one name")),
            false => Ok(components),
        }
    }
}
