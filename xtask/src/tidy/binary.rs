//! The command is a user of the facade like any other: it names `worldstore::` and none of the crates below.

use proc_macro2::{TokenStream, TokenTree};

use super::finding::Finding;
use super::source::{Source, Sources};

/// Finds names of our other crates in the binary and the examples, also inside macros.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let of_users = |file: &&Source| file.path.starts_with("src/bin/") || file.path.starts_with("examples/");
    sources.rust().filter(of_users).flat_map(check_file).collect()
}

fn check_file(file: &Source) -> Vec<Finding> {
    // What cannot be read as tokens is found by the check of sizes.
    let tokens = file.text.parse::<TokenStream>().unwrap_or_default();
    let mut names = Vec::new();
    collect(tokens, &mut names);
    let finding = |(name, line): (String, usize)| {
        Finding::new(
            "binary",
            &file.path,
            line,
            format!("`{name}` is below the facade: use what `worldstore` shows of it"),
        )
    };
    names.into_iter().map(finding).collect()
}

fn collect(tokens: TokenStream, names: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Ident(ident) if ident.to_string().starts_with("worldstore_") => {
                names.push((ident.to_string(), ident.span().start().line));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
