//! The variables at one place of a query.

use std::collections::BTreeMap;

use super::types::Type;

/// Variables and what they stand for, as far as that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    variables: BTreeMap<String, Type>,
}

impl Scope {
    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    pub(super) fn bind(&mut self, name: &str, is: Type) {
        self.variables.insert(name.to_owned(), is);
    }

    /// The scope with one more variable, which hides another of its name.
    pub(super) fn with(&self, name: &str, is: Type) -> Self {
        let mut scope = self.clone();
        scope.bind(name, is);
        scope
    }

    /// In alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// Takes all variables of another scope.
    pub(super) fn extend(&mut self, other: &Self) {
        self.variables.extend(other.variables.iter().map(|(name, is)| (name.clone(), is.clone())));
    }
}
