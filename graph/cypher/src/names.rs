//! Which words are names as they stand, and which need backquotes.

use std::fmt::{self, Write};

/// The words that openCypher reserves, sorted. They are no variables, but may name labels, types, columns and
/// properties, whose places are known.
const RESERVED: [&str; 56] = [
    "ADD",
    "ALL",
    "AND",
    "AS",
    "ASC",
    "ASCENDING",
    "BY",
    "CASE",
    "CONSTRAINT",
    "CONTAINS",
    "CREATE",
    "DELETE",
    "DESC",
    "DESCENDING",
    "DETACH",
    "DISTINCT",
    "DO",
    "DROP",
    "ELSE",
    "END",
    "ENDS",
    "EXISTS",
    "FALSE",
    "FOR",
    "IN",
    "INF",
    "INFINITY",
    "IS",
    "LIMIT",
    "MANDATORY",
    "MATCH",
    "MERGE",
    "NAN",
    "NOT",
    "NULL",
    "OF",
    "ON",
    "OPTIONAL",
    "OR",
    "ORDER",
    "REMOVE",
    "REQUIRE",
    "RETURN",
    "SCALAR",
    "SET",
    "SKIP",
    "STARTS",
    "THEN",
    "TRUE",
    "UNION",
    "UNIQUE",
    "UNWIND",
    "WHEN",
    "WHERE",
    "WITH",
    "XOR",
];

/// Functions whose arguments have a grammar of their own. In backquotes they are common functions.
const SPECIAL_FUNCTIONS: [&str; 9] =
    ["all", "any", "none", "single", "reduce", "extract", "filter", "shortestPath", "allShortestPaths"];

/// True for a keyword that may be no variable.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// True for a function that binds variables or takes patterns.
pub(crate) fn is_special_function(word: &str) -> bool {
    SPECIAL_FUNCTIONS.iter().any(|special| special.eq_ignore_ascii_case(word))
}

/// True for a character that may begin a word.
pub(crate) fn is_word_start(next: char) -> bool {
    next.is_alphabetic() || next == '_'
}

/// True for a character that a word may go on with.
pub(crate) fn is_word_char(next: char) -> bool {
    next.is_alphanumeric() || next == '_'
}

/// Where a name stands: that decides which words need backquotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A label, a type, a column or a property.
    Schema,
    /// A variable or an alias.
    Variable,
    /// A function.
    Function,
    /// A parameter, behind its dollar sign.
    Parameter,
    /// A variable in front of a brace.
    Projected,
}

/// Writes `name`, in backquotes if it could not be read back otherwise.
pub(crate) fn write_name(out: &mut fmt::Formatter<'_>, name: &str, place: Place) -> fmt::Result {
    let is_word = name.starts_with(is_word_start) && name.chars().all(is_word_char);
    let is_plain = match place {
        Place::Schema => is_word,
        Place::Variable => is_word && !is_reserved(name),
        Place::Function => {
            is_word && !is_special_function(name) && (!is_reserved(name) || name.eq_ignore_ascii_case("exists"))
        }
        Place::Projected => {
            let is_subquery = ["EXISTS", "COUNT", "COLLECT"].iter().any(|word| word.eq_ignore_ascii_case(name));
            is_word && !is_reserved(name) && !is_subquery
        }
        Place::Parameter => !name.is_empty() && name.chars().all(is_word_char),
    };
    if is_plain {
        return out.write_str(name);
    }
    out.write_char('`')?;
    for next in name.chars() {
        match next {
            '`' => out.write_str("``")?,
            _ => out.write_char(next)?,
        }
    }
    out.write_char('`')
}

#[cfg(test)]
mod tests;
