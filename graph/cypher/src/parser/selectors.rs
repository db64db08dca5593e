//! What stands in front of a path, and how a path is told from an expression.

use super::Result;
use super::cursor::Parser;
use crate::ast::{PathMode, Selector};
use crate::lexer::{Symbol, TokenKind};

impl Parser<'_> {
    /// `ANY SHORTEST TRAIL PATHS`, `SHORTEST 2 GROUPS`, or nothing.
    pub(super) fn path_prefix(&mut self) -> Result<(Option<Selector>, Option<PathMode>)> {
        let selector = match self.word(0).map(str::to_ascii_uppercase).as_deref() {
            Some("ALL") if self.eat_second("SHORTEST") => Some(Selector::AllShortest),
            Some("ANY") if self.eat_second("SHORTEST") => Some(Selector::AnyShortest),
            Some("ALL") => {
                self.bump();
                Some(Selector::All)
            }
            Some("ANY") => {
                self.bump();
                Some(Selector::Any(self.unsigned()?))
            }
            Some("SHORTEST") => {
                self.bump();
                Some(Selector::Shortest(self.unsigned()?))
            }
            Some("DIFFERENT" | "REPEATABLE") => return self.unsupported("match modes", self.nth(0).span),
            _ => None,
        };
        if let TokenKind::Parameter(_) = self.nth(0).kind
            && selector.is_some()
        {
            return self.unsupported("parameters as a number of paths", self.nth(0).span);
        }
        let mode = self.mode(0);
        if mode.is_some() {
            self.bump();
        }
        if selector.is_some() || mode.is_some() {
            let _ = self.eat_word("PATH") || self.eat_word("PATHS");
        }
        match selector {
            Some(Selector::Shortest(count)) if self.eat_word("GROUP") || self.eat_word("GROUPS") => {
                Ok((Some(Selector::ShortestGroups(count)), mode))
            }
            selector => Ok((selector, mode)),
        }
    }

    /// Steps over two words if the second one is `keyword`.
    fn eat_second(&mut self, keyword: &str) -> bool {
        let found = self.is_word(1, keyword);
        if found {
            self.bump();
            self.bump();
        }
        found
    }

    /// True if a pattern such as `(a)-->(b)` starts `ahead`, where an expression may start as well.
    pub(super) fn is_pattern(&self, ahead: usize) -> bool {
        if !self.is_symbol(ahead, Symbol::LeftParen) {
            return false;
        }
        let Some(end) = self.closing(ahead) else { return false };
        let after_name = ahead + 1 + usize::from(self.is_variable(ahead + 1));
        let is_node = match &self.nth(after_name).kind {
            TokenKind::Symbol(Symbol::Colon | Symbol::LeftBrace) => true,
            TokenKind::Parameter(_) => after_name + 1 == end || self.is_word(after_name + 1, "WHERE"),
            _ => after_name == end || self.is_word(after_name, "WHERE") || self.is_word(after_name, "IS"),
        };
        is_node && self.is_arrow(end + 1)
    }

    /// True if `-[…]-`, `--(`, `-->` or one of those behind `<` comes `ahead`.
    fn is_arrow(&self, ahead: usize) -> bool {
        let ahead = ahead + usize::from(self.is_symbol(ahead, Symbol::Lt));
        if !self.is_symbol(ahead, Symbol::Minus) {
            return false;
        }
        match (&self.nth(ahead + 1).kind, &self.nth(ahead + 2).kind) {
            (TokenKind::Symbol(Symbol::Minus), TokenKind::Symbol(next)) => match next {
                Symbol::LeftParen | Symbol::Gt | Symbol::Star | Symbol::Question | Symbol::LeftBrace => true,
                Symbol::Plus => self.is_symbol(ahead + 3, Symbol::LeftParen),
                _ => false,
            },
            (TokenKind::Symbol(Symbol::LeftBracket), _) => self.is_relationship(ahead + 1),
            _ => false,
        }
    }

    /// True if `[…]-` comes `ahead` and holds no list. A list cannot be subtracted from either.
    fn is_relationship(&self, ahead: usize) -> bool {
        let Some(end) = self.closing(ahead) else { return false };
        let after_name = ahead + 1 + usize::from(self.is_variable(ahead + 1));
        let is_filler = match self.nth(after_name).kind {
            TokenKind::Symbol(Symbol::Colon | Symbol::Star | Symbol::LeftBrace | Symbol::DotDot) => true,
            TokenKind::Parameter(_) => after_name + 1 == end || self.is_word(after_name + 1, "WHERE"),
            _ => after_name == end || self.is_word(after_name, "WHERE") || self.is_word(after_name, "IS"),
        };
        is_filler && self.is_symbol(end + 1, Symbol::Minus)
    }
}
