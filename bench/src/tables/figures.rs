//! Figures of tables: rows of subjects, and aims with what was reached.

use std::fmt;

use serde::Serialize;

use crate::Failure;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds: less is better.
    Seconds,
    /// Things per second: more is better.
    PerSecond,
    /// Mebibytes: less is better.
    Mebibytes,
    /// How many times: less is better.
    Times,
}

impl Unit {
    /// A value as text.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-6 => format!("{:.0} ns", value * 1e9),
            Self::Seconds if value < 1e-3 => format!("{:.1} µs", value * 1e6),
            Self::Seconds if value < 1.0 => format!("{:.2} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::PerSecond if value >= 1e6 => format!("{:.2} M/s", value / 1e6),
            Self::PerSecond if value >= 1e4 => format!("{:.1} k/s", value / 1e3),
            Self::PerSecond => format!("{value:.1} /s"),
            Self::Mebibytes => format!("{value:.0} MiB"),
            Self::Times => format!("{value:.2}"),
        }
    }

    fn more_is_better(self) -> bool {
        self == Self::PerSecond
    }
}

/// One thing that was measured, of several subjects.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What.
    pub name: String,
    pub unit: Unit,
    /// One entry per subject; the first is what the others are compared with.
    pub figures: Vec<Figure>,
}

/// The values of one subject.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub subject: String,
    pub median: f64,
    pub best: f64,
    pub worst: f64,
    /// How many values these are of.
    pub values: usize,
}

impl Row {
    /// A row without subjects.
    pub fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, figures: Vec::new() }
    }

    /// Adds a subject. One that has no values is left out.
    pub fn push(&mut self, subject: impl Into<String>, values: &[f64]) {
        let Some(median) = median(values) else { return };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (best, worst) = if self.unit.more_is_better() { (greatest, least) } else { (least, greatest) };
        self.figures.push(Figure { subject: subject.into(), median, best, worst, values: values.len() });
    }

    /// The median of a subject.
    pub fn median(&self, subject: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.subject == subject).map(|figure| figure.median)
    }
}

/// What is aimed at, and what it came to.
#[derive(Debug, Clone, Serialize)]
pub struct Aim {
    pub what: String,
    pub wanted: String,
    pub got: f64,
    pub reached: bool,
}

/// Where a value has to lie.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
        }
    }
}

/// What a piece of work gave.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub rows: Vec<Row>,
    pub aims: Vec<Aim>,
    /// What has to be known beside the figures.
    pub notes: Vec<String>,
}

impl Report {
    /// Adds an aim. Without a value nothing was measured, which is no success.
    pub fn aim(&mut self, what: impl Into<String>, bound: Bound, got: Option<f64>) {
        let what = what.into();
        let Some(got) = got else {
            self.notes.push(format!("not measured: {what}"));
            return;
        };
        let reached = match bound {
            Bound::AtMost(bound) => got <= bound,
            Bound::AtLeast(bound) => got >= bound,
        };
        self.aims.push(Aim { what, wanted: bound.to_string(), got, reached });
    }

    /// Adds what another piece gave.
    pub fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.aims.extend(other.aims);
        self.notes.extend(other.notes);
    }
}

/// The middle of values; none of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even.is_multiple_of(2) => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

/// The middle of values of which there is at least one.
pub fn middle(values: &[f64]) -> Result<f64, Failure> {
    median(values).ok_or_else(|| "nothing was measured".into())
}

/// `one / other`, if both are there.
pub fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}
