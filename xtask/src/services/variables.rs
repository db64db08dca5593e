//! The variables through which tests find the services, as a shell or a program reads them.

/// A name and its value.
pub type Variable = (&'static str, String);

/// Lines for a shell, as in `export NAME='value'`.
pub fn shell<'a>(variables: impl IntoIterator<Item = &'a Variable>) -> String {
    variables.into_iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
}

/// One object of JSON on one line.
pub fn json<'a>(variables: impl IntoIterator<Item = &'a Variable>) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        variables.into_iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    format!("{}\n", serde_json::Value::from(object))
}

/// In single quotes nothing has a meaning but their end.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
