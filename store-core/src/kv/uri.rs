//! Addresses of stores that are a file or a folder.

use std::path::PathBuf;

use crate::error::{Error, Result};

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
    let path = decode(rest).ok_or_else(|| broken("URI has a percent escape that is none"))?;
    match path.contains('\0') {
        true => Err(broken("URI has a path with a NUL")),
        false => Ok(PathBuf::from(path)),
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let digits = rest.first_chunk::<2>()?;
                let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
                bytes.push((high? * 16 + low?) as u8);
                rest = &rest[2..];
            }
            plain => bytes.push(*plain),
        }
    }
    String::from_utf8(bytes).ok()
}
