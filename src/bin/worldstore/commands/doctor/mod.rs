//! `worldstore doctor`: what is compiled in, what is configured, what a store can do.

mod machine;
mod place;

use serde_json::json;
use worldstore::{Error, ErrorKind, Registry, Result};

use super::fs::show::print_json;
use crate::args::product::DoctorArgs;
use crate::output::line;

/// What was found out about one thing.
#[derive(Debug)]
struct Finding {
    about: &'static str,
    status: Status,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// As it should be.
    Fine,
    /// It works, and somebody may want to know.
    Note,
    /// It does not work.
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Failed => "FAILED",
        }
    }
}

impl Finding {
    fn new(about: &'static str, status: Status, text: impl Into<String>) -> Self {
        Self { about, status, text: text.into() }
    }

    fn fine(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, Status::Fine, text)
    }

    fn note(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, Status::Note, text)
    }

    fn failed(about: &'static str, error: &Error) -> Self {
        Self::new(about, Status::Failed, error.to_string())
    }

    fn print(&self, json: bool) -> Result<()> {
        let Self { about, status, text } = self;
        match json {
            true => print_json(&json!({"about": about, "status": status.as_str().to_lowercase(), "text": text})),
            false => line(&format!("{:<7} {about:<14} {text}", status.as_str())),
        }
    }
}

/// Prints findings as they come; any that failed fails the command.
pub async fn run(args: DoctorArgs, registry: &Registry, config: Option<&std::path::Path>) -> Result<()> {
    let (mut failed, mut told) = (0, Ok(()));
    // What does not work is the answer, also where nobody could read what.
    let mut tell = |finding: Finding| {
        failed += u64::from(finding.status == Status::Failed);
        if told.is_ok() {
            told = finding.print(args.json);
        }
    };
    for finding in machine::findings(registry, config) {
        tell(finding);
    }
    if let Some(uri) = &args.uri {
        place::findings(uri, &args, registry, &mut tell).await?;
    }
    match failed {
        0 => told,
        failed => Err(Error::new(ErrorKind::Invalid, "something does not work").with("findings", failed)),
    }
}
