//! How deep a statement goes: who plans it calls itself once for each level, and a stack has an end.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use worldstore_core::{Error, Result};

/// The most levels of a statement: what reads rows evaluates so many in a thread of 2 MiB without optimisation.
pub(crate) const DEPTH_MAX: usize = 500;

/// Refuses a statement with too many levels, before it is parsed. A text that has no tokens is the parser's to refuse.
pub(crate) fn check(text: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else { return Ok(()) };
    match depth(&tokens) {
        0..=DEPTH_MAX => Ok(()),
        levels => Err(too_many("the statement", levels, DEPTH_MAX)),
    }
}

/// The most operators of a plan that call each other in one thread.
const OPERATORS_MAX: usize = 100;

/// Refuses a plan with too many levels.
pub(crate) fn check_plan(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    let mut most = 0;
    operators(plan, &mut most);
    match most {
        0..=OPERATORS_MAX => Ok(()),
        levels => Err(too_many("the plan of the query", levels, OPERATORS_MAX)),
    }
}

/// The levels from here to where another thread goes on, and the most of any such run.
fn operators(plan: &Arc<dyn ExecutionPlan>, most: &mut usize) -> usize {
    let below = plan.children().into_iter().map(|child| operators(child, most)).max().unwrap_or(0);
    *most = (*most).max(below + 1);
    if plan.downcast_ref::<RepartitionExec>().is_some() { 0 } else { below + 1 }
}

fn too_many(what: &str, levels: usize, most: usize) -> Error {
    Error::invalid(format!("{what} has too many levels")).with("levels", levels).with("most", most)
}

/// What stands between two brackets, or the whole statement. Its parts are between commas, the terms of a part between `AND`
/// and `OR`.
#[derive(Default)]
struct Group {
    /// Levels of the term.
    term: usize,
    /// Levels of the deepest term since the last `OR`, and how often there was `AND` since then.
    terms: (usize, usize),
    /// The same for what is between `OR`, in this part.
    choices: (usize, usize),
    /// Levels of the deepest part before it.
    parts: usize,
    /// Whether commas are between tables, which are joined.
    joins: bool,
}

impl Group {
    fn and(&mut self) {
        self.terms = (self.terms.0.max(self.term), self.terms.1 + 1);
        self.term = 0;
    }

    fn or(&mut self) {
        let choice = self.terms.0.max(self.term) + self.terms.1;
        self.choices = (self.choices.0.max(choice), self.choices.1 + 1);
        (self.term, self.terms) = (0, (0, 0));
    }

    fn next_part(&mut self) {
        self.parts = self.depth();
        (self.term, self.terms, self.choices) = (0, (0, 0), (0, 0));
    }

    fn depth(&self) -> usize {
        let choice = self.terms.0.max(self.term) + self.terms.1;
        self.parts.max(self.choices.0.max(choice) + self.choices.1)
    }
}

/// What a token follows, as far as that says what a word is: `when` in `a + when` is a column.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Operand,
    Case,
    Distinct,
    Period,
    Other,
}

/// No fewer levels than the tree of the statement will have. An operator is one, for `a + b + c` is `(a + b) + c`, and
/// `AND` and `OR` are weaker than others, in this order. Parts lie beside each other; queries and tables that are put together count
/// wherever they are, for one may read from the other.
fn depth(tokens: &[Token]) -> usize {
    let (mut levels, mut after) = (Levels::default(), After::Other);
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        after = levels.see(token, after);
    }
    while !levels.open.is_empty() {
        levels.close();
    }
    levels.group.depth() + levels.tables
}

/// What was seen of a statement.
#[derive(Default)]
struct Levels {
    /// The groups that the present one lies in.
    open: Vec<Group>,
    group: Group,
    /// Queries and tables that are put together.
    tables: usize,
}

impl Levels {
    fn see(&mut self, token: &Token, after: After) -> After {
        match token {
            Token::Period => return After::Period,
            Token::LParen | Token::LBracket | Token::LBrace => self.begin(),
            Token::RParen | Token::RBracket | Token::RBrace => {
                self.close();
                return After::Operand;
            }
            Token::Comma => {
                self.tables += usize::from(self.group.joins);
                self.group.next_part();
            }
            Token::Word(word) if after != After::Period => return self.word(word.keyword, after),
            Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => {
                return After::Operand;
            }
            Token::EscapedStringLiteral(_) | Token::NationalStringLiteral(_) | Token::HexStringLiteral(_) => {
                return After::Operand;
            }
            Token::SemiColon | Token::EOF => {}
            _ => self.group.term += 1,
        }
        After::Other
    }

    fn word(&mut self, word: Keyword, after: After) -> After {
        match word {
            Keyword::CASE => {
                self.begin();
                return After::Case;
            }
            Keyword::END if after == After::Operand => {
                self.close();
                return After::Operand;
            }
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE if matches!(after, After::Operand | After::Case) => {
                self.group.next_part();
            }
            Keyword::SELECT | Keyword::JOIN | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                self.tables += 1;
                self.group.joins = false;
            }
            Keyword::DISTINCT => return After::Distinct,
            Keyword::FROM => self.group.joins |= after != After::Distinct,
            Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER => self.group.joins = false,
            Keyword::AND => self.group.and(),
            Keyword::OR => self.group.or(),
            Keyword::NOT | Keyword::IS | Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::ILIKE => {
                self.group.term += 1;
            }
            Keyword::SIMILAR | Keyword::COLLATE | Keyword::AT => self.group.term += 1,
            _ => return After::Operand,
        }
        After::Other
    }

    fn begin(&mut self) {
        self.open.push(std::mem::take(&mut self.group));
    }

    /// A group is a level of the term that it stands in.
    fn close(&mut self) {
        if let Some(outer) = self.open.pop() {
            let inner = std::mem::replace(&mut self.group, outer);
            self.group.term += inner.depth() + 1;
        }
    }
}

#[cfg(test)]
mod tests;
