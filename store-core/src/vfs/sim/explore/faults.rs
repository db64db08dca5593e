//! A fault at every call.

use super::failure::{CrashFailure, Place};
use super::probe::Probe;
use crate::vfs::sim::{Choice, Fault, FaultKind, Random, SimVfs};

/// The ways in which a call fails: how, and whether all later ones do too.
const WAYS: [(&str, FaultKind, bool); 9] = [
    ("EIO once", FaultKind::Io, false),
    ("EIO from then on", FaultKind::Io, true),
    ("ENOSPC once", FaultKind::NoSpace, false),
    ("ENOSPC from then on", FaultKind::NoSpace, true),
    ("EIO though done, once", FaultKind::IoAfter, false),
    ("EIO though done, from then on", FaultKind::IoAfter, true),
    ("short write once", FaultKind::Short(1), false),
    ("short writes from then on", FaultKind::Short(3), true),
    ("short write of a sector once", FaultKind::Short(512), false),
];

/// What is looked at after a fault: what the next process finds, and two power cuts.
const IMAGES: [u64; 4] = [1, 0, 6, 7];

impl<M, W, C> Probe<'_, M, W, C>
where
    M: Clone + Default,
    W: Fn(&SimVfs, &mut Random, &mut M),
    C: Fn(&SimVfs, &mut M) -> Result<(), String>,
{
    /// Has each call fail in each way, or so many of these that there are enough images.
    pub fn fail_everywhere(&mut self) -> Result<(), CrashFailure> {
        let begun = self.report.images;
        let mut round = 0;
        loop {
            let before = self.report.images;
            let seed = self.explorer.seed.wrapping_add(round);
            let (_, calls) = self.measure(seed);
            round += 1;
            self.report.rounds += 1;
            let wanted = self.explorer.images.saturating_sub(before - begun);
            let cases = calls * WAYS.len() as u64;
            let stride = (cases * IMAGES.len() as u64 / wanted.max(1)).max(1);
            // An offset by chance, and a stride that meets every way.
            let stride = stride + u64::from(stride.is_multiple_of(3));
            let mut case = Random::of(seed, &[6]).below(stride);
            while case < cases {
                let (call, way) = (case / WAYS.len() as u64 + 1, case as usize % WAYS.len());
                self.fail_at(seed, call, way)?;
                case += stride;
            }
            let taken = self.report.images - begun;
            if taken >= self.explorer.images * 9 / 10 || self.report.images == before {
                return Ok(());
            }
        }
    }

    /// Runs the work with a fault.
    pub fn run_failing(&mut self, seed: u64, call: u64, way: usize) -> (SimVfs, M) {
        let Some((class, kind, lasting)) = WAYS.get(way).copied() else { return self.run_crashing(seed, call) };
        let fault = Fault::new(kind).at(call);
        let fault = if lasting { fault.from_then_on() } else { fault };
        let mut activation = None;
        let (vfs, model) = self.run(seed, |vfs| activation = Some(vfs.inject(fault)));
        let struck = activation.is_some_and(|activation| activation.count() > 0);
        self.report.note_fault(class, struck);
        vfs.crash();
        (vfs, model)
    }

    fn fail_at(&mut self, seed: u64, call: u64, way: usize) -> Result<(), CrashFailure> {
        self.report.points += 1;
        let (vfs, model) = self.run_failing(seed, call, way);
        let mut seen = std::collections::BTreeSet::new();
        for number in IMAGES {
            let image = vfs.image(Choice::nth(seed, call, number));
            if seen.insert(image.print) {
                let place = Place { seed, operation: call, image: number, second: None, fault: Some(way) };
                self.check(&image, &mut model.clone(), &vfs, &place)?;
            }
        }
        Ok(())
    }
}
