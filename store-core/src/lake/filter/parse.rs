//! From text to a filter: `season = 2024 and week in (1, 2)`.

use super::{Compare, Filter};
use crate::error::{Error, Result};
use crate::hive::{HiveType, HiveValue};

/// How deep conditions may be nested.
const DEPTH_MAX: usize = 64;

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filter> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let filter = parser.any()?;
    match parser.token()? {
        (Token::End, _) => Ok(filter),
        (_, at) => parser.wrong("condition goes on where it should end", at),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    End,
    /// A name or a word, as it is written.
    Word(String),
    /// A name in quotes.
    Name(String),
    Text(String),
    Number(i64),
    Compare(Compare),
    Open,
    Close,
    Comma,
}

struct Parser<'text> {
    text: &'text str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn wrong<Value>(&self, why: &str, at: usize) -> Result<Value> {
        Err(Error::invalid(why).with("at", at).with("condition", format!("{:?}", self.text)))
    }

    /// `a or b or …`
    fn any(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.wrong("condition is nested too deeply", self.at);
        }
        let mut all = vec![self.all()?];
        while self.takes("or")? {
            all.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(all, Filter::Or))
    }

    /// `a and b and …`
    fn all(&mut self) -> Result<Filter> {
        let mut all = vec![self.negation()?];
        while self.takes("and")? {
            all.push(self.negation()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn negation(&mut self) -> Result<Filter> {
        let mut negations = 0;
        while self.takes("not")? {
            negations += 1;
        }
        let filter = self.simple()?;
        Ok(if negations % 2 == 1 { filter.negated() } else { filter })
    }

    /// A comparison, or a condition in brackets.
    fn simple(&mut self) -> Result<Filter> {
        let (variable, at) = match self.token()? {
            (Token::Open, _) => {
                let inner = self.any()?;
                self.expect(Token::Close, "condition has a `(` without `)`")?;
                return Ok(inner);
            }
            (Token::Name(name), at) => (name, at),
            (Token::Word(name), at) if !is_reserved(&name) => (name, at),
            (_, at) => return self.wrong("condition should begin with a name here", at),
        };
        if self.takes("is")? {
            let is_negated = self.takes("not")?;
            return match self.takes("null")? {
                true => Ok(negated_if(is_negated, Filter::is_null(variable))),
                false => self.wrong("`is` stands before `null` or `not null`", self.at),
            };
        }
        let is_negated = self.takes("not")?;
        if self.takes("in")? {
            return Ok(negated_if(is_negated, Filter::In { variable, values: self.values()? }));
        }
        if self.takes("between")? {
            let low = self.constant()?;
            if !self.takes("and")? {
                return self.wrong("`between` has two constants with `and`", self.at);
            }
            return Ok(negated_if(is_negated, Filter::between(variable, low, self.constant()?)));
        }
        match self.token()? {
            (Token::Compare(compare), _) if !is_negated => {
                Ok(Filter::Compare { variable, compare, value: self.constant()? })
            }
            (Token::End, _) => self.wrong("name is compared with nothing", at),
            (_, at) => self.wrong("name stands before one of = <> < <= > >= in between is", at),
        }
    }

    fn values(&mut self) -> Result<Vec<HiveValue>> {
        self.expect(Token::Open, "`in` stands before constants in brackets")?;
        let mut values = vec![self.constant()?];
        loop {
            match self.token()? {
                (Token::Comma, _) => values.push(self.constant()?),
                (Token::Close, _) => return Ok(values),
                (_, at) => return self.wrong("constants are separated by commas and end with a bracket", at),
            }
        }
    }

    fn constant(&mut self) -> Result<HiveValue> {
        match self.token()? {
            (Token::Text(text), _) => Ok(HiveValue::Text(text)),
            (Token::Number(number), _) => Ok(HiveValue::Int(number)),
            (Token::Word(word), _) if word.eq_ignore_ascii_case("true") => Ok(HiveValue::Bool(true)),
            (Token::Word(word), _) if word.eq_ignore_ascii_case("false") => Ok(HiveValue::Bool(false)),
            (Token::Word(word), at) if word.eq_ignore_ascii_case("date") => match self.token()? {
                (Token::Text(text), at) => {
                    HiveType::Date.read(Some(&text)).or_else(|_| self.wrong("this is no date", at))
                }
                _ => self.wrong("a date is written like date '2024-02-29'", at),
            },
            (Token::Word(word), at) if word.eq_ignore_ascii_case("null") => {
                self.wrong("nothing compares with null, write `is null`", at)
            }
            (_, at) => self.wrong("a constant is a whole number, a text in '…', true, false or date '…'", at),
        }
    }

    fn expect(&mut self, token: Token, why: &str) -> Result<()> {
        match self.token()? {
            (found, _) if found == token => Ok(()),
            (_, at) => self.wrong(why, at),
        }
    }

    /// Takes this word, if it comes next.
    fn takes(&mut self, word: &str) -> Result<bool> {
        let before = self.at;
        match self.token() {
            Ok((Token::Word(found), _)) if found.eq_ignore_ascii_case(word) => Ok(true),
            _ => {
                self.at = before;
                Ok(false)
            }
        }
    }

    /// The next token, and where it begins.
    fn token(&mut self) -> Result<(Token, usize)> {
        let rest = self.text[self.at..].trim_start();
        let at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            self.at = at;
            return Ok((Token::End, at));
        };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' | '"' => self.quoted(rest, first, at)?,
            '=' | '<' | '>' | '!' => self.comparison(rest, at)?,
            '-' | '0'..='9' => self.number(rest, at)?,
            letter if is_of_name(letter) => {
                let length = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => return self.wrong("condition has a character that means nothing here", at),
        };
        self.at = at + length;
        Ok((token, at))
    }

    fn quoted(&self, rest: &str, quote: char, at: usize) -> Result<(Token, usize)> {
        let (mut text, mut length) = (String::new(), 1);
        loop {
            let Some(end) = rest[length..].find(quote) else { return self.wrong("quote is not closed", at) };
            text.push_str(&rest[length..length + end]);
            length += end + 1;
            if !rest[length..].starts_with(quote) {
                break;
            }
            text.push(quote);
            length += 1;
        }
        match quote {
            '\'' => Ok((Token::Text(text), length)),
            _ if text.is_empty() => self.wrong("name is empty", at),
            _ => Ok((Token::Name(text), length)),
        }
    }

    fn comparison(&self, rest: &str, at: usize) -> Result<(Token, usize)> {
        let known = [
            ("<>", Compare::NotEqual),
            ("!=", Compare::NotEqual),
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("=", Compare::Equal),
            ("<", Compare::Less),
            (">", Compare::Greater),
        ];
        match known.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
            Some((sign, compare)) => Ok((Token::Compare(compare), sign.len())),
            None => self.wrong("comparison is none of = <> < <= > >=", at),
        }
    }

    fn number(&self, rest: &str, at: usize) -> Result<(Token, usize)> {
        let length =
            rest[1..].find(|letter: char| !is_of_name(letter) && letter != '.').map_or(rest.len(), |end| end + 1);
        match rest[..length].parse() {
            Ok(number) => Ok((Token::Number(number), length)),
            Err(_) => self.wrong("number is not a whole one of 64 bits", at),
        }
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_reserved(word: &str) -> bool {
    let words = ["and", "or", "not", "in", "between", "is", "null", "true", "false"];
    words.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

fn negated_if(is_negated: bool, filter: Filter) -> Filter {
    if is_negated { filter.negated() } else { filter }
}

fn one_or(mut all: Vec<Filter>, join: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match all.len() {
        1 => all.remove(0),
        _ => join(all),
    }
}
