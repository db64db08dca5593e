//! Why a task ended early, for a person, and the exit code that goes with it.

use std::fmt::{Display, Formatter};

/// Ends a task. The message says what failed and, where that is known, what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// 1, or the exit code of the command that failed.
    pub exit_code: u8,
}

/// The result of a task or a step of it.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1 }
    }

    /// The same with another exit code.
    #[must_use]
    pub fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Says what was attempted when a foreign error ends it.
pub trait Context<T> {
    /// Turns the error into a failure that starts with `attempt`, as in `reading a.toml: permission denied`.
    fn during(self, attempt: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn during(self, attempt: impl Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{attempt}: {error}")))
    }
}
