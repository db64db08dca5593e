//! The one error type of the workspace: what happened, where, and whether trying again can help.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result with the workspace's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms in which a caller would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object, table or run does not exist. Create it, or treat it as empty.
    NotFound,
    /// It exists already and the call asked that it should not. Choose another name, or open it.
    AlreadyExists,
    /// A condition of the call was false: someone else changed the object. Read it again, then decide.
    ConditionFailed,
    /// Another change is in flight. The same call may succeed later.
    Conflict,
    /// The backend cannot do this at all. Nothing was sent to it.
    Unsupported,
    /// The call itself is wrong. Change the arguments.
    Invalid,
    /// Access was refused. Change permissions or credentials.
    PermissionDenied,
    /// No space is left. Free some; what was stored before is unharmed.
    StorageFull,
    /// The service cannot be reached or is overloaded. Try again later.
    Unavailable,
    /// The change may or may not have happened. Read back before doing anything else.
    OutcomeUnknown,
    /// An earlier failure made this handle unusable. Reopen it.
    Poisoned,
    /// Another writer has taken over. Stop: what this one has not had acknowledged may be lost, and must not be tried
    /// again before reading what is there.
    Fenced,
    /// Stored bytes are not what they should be. Restore them from elsewhere.
    Corrupt,
    /// None of the above: a defect here or in a dependency.
    Unexpected,
}

impl ErrorKind {
    /// Every kind, in the order in which they are declared.
    pub const ALL: [Self; 14] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::ConditionFailed,
        Self::Conflict,
        Self::Unsupported,
        Self::Invalid,
        Self::PermissionDenied,
        Self::StorageFull,
        Self::Unavailable,
        Self::OutcomeUnknown,
        Self::Poisoned,
        Self::Fenced,
        Self::Corrupt,
        Self::Unexpected,
    ];

    /// The kind in lower-case words, as messages show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::ConditionFailed => "condition failed",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Invalid => "invalid",
            Self::PermissionDenied => "permission denied",
            Self::StorageFull => "storage full",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Poisoned => "poisoned",
            Self::Fenced => "fenced",
            Self::Corrupt => "corrupt",
            Self::Unexpected => "unexpected",
        }
    }

    /// The kind as an identifier, `not_found`, as telemetry and machines read it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::ConditionFailed => "condition_failed",
            Self::PermissionDenied => "permission_denied",
            Self::StorageFull => "storage_full",
            Self::OutcomeUnknown => "outcome_unknown",
            word => word.as_str(),
        }
    }
}

/// A kind that is not in the list does not compile: `Unexpected`, none of the others, stays the last.
const _: () = {
    assert!(ErrorKind::ALL.len() == ErrorKind::Unexpected as usize + 1);
    let mut place = 0;
    while place < ErrorKind::ALL.len() {
        assert!(ErrorKind::ALL[place] as usize == place);
        place += 1;
    }
};

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the same call can succeed when it is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It will fail in the same way until something else changes.
    Never,
    /// It may succeed as it is, after a pause.
    Later,
    /// Only after reading back what the first attempt did.
    AfterReadBack,
}

/// An error of any worldstore crate.
///
/// It carries the [`kind`](Self::kind), the operation, context as key and value (backend, path, table …) and the
/// error that caused it. It prints as `kind: message, key: value, …` without repeating its source.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    retry_after: Option<Duration>,
    operation: Option<&'static str>,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error. The message is lower case, without a full stop and without values: those go to
    /// [`with`](Self::with).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Conflict | ErrorKind::Unavailable => Retry::Later,
            ErrorKind::OutcomeUnknown => Retry::AfterReadBack,
            _ => Retry::Never,
        };
        let (retry_after, operation, context, source) = (None, None, Vec::new(), None);
        let message = message.into();
        Self { inner: Box::new(Inner { kind, retry, retry_after, operation, message, context, source }) }
    }

    /// Shorthand for [`ErrorKind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Shorthand for [`ErrorKind::Unexpected`].
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// Adds a value to the context, in the order in which it shall be printed.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((key, value.to_string()));
        self
    }

    /// Names the operation that failed. The innermost name stays.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.inner.operation.get_or_insert(operation);
        self
    }

    /// Sets the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Notes how long the service asks to wait before another attempt.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.inner.retry_after = Some(pause);
        self
    }

    /// How long the service asks to wait before another attempt, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Overrides the retry class that follows from the kind.
    #[must_use]
    pub fn retry_as(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Translates an I/O error; its kind decides ours.
    pub fn io(operation: &'static str, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::AlreadyExists => ErrorKind::AlreadyExists,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
            Io::TimedOut | Io::ConnectionRefused | Io::ConnectionReset | Io::ConnectionAborted => {
                ErrorKind::Unavailable
            }
            Io::NotADirectory | Io::IsADirectory | Io::InvalidInput | Io::InvalidFilename => ErrorKind::Invalid,
            _ => ErrorKind::Unexpected,
        };
        let message = source.to_string().to_lowercase();
        Self::new(kind, message).during(operation).caused_by(source)
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the call can be made again.
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// The operation that failed, where it is known.
    pub fn operation(&self) -> Option<&'static str> {
        self.inner.operation
    }

    /// The message without kind and context.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The context, in the order in which it was added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.inner.context.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// True if the kind is [`ErrorKind::NotFound`].
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.kind, self.inner.message)?;
        if let Some(operation) = self.inner.operation {
            write!(f, ", operation: {operation}")?;
        }
        for (key, value) in &self.inner.context {
            write!(f, ", {key}: {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            write!(f, "\n  caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
