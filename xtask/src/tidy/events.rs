//! Every event has the target `worldstore`, by which subscribers choose, and stands in the chapter on telemetry.

use super::finding::Finding;
use super::source::{Source, Sources};

/// Where they are listed.
const CHAPTER: &str = "src/docs/telemetry.md";
/// How an event begins.
const MACROS: [&str; 5] =
    ["tracing::error!(", "tracing::warn!(", "tracing::info!(", "tracing::debug!(", "tracing::trace!("];

/// So many pieces between quotation marks has no event.
const PIECES: usize = 16;

/// Finds events of another target, and those that the chapter does not have.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let chapter = sources.files.iter().find(|file| file.path == CHAPTER).map_or("", |file| &file.text);
    let ours = sources.rust().filter(|file| !file.is_test() && !file.path.starts_with("xtask/"));
    ours.flat_map(|file| MACROS.iter().flat_map(move |name| of(file, name, chapter))).collect()
}

fn of(file: &Source, name: &str, chapter: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, _) in file.text.match_indices(name) {
        let line = file.text[..place].lines().count();
        let call = &file.text[place + name.len()..];
        let pieces: Vec<&str> = call.split('"').take(PIECES).collect();
        // The text is the last argument.
        let last = pieces.windows(2).find(|pair| pair.last().is_some_and(|after| after.trim_start().starts_with(')')));
        let text = last.and_then(|pair| pair.first()).copied().unwrap_or_default();
        if !call.trim_start().starts_with("target: \"worldstore\"") {
            findings.push(Finding::new("events", &file.path, line, "an event needs `target: \"worldstore\"`"));
        }
        if !chapter.contains(&format!("| {text} |")) {
            findings.push(Finding::new("events", &file.path, line, format!("{CHAPTER} does not list {text:?}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
