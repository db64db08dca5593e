//! How a run of the kit went.

use std::fmt;

use crate::error::{Error, Result};

/// What each case came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
}

/// What one case came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaseReport {
    /// Its name.
    pub case: &'static str,
    /// How it went.
    pub result: CaseResult,
}

/// How a case went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CaseResult {
    /// So many steps, all answered as the reference does.
    Passed(usize),
    /// It was left out, for this reason.
    Skipped(&'static str),
    /// Steps that were answered in another way; never empty.
    Failed(Vec<Failure>),
}

/// A step that was not answered as it should be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// Its place in the case, from 1.
    pub number: usize,
    /// The step.
    pub step: String,
    /// What is wrong.
    pub what: String,
    /// What the reference answered.
    pub expected: String,
    /// What the format answered.
    pub got: String,
}

impl Failure {
    /// Puts the parts together.
    pub fn new(number: usize, step: impl fmt::Display, what: String, expected: String, got: String) -> Self {
        Self { number, step: step.to_string(), what, expected, got }
    }
}

impl Report {
    /// Adds a case.
    pub fn push(&mut self, case: &'static str, result: CaseResult) {
        self.cases.push(CaseReport { case, result });
    }

    /// True if no case failed.
    pub fn is_ok(&self) -> bool {
        !self.cases.iter().any(|case| matches!(case.result, CaseResult::Failed(_)))
    }

    /// The report, or an error whose message is the whole report.
    ///
    /// # Errors
    /// `Unexpected` if a case failed.
    pub fn into_result(self) -> Result<Self> {
        match self.is_ok() {
            true => Ok(self),
            false => Err(Error::unexpected(format!("the format does not conform\n{self}"))),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for CaseReport { case, result } in &self.cases {
            match result {
                CaseResult::Passed(steps) => writeln!(f, "{case}: passed, {steps} steps")?,
                CaseResult::Skipped(reason) => writeln!(f, "{case}: skipped, {reason}")?,
                CaseResult::Failed(failures) => {
                    writeln!(f, "{case}: FAILED, {} steps", failures.len())?;
                    for Failure { number, step, what, expected, got } in failures {
                        writeln!(f, "  step {number}: {step}\n    {what}\n    expected: {expected}\n    got: {got}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
