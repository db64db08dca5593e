//! From text to a template, with the place of every mistake.

use std::fmt;

use super::{Part, Segment, Template, VARIABLES_MAX, Variable, word_of};
use crate::hive::HiveType;
use crate::key::KEY_BYTES_MAX;
use crate::percent;

/// A broken rule, and where: bytes from the beginning.
#[derive(Debug)]
pub(in crate::lake) struct Wrong {
    pub at: usize,
    pub why: &'static str,
}

fn wrong<Value>(why: &'static str, at: usize) -> Result<Value, Wrong> {
    Err(Wrong { at, why })
}

/// A text as errors show it: quoted, and its beginning if it is very long.
pub(in crate::lake) fn shown(text: &str) -> impl fmt::Display {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Reads a template.
pub(in crate::lake) fn parse(text: &str) -> Result<Template, Wrong> {
    if text.len() > KEY_BYTES_MAX {
        return wrong("template is too long", KEY_BYTES_MAX);
    }
    let (path, is_folder) = text.strip_suffix('/').map_or((text, false), |path| (path, true));
    let mut template = Template { segments: Vec::new(), variables: Vec::new(), is_folder };
    if text.is_empty() {
        return Ok(template);
    }
    let mut at = 0;
    for segment in path.split('/') {
        let segment_at = at;
        at += segment.len() + 1;
        let segment = read_segment(segment, segment_at, &mut template.variables)?;
        template.segments.push(segment);
    }
    Ok(template)
}

fn read_segment(text: &str, at: usize, variables: &mut Vec<Variable>) -> Result<Segment, Wrong> {
    match text {
        "" => return wrong("template has an empty segment", at),
        "." | ".." => return wrong("template has a dot segment", at),
        _ => {}
    }
    let (mut parts, mut rest, mut here) = (Vec::new(), text, at);
    while !rest.is_empty() {
        let end = rest.find('{').unwrap_or(rest.len());
        if end > 0 {
            let literal = read_text(&rest[..end], here)?;
            if parts.last().is_some_and(|last| matches!(last, Part::Variable(_))) && literal.starts_with('=') {
                return wrong("a variable stands for a value, not for the key before `=`", here);
            }
            parts.push(Part::Text(literal));
        } else if !parts.is_empty() && matches!(parts.last(), Some(Part::Variable(_))) {
            return wrong("two variables have no text between them", here);
        }
        (rest, here) = (&rest[end..], here + end);
        let Some(inside) = rest.strip_prefix('{') else { continue };
        let Some(close) = inside.find('}') else { return wrong("template has a `{` without `}`", here) };
        let variable = read_variable(&inside[..close], here + 1)?;
        if variables.iter().any(|other| other.name == variable.name) {
            return wrong("template names a variable twice", here);
        }
        if variables.len() == VARIABLES_MAX {
            return wrong("template has too many variables", here);
        }
        parts.push(Part::Variable(variables.len()));
        variables.push(variable);
        (rest, here) = (&inside[close + 1..], here + close + 2);
    }
    Ok(Segment { parts })
}

fn read_text(text: &str, at: usize) -> Result<String, Wrong> {
    let rule = |letter: char| match letter {
        '}' => Some("template has a `}` without `{`"),
        '\\' => Some("template has a backslash"),
        '*' | '?' => Some("template has no wildcards, write a variable like `{name}`"),
        '#' => Some("template has a `#`, write %23"),
        _ if letter.is_control() => Some("template has a control character"),
        _ => None,
    };
    if let Some((index, why)) = text.char_indices().find_map(|(index, letter)| Some((index, rule(letter)?))) {
        return wrong(why, at + index);
    }
    match percent::wrong_escape(text) {
        Some(index) => wrong("percent sign is not followed by two hexadecimal digits", at + index),
        None => Ok(text.to_owned()),
    }
}

fn read_variable(text: &str, at: usize) -> Result<Variable, Wrong> {
    let (name, kind) = text.split_once(':').map_or((text, None), |(name, kind)| (name, Some(kind)));
    if name.is_empty() {
        return wrong("variable has no name", at);
    }
    if let Some(index) = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_') {
        return wrong("variable has another character than letters, digits and `_` in its name", at + index);
    }
    let Some(word) = kind else { return Ok(Variable { name: name.to_owned(), kind: None }) };
    let kinds = [HiveType::Bool, HiveType::Int, HiveType::Date, HiveType::Text];
    match kinds.into_iter().find(|kind| word_of(*kind) == word) {
        Some(kind) => Ok(Variable { name: name.to_owned(), kind: Some(kind) }),
        None => wrong("type of a variable is none of int, bool, date and text", at + name.len() + 1),
    }
}
