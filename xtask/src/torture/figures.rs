//! What the crash suites have told, added up.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

use crate::failure::{Failure, Result};

/// Sums over all suites, and those of each.
#[derive(Default)]
pub struct Figures {
    suites: BTreeMap<String, BTreeMap<String, u64>>,
    sums: BTreeMap<String, u64>,
    /// Ways to lose a change, with the images in which it was.
    effects: BTreeMap<String, u64>,
    /// Runs in which a fault struck, and all with such a fault.
    faults: BTreeMap<String, (u64, u64)>,
    /// Planted bugs, and whether each was caught.
    planted: BTreeMap<String, bool>,
    /// The commands that show failures again.
    failures: Vec<String>,
}

impl Figures {
    /// Reads lines of fields parted by tabs, each a name and a number.
    pub fn read(lines: &str) -> Result<Self> {
        let mut figures = Self::default();
        for line in lines.lines() {
            figures.add(line).ok_or_else(|| Failure::new(format!("a suite has told what cannot be read: {line}")))?;
        }
        Ok(figures)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split('\t').map(|field| field.split_once('='));
        let ("suite", suite) = fields.next()?? else { return None };
        for field in fields {
            let (name, value) = field?;
            match name.split_once(':') {
                None if name == "failed" => self.failures.push(line.split_once("\tfailed=")?.1.to_owned()),
                None => {
                    let number: u64 = value.parse().ok()?;
                    *self.suites.entry(suite.to_owned()).or_default().entry(name.to_owned()).or_default() += number;
                    *self.sums.entry(name.to_owned()).or_default() += number;
                }
                Some(("effect", effect)) => {
                    *self.effects.entry(effect.to_owned()).or_default() += value.parse::<u64>().ok()?
                }
                Some(("fault", class)) => {
                    let (struck, runs) = value.split_once('/')?;
                    let sum = self.faults.entry(class.to_owned()).or_default();
                    *sum = (sum.0 + struck.parse::<u64>().ok()?, sum.1 + runs.parse::<u64>().ok()?);
                }
                Some(("planted", bug)) => *self.planted.entry(bug.to_owned()).or_default() |= value == "1",
                Some(_) => return None,
            }
        }
        Some(())
    }

    /// Suites that have told something.
    pub fn suites(&self) -> usize {
        self.suites.len() + self.planted.len()
    }

    /// Images of all suites.
    pub fn images(&self) -> u64 {
        self.sums.get("images").copied().unwrap_or(0)
    }

    /// A planted bug that no suite has caught.
    pub fn missed(&self) -> Option<&str> {
        self.planted.iter().find(|(_, caught)| !**caught).map(|(bug, _)| bug.as_str())
    }
}

impl Display for Figures {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        for (suite, numbers) in &self.suites {
            writeln!(formatter, "{suite}: {}", listed(numbers))?;
        }
        writeln!(formatter, "\nin all: {}", listed(&self.sums))?;
        let images = self.images().max(1) as f64;
        for (effect, count) in &self.effects {
            writeln!(formatter, "  {effect}: in {:.1} % of the images", *count as f64 * 100.0 / images)?;
        }
        for (class, (struck, runs)) in &self.faults {
            let share = *struck as f64 * 100.0 / (*runs).max(1) as f64;
            writeln!(formatter, "  {class}: {runs} runs, struck in {share:.0} %")?;
        }
        let caught = self.planted.values().filter(|caught| **caught).count();
        let names: Vec<_> = self.planted.keys().map(String::as_str).collect();
        writeln!(formatter, "planted bugs: {caught} of {} caught: {}", self.planted.len(), names.join(", "))?;
        self.failures.iter().try_for_each(|command| writeln!(formatter, "FAILED: {command}"))
    }
}

/// Numbers in a line.
fn listed(numbers: &BTreeMap<String, u64>) -> String {
    let words: Vec<_> = numbers.iter().map(|(name, number)| format!("{} {number}", name.replace('_', " "))).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests;
