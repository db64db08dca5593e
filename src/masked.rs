//! URIs as they may be shown: without what is secret.

use std::ops::Range;

/// A URI as it may be shown: without the password before its host, and without the secrets in its query.
///
/// Both may hold characters that had to be escaped and are not. What may belong to a secret is left out with it, so of some
/// URIs more than that is not shown.
pub fn masked(uri: &str) -> String {
    let mut secrets: Vec<Range<usize>> = match uri.contains("://") {
        true => passwords(uri).chain(values(uri)).collect(),
        false => Vec::new(),
    };
    secrets.sort_by_key(|secret| secret.start);
    let (mut shown, mut from) = (String::with_capacity(uri.len()), 0);
    for Range { start, end } in secrets {
        // One that begins inside of another, or right behind it, is hidden with it.
        if start > from {
            shown.push_str(&uri[from..start]);
            shown.push_str("***");
        }
        from = from.max(end);
    }
    shown.push_str(&uri[from..]);
    shown
}

/// Where passwords before a host may be: from the first `:`, which may also be that of a port, to the last `@`, which may
/// also be one behind the host.
fn passwords(uri: &str) -> impl Iterator<Item = Range<usize>> {
    uri.match_indices("://").filter_map(move |(at, separator)| {
        let start = at + separator.len();
        let rest = &uri[start..];
        let colon = rest.find(':').filter(|colon| rest.find('/').is_none_or(|slash| *colon < slash))?;
        let end = rest.rfind('@').filter(|end| colon < *end)?;
        Some(start + colon + 1..start + end)
    })
}

/// Where values of a query or a fragment are that are secrets by their names.
fn values(uri: &str) -> impl Iterator<Item = Range<usize>> {
    const SECRETS: [&str; 6] = ["password", "secret", "token", "key", "sig", "credential"];
    let query = uri.find(['?', '#']).unwrap_or(uri.len());
    uri[query..].match_indices(['?', '&', '#', ';']).filter_map(move |(at, _)| {
        let start = query + at + 1;
        let end = start + up_to_a_name(&uri[start..]);
        let (name, value) = uri[start..end].split_once('=')?;
        let name = name.to_ascii_lowercase();
        let is_secret = SECRETS.iter().any(|secret| name.contains(secret));
        is_secret.then_some(end - value.len()..end)
    })
}

/// The length of the first pair: up to a `&` that begins another, for one without a name may be a part of the value.
fn up_to_a_name(pairs: &str) -> usize {
    let begins = |at: &usize| pairs[at + 1..].split('&').next().is_some_and(|pair| pair.contains('='));
    pairs.match_indices('&').map(|(at, _)| at).find(begins).unwrap_or(pairs.len())
}

#[cfg(test)]
mod tests;
