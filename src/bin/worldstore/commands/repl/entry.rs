//! What is typed so far: whether it is whole, and how a word of it may go on.

use std::collections::BTreeSet;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

/// Words of the language that are worth completing.
const WORDS: [&str; 33] = [
    "AND", "AS", "BY", "CALL", "CASE", "CREATE", "DELETE", "DESCRIBE", "DETACH", "DISTINCT", "DROP", "EDGE", "EXPLAIN",
    "LABEL", "LABELS", "LIMIT", "MATCH", "MERGE", "NODE", "NOT", "OPTIONAL", "ORDER", "PROFILE", "RETURN", "SET",
    "SHOW", "SKIP", "TYPES", "UNION", "UNWIND", "WHERE", "WITH", "YIELD",
];

/// What the line editor asks while something is typed.
#[derive(Debug, Default)]
pub struct Entry {
    /// Labels, edge types and properties.
    pub names: BTreeSet<String>,
}

impl Entry {
    /// How the word before the cursor may go on, and where it begins. Names come as they are written; words of the
    /// language whatever their case.
    fn continued(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = &line[..cursor];
        let start = before
            .rfind(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
        let word = &before[start..];
        if word.is_empty() {
            return (start, Vec::new());
        }
        let names = self.names.iter().filter(|name| name.starts_with(word)).cloned();
        let upper = word.to_uppercase();
        let words = WORDS.iter().filter(|known| known.starts_with(&upper)).map(|known| (*known).to_owned());
        (start, names.chain(words).collect())
    }
}

/// Whether what was typed is a whole entry: a command that begins with `:`, nothing, or statements that end with `;`
/// outside of texts, names in backticks and comments.
pub fn is_whole(text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with(':') {
        return true;
    }
    let mut letters = text.chars().peekable();
    let mut last = ' ';
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('/', Some('/')) => while letters.next_if(|next| *next != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut before = ' ';
                letters.next();
                loop {
                    match letters.next() {
                        Some('/') if before == '*' => break,
                        Some(next) => before = next,
                        None => return false,
                    }
                }
            }
            ('\'' | '"' | '`', _) => loop {
                match letters.next() {
                    Some('\\') if letter != '`' => drop(letters.next()),
                    Some(next) if next == letter => {
                        last = letter;
                        break;
                    }
                    Some(_) => {}
                    None => return false,
                }
            },
            _ if letter.is_whitespace() => {}
            _ => last = letter,
        }
    }
    last == ';'
}

impl Validator for Entry {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_whole(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Entry {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.continued(line, cursor))
    }
}

impl Hinter for Entry {
    type Hint = String;
}

impl Highlighter for Entry {}

impl Helper for Entry {}

#[cfg(test)]
mod tests;
