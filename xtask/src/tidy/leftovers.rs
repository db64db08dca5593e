//! Nothing unfinished is left in a file: no marker for later, no macro of a work in progress.

use super::finding::Finding;
use super::source::{Source, Sources};

/// Markers, as whole words in capitals. Spelled in two halves, or this file would be a finding.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Macros, with what makes them a call.
const MACROS: [&str; 3] = [concat!("to", "do!("), concat!("db", "g!("), concat!("unimplement", "ed!(")];

/// Finds both, in every text file.
pub fn check(sources: &Sources) -> Vec<Finding> {
    sources.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let left = MARKERS.iter().chain(&MACROS).find(|word| contains_word(line, word));
        findings.extend(left.map(|word| {
            Finding::new("leftovers", &file.path, number + 1, format!("`{word}` is left: finish it or say what is so"))
        }));
    }
    findings
}

/// Whether the word stands in the line and not inside a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back().is_some_and(part_of_word);
        let after = line[start + word.len()..].chars().next().is_some_and(part_of_word);
        !before && (!after || word.ends_with('('))
    })
}

#[cfg(test)]
mod tests;
