//! Addresses of stores that are a file or a folder.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::percent;

/// The path of `scheme:///path`. Percent escapes are decoded; a plain `#` or `?` has to be escaped.
///
/// # Errors
/// `Invalid`, naming what is wrong: another scheme, a host, a path that is not absolute or only `/`, a query or
/// fragment, an escape that is none.
pub fn path_of_uri(uri: &str, scheme: &'static str) -> Result<PathBuf> {
    let broken = |reason: &str| Error::invalid(reason).with("uri", uri).with("expected", format!("{scheme}:///path"));
    // Other addresses may hold passwords: what is not ours is not repeated.
    let rest = uri
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_prefix("://"))
        .ok_or_else(|| Error::invalid("URI has another scheme").with("expected", format!("{scheme}:///path")))?;
    if !rest.starts_with('/') {
        return Err(Error::invalid("URI names a host, or its path is not absolute")
            .with("expected", format!("{scheme}:///path")));
    }
    if rest.contains(['?', '#']) {
        return Err(broken("URI has a query or fragment"));
    }
    if rest.trim_matches('/').is_empty() {
        return Err(broken("URI has no path"));
    }
    let path =
        percent::decode(rest).map_err(|source| broken("URI has a percent escape that is none").caused_by(source))?;
    match path.contains('\0') {
        true => Err(broken("URI has a path with a NUL")),
        false => Ok(PathBuf::from(path)),
    }
}
