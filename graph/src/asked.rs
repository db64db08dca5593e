//! One query on its way: what it is given, and what all its parts share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::ExecutionPlan;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_datafusion::{Moment, PinnedTable, TableSelection, TableSnapshot, TableSource};

use crate::catalog::{DeclaredTable, PinnedState};
use crate::io_stats::{Counters, IoStats};
use crate::limits::Guard;
use crate::options::QueryOptions;
use crate::snapshot::Snapshot;
use crate::tier::Minimum;

/// See the module. Clones are of the same query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub counters: Arc<Counters>,
    pub guard: Guard,
    pub memory: Option<u64>,
    pub rows: Option<u64>,
    pub minimum: Minimum,
    tables: Option<Arc<dyn TableSource>>,
    /// Rows of this tick and before it, whatever a label says.
    tick: Option<i64>,
    at: Option<Moment>,
    /// The sequence number at which tables are read, once one of them was.
    sequence: Arc<Mutex<Option<u64>>>,
    /// What was run. It is here and not in the counters, for plans hold those: neither would ever be let go.
    ran: Arc<Mutex<Vec<Arc<dyn ExecutionPlan>>>>,
    /// True once something was read in a state that has no sequence number and is the one that was asked for.
    is_reached: Arc<AtomicBool>,
}

impl Asked {
    pub fn new(tables: Option<&Arc<dyn TableSource>>, options: &QueryOptions) -> Self {
        let (tick, at) = match &options.at {
            Some(Moment::Tick(tick)) => (Some(*tick), None),
            other => (None, other.clone()),
        };
        // What goes on reads what was read before.
        let before = options.resume.iter().flat_map(|token| token.snapshots());
        let before = before.filter_map(|text| TableSnapshot::parse(text.rsplit(' ').next()?));
        let sequence = before.filter_map(|snapshot| match snapshot {
            TableSnapshot::Sequence(seq) => Some(seq),
            _ => None,
        });
        let at = sequence.max().map(Moment::Sequence).or(at);
        Self {
            guard: Guard::new(options),
            memory: options.memory,
            rows: options.rows,
            minimum: options.minimum,
            tables: tables.cloned(),
            tick,
            at,
            ..Self::default()
        }
    }

    /// A query without options.
    pub fn plain(tables: Option<&Arc<dyn TableSource>>, counters: &Arc<Counters>) -> Self {
        Self { tables: tables.cloned(), counters: Arc::clone(counters), ..Self::default() }
    }

    /// Sums up what was read, and keeps the plans that were run for whoever asks what they did.
    pub fn finish(&self, plans: Vec<Arc<dyn ExecutionPlan>>) -> IoStats {
        let stats = self.counters.finish(&plans);
        *self.ran.lock().unwrap_or_else(PoisonError::into_inner) = plans;
        stats
    }

    /// The plans that were run.
    pub fn ran(&self) -> Vec<Arc<dyn ExecutionPlan>> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True if a state in the past is asked.
    pub fn is_of_past(&self) -> bool {
        self.tick.is_some() || self.at.is_some()
    }

    /// Fixes the state of a table, the same for all tables of the query where they have states in common.
    ///
    /// # Errors
    /// `NotFound` for the table, the run or the state.
    pub async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let tables = self.tables()?;
        let selection = self.selected(selection);
        let pinned = tables.pin(&selection).await?;
        let snapshot = pinned.snapshot();
        self.settle(snapshot);
        self.counters.add_snapshot(Snapshot::of_table(source(&selection), snapshot));
        Ok(pinned)
    }

    /// Fixes the state of a table of a format: the one that is asked if it has such states, else the newest.
    ///
    /// # Errors
    /// As for [`FormatTable::pin`](crate::FormatTable::pin).
    pub async fn pin_format(&self, table: &DeclaredTable) -> Result<Arc<dyn PinnedTable>> {
        let at = self.tick.map(Moment::Tick).or_else(|| self.at.clone());
        let PinnedState { table: pinned, is_asked } = table.pin(at.as_ref()).await?;
        if is_asked {
            self.is_reached.store(true, Ordering::Relaxed);
        }
        self.counters.add_snapshot(Snapshot::of_table(table.from.clone(), pinned.snapshot()));
        Ok(pinned)
    }

    /// Fixes the moment at which these tables, and all that are pinned later, are read.
    ///
    /// # Errors
    /// As for [`pin`](Self::pin).
    pub async fn begin(&self, selections: &[TableSelection]) -> Result<()> {
        if selections.is_empty() || self.at.is_some() {
            return Ok(());
        }
        let selections: Vec<_> = selections.iter().map(|selection| self.selected(selection)).collect();
        for pinned in self.tables()?.pin_all(&selections).await? {
            self.settle(pinned.snapshot());
        }
        Ok(())
    }

    fn tables(&self) -> Result<&Arc<dyn TableSource>> {
        self.tables.as_ref().ok_or_else(|| Error::not_found("the graph has no tables"))
    }

    fn selected(&self, selection: &TableSelection) -> TableSelection {
        let mut selection = selection.clone();
        if let Some(tick) = self.tick {
            selection.as_of = Some(selection.as_of.map_or(tick, |own| own.min(tick)));
        }
        let settled = *self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        selection.at = self.at.clone().or(selection.at).or(settled.map(Moment::Sequence));
        selection
    }

    fn settle(&self, snapshot: Option<TableSnapshot>) {
        match snapshot {
            Some(TableSnapshot::Sequence(seq)) => {
                let mut settled = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
                *settled = Some(settled.map_or(seq, |before| before.max(seq)));
            }
            Some(_) => self.is_reached.store(true, Ordering::Relaxed),
            None => {}
        }
    }

    /// Refuses to ask a state in the past of what has none: then nothing that was read would be of that state.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn check_past(&self) -> Result<()> {
        let has_states = self.sequence.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let is_named = matches!(self.at, Some(Moment::Snapshot(_)));
        if !self.is_of_past() || has_states || self.is_reached.load(Ordering::Relaxed) {
            return Ok(());
        }
        let snapshots = self.counters.snapshots();
        if is_named && snapshots.iter().any(|one| Some(Moment::Snapshot(one.id())) == self.at) {
            return Ok(());
        }
        let read: Vec<_> = snapshots.iter().map(ToString::to_string).collect();
        let error = match is_named {
            true => Error::new(ErrorKind::NotFound, "what the query reads is not in this state, or not any more"),
            false => Error::unsupported("nothing that the query reads has states in the past"),
        };
        Err(error.with("read", read.join(", ")))
    }
}

fn source(selection: &TableSelection) -> String {
    let mut text = selection.table.clone();
    if let Some(run) = &selection.run {
        text.push_str(&format!(" run {run}"));
    }
    if let Some(tick) = selection.as_of {
        text.push_str(&format!(" up to tick {tick}"));
    }
    text
}
