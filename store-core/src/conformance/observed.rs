//! What a run of the kit has shown of each capability, beside what is declared.

use std::fmt;

use super::report::{CaseResult, Report};
use crate::kernel::Ability;

/// One capability: declared, and observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The capability.
    pub need: Ability,
    /// Whether the backend declares it.
    pub declared: bool,
    /// Cases that took it and got every answer right. If it is not declared: cases that saw it refused.
    pub right: usize,
    /// Cases that took it and failed, or did not see it refused.
    pub wrong: usize,
}

impl Report {
    /// Every capability that the kit can observe, the fundamental ones first.
    pub fn observed(&self) -> Vec<Observed> {
        let observe = |need: Ability| {
            let declared = self.info.capability.has(need);
            let mut observed = Observed { need, declared, right: 0, wrong: 0 };
            for case in self.cases.iter().filter(|case| case.needs.contains(&need)) {
                match case.result {
                    CaseResult::Passed if declared => observed.right += 1,
                    CaseResult::Skipped(refused) if refused == need => observed.right += 1,
                    CaseResult::Failed(_) => observed.wrong += 1,
                    _ => {}
                }
            }
            observed
        };
        // No case shows by itself that listings are always sorted, or that power cuts are survived.
        let shown = |need: &Ability| !matches!(need, Ability::ListSorted | Ability::Durable);
        Ability::ALL.into_iter().filter(shown).map(observe).collect()
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { need, declared, right, wrong } = self;
        let name = need.flag();
        match (declared, right, wrong) {
            (true, 0, 0) => write!(f, "{name}: declared, not observed"),
            (true, _, 0) => write!(f, "{name}: declared, works in {right} cases"),
            (true, ..) => write!(f, "{name}: declared, FAILS in {wrong} of {} cases", right + wrong),
            (false, 0, 0) => write!(f, "{name}: not declared, not observed"),
            (false, _, 0) => write!(f, "{name}: not declared, refused in {right} cases"),
            (false, ..) => write!(f, "{name}: not declared, NOT REFUSED in {wrong} of {} cases", right + wrong),
        }
    }
}
