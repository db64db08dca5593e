//! One exploration under way: runs work, takes an image, has it checked.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::{CrashFailure, Place};
use super::{Explorer, Report};
use crate::vfs::sim::{Choice, Image, Random, SimVfs};

/// How often a replay tries where the order of calls may differ.
const TRIES: u64 = 100;

/// Work, a check, and what was seen up to now.
pub(super) struct Probe<'a, M, W, C> {
    pub explorer: &'a Explorer,
    work: &'a W,
    check: &'a C,
    pub report: Report,
    model: std::marker::PhantomData<M>,
}

impl<'a, M, W, C> Probe<'a, M, W, C>
where
    M: Clone + Default,
    W: Fn(&SimVfs, &mut Random, &mut M),
    C: Fn(&SimVfs, &mut M) -> Result<(), String>,
{
    pub fn new(explorer: &'a Explorer, work: &'a W, check: &'a C) -> Self {
        let report = Report::new(&explorer.name);
        Self { explorer, work, check, report, model: std::marker::PhantomData }
    }

    /// Runs the work on a fresh file system that was prepared for trouble.
    pub fn run(&mut self, seed: u64, prepare: impl FnOnce(&SimVfs)) -> (SimVfs, M) {
        self.report.runs += 1;
        let vfs = self.explorer.start.image(Choice::Everything).vfs;
        prepare(&vfs);
        let mut model = M::default();
        (self.work)(&vfs, &mut Random::new(seed), &mut model);
        (vfs, model)
    }

    /// Runs the work twice and undisturbed. Gives the number of its calls that change something, and of all.
    pub fn measure(&mut self, seed: u64) -> (u64, u64) {
        let (first, _) = self.run(seed, |_| {});
        let (second, _) = self.run(seed, |_| {});
        self.report.order_varies |= first.trace_print() != second.trace_print();
        (first.operations(), first.all_calls())
    }

    /// Checks one image. The failure tells of the file system that crashed.
    pub fn check(&mut self, image: &Image, model: &mut M, crashed: &SimVfs, place: &Place) -> Result<(), CrashFailure> {
        let outcome = self.guarded(&image.vfs, model);
        outcome.map_err(|message| self.failure(place, message, crashed))?;
        self.report.note(image.effects);
        Ok(())
    }

    /// Runs the check; a panic is a failure as well.
    fn guarded(&self, vfs: &SimVfs, model: &mut M) -> Result<(), String> {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.check)(vfs, model)));
        outcome.unwrap_or_else(|panic| Err(told(&*panic)))
    }

    /// Crashes a check, and checks what that leaves. `image` gives the image on which the check begins.
    pub fn second(
        &mut self,
        image: &Image,
        model: &M,
        place: &Place,
        choices: impl Iterator<Item = u64>,
    ) -> Result<(), CrashFailure> {
        let Some((operation, _)) = place.second else { return Ok(()) };
        let mut model = model.clone();
        image.vfs.crash_at(operation);
        let outcome = self.guarded(&image.vfs, &mut model);
        if !image.vfs.has_crashed() {
            // It made fewer calls this time and came to its end: then what it says counts.
            return outcome.map_err(|message| self.failure(place, message, &image.vfs));
        }
        let mut seen = std::collections::BTreeSet::new();
        for choice in choices {
            let next = image.vfs.image(Choice::nth(place.seed ^ place.image, operation, choice));
            if !seen.insert(next.print) {
                continue;
            }
            let place = Place { second: Some((operation, choice)), ..place.clone() };
            self.check(&next, &mut model.clone(), &image.vfs, &place)?;
            self.report.second_images += 1;
        }
        Ok(())
    }

    fn failure(&self, place: &Place, message: String, crashed: &SimVfs) -> CrashFailure {
        let (suite, place) = (self.explorer.name.clone(), Box::new(place.clone()));
        let (order_varies, images) = (self.report.order_varies, self.report.images);
        CrashFailure { suite, place, message, trace: crashed.trace(), order_varies, images }
    }

    /// As [`replay`](Self::replay), of a place in words.
    pub fn replay_at(&mut self, place: &str) -> Result<(), CrashFailure> {
        match Place::parse(place) {
            Some(place) => self.replay(&place),
            None => {
                let message = format!("not a place to replay: {place}");
                Err(self.failure(&Place::default(), message, &self.explorer.start))
            }
        }
    }

    /// Takes one image again; several times, where the order of calls may differ.
    fn replay(&mut self, place: &Place) -> Result<(), CrashFailure> {
        self.measure(place.seed);
        let tries = if self.report.order_varies { TRIES } else { 1 };
        for _ in 0..tries {
            let (vfs, model) = match place.fault {
                Some(fault) => self.run_failing(place.seed, place.operation, fault),
                None => self.run_crashing(place.seed, place.operation),
            };
            self.report.points += 1;
            let take = || vfs.image(Choice::nth(place.seed, place.operation, place.image));
            match place.second {
                None => self.check(&take(), &mut model.clone(), &vfs, place)?,
                Some((_, choice)) => self.second(&take(), &model, place, std::iter::once(choice))?,
            }
        }
        Ok(())
    }
}

/// What a panic said.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a word"))
}
