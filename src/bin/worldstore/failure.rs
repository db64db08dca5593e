//! How a failed command ends: a message for a person on standard error, and an exit code for a script.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use worldstore::{Error, ErrorKind};

use crate::output::PRINT;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    /// Shown instead of the error's own text, where more is known: a query with a caret under the mistake.
    shown: Option<String>,
}

impl Failure {
    /// A failure that shows this text.
    pub fn shown(error: Error, text: String) -> Self {
        Self { error, shown: Some(text) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, shown: None }
    }
}

/// Prints the failure. The exit code is 2 where the call or what it works on has to change, 1 for everything else, as
/// where an answer cannot be printed. A reader that went away (a closed pipe) is no failure.
pub fn report(failure: &Failure) -> ExitCode {
    if is_closed_pipe(&failure.error) {
        return ExitCode::SUCCESS;
    }
    let mut text = match &failure.shown {
        Some(shown) => shown.trim_end().to_owned(),
        None => format!("error: {}", failure.error),
    };
    if failure.shown.is_none() {
        for cause in causes(&failure.error) {
            text.push_str(&format!("\n  caused by: {cause}"));
        }
    }
    if let Some(help) = help(&failure.error) {
        text.push_str(&format!("\nhelp: {help}"));
    }
    // There is nowhere left to report that standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code(&failure.error))
}

/// The causes that say something new. Wrappers of other libraries repeat what they wrap, often several times over.
fn causes(error: &Error) -> Vec<String> {
    let mut chain = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let is_ours = cause.is::<Error>() || cause.is::<Arc<Error>>();
        chain.push((cause.to_string(), is_ours));
        source = cause.source();
    }
    let repeats = |index: usize| chain.get(index + 1).is_some_and(|(next, _)| chain[index].0.contains(next));
    let mut said = error.to_string().to_lowercase();
    let mut causes = Vec::new();
    for (index, (text, is_ours)) in chain.iter().enumerate() {
        if (*is_ours || !repeats(index)) && !said.contains(&text.to_lowercase()) {
            said.push_str(&text.to_lowercase());
            causes.push(text.clone());
        }
    }
    causes
}

fn code(error: &Error) -> u8 {
    use ErrorKind::*;
    match error.kind() {
        // The work was done before: nothing has to change, and it must not be done again.
        _ if error.operation() == Some(PRINT) => 1,
        NotFound | AlreadyExists | ConditionFailed | Unsupported | Invalid | PermissionDenied | StorageFull
        | Corrupt => 2,
        _ => 1,
    }
}

fn help(error: &Error) -> Option<&'static str> {
    match error.kind() {
        _ if error.operation() == Some(PRINT) => Some("what was asked is done, only its answer could not be printed"),
        ErrorKind::StorageFull => Some("free some space and run it again, what was stored before is unharmed"),
        ErrorKind::PermissionDenied => Some("check the owner and the mode of the folder, or the credentials"),
        ErrorKind::OutcomeUnknown => Some("look with `worldstore tables` before you run it again"),
        ErrorKind::Corrupt => Some("restore the file that is named above from where it came"),
        _ => None,
    }
}

fn is_closed_pipe(error: &Error) -> bool {
    if error.operation() != Some(PRINT) {
        return false;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        source = cause.source();
    }
    false
}
