//! From tokens to the tree: recursive descent, with precedence climbing for expressions.
//!
//! Scripts are cut at semicolons first, so a broken statement does not hide what is wrong with the others.

mod atoms;
mod clauses;
mod comprehensions;
mod cursor;
mod ddl;
mod expressions;
mod patterns;
mod selectors;
mod statements;
mod unsupported;
mod updates;
mod views;

use crate::ast::{Expr, Statement};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Symbol, Token, TokenKind, lex};
use crate::span::Span;
use cursor::Parser;
pub(crate) use expressions::Level;

type Result<T> = std::result::Result<T, Diagnostic>;

/// Reads a script: statements with semicolons between them. Empty statements are skipped; a text of nothing but white
/// space and comments is an empty script.
///
/// # Errors
/// What is wrong, in the order of the source: `Syntax`, or `Unsupported` for what GQL or another dialect has and this
/// grammar has not. Behind a clause that is wrong reading goes on with the next one, so a statement may have several.
pub fn parse(source: &str) -> std::result::Result<Vec<Statement>, Vec<Diagnostic>> {
    let tokens = lex(source);
    let mut statements = Vec::new();
    let mut diagnostics = Vec::new();
    for tokens in tokens.split_inclusive(ends_statement) {
        let is_empty = tokens.first().is_none_or(ends_statement);
        if is_empty {
            continue;
        }
        match Parser::new(source, tokens).whole(Parser::statement) {
            Ok(statement) => statements.push(statement),
            Err(wrong) => diagnostics.extend(wrong),
        }
    }
    match diagnostics.is_empty() {
        true => Ok(statements),
        false => Err(diagnostics),
    }
}

/// Reads a single expression, such as `a.delay > 10 AND a.carrier IN ['AA', 'UA']`.
///
/// # Errors
/// `Syntax` if the text is no expression or holds more than one, `Unsupported` as for [`parse`].
pub fn parse_expression(source: &str) -> std::result::Result<Expr, Diagnostic> {
    let wrong = match Parser::new(source, &lex(source)).whole(Parser::expression) {
        Ok(expr) => return Ok(expr),
        Err(wrong) => wrong.into_iter().next(),
    };
    // A reader that fails has said why.
    Err(wrong.unwrap_or_else(|| Diagnostic::syntax("expected an expression", Span::default())))
}

fn ends_statement(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Symbol(Symbol::Semicolon) | TokenKind::End)
}

#[cfg(test)]
mod tests;
