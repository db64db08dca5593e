//! Shows a diagnostic together with the line of the source that it speaks of.

use super::Diagnostic;

/// The most characters of a source line that are shown; longer ones are cut around the place.
const WIDTH_MAX: usize = 100;

/// How many characters stay visible in front of the place where a line is cut.
const CONTEXT: usize = 30;

/// How many spaces stand for a tab.
const TAB: &str = "    ";

/// Line and column of a byte offset, both from 1, columns in characters (a tab is one). An offset inside a character
/// counts as its beginning, one beyond the source as its end.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..floor(source, offset)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The next character boundary at or before `offset`.
fn floor(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl Diagnostic {
    /// The diagnostic in one line: `line:column: message (help)`.
    pub fn line(&self, source: &str) -> String {
        let (line, column) = line_column(source, self.span.start);
        format!("{line}:{column}: {}", clean(&self.to_string()))
    }

    /// The diagnostic with its line of `source`, the place underlined, over several lines without a newline at the
    /// end. A place that goes over several lines is underlined to the end of the first. Control characters are
    /// replaced, in the message too, so that a hostile text cannot steer the terminal.
    ///
    /// ```
    /// use worldstore_cypher::{Diagnostic, Span};
    ///
    /// let source = "MATCH (f:Flihgt) RETURN count(*)";
    /// let diagnostic = Diagnostic::semantic("unknown label `Flihgt`", Span::new(9, 15));
    /// let expected = "\
    /// error: unknown label `Flihgt`
    ///  --> 1:10
    ///   |
    /// 1 | MATCH (f:Flihgt) RETURN count(*)
    ///   |          ^^^^^^";
    /// assert_eq!(diagnostic.render(source), expected);
    /// ```
    pub fn render(&self, source: &str) -> String {
        let start = floor(source, self.span.start);
        let end = floor(source, self.span.end).max(start);
        let (line, column) = line_column(source, start);
        let (shown, underline) = excerpt(source, start, end);
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let mut text = format!("error: {}\n{gutter}--> {line}:{column}\n{gutter} |\n", clean(&self.message));
        text.push_str(format!("{number} | {shown}").trim_end());
        text.push_str(&format!("\n{gutter} | {underline}"));
        if let Some(help) = &self.help {
            text.push_str(&format!("\n{gutter} = help: {}", clean(help)));
        }
        text
    }
}

/// The line that `start` stands on, and the line that underlines what stands from `start` to `end`.
fn excerpt(source: &str, start: usize, end: usize) -> (String, String) {
    let line_start = source.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let rest = source.get(line_start..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    let start = (start - line_start).min(line.len());
    let end = (end - line_start).clamp(start, line.len());
    let part = |from: usize, to: usize| expand(line.get(from..to).unwrap_or_default());
    let (mut before, mut marked, mut after) = (part(0, start), part(start, end), part(end, line.len()));
    if before.len() + marked.len() + after.len() > WIDTH_MAX {
        if before.len() > CONTEXT {
            before.drain(..before.len() - CONTEXT + 1);
            before.insert(0, '…');
        }
        if marked.len() > WIDTH_MAX - CONTEXT {
            cut(&mut marked, WIDTH_MAX - CONTEXT);
            after.clear();
        }
        cut(&mut after, WIDTH_MAX - before.len() - marked.len());
    }
    let underline = " ".repeat(before.len()) + &"^".repeat(marked.len().max(1));
    let shown = before.into_iter().chain(marked).chain(after).collect();
    (shown, underline)
}

/// Shortens to `length`, with an ellipsis in the place of the last character.
fn cut(characters: &mut Vec<char>, length: usize) {
    if characters.len() > length {
        characters.truncate(length.saturating_sub(1));
        characters.push('…');
    }
}

/// Tabs as spaces; a mark for control characters and for those that turn the direction of writing.
fn expand(text: &str) -> Vec<char> {
    let mut shown = Vec::with_capacity(text.len());
    for next in text.chars() {
        match next {
            '\t' => shown.extend(TAB.chars()),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.push(char::REPLACEMENT_CHARACTER),
            _ if next.is_control() => shown.push(char::REPLACEMENT_CHARACTER),
            _ => shown.push(next),
        }
    }
    shown
}

/// The text as [`expand`] shows it: messages cite the source too.
fn clean(text: &str) -> String {
    expand(text).into_iter().collect()
}
