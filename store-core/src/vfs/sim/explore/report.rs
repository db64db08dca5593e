//! What an exploration has covered.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::io::Write;

use crate::vfs::sim::{Effect, Effects};

/// What an exploration has covered: images, and how often each kind of loss and of fault was in them.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(super) suite: String,
    pub(super) rounds: u64,
    pub(super) points: u64,
    pub(super) runs: u64,
    pub(super) images: u64,
    pub(super) second_images: u64,
    pub(super) effects: BTreeMap<Effect, u64>,
    pub(super) faults: BTreeMap<String, (u64, u64)>,
    pub(super) order_varies: bool,
    planted: Option<(String, bool)>,
}

impl Report {
    pub(super) fn new(suite: &str) -> Self {
        Self { suite: suite.to_owned(), ..Self::default() }
    }

    pub(super) fn about(&self, bug: &str, caught: bool) -> Self {
        Self { planted: Some((bug.to_owned(), caught)), ..self.clone() }
    }

    pub(super) fn note(&mut self, effects: Effects) {
        self.images += 1;
        for effect in Effect::ALL.into_iter().filter(|effect| effects.has(*effect)) {
            *self.effects.entry(effect).or_default() += 1;
        }
    }

    pub(super) fn note_fault(&mut self, class: &str, struck: bool) {
        let (runs, strikes) = self.faults.entry(class.to_owned()).or_default();
        *runs += 1;
        *strikes += u64::from(struck);
    }

    /// Images that were checked, no two of one crash made of the same decisions.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// Those of them that show a crash during a check.
    pub fn second_images(&self) -> u64 {
        self.second_images
    }

    /// Points at which work was crashed or failed.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// Images in which something happened to a change.
    pub fn count(&self, effect: Effect) -> u64 {
        self.effects.get(&effect).copied().unwrap_or(0)
    }

    /// Runs with a fault, and those in which it struck.
    pub fn faults(&self) -> (u64, u64) {
        self.faults.values().fold((0, 0), |(runs, struck), more| (runs + more.0, struck + more.1))
    }

    /// True if two runs of the work made their calls in another order, as threads may.
    pub fn order_varies(&self) -> bool {
        self.order_varies
    }

    /// Adds a line to the file that collects reports, where the environment names one.
    pub(super) fn told(&self) -> Self {
        if let Ok(path) = std::env::var("WORLDSTORE_CRASH_REPORT") {
            // The report is a by-product: a check does not fail because it cannot be told.
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let _ = file.and_then(|mut file| file.write_all(self.line().as_bytes()));
        }
        self.clone()
    }

    /// The report for a program: fields parted by tabs, each a name and numbers.
    fn line(&self) -> String {
        let mut line = format!(
            "suite={}\trounds={}\tpoints={}\truns={}\timages={}\tsecond_images={}",
            self.suite, self.rounds, self.points, self.runs, self.images, self.second_images
        );
        for (effect, count) in &self.effects {
            line += &format!("\teffect:{effect:?}={count}");
        }
        for (class, (runs, struck)) in &self.faults {
            line += &format!("\tfault:{class}={struck}/{runs}");
        }
        if let Some((bug, caught)) = &self.planted {
            line += &format!("\tplanted:{bug}={}", u64::from(*caught));
        }
        line + "\n"
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { suite, rounds, points, runs, images, second_images, .. } = self;
        writeln!(formatter, "{suite}: {images} images ({second_images} of a second crash) at {points} points")?;
        writeln!(formatter, "  {rounds} rounds, {runs} runs of the work")?;
        for (effect, count) in &self.effects {
            writeln!(formatter, "  {effect:?}: in {count} images")?;
        }
        for (class, (runs, struck)) in &self.faults {
            writeln!(formatter, "  {class}: struck in {struck} of {runs} runs")?;
        }
        match self.order_varies {
            true => writeln!(formatter, "  the order of calls differs between runs"),
            false => Ok(()),
        }
    }
}
