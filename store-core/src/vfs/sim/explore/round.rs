//! Crashes at every call, round by round.

use std::collections::BTreeSet;

use super::failure::{CrashFailure, Place};
use super::probe::Probe;
use crate::vfs::sim::{Choice, Random, SimVfs};

/// Images at one crash point of one round: the choices without chance at least.
const IMAGES_MIN: u64 = 6;
const IMAGES_MAX: u64 = 48;

/// Of so many images, the check of one is crashed as well.
const SECOND_EVERY: u64 = 4;

/// Images of a crashed check.
const SECOND_IMAGES: u64 = 3;

impl<M, W, C> Probe<'_, M, W, C>
where
    M: Clone + Default,
    W: Fn(&SimVfs, &mut Random, &mut M),
    C: Fn(&SimVfs, &mut M) -> Result<(), String>,
{
    /// Goes round until there are enough images, or a round gives none.
    pub fn crash_everywhere(&mut self) -> Result<(), CrashFailure> {
        loop {
            let before = self.report.images;
            let seed = self.explorer.seed.wrapping_add(self.report.rounds);
            let (operations, _) = self.measure(seed);
            self.report.rounds += 1;
            let wanted = self.explorer.images.saturating_sub(before);
            // Crashes of checks add about three images to every four.
            let share = (wanted * 4 / 7 / (operations + 1)).clamp(IMAGES_MIN, IMAGES_MAX);
            for operation in 0..=operations {
                self.crash_at(seed, operation, share)?;
            }
            if self.report.images >= self.explorer.images || self.report.images == before {
                return Ok(());
            }
        }
    }

    /// Runs the work up to a crash. Work that makes fewer calls this time is crashed at its end.
    pub fn run_crashing(&mut self, seed: u64, operation: u64) -> (SimVfs, M) {
        let (vfs, model) = self.run(seed, |vfs| vfs.crash_at(operation));
        vfs.crash();
        (vfs, model)
    }

    fn crash_at(&mut self, seed: u64, operation: u64, share: u64) -> Result<(), CrashFailure> {
        self.report.points += 1;
        let (vfs, model) = self.run_crashing(seed, operation);
        let mut seen = BTreeSet::new();
        for number in 0..share * 2 {
            if seen.len() as u64 == share {
                break;
            }
            let choice = Choice::nth(seed, operation, number);
            let image = vfs.image(choice);
            if !seen.insert(image.print) {
                continue;
            }
            let mut place = Place { seed, operation, image: number, second: None, fault: None };
            self.check(&image, &mut model.clone(), &vfs, &place)?;
            if seen.len() as u64 % SECOND_EVERY == 1 && image.vfs.operations() > 0 {
                let mut random = Random::of(seed, &[5, operation, number]);
                place.second = Some((random.below(image.vfs.operations()), 0));
                self.second(&vfs.image(choice), &model, &place, 0..SECOND_IMAGES)?;
            }
            if image.uncertain == 0 {
                break;
            }
        }
        Ok(())
    }
}
