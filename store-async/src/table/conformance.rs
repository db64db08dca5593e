//! The driver of the conformance kit for tables: what the author of a table format runs in a test.
//!
//! ```
//! # use std::{collections::BTreeMap, sync::{Arc, Mutex}};
//! # use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter, conformance::check};
//! # use worldstore_core::table::{MemoryTables, conformance::Profile};
//! # #[tokio::main(flavor = "multi_thread")]
//! # async fn main() -> worldstore_core::Result<()> {
//! // Opening a place twice gives two handles on the same tables; a new place has none.
//! let places: Mutex<BTreeMap<String, Arc<MemoryTables>>> = Mutex::default();
//! let open = async |place: &str| {
//!     let tables = places.lock().unwrap().entry(place.to_owned()).or_default().clone();
//!     Ok(Arc::new(SyncTableAdapter::new(tables)) as Arc<dyn AsyncTableBackend>)
//! };
//! let report = check(open, &Profile::format()).await?.into_result()?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```

mod player;
mod race;

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_core::table::MemoryTables;
use worldstore_core::table::conformance::{Case, CaseResult, Failure, Profile, Report, Sequence, cases, difference};

use super::{AsyncTableBackend, SyncTableAdapter};
use player::Player;

/// Runs every case on the format that `open` opens, and on tables in memory, and compares what they answer.
///
/// `open` is given the name of a place (lower-case letters, digits and `_`) and opens the tables there. A place that it
/// has not been given before must have no tables; opening a place again must give another handle on the same tables.
///
/// # Errors
/// Those of `open`. What does not conform is in the report: see [`Report::into_result`].
pub async fn check<Open>(open: Open, profile: &Profile) -> Result<Report>
where
    Open: AsyncFn(&str) -> Result<Arc<dyn AsyncTableBackend>>,
{
    let mut report = Report::default();
    for case in cases()? {
        let result = match profile.skips(&case) {
            Some(reason) => CaseResult::Skipped(reason),
            None => play(&open, &case, profile).await?,
        };
        report.push(case.name, result);
    }
    for (name, run) in race::RACES {
        let result = match profile.sequence {
            Sequence::Backend => CaseResult::Skipped("it gives sequence numbers itself"),
            Sequence::Caller => race::play(run, open(name).await?, open(name).await?).await,
        };
        report.push(name, result);
    }
    Ok(report)
}

async fn play<Open>(open: &Open, case: &Case, profile: &Profile) -> Result<CaseResult>
where
    Open: AsyncFn(&str) -> Result<Arc<dyn AsyncTableBackend>>,
{
    let memory = Arc::new(MemoryTables::new());
    let reference = async |_: &str| Ok(Arc::new(SyncTableAdapter::new(memory.clone())) as Arc<dyn AsyncTableBackend>);
    let mut expected = Player::new(&reference, case.name, Sequence::Caller).await?;
    let mut tested = Player::new(open, case.name, profile.sequence).await?;
    let mut failures = Vec::new();
    for (number, step) in (1..).zip(&case.steps) {
        let (wanted, limit) = expected.play(step, player::Limit::Ignored).await?;
        let (got, _) = tested.play(step, player::Limit::Kept).await?;
        if let Some(what) = difference(&wanted, &got, limit, profile) {
            failures.push(Failure::new(number, step, what, wanted.to_string(), got.to_string()));
            if step.changes() {
                break;
            }
        }
    }
    Ok(match failures.is_empty() {
        true => CaseResult::Passed(case.steps.len()),
        false => CaseResult::Failed(failures),
    })
}
