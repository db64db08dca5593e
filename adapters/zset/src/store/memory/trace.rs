//! A table of weights as runs that are only added to, for tables that are written often and read in whole groups.
//!
//! A step's changes become a new run, without a look at what is there; runs of like sizes are merged, so that there are few
//! and each entry is copied a number of times that grows with the logarithm of the table. A scan adds up the weights of a
//! key over the runs. This is how differential-dataflow keeps its arrangements (McSherry et al., "Shared Arrangements",
//! VLDB 2020), with steps in place of its times.

use std::cell::Cell;
use std::cmp::Ordering;

use worldstore_core::Result;

use super::run::Run;
use crate::store::{Keys, Order, Visit};
use crate::weight::{self, Weight};

/// The runs of a table.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Runs of committed steps. Each has more than twice as many entries as the next one.
    settled: Vec<Run>,
    /// Runs of the transaction under way.
    pending: Vec<Run>,
    /// Entries that scans met and that had been taken out by others, since all runs were merged last.
    wasted: Cell<usize>,
}

/// Which entries a scan visits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'k> {
    /// Those whose keys begin so.
    Prefix(&'k [u8]),
    /// Those from one key on to before another one, or to the end.
    Range(&'k [u8], Option<&'k [u8]>),
}

impl Part<'_> {
    fn start(&self) -> &[u8] {
        match self {
            Self::Prefix(start) | Self::Range(start, _) => start,
        }
    }
}

/// The entries of one run that are visited: what is left of them.
struct Span<'r> {
    run: &'r Run,
    low: usize,
    high: usize,
}

impl Span<'_> {
    fn next(&self, order: Order) -> usize {
        match order {
            Order::Ascending => self.low,
            Order::Descending => self.high - 1,
        }
    }
}

/// Where the last search in each run ended, for parts that are asked for one after another.
#[derive(Debug, Default)]
pub(super) struct Seeker {
    start: Vec<u8>,
    places: Vec<usize>,
}

impl Trace {
    /// Adds to weights, in the transaction under way.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits.
    pub(super) fn append(&mut self, keys: Keys, changes: Vec<Weight>) -> Result<()> {
        let run = Run::new(keys, changes);
        if run.len() == 0 {
            return Ok(());
        }
        // Mostly all weights are so small that no sum can leave the range.
        let bound: u128 = self.runs().chain([&run]).map(|run| u128::from(run.largest())).sum();
        if bound > u128::from(Weight::MAX.unsigned_abs()) {
            let mut index = 0;
            while index < run.len() {
                let mut sum = self.sum(run.key(index));
                run.sum_equal(&mut index, &mut sum);
                weight::exact(sum)?;
            }
        }
        self.pending.push(run);
        fold(&mut self.pending);
        Ok(())
    }

    /// True if the transaction under way has added nothing.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes back what the transaction under way has added.
    pub(super) fn undo(&mut self) {
        self.pending.clear();
    }

    /// Keeps what the transaction under way has added.
    pub(super) fn settle(&mut self) {
        for run in self.pending.drain(..) {
            self.settled.push(run);
            fold(&mut self.settled);
        }
        // Entries that cancel each other are gone when their runs are merged. If scans have met more of them than all
        // entries are, merging costs no more than they did.
        let entries: usize = self.settled.iter().map(Run::len).sum();
        if self.wasted.get() > entries {
            let all = self.settled.drain(..).reduce(|left, right| Run::merged(&left, &right));
            self.settled.extend(all.filter(|run| run.len() > 0));
            self.wasted.set(0);
        }
    }

    /// The weight of a key.
    pub(super) fn weight(&self, key: &[u8]) -> Result<Weight> {
        weight::exact(self.sum(key))
    }

    fn sum(&self, key: &[u8]) -> i128 {
        let mut sum = 0;
        for run in self.runs() {
            let mut at = run.seek(0, key);
            if at < run.len() && run.key(at) == key {
                run.sum_equal(&mut at, &mut sum);
            }
        }
        sum
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.settled.iter().chain(&self.pending)
    }

    /// Visits the entries of a part whose weight is not 0.
    ///
    /// # Errors
    /// Those of the visitor, which end the scan.
    pub(super) fn visit(
        &self,
        seeker: &mut Seeker,
        part: Part<'_>,
        order: Order,
        visit: &mut dyn FnMut(&[u8], Weight) -> Result<Visit>,
    ) -> Result<()> {
        let mut spans = self.spans(seeker, part);
        while let Some(first) = smallest(&spans, order) {
            let [span] = spans.as_slice() else {
                let (key, sum) = take(&mut spans, first, order);
                if sum == 0 {
                    self.wasted.set(self.wasted.get().saturating_add(2));
                } else if visit(key, weight::exact(sum)?)? == Visit::Enough {
                    return Ok(());
                }
                continue;
            };
            if span.run.repeats() {
                let (key, sum) = take(&mut spans, first, order);
                if sum != 0 && visit(key, weight::exact(sum)?)? == Visit::Enough {
                    return Ok(());
                }
                continue;
            }
            return visit_one(span, order, visit);
        }
        Ok(())
    }

    /// The entries of each run that belong to a part, where there are any.
    fn spans(&self, seeker: &mut Seeker, part: Part<'_>) -> Vec<Span<'_>> {
        if part.start() < seeker.start.as_slice() {
            seeker.places.clear();
        }
        seeker.start.clear();
        seeker.start.extend_from_slice(part.start());
        seeker.places.resize(self.settled.len() + self.pending.len(), 0);
        let mut spans = Vec::new();
        for (run, place) in self.runs().zip(&mut seeker.places) {
            let low = run.seek(*place, part.start());
            let high = match part {
                Part::Prefix(prefix) => run.first_not(low, |index| run.key(index).starts_with(prefix)),
                Part::Range(_, Some(end)) => run.seek(low, end),
                Part::Range(_, None) => run.len(),
            };
            *place = low;
            if low < high {
                spans.push(Span { run, low, high });
            }
        }
        spans
    }
}

/// Merges the last runs until each has more than twice as many entries as the next one.
fn fold(runs: &mut Vec<Run>) {
    while let [.., before, last] = runs.as_slice()
        && before.len() <= last.len().saturating_mul(2)
    {
        let merged = Run::merged(before, last);
        runs.truncate(runs.len() - 2);
        if merged.len() > 0 {
            runs.push(merged);
        }
    }
}

/// The number of the span whose next key comes first.
fn smallest(spans: &[Span<'_>], order: Order) -> Option<usize> {
    let mut found: Option<(usize, &Span<'_>)> = None;
    for (index, span) in spans.iter().enumerate() {
        let is_first = found.is_none_or(|(_, best)| {
            let compared = span.run.compare(span.next(order), best.run, best.next(order));
            match order {
                Order::Ascending => compared == Ordering::Less,
                Order::Descending => compared == Ordering::Greater,
            }
        });
        if is_first {
            found = Some((index, span));
        }
    }
    found.map(|(index, _)| index)
}

/// Takes the next key of one span out of all of them, and adds up its weights.
fn take<'r>(spans: &mut Vec<Span<'r>>, first: usize, order: Order) -> (&'r [u8], i128) {
    let Some((run, at)) = spans.get(first).map(|span| (span.run, span.next(order))) else {
        return (&[], 0);
    };
    let mut sum = 0;
    for span in spans.iter_mut() {
        while span.low < span.high && span.run.compare(span.next(order), run, at) == Ordering::Equal {
            sum += i128::from(span.run.weight(span.next(order)));
            match order {
                Order::Ascending => span.low += 1,
                Order::Descending => span.high -= 1,
            }
        }
    }
    spans.retain(|span| span.low < span.high);
    (run.key(at), sum)
}

/// Visits what is left of one span that repeats no key.
fn visit_one(span: &Span<'_>, order: Order, visit: &mut dyn FnMut(&[u8], Weight) -> Result<Visit>) -> Result<()> {
    let mut one = |index: usize| visit(span.run.key(index), span.run.weight(index));
    match order {
        Order::Ascending => {
            for index in span.low..span.high {
                if one(index)? == Visit::Enough {
                    break;
                }
            }
        }
        Order::Descending => {
            for index in (span.low..span.high).rev() {
                if one(index)? == Visit::Enough {
                    break;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
