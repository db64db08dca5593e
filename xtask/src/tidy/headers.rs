//! Every file of Rust opens with `//!`: what it holds.

use super::finding::Finding;
use super::source::Sources;

/// Finds files that start with anything else.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let bare = sources.rust().filter(|file| !file.text.starts_with("//! "));
    bare.map(|file| Finding::new("headers", &file.path, 1, "the first line is not `//! ` and what the file holds"))
        .collect()
}

#[cfg(test)]
mod tests;
