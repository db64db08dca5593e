//! The figures as a table.

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::work::Work;
use super::{Row, Taken};

/// The figures of one subject.
pub fn row(work: &Work, name: &str, taken: &Taken) -> Row {
    let mut sorted = taken.steps.clone();
    sorted.sort_by(f64::total_cmp);
    let tenth = (taken.steps.len() / 10).max(1);
    let (first, last) = (taken.steps.get(..tenth), taken.steps.get(taken.steps.len().saturating_sub(tenth)..));
    let base: usize = work.load.iter().map(Vec::len).sum();
    Row {
        scenario: work.scenario.name(),
        base: work.base,
        batch: work.batch,
        subject: name.to_owned(),
        load_per_s: base as f64 / taken.load,
        median_ms: at(&sorted, 0.5) * 1e3,
        p99_ms: at(&sorted, 0.99) * 1e3,
        decay: middle(last) / middle(first),
        rows_per_s: work.changes() as f64 / taken.steps.iter().sum::<f64>(),
    }
}

fn at(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

fn middle(steps: Option<&[f64]>) -> f64 {
    let mut sorted = steps.unwrap_or_default().to_vec();
    sorted.sort_by(f64::total_cmp);
    at(&sorted, 0.5)
}

/// All figures.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header([
        "scenario",
        "base",
        "a step",
        "subject",
        "load rows/s",
        "median ms",
        "p99 ms",
        "last/first",
        "rows/s",
    ]);
    for row in rows {
        table.add_row([
            row.scenario.to_owned(),
            row.base.to_string(),
            row.batch.to_string(),
            row.subject.clone(),
            format!("{:.0}", row.load_per_s),
            format!("{:.3}", row.median_ms),
            format!("{:.3}", row.p99_ms),
            format!("{:.2}", row.decay),
            format!("{:.0}", row.rows_per_s),
        ]);
    }
    table
}
