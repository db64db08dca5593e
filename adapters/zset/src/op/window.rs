//! Windows by time.

use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::linear::flat_mapping;
use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{Kind, Operator, Part, Recall, Stream, When};
use crate::encode::{self, decode_prefix};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Visit, behind};
use crate::table::Table;
use crate::weight::{self, Weight};

impl<'b, T: Row> Stream<'b, T> {
    /// Keeps the rows of the last `size` units of time: those with `now - size < time <= now`, where `now` is the latest
    /// [`input_time`](crate::Time::input_time) of a step. Rows leave when `now` moves on, also in a step without changes.
    ///
    /// Rows from the future wait. Rows that have left are forgotten, so the state stays as large as the window; changes of
    /// rows that are older than the window are dropped and counted as [`late`](crate::StepStats::late). A step costs the
    /// changes and the rows that enter or leave. A `size` of 0 or less keeps nothing.
    pub fn window(self, name: &str, size: i64, time: impl Fn(&T) -> i64 + Send + Sync + 'static) -> Self {
        let rows = Table::weights(format!("{name}__rows"), &[("time", Shape::Integer), ("", Shape::of::<T>())]);
        let clock = Table::values(format!("{name}__clock"), ("key", Shape::Unit), ("now", Shape::Integer));
        let kind = Kind::with("window", &[size]);
        self.builder.add_when(When::Always, name, kind, &[self.id], [rows, clock], |[rows, clock]| Window {
            input: self.id,
            rows,
            clock,
            size,
            time,
            marker: PhantomData::<fn(T)>,
        })
    }

    /// Puts each row into the window of its time. Windows lie side by side: each begins at a multiple of `size` (at least
    /// 1), which is given with the row. Nothing is kept, and rows never leave.
    pub fn tumble(
        self,
        name: &str,
        size: i64,
        time: impl Fn(&T) -> i64 + Send + Sync + 'static,
    ) -> Stream<'b, (i64, T)> {
        let size = size.max(1);
        self.hop(name, size, size, time)
    }

    /// Puts each row into all windows that hold its time. A window begins at each multiple of `every` (at least 1) and is
    /// `size` long (0 or less: no window holds anything); its beginning is given with the row. Nothing is kept, and rows
    /// never leave.
    pub fn hop(
        self,
        name: &str,
        size: i64,
        every: i64,
        time: impl Fn(&T) -> i64 + Send + Sync + 'static,
    ) -> Stream<'b, (i64, T)> {
        let every = every.max(1);
        let windows = move |row: &T| {
            let time = time(row);
            let last = time.div_euclid(every).saturating_mul(every);
            let starts = std::iter::successors(Some(last), move |start| start.checked_sub(every));
            let holds = move |start: &i64| i128::from(time) - i128::from(*start) < i128::from(size);
            starts.take_while(holds).map(|start| (start, row.clone())).collect::<Vec<_>>()
        };
        self.linear(name, Kind::with("flat_map", &[size, every]), flat_mapping(windows))
    }
}

struct Window<T, F> {
    input: usize,
    rows: Arc<Table>,
    clock: Arc<Table>,
    size: i64,
    time: F,
    marker: PhantomData<fn(T)>,
}

impl<T: Row, F: Fn(&T) -> i64 + Send + Sync> Operator for Window<T, F> {
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let changes = slots.get::<T>(self.input)?;
        let before: Option<i64> = step.values(&self.clock, &[Vec::new()])?.pop().flatten();
        let now = before.max(step.time);
        let mut out = Batch::new();
        if let Some(now) = now
            && before != Some(now)
        {
            self.advance(step, before, now, &mut out)?;
            step.put(&self.clock, [(Vec::new(), (), Some(now))])?;
        }
        let mut entries = Vec::new();
        for (row, weight) in changes {
            let time = (self.time)(row);
            if now.is_some_and(|now| time <= self.floor(now)) {
                step.stats.late += 1;
                continue;
            }
            entries.push((encode::encode(&(time, row))?, (time, row), *weight));
            if now.is_some_and(|now| time <= now) {
                out.push((row.clone(), *weight));
            }
        }
        step.add(&self.rows, entries)?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let recall = move |step: &mut Step<'_>| {
            let mut rows = Batch::new();
            let now: Option<i64> = step.values(&self.clock, &[Vec::new()])?.pop().flatten();
            if let Some(now) = now {
                self.visit(step, None, now, |_, row, weight| {
                    rows.push((row, weight));
                    Ok(())
                })?;
            }
            emit(rows)
        };
        if part == Part::Output { Some(Box::new(recall)) } else { None }
    }
}

impl<T: Row, F> Window<T, F> {
    /// The latest time that has left the window.
    fn floor(&self, now: i64) -> i64 {
        now.saturating_sub(self.size.max(0))
    }

    /// Moves the window: rows that leave are forgotten, rows that waited enter.
    fn advance(&self, step: &mut Step<'_>, before: Option<i64>, now: i64, out: &mut Batch<T>) -> Result<()> {
        let floor = self.floor(now);
        let mut left = Vec::new();
        self.visit(step, None, floor, |time, row, weight| {
            if before.is_some_and(|before| time <= before) {
                out.push((row.clone(), weight::minus(weight)?));
            }
            left.push((time, row, weight::minus(weight)?));
            Ok(())
        })?;
        // What was in the future until now has not been given yet.
        let waited = before.map_or(floor, |before| before.max(floor));
        self.visit(step, Some(waited), now, |_, row, weight| {
            out.push((row, weight));
            Ok(())
        })?;
        let entries = left.iter().map(|(time, row, weight)| Ok((encode::encode(&(time, row))?, (time, row), *weight)));
        let entries: Vec<_> = entries.collect::<Result<_>>()?;
        step.add(&self.rows, entries).map(|_| ())
    }

    /// Visits the rows with `after < time <= until`.
    fn visit(
        &self,
        step: &mut Step<'_>,
        after: Option<i64>,
        until: i64,
        mut visit: impl FnMut(i64, T, Weight) -> Result<()>,
    ) -> Result<()> {
        let start = match after {
            Some(after) => behind(&encode::encode(&after)?).unwrap_or_default(),
            None => Vec::new(),
        };
        let range = KeyRange { start, end: behind(&encode::encode(&until)?), ..KeyRange::prefix(&[]) };
        step.scan(&self.rows, &[range], |_, entry, weight| {
            let (time, rest) = decode_prefix::<i64>(entry)?;
            visit(time, encode::decode(rest)?, weight)?;
            Ok(Visit::Next)
        })
    }
}
