//! Variables in values: `${NAME}`, `${NAME:-default}`, and `$$` for a dollar.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, Result};

/// Where variables come from.
#[derive(Clone)]
pub struct Lookup(Source);

#[derive(Clone)]
enum Source {
    Process,
    Given(Arc<BTreeMap<String, String>>),
}

impl Lookup {
    /// The environment of the process.
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// No variables.
    pub fn none() -> Self {
        Self::given(<[(&str, &str); 0]>::default())
    }

    /// These variables and no others.
    pub fn given<Name: Into<String>, Text: Into<String>>(variables: impl IntoIterator<Item = (Name, Text)>) -> Self {
        let pairs = variables.into_iter().map(|(name, text)| (name.into(), text.into()));
        Self(Source::Given(Arc::new(pairs.collect())))
    }

    /// The value of a variable. What is no UTF-8 counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        match &self.0 {
            Source::Process => std::env::var(name).ok(),
            Source::Given(variables) => variables.get(name).cloned(),
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Process => f.write_str("Lookup(process)"),
            Source::Given(variables) => f.debug_tuple("Lookup").field(&variables.keys()).finish(),
        }
    }
}

impl Lookup {
    /// The names of the variables that begin so and are not empty, sorted.
    pub(crate) fn names_with(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = match &self.0 {
            Source::Process => std::env::vars_os()
                .filter(|(_, value)| !value.is_empty())
                .filter_map(|(name, _)| name.into_string().ok())
                .collect(),
            Source::Given(variables) => {
                variables.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.clone()).collect()
            }
        };
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names
    }
}

/// Replaces the variables. As in a shell, a default stands for a variable that is not set or empty; it is taken as it is.
pub(crate) fn expand(text: &str, lookup: &Lookup) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let Some((inside, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return Err(Error::invalid("a dollar begins no variable like `${NAME}`, write `$$` for a dollar"));
        };
        expanded.push_str(&variable(inside, lookup)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn variable(inside: &str, lookup: &Lookup) -> Result<String> {
    let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(legal) {
        return Err(Error::invalid("a variable must be like `${NAME}` or `${NAME:-default}`"));
    }
    match (lookup.get(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Error::invalid("the variable is not set and has no default").with("variable", name)),
    }
}
