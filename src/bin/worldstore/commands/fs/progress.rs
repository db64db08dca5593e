//! A bar for copies that take a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use worldstore::core::transfer::TransferOptions;

/// What is done in less shows no bar.
const SHOW_AFTER: Duration = Duration::from_millis(500);

/// Counts bytes, on standard error if that is a terminal. Clones share the bar.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
    start: Instant,
}

impl Progress {
    /// For so many bytes, or for as many as come.
    pub fn new(bytes: Option<u64>) -> Self {
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden()),
                "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
            ),
            None => (
                ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
                "{spinner} {binary_bytes}, {binary_bytes_per_sec}",
            ),
        };
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        Self { bar, start: Instant::now() }
    }

    /// Shows that something is going on, and for how long.
    pub fn unknown() -> Self {
        let bar = match ProgressStyle::with_template("{spinner} {elapsed}") {
            Ok(style) => ProgressBar::new_spinner().with_style(style),
            Err(_) => ProgressBar::new_spinner(),
        };
        bar.enable_steady_tick(SHOW_AFTER);
        Self { bar, start: Instant::now() }
    }

    /// The same transfer, with its bytes counted here. For one transfer alone.
    pub fn watching(&self, options: TransferOptions) -> TransferOptions {
        // A transfer tells how far it is; several share the bar, and each adds what is new.
        let (progress, seen) = (self.clone(), AtomicU64::new(0));
        options.with_progress(move |told| {
            let before = seen.swap(told.done_bytes, Ordering::Relaxed);
            progress.add(told.done_bytes.saturating_sub(before));
        })
    }

    fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        if self.bar.is_hidden() && self.start.elapsed() > SHOW_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
