//! Both sides at once: what [`conformance_tests!`](crate::conformance_tests) runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use worldstore_core::conformance::{ROUNDS, Report, race_rounds, run as run_sync};
use worldstore_core::{Backend, Error, Prefix, Result};

use crate::{AsyncBackend, AsyncBackendAdapter, SyncBackendAdapter};

/// Makes the tests of a backend: one line in a test file, and every case and every race runs on both sides.
///
/// `sync` takes a closure that opens a [`Backend`] and returns a `Result` with it in an `Arc`; `async` takes one that
/// returns a future of a `Result` with an [`AsyncBackend`] in an `Arc`. The tests stay below folders of their own, of
/// which no two are the same, so that they can share one place.
///
/// ```
/// use std::sync::Arc;
/// use worldstore_async::SyncBackendAdapter;
/// use worldstore_core::Memory;
///
/// worldstore_async::conformance_tests!(memory, sync: || Ok(Arc::new(Memory::new())));
/// worldstore_async::conformance_tests!(adapted, async: || async {
///     Ok(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))))
/// });
/// # fn main() {}
/// ```
///
/// The names are those of the modules that hold the tests `answers` and `races`.
#[macro_export]
macro_rules! conformance_tests {
    ($name:ident, sync: $open:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn answers() -> $crate::conformance::Checked {
                $crate::conformance::answers_of_sync($open).map(|report| println!("{report}"))
            }

            #[test]
            fn races() -> $crate::conformance::Checked {
                $crate::conformance::races_of_sync($open).map(|report| println!("{report}"))
            }
        }
    };
    ($name:ident, async: $open:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn answers() -> $crate::conformance::Checked {
                $crate::conformance::answers_of_async($open).map(|report| println!("{report}"))
            }

            #[test]
            fn races() -> $crate::conformance::Checked {
                $crate::conformance::races_of_async($open).map(|report| println!("{report}"))
            }
        }
    };
}

/// What a test comes to: nothing, or an error whose message is the whole report.
pub type Checked = Result<()>;

/// Runs every case on a sync backend as its callers meet it: directly, from async code, and through both bridges. All
/// must be answered rightly, and alike.
///
/// # Errors
/// Those of `open`; `Unexpected`, with the report, if the backend does not conform.
pub fn answers_of_sync<Opened: Backend>(open: impl Fn() -> Result<Arc<Opened>>) -> Result<Report> {
    let runtime = runtime()?;
    let backend: Arc<dyn Backend> = open()?;
    let direct = run_sync(&*backend, &scratch()?).into_result()?;
    let adapted: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(backend));
    let from_async = runtime.block_on(super::run(&*adapted, &scratch()?)).into_result()?;
    let there_and_back = AsyncBackendAdapter::with_handle(adapted, runtime.handle().clone())?;
    let through_both = run_sync(&there_and_back, &scratch()?).into_result()?;
    alike(&direct, [("from async code", &from_async), ("through both bridges", &through_both)])?;
    Ok(direct)
}

/// Runs every case on an async backend as its callers meet it: directly, from sync code, and through both bridges. All
/// must be answered rightly, and alike.
///
/// # Errors
/// Those of `open`; `Unexpected`, with the report, if the backend does not conform.
pub fn answers_of_async<Opened: AsyncBackend>(open: impl AsyncFn() -> Result<Arc<Opened>>) -> Result<Report> {
    let runtime = runtime()?;
    let backend: Arc<dyn AsyncBackend> = runtime.block_on(open())?;
    let direct = runtime.block_on(super::run(&*backend, &scratch()?)).into_result()?;
    let adapted: Arc<dyn Backend> = Arc::new(AsyncBackendAdapter::with_handle(backend, runtime.handle().clone())?);
    let from_sync = run_sync(&*adapted, &scratch()?).into_result()?;
    let there_and_back = SyncBackendAdapter::new(adapted);
    let through_both = runtime.block_on(super::run(&there_and_back, &scratch()?)).into_result()?;
    alike(&direct, [("from sync code", &from_sync), ("through both bridges", &through_both)])?;
    Ok(direct)
}

/// Runs every race that a sync backend declares what it takes for.
///
/// # Errors
/// As for [`answers_of_sync`].
pub fn races_of_sync<Opened: Backend>(open: impl Fn() -> Result<Arc<Opened>>) -> Result<Report> {
    raced(race_rounds(open()?, &scratch()?, ROUNDS))
}

/// Runs every race that an async backend declares what it takes for.
///
/// # Errors
/// As for [`answers_of_async`].
pub fn races_of_async<Opened: AsyncBackend>(open: impl AsyncFn() -> Result<Arc<Opened>>) -> Result<Report> {
    let runtime = runtime()?;
    let backend = runtime.block_on(open())?;
    let adapted = AsyncBackendAdapter::with_handle(backend, runtime.handle().clone())?;
    raced(race_rounds(Arc::new(adapted), &scratch()?, ROUNDS))
}

/// A backend that cannot be written has no races, which is no failure.
fn raced(report: Report) -> Result<Report> {
    match report.cases.is_empty() && !report.info.capability.write {
        true => Ok(report),
        false => report.into_result(),
    }
}

fn alike<const N: usize>(direct: &Report, others: [(&str, &Report); N]) -> Result<()> {
    let expected = direct.transcript();
    for (way, report) in others {
        let got = report.transcript();
        if let Some((one, other)) = expected.lines().zip(got.lines()).find(|(one, other)| one != other) {
            let message = format!("the backend answers otherwise {way}\n  directly: {one}\n  {way}: {other}");
            return Err(Error::unexpected(message));
        }
        if expected.lines().count() != got.lines().count() {
            return Err(Error::unexpected(format!("the backend answers more or fewer steps {way}")));
        }
    }
    Ok(())
}

fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|source| Error::io("start a runtime", source))
}

/// A folder that no other run uses.
fn scratch() -> Result<Prefix> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Prefix::new(format!("worldstore-kit-{:x}-{:x}-{count}", std::process::id(), now.as_nanos()))
}
