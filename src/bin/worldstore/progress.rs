//! Bars for what takes a while: on standard error if that is a terminal, and never with `--json`. What is done in half a
//! second shows none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;
use worldstore::core::transfer::TransferOptions;

/// What is done in less shows no bar.
const SHOW_AFTER: Duration = Duration::from_millis(500);
/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// A bar, taken away when it is dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    showing: Option<JoinHandle<()>>,
}

/// Does something, and shows meanwhile that it goes on, and for how long.
pub async fn shown<Done>(doing: &'static str, json: bool, work: impl Future<Output = Done>) -> Done {
    let _progress = Progress::new("{spinner} {msg} {elapsed}", None, json).with_message(doing);
    work.await
}

impl Progress {
    /// For so many bytes, or for as many as come.
    pub fn of_bytes(bytes: Option<u64>, json: bool) -> Self {
        let template = match bytes {
            Some(_) => "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
            None => "{spinner} {binary_bytes}, {binary_bytes_per_sec}",
        };
        Self::new(template, bytes, json)
    }

    /// A template of indicatif, and where the end is if that is known.
    pub fn new(template: &str, length: Option<u64>, json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let late = bar.clone();
        let show = async move {
            tokio::time::sleep(SHOW_AFTER).await;
            late.set_draw_target(ProgressDrawTarget::stderr());
            late.enable_steady_tick(TICK);
        };
        Self { bar, showing: (!json).then(|| tokio::spawn(show)) }
    }

    fn with_message(self, text: &'static str) -> Self {
        self.bar.set_message(text);
        self
    }

    /// Says what is being worked on.
    pub fn tell(&self, text: String) {
        self.bar.set_message(text);
    }

    /// So much is done.
    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// The same transfer, with its bytes counted here. For one transfer alone.
    pub fn watching(&self, options: TransferOptions) -> TransferOptions {
        // A transfer tells how far it is; several share the bar, and each adds what is new.
        let (bar, seen) = (self.bar.clone(), AtomicU64::new(0));
        options.with_progress(move |told| {
            let before = seen.swap(told.done_bytes, Ordering::Relaxed);
            bar.inc(told.done_bytes.saturating_sub(before));
        })
    }

    /// Prints while the bar is away.
    pub fn suspend<Done>(&self, print: impl FnOnce() -> Done) -> Done {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(showing) = &self.showing {
            showing.abort();
        }
        self.bar.finish_and_clear();
    }
}
