//! The components that a database has tables for: what the tables and their columns are called, and the list of them that
//! a program saw last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::component::ComponentType;
use crate::field::Field;
use crate::storage::types::Types;

/// The columns that every table of a component has.
const OWN: [&str; 3] = ["entity", "changed", "shared"];
/// As much of a component's name is part of the names of its tables.
const SLUG_BYTES_MAX: usize = 40;

/// A component and its tables.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub id: i64,
    pub component: Arc<ComponentType>,
    /// A row for each entity that has the component: `entity`, `changed`, `shared`, and a column for each field.
    pub table: String,
    /// A row for each value that is stored once: `id`, `value`, and a column for each field. There is such a table once
    /// the component had a shared value.
    pub shared: Option<String>,
    /// The names of the columns, one for each field.
    pub columns: Vec<String>,
}

impl Known {
    pub fn new(id: i64, component: Arc<ComponentType>, has_shared: bool) -> Self {
        let slug: String = component.name().chars().take(SLUG_BYTES_MAX).map(letter).collect();
        let shared = has_shared.then(|| format!("s{id}_{slug}"));
        let columns = columns(component.fields());
        Self { id, table: format!("c{id}_{slug}"), shared, columns, component }
    }

    pub fn name(&self) -> &Arc<str> {
        self.component.name()
    }

    /// What reads the fields of a row of `table` as `t`, whose shared value is `s`.
    pub fn fields_of(&self, table: &str, shared: &str) -> Vec<String> {
        let column = |name: &String| match self.shared {
            Some(_) => {
                format!("CASE WHEN {table}.shared IS NULL THEN {table}.\"{name}\" ELSE {shared}.\"{name}\" END")
            }
            None => format!("{table}.\"{name}\""),
        };
        self.columns.iter().map(column).collect()
    }
}

fn letter(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }
}

/// The names of columns for fields: their own, unless that is one that every table has.
fn columns(fields: &[Field]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    let taken = |name: &str, names: &[String]| {
        let other = names.iter().map(String::as_str).chain(OWN).chain(["id", "value", "hash"]);
        other.chain(fields.iter().map(|field| &*field.name)).filter(|other| other.eq_ignore_ascii_case(name)).count()
    };
    for field in fields {
        let mut name = field.name.to_string();
        // Its own name is counted once.
        let mut most = 1;
        while taken(&name, &names) > most {
            name.push('_');
            most = 0;
        }
        names.push(name);
    }
    names
}

/// All components of a database, as of a version of the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub version: i64,
    known: Vec<Known>,
    places: HashMap<Arc<str>, usize>,
}

impl Catalog {
    pub fn new(version: i64, known: Vec<Known>) -> Self {
        let places = known.iter().enumerate().map(|(place, known)| (Arc::clone(known.name()), place)).collect();
        Self { version, known, places }
    }

    pub fn get(&self, component: &str) -> Option<&Known> {
        self.known.get(*self.places.get(component)?)
    }

    pub fn all(&self) -> &[Known] {
        &self.known
    }

    /// The catalog with the Rust types that a program has.
    fn typed(mut self, types: &Types) -> Self {
        for known in &mut self.known {
            known.component = types.of(Arc::clone(&known.component));
        }
        self
    }
}

/// The catalog that a program saw last, in its Rust types.
#[derive(Debug, Default)]
pub(crate) struct LastCatalog {
    types: Types,
    last: Mutex<Arc<Catalog>>,
}

impl LastCatalog {
    pub fn get(&self) -> Arc<Catalog> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps this one, unless it is kept already.
    pub fn keep(&self, catalog: Arc<Catalog>) -> Arc<Catalog> {
        if Arc::ptr_eq(&catalog, &self.get()) {
            return catalog;
        }
        let typed = Arc::new(Arc::unwrap_or_clone(catalog).typed(&self.types));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&typed);
        typed
    }

    /// Notes the Rust types of components that are stored.
    pub fn learn<'a>(&mut self, components: impl IntoIterator<Item = &'a Arc<ComponentType>>) {
        if self.types.learn(components) {
            let last = self.last.get_mut().unwrap_or_else(PoisonError::into_inner);
            *last = Arc::new(Arc::unwrap_or_clone(std::mem::take(last)).typed(&self.types));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::field::FieldKind;

    #[test]
    fn columns_are_named_after_fields_and_never_twice() {
        let fields = ["x", "Entity", "entity_", "changed"].map(|name| Field::new(name, FieldKind::I32));
        assert_eq!(columns(&fields), ["x", "Entity__", "entity_", "changed_"]);
    }

    #[test]
    fn fields_come_back_from_their_text() {
        let fields = vec![Field::new("x", FieldKind::F32), Field::new("y", FieldKind::Json).nullable()];
        let component = ComponentType::dynamic("a.b", fields).unwrap();
        let back = ComponentType::from_text("a.b", &component.fields_text().unwrap()).unwrap();
        assert!(back.is_same(&component));
        assert_eq!(Known::new(7, back, true).shared.unwrap(), "s7_a_b");
    }
}
