//! A link in Markdown leads to a file or folder that is in the repository. The web is not asked.

use super::finding::Finding;
use super::source::{Source, Sources};

/// Finds links to what is not there.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let pages = sources.files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| check_page(page, sources)).collect()
}

fn check_page(page: &Source, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut code = false;
    for (number, line) in page.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
            continue;
        }
        let targets = if code { Vec::new() } else { targets(line) };
        for target in targets.into_iter().filter(|target| is_file(target)) {
            let found = resolve(&page.path, target).is_some_and(|path| sources.paths.contains(&path));
            if !found {
                findings.push(Finding::new(
                    "links",
                    &page.path,
                    number + 1,
                    format!("`{target}` is not in the repository"),
                ));
            }
        }
    }
    findings
}

/// The targets in a line: of `[text](target "title")`, and of `[name]: target` at its beginning.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline.chain(reference).filter_map(|target| target.split_whitespace().next()).collect()
}

/// Whether a target is a path: not of the web, not a place in the same page, not an item of Rust.
fn is_file(target: &str) -> bool {
    let scheme = target.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric));
    let item = target.contains("::") || target.starts_with('`');
    !scheme && !item && !target.starts_with('#')
}

/// The path that a link of a page leads to, relative to the root; nothing if it leaves the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let path = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { page.split('/').collect() };
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
