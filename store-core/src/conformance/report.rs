//! How a run of the kit went.

use std::fmt;

use super::step::Case;
use crate::error::{Error, Result};
use crate::kernel::Ability;
use crate::ops::BackendInfo;

/// What the backend declares, and what each case came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The backend.
    pub info: BackendInfo,
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
}

/// What one case came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaseReport {
    /// Its name.
    pub case: String,
    /// What the backend must declare for it.
    pub needs: Vec<Ability>,
    /// How it went.
    pub result: CaseResult,
    /// Each step and its answer.
    pub transcript: Vec<String>,
}

/// How a case went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CaseResult {
    /// Every answer was right.
    Passed,
    /// The backend does not declare this; the call was made, refused with `Unsupported`, and changed nothing.
    Skipped(Ability),
    /// A step was answered wrongly.
    Failed(Failure),
}

/// A step that was not answered as it should be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// Its place in the case, from 1.
    pub number: usize,
    /// The step.
    pub step: String,
    /// The answers that are allowed.
    pub expected: String,
    /// What the backend answered.
    pub got: String,
}

impl Failure {
    /// Puts the parts together.
    pub fn new(number: usize, step: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { number, step: step.into(), expected: expected.into(), got: got.into() }
    }
}

impl CaseReport {
    /// A case that could not begin.
    pub fn impossible(case: &Case, error: &Error) -> Self {
        Self::new(&case.name, &case.needs, CaseResult::Failed(Failure::new(1, "begin", "a folder", error.to_string())))
    }

    /// A case without a transcript.
    pub fn new(case: impl Into<String>, needs: &[Ability], result: CaseResult) -> Self {
        Self { case: case.into(), needs: needs.to_vec(), result, transcript: Vec::new() }
    }
}

impl Report {
    /// A report without cases.
    pub fn new(info: BackendInfo) -> Self {
        Self { info, cases: Vec::new() }
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.result, CaseResult::Failed(_)))
    }

    /// The report, or an error whose message is the whole report.
    ///
    /// # Errors
    /// `Unexpected` if a case failed or none ran.
    pub fn into_result(self) -> Result<Self> {
        match self.failed().next().is_none() && !self.cases.is_empty() {
            true => Ok(self),
            false => Err(Error::unexpected(format!("the backend does not conform\n{self}"))),
        }
    }

    /// Each step of each case and its answer: what drivers of the same backend must agree on.
    pub fn transcript(&self) -> String {
        let lines = self.cases.iter().flat_map(|case| case.transcript.iter().map(|line| (&case.case, line)));
        lines.map(|(case, line)| format!("{case}: {line}\n")).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capability = &self.info.capability;
        writeln!(f, "{} {}", self.info.scheme, self.info.root)?;
        for observed in self.observed() {
            writeln!(f, "  {observed}")?;
        }
        for (name, has) in [("list_sorted", capability.list_sorted), ("durable", capability.durable)] {
            writeln!(f, "  {name}: {}", if has { "declared" } else { "not declared" })?;
        }
        for CaseReport { case, result, transcript, .. } in &self.cases {
            match result {
                CaseResult::Passed if transcript.is_empty() => writeln!(f, "{case}: passed")?,
                CaseResult::Passed => writeln!(f, "{case}: passed, {} steps", transcript.len())?,
                CaseResult::Skipped(need) => writeln!(f, "{case}: skipped, no {}, which is refused", need.flag())?,
                CaseResult::Failed(Failure { number, step, expected, got }) => {
                    writeln!(f, "{case}: FAILED")?;
                    writeln!(f, "  step {number}: {step}\n    expected: {expected}\n    got: {got}")?;
                }
            }
        }
        Ok(())
    }
}
