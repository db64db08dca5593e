//! What expressions are evaluated against: variables, parameters, and what belongs to the query as a whole.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use worldstore_cypher::ast::Expr;

use super::membership::Memberships;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::functions::Functions;
use crate::value::{List, Node, NodeId, Value};

/// How large a value may be by default: 256 MiB.
const VALUE_BYTES_MAX: u64 = 256 << 20;

/// How many regular expressions are kept compiled.
const REGEXES_MAX: usize = 64;

/// How large a compiled regular expression may be, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// What expressions ask of the graph.
pub trait Subqueries {
    /// The value of an expression that needs the graph: a pattern, a pattern comprehension, or a subquery.
    ///
    /// # Errors
    /// As the query in it.
    fn evaluate(&self, expr: &Expr, env: &Env<'_>) -> Result<Value>;

    /// The node of this id, for `startNode` and `endNode`; none if it is not there any more.
    ///
    /// # Errors
    /// Failures of the graph.
    fn node(&self, id: NodeId) -> Result<Option<Arc<Node>>>;

    /// Asked now and then within long loops: whether to go on.
    ///
    /// # Errors
    /// `LimitError` if not: the time is over, or the caller gave up.
    fn proceed(&self) -> Result<()>;
}

/// What belongs to a query as a whole.
pub struct Context<'a> {
    parameters: &'a BTreeMap<String, Value>,
    subqueries: &'a dyn Subqueries,
    functions: Option<&'a dyn Functions>,
    now_unix_nanos: i128,
    chance: Cell<u64>,
    value_bytes_max: u64,
    steps: Cell<u32>,
    regexes: RefCell<HashMap<Arc<str>, Rc<Regex>>>,
    memberships: RefCell<Memberships>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Context").field("parameters", self.parameters).finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// A query with `parameters` that starts at `now_unix_nanos` (nanoseconds since 1970 in UTC): what `datetime()` gives.
    /// `seed` decides what `rand()` gives. Values may take 256 MiB each.
    pub fn new(
        parameters: &'a BTreeMap<String, Value>,
        subqueries: &'a dyn Subqueries,
        now_unix_nanos: i128,
        seed: u64,
    ) -> Self {
        Self {
            parameters,
            subqueries,
            functions: None,
            now_unix_nanos,
            chance: Cell::new(seed),
            value_bytes_max: VALUE_BYTES_MAX,
            steps: Cell::new(0),
            regexes: RefCell::default(),
            memberships: RefCell::default(),
        }
    }

    /// Adds functions to those of the language.
    #[must_use]
    pub fn with_functions(mut self, functions: Option<&'a dyn Functions>) -> Self {
        self.functions = functions;
        self
    }

    /// Sets how many bytes a single value may take.
    #[must_use]
    pub fn with_value_bytes_max(mut self, value_bytes_max: u64) -> Self {
        self.value_bytes_max = value_bytes_max;
        self
    }

    /// How many bytes a single value may take.
    pub fn value_bytes_max(&self) -> u64 {
        self.value_bytes_max
    }

    /// When the query started, in nanoseconds since 1970 in UTC.
    pub fn now_unix_nanos(&self) -> i128 {
        self.now_unix_nanos
    }

    /// The way to the graph.
    pub fn subqueries(&self) -> &'a dyn Subqueries {
        self.subqueries
    }

    pub(crate) fn functions(&self) -> Option<&'a dyn Functions> {
        self.functions
    }

    /// The next 64 bits of chance (SplitMix64).
    pub(crate) fn random(&self) -> u64 {
        let state = self.chance.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.chance.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Counts a step of a loop, and asks now and then whether to go on.
    pub(crate) fn step(&self) -> Result<()> {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(1024) { self.subqueries.proceed() } else { Ok(()) }
    }

    /// Whether `list` has `value`; none if it must be searched for that.
    pub(super) fn contains(&self, list: &List, value: &Value) -> Option<bool> {
        self.memberships.borrow_mut().contains(list, value)
    }

    /// The regular expression `pattern`, that must match a whole text.
    pub(crate) fn regex(&self, pattern: &Arc<str>) -> Result<Rc<Regex>> {
        let mut regexes = self.regexes.borrow_mut();
        if let Some(regex) = regexes.get(pattern) {
            return Ok(Rc::clone(regex));
        }
        let compiled = |pattern: &str| {
            RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
                let message = format!("the regular expression cannot be read: {error}");
                RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidRegularExpression, message)
            })
        };
        // Alone first, for what is wrong by itself may become right between brackets.
        compiled(pattern)?;
        // Shared, for each copy of a regular expression has its own scratch memory.
        let regex = Rc::new(compiled(&format!("^(?:{pattern})$"))?);
        if regexes.len() >= REGEXES_MAX {
            regexes.clear();
        }
        regexes.insert(Arc::clone(pattern), Rc::clone(&regex));
        Ok(regex)
    }
}

/// The variables of a row, with those that comprehensions and patterns bind in front of them. Copied freely.
#[derive(Debug, Clone, Copy)]
pub struct Env<'a> {
    frame: Frame<'a>,
    parent: Option<&'a Env<'a>>,
    known: &'a [(&'a Expr, Value)],
    context: &'a Context<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Frame<'a> {
    Row(&'a [String], &'a [Value]),
    Local(&'a str, &'a Value),
}

impl<'a> Env<'a> {
    /// The variables `names`, with one of `values` for each. If a name stands twice, the last one counts.
    pub fn row(names: &'a [String], values: &'a [Value], context: &'a Context<'a>) -> Self {
        Self { frame: Frame::Row(names, values), parent: None, known: &[], context }
    }

    /// One more variable; it hides one of the same name.
    #[must_use]
    pub fn with<'b>(&'b self, name: &'b str, value: &'b Value) -> Env<'b> {
        Env { frame: Frame::Local(name, value), parent: Some(self), known: self.known, context: self.context }
    }

    /// More variables; they hide those of the same name.
    #[must_use]
    pub fn with_row<'b>(&'b self, names: &'b [String], values: &'b [Value]) -> Env<'b> {
        Env { frame: Frame::Row(names, values), parent: Some(self), known: self.known, context: self.context }
    }

    /// The same variables, where the values of these very expressions (not of equal ones) are known. They replace
    /// what was known before.
    #[must_use]
    pub fn with_known<'b>(&'b self, known: &'b [(&'b Expr, Value)]) -> Env<'b> {
        Env { known, ..*self }
    }

    /// What belongs to the query as a whole.
    pub fn context(&self) -> &'a Context<'a> {
        self.context
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// `SyntaxError` (`UndefinedVariable`): there is none of this name.
    pub fn variable(&self, name: &str) -> Result<&'a Value> {
        self.find(name).ok_or_else(|| {
            let message = format!("the variable `{name}` is not known");
            RuntimeError::new(ErrorClass::SyntaxError, ErrorDetail::UndefinedVariable, message)
        })
    }

    /// The value of a variable; none if there is none of this name.
    pub fn find(&self, name: &str) -> Option<&'a Value> {
        let here = match self.frame {
            Frame::Local(local, value) => (local == name).then_some(value),
            Frame::Row(names, values) => {
                names.iter().rposition(|known| known == name).and_then(|place| values.get(place))
            }
        };
        here.or_else(|| self.parent?.find(name))
    }

    /// The names of all variables, innermost first; hidden ones again.
    pub fn names(&self) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = match self.frame {
            Frame::Local(local, _) => vec![local],
            Frame::Row(names, _) => names.iter().map(String::as_str).collect(),
        };
        names.extend(self.parent.map(Env::names).unwrap_or_default());
        names
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<Value> {
        let value = self.context.parameters.get(name).cloned().ok_or_else(|| {
            let message = format!("the parameter `${name}` is not given");
            RuntimeError::new(ErrorClass::ParameterMissing, ErrorDetail::MissingParameter, message)
        })?;
        self.bounded(value)
    }

    pub(crate) fn known(&self, expr: &Expr) -> Option<&'a Value> {
        self.known.iter().find(|(known, _)| std::ptr::eq(*known, expr)).map(|(_, value)| value)
    }

    /// The value, if it is not too large.
    pub(crate) fn bounded(&self, value: Value) -> Result<Value> {
        value.bounded(self.context.value_bytes_max)
    }
}
