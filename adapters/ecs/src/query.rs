//! Which entities a query finds, by the names of components.

use std::sync::Arc;

/// Entities that have all of some components, and none of others.
///
/// ```
/// use worldstore_ecs::Query;
///
/// let query = Query::new(["position", "velocity"]).having(["agent"]).excluding(["asleep"]);
/// assert_eq!(query.components().len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    components: Vec<Arc<str>>,
    having: Vec<Arc<str>>,
    excluding: Vec<Arc<str>>,
}

impl Query {
    /// Entities with these components, whose columns are given in this order. Without any, all that are alive; but of
    /// the reserved ones only those that have a component. A component that is named twice is given once.
    pub fn new<Name: Into<Arc<str>>>(components: impl IntoIterator<Item = Name>) -> Self {
        Self { components: distinct(Vec::new(), components), ..Self::default() }
    }

    /// All entities that are alive; of the reserved ones only those that have a component.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only entities that have these as well. They are not given.
    #[must_use]
    pub fn having<Name: Into<Arc<str>>>(mut self, components: impl IntoIterator<Item = Name>) -> Self {
        self.having = distinct(self.having, components);
        self
    }

    /// Only entities that have none of these.
    #[must_use]
    pub fn excluding<Name: Into<Arc<str>>>(mut self, components: impl IntoIterator<Item = Name>) -> Self {
        self.excluding = distinct(self.excluding, components);
        self
    }

    /// The same filter, giving these components before its own.
    pub(crate) fn giving(&self, components: impl IntoIterator<Item = Arc<str>>) -> Self {
        let components = distinct(distinct(Vec::new(), components), self.components.iter().cloned());
        Self { components, ..self.clone() }
    }

    /// The components that are given, in this order.
    pub fn components(&self) -> &[Arc<str>] {
        &self.components
    }

    /// The components that must be there, but are not given.
    pub fn required(&self) -> &[Arc<str>] {
        &self.having
    }

    /// The components that must not be there.
    pub fn excluded(&self) -> &[Arc<str>] {
        &self.excluding
    }

    /// True if an entity with exactly these components is found.
    pub fn matches<'a>(&self, components: impl Iterator<Item = &'a str> + Clone) -> bool {
        let has = |name: &Arc<str>| components.clone().any(|other| other == &**name);
        self.components.iter().chain(&self.having).all(has) && !self.excluding.iter().any(has)
    }

    /// True if no entity can be found by both: what one asks for the other excludes.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let refuses = |one: &Self, other: &Self| {
            one.components.iter().chain(&one.having).any(|name| other.excluding.contains(name))
        };
        refuses(self, other) || refuses(other, self)
    }
}

fn distinct<Name: Into<Arc<str>>>(mut names: Vec<Arc<str>>, more: impl IntoIterator<Item = Name>) -> Vec<Arc<str>> {
    for name in more.into_iter().map(Into::into) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
