//! The conformance kit for table formats: cases as data, and what their answers are compared by.
//!
//! A [`Case`] is a list of [`Step`]s. The driver (`worldstore_async::table::conformance`) plays each list on
//! [`MemoryTables`](super::MemoryTables), which is the reference, and on the format under test, and compares the
//! [`Answer`]s step by step. Three things are compared loosely, because no format promises more:
//!
//! - rows, as multisets: the order between batches is open;
//! - versions, as "the n-th commit": each format numbers its own way, but the numbers grow;
//! - rows under a limit, as "so many of those that match".

mod answer;
mod cases;
mod report;
mod rows;
mod step;

pub use answer::{Answer, column_text, difference, row_texts};
pub use cases::cases;
pub use report::{CaseReport, CaseResult, Failure, Report};
pub use rows::{RACE_STEPS, race_rows, race_schema};
pub use step::{At, Case, Needs, Profile, Sequence, Step, Unsigned};

#[cfg(test)]
mod tests;
