//! Conditions on the values in paths, decided as soon as what is known of a path decides them.

mod parse;

use std::collections::BTreeSet;
use std::fmt;

use super::template::Template;
use crate::error::{Error, Result};
use crate::hive::{HiveType, HiveValue};

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A condition on the variables of a path. Paths are kept for which it is true.
///
/// The constant says how a value is compared: with a number as a number, with a date as a date, with a text letter by
/// letter. A value that is missing, or that is not of the type of the constant (`007` is no number, see
/// [`hive::infer`](crate::hive::infer)), makes a comparison neither true nor false, as in SQL; so does its negation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// A value beside a constant.
    Compare {
        /// The variable.
        variable: String,
        /// How.
        compare: Compare,
        /// The constant. A comparison with [`HiveValue::Null`] is never true.
        value: HiveValue,
    },
    /// The value is one of these.
    In {
        /// The variable.
        variable: String,
        /// The constants.
        values: Vec<HiveValue>,
    },
    /// The value is missing.
    IsNull {
        /// The variable.
        variable: String,
    },
    /// All hold; true if there is none.
    And(Vec<Filter>),
    /// One holds; false if there is none.
    Or(Vec<Filter>),
    /// It is false.
    Not(Box<Filter>),
}

/// What a filter says of a path of which a part is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is true, whatever follows.
    Always,
    /// It cannot become true.
    Never,
    /// What follows decides.
    Open,
}

impl Filter {
    /// Reads a condition.
    ///
    /// ```text
    /// season = 2024 and week < 3
    /// region in ('eu', 'us') or not (day between date '2024-01-01' and date '2024-01-31')
    /// unit is not null and "odd name" >= 'x' and live = true
    /// ```
    ///
    /// Words are read in any case. A text stands in `'…'` with `''` for a `'`, a name with other characters than letters,
    /// digits and `_` in `"…"`. `and` binds stronger than `or`, `not` stronger than both.
    ///
    /// # Errors
    /// `Invalid`, with the rule that is broken and, as `at`, where in the text, counted in bytes from 0.
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text)
    }

    /// A comparison.
    pub fn compare(variable: impl Into<String>, compare: Compare, value: impl Into<HiveValue>) -> Self {
        Self::Compare { variable: variable.into(), compare, value: value.into() }
    }

    /// The value is this one.
    pub fn equal(variable: impl Into<String>, value: impl Into<HiveValue>) -> Self {
        Self::compare(variable, Compare::Equal, value)
    }

    /// The value is one of these.
    pub fn one_of<Value: Into<HiveValue>>(
        variable: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        Self::In { variable: variable.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// The value is at least `low` and at most `high`.
    pub fn between(variable: impl Into<String>, low: impl Into<HiveValue>, high: impl Into<HiveValue>) -> Self {
        let variable = variable.into();
        let low = Self::compare(variable.clone(), Compare::GreaterOrEqual, low);
        Self::And(vec![low, Self::compare(variable, Compare::LessOrEqual, high)])
    }

    /// The value is missing.
    pub fn is_null(variable: impl Into<String>) -> Self {
        Self::IsNull { variable: variable.into() }
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(vec![self, other])
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(vec![self, other])
    }

    /// It is false.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The variables that it names.
    pub fn variables(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.visit(&mut |filter| match filter {
            Self::Compare { variable, .. } | Self::In { variable, .. } | Self::IsNull { variable } => {
                names.insert(variable.as_str());
            }
            _ => {}
        });
        names
    }

    /// Decides, given what is known: `known` answers none for a variable that is not known yet, and none inside for a
    /// value that is missing.
    pub fn decide<'text>(&self, known: &impl Fn(&str) -> Option<Option<&'text str>>) -> Decision {
        let possible = self.possible(known);
        match (possible.holds, possible.fails || possible.unknown) {
            (false, _) => Decision::Never,
            (true, false) => Decision::Always,
            (true, true) => Decision::Open,
        }
    }

    /// Refuses a variable that no path of the template can have, and constants of another type than was declared.
    ///
    /// # Errors
    /// `Invalid`, naming the variable.
    pub fn check(&self, template: &Template) -> Result<()> {
        let mut checked = Ok(());
        self.visit(&mut |filter| {
            let (variable, values) = match filter {
                Self::Compare { variable, value, .. } => (variable, std::slice::from_ref(value)),
                Self::In { variable, values } => (variable, &values[..]),
                Self::IsNull { variable } => (variable, &[][..]),
                _ => return,
            };
            if checked.is_ok() {
                checked = check_one(template, variable, values);
            }
        });
        checked
    }

    fn visit<'filter>(&'filter self, look: &mut impl FnMut(&'filter Self)) {
        look(self);
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|each| each.visit(look)),
            Self::Not(inner) => inner.visit(look),
            Self::Compare { .. } | Self::In { .. } | Self::IsNull { .. } => {}
        }
    }

    fn possible<'text>(&self, known: &impl Fn(&str) -> Option<Option<&'text str>>) -> Possible {
        match self {
            Self::Compare { variable, compare, value } => known(variable)
                .map_or(Possible::ANY, |text| Possible::of(order(text, value).map(|order| compare.holds(order)))),
            Self::In { variable, values } => known(variable).map_or(Possible::ANY, |text| {
                let answers = values.iter().map(|value| Possible::of(order(text, value).map(|order| order.is_eq())));
                answers.fold(Possible::of(Some(false)), Possible::or)
            }),
            Self::IsNull { variable } => known(variable)
                .map_or(Possible { unknown: false, ..Possible::ANY }, |text| Possible::of(Some(text.is_none()))),
            Self::And(all) => {
                let all = all.iter().map(|each| each.possible(known).negated());
                all.fold(Possible::of(Some(false)), Possible::or).negated()
            }
            Self::Or(all) => all.iter().map(|each| each.possible(known)).fold(Possible::of(Some(false)), Possible::or),
            Self::Not(inner) => inner.possible(known).negated(),
        }
    }
}

fn check_one(template: &Template, variable: &str, values: &[HiveValue]) -> Result<()> {
    let known = template.variables();
    let Some(found) = known.iter().find(|known| known.name == *variable) else {
        if template.is_open() {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        return Err(Error::invalid("filter names a variable that the template does not have")
            .with("variable", variable)
            .with("known", known.join(" ")));
    };
    let Some(kind) = found.kind else { return Ok(()) };
    match values.iter().filter_map(kind_of).find(|other| *other != kind) {
        Some(other) => Err(Error::invalid("filter compares a variable with another type than it has")
            .with("variable", variable)
            .with("expected", kind)
            .with("got", other)),
        None => Ok(()),
    }
}

/// The type of a constant; none for a missing one.
fn kind_of(value: &HiveValue) -> Option<HiveType> {
    match value {
        HiveValue::Null => None,
        HiveValue::Bool(_) => Some(HiveType::Bool),
        HiveValue::Int(_) => Some(HiveType::Int),
        HiveValue::Date(_) => Some(HiveType::Date),
        HiveValue::Text(_) => Some(HiveType::Text),
    }
}

/// How a value stands to a constant; none if they cannot be compared.
fn order(text: Option<&str>, value: &HiveValue) -> Option<std::cmp::Ordering> {
    match (text?, value) {
        (text, HiveValue::Text(constant)) => Some(text.cmp(constant.as_str())),
        (text, value) => Some(kind_of(value)?.read(Some(text)).ok()?.cmp(value)),
    }
}

impl Compare {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What can come out, once everything is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Possible {
    holds: bool,
    fails: bool,
    /// Neither true nor false.
    unknown: bool,
}

impl Possible {
    const ANY: Self = Self { holds: true, fails: true, unknown: true };

    fn of(answer: Option<bool>) -> Self {
        Self { holds: answer == Some(true), fails: answer == Some(false), unknown: answer.is_none() }
    }

    fn negated(self) -> Self {
        Self { holds: self.fails, fails: self.holds, ..self }
    }

    /// True if one is, false if both are, unknown otherwise. As if both were independent, so it never leaves out what
    /// can come out.
    fn or(self, other: Self) -> Self {
        let unknown = (self.unknown && (other.unknown || other.fails)) || (other.unknown && self.fails);
        Self { holds: self.holds || other.holds, fails: self.fails && other.fails, unknown }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

#[cfg(test)]
mod tests;
