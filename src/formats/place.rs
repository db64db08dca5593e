//! Places that are URIs: what is opened, and where in it the table is.

use std::sync::Arc;

use worldstore_async::AsyncBackend;
use worldstore_core::{Error, Result};

use crate::config::Lookup;
use crate::config::expand::expand;
use crate::registry::{OpenOptions, masked};
use crate::{Registry, Storage};

/// The URI that a declaration means: variables are replaced.
///
/// # Errors
/// `Invalid` for a variable that is not set, and for a secret that is written out.
pub(super) fn resolve(text: &str) -> Result<String> {
    if has_secret(text) {
        let error = Error::invalid("a place is kept and shown as it is written, put a variable in the secret's place");
        return Err(error.with("place", masked(text)).with("help", "${NAME} is a variable of the environment"));
    }
    expand(text, &Lookup::process()).map_err(|error| error.with("place", masked(text)))
}

/// True if a part that is not to be shown is no variable.
fn has_secret(text: &str) -> bool {
    let (mut shown, mut rest) = (String::new(), text);
    while let Some((before, (_, after))) =
        rest.split_once("${").and_then(|(before, inside)| Some((before, inside.split_once('}')?)))
    {
        shown.push_str(before);
        shown.push_str("***");
        rest = after;
    }
    shown.push_str(rest);
    let place = shown.split_once('#').map_or(&*shown, |(place, _)| place);
    // A secret may have a name before it.
    let bare = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if value.ends_with("***") => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let plain = match place.split_once('?') {
        Some((before, query)) => format!("{before}?{}", query.split('&').map(bare).collect::<Vec<_>>().join("&")),
        None => place.to_owned(),
    };
    masked(&plain) != plain
}

/// Opens what a URI of a folder is in: the store, and the folder's path below its root.
///
/// # Errors
/// `Invalid` and `NotFound` of the registry, those of the store.
pub(super) async fn open(registry: &Registry, uri: &str) -> Result<(Arc<dyn AsyncBackend>, String)> {
    let uri = spelled(uri);
    let located = registry.locate(&uri)?;
    let opened = registry.open_located(&located.root, &located, &OpenOptions::existing()).await;
    let Storage { backend, .. } = opened.map_err(|error| error.with("uri", masked(&uri)))?;
    Ok((backend, located.path))
}

/// Other programs call S3 by the names of their drivers.
fn spelled(uri: &str) -> String {
    let of_driver = ["s3a://", "s3n://"].iter().find_map(|scheme| uri.strip_prefix(scheme));
    of_driver.map_or_else(|| uri.to_owned(), |rest| format!("s3://{rest}"))
}

#[cfg(test)]
mod tests;
