//! Patterns over paths: one dialect for every listing.
//!
//! | written | stands for |
//! |---|---|
//! | `*` | any characters of one segment, none included |
//! | `?` | one character, never `/` |
//! | `[abc]`, `[a-z]` | one of these characters; `]` and `-` stand for themselves at the first place |
//! | `[!abc]` | one character but these |
//! | `**` | as a whole segment: any number of segments, none included; at the end at least one |
//! | anything else | itself |
//!
//! A pattern is compared with the whole path, from its first character to its last. There is no escape: `[*]` stands
//! for a star. Leading dots are not special, and letters are not folded.

use crate::error::{Error, Result};
use crate::key::KEY_BYTES_MAX;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`.
    Any,
    Literal(String),
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Star,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// How much of a pattern the segments of a path so far have used up: the segments that may come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(Vec<usize>);

impl Pattern {
    /// Understands a pattern.
    ///
    /// # Errors
    /// `Invalid`, naming the character (counted from 1) that is wrong: an unclosed bracket, `**` beside other
    /// characters, what no key can hold.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = |message: &str, at: usize| {
            Error::invalid(message).with("pattern", format!("{text:?}")).with("position", at + 1)
        };
        if text.len() > KEY_BYTES_MAX {
            return Err(Error::invalid("pattern is too long")
                .with("bytes", text.len())
                .with("bytes_max", KEY_BYTES_MAX));
        }
        if let Some(at) = text.chars().position(|character| character.is_control() || character == '\\') {
            return Err(wrong("pattern holds a character that no key can hold", at));
        }
        let mut segments = Vec::new();
        let mut at = 0;
        for segment in text.split('/') {
            segments.push(parse(segment).map_err(|(message, inside)| wrong(message, at + inside))?);
            at += segment.chars().count() + 1;
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if the whole path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.accepts(&path.split('/').fold(self.start(), |state, name| self.advance(&state, name)))
    }

    /// True if it matches exactly one path: itself.
    pub fn is_literal(&self) -> bool {
        self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }

    /// The folders at its start that stand for themselves: everything that matches is below them.
    pub fn literal_head(&self) -> Vec<&str> {
        let all_but_last = self.segments.iter().take(self.segments.len().saturating_sub(1));
        let literals = all_but_last.map_while(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            _ => None,
        });
        literals.collect()
    }

    /// Before the first segment of a path.
    pub fn start(&self) -> State {
        let mut state = State(Vec::new());
        self.reach(0, &mut state);
        state
    }

    /// After one more segment.
    pub fn advance(&self, state: &State, name: &str) -> State {
        let mut next = State(Vec::new());
        for &place in &state.0 {
            match self.segments.get(place) {
                Some(Segment::Any) => {
                    self.reach(place, &mut next);
                    if place + 1 == self.segments.len() {
                        self.reach(place + 1, &mut next);
                    }
                }
                Some(Segment::Literal(text)) if text == name => self.reach(place + 1, &mut next),
                Some(Segment::Tokens(tokens)) if matches(tokens, name) => self.reach(place + 1, &mut next),
                _ => {}
            }
        }
        next
    }

    /// True if the path so far matches.
    pub fn accepts(&self, state: &State) -> bool {
        state.0.contains(&self.segments.len())
    }

    /// True if a longer path can still match.
    pub fn goes_on(&self, state: &State) -> bool {
        state.0.iter().any(|place| *place < self.segments.len())
    }

    /// True if paths of any length can still match.
    pub fn is_deep(&self, state: &State) -> bool {
        state.0.iter().any(|place| self.segments.get(*place) == Some(&Segment::Any))
    }

    /// Adds a place, and the one behind it where `**` may stand for nothing.
    fn reach(&self, place: usize, state: &mut State) {
        if state.0.contains(&place) {
            return;
        }
        state.0.push(place);
        if self.segments.get(place) == Some(&Segment::Any) && place + 1 < self.segments.len() {
            self.reach(place + 1, state);
        }
    }
}

/// What is wrong, and at which character of the segment.
type Wrong = (&'static str, usize);

fn parse(segment: &str) -> Result<Segment, Wrong> {
    match segment {
        "" => return Err(("pattern has an empty segment", 0)),
        "." | ".." => return Err(("pattern has a dot segment, which no key has", 0)),
        "**" => return Ok(Segment::Any),
        _ => {}
    }
    let characters: Vec<char> = segment.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        at += 1;
        tokens.push(match character {
            '*' if characters.get(at) == Some(&'*') => return Err(("`**` is not a whole segment", at - 1)),
            '*' => Token::Star,
            '?' => Token::One,
            '[' => {
                let (class, after) = parse_class(&characters, at)?;
                at = after;
                class
            }
            character => Token::Char(*character),
        });
    }
    match tokens.iter().all(|token| matches!(token, Token::Char(_))) {
        true => Ok(Segment::Literal(segment.to_owned())),
        false => Ok(Segment::Tokens(tokens)),
    }
}

/// What follows a `[` at `at - 1`, and where it ends.
fn parse_class(characters: &[char], at: usize) -> Result<(Token, usize), Wrong> {
    let negated = characters.get(at) == Some(&'!');
    let first = at + usize::from(negated);
    let mut ranges = Vec::new();
    let mut place = first;
    loop {
        let low = match characters.get(place) {
            None => return Err(("bracket is not closed", at - 1)),
            Some(']') if place > first => return Ok((Token::Class { negated, ranges }, place + 1)),
            Some(low) => *low,
        };
        match (characters.get(place + 1), characters.get(place + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                if *high < low {
                    return Err(("range in brackets ends before its start", place));
                }
                ranges.push((low, *high));
                place += 3;
            }
            _ => {
                ranges.push((low, low));
                place += 1;
            }
        }
    }
}

impl Token {
    fn accepts(&self, character: char) -> bool {
        match self {
            Self::Char(wanted) => *wanted == character,
            Self::One | Self::Star => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// Compares one segment. A star takes as little as it can, and one more character each time the rest does not fit.
fn matches(tokens: &[Token], text: &str) -> bool {
    let (mut place, mut rest) = (0, text);
    let mut star: Option<(usize, &str)> = None;
    loop {
        let next = rest.chars().next();
        match (tokens.get(place), next) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                place += 1;
                star = Some((place, rest));
                continue;
            }
            (Some(token), Some(character)) if token.accepts(character) => {
                place += 1;
                rest = &rest[character.len_utf8()..];
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = star else { return false };
        let Some(character) = from.chars().next() else { return false };
        rest = &from[character.len_utf8()..];
        place = after;
        star = Some((after, rest));
    }
}

#[cfg(test)]
mod tests;
