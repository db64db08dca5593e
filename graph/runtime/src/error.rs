//! What can go wrong while a query runs.

use std::error::Error as StdError;
use std::fmt;

use worldstore_core::{Error, ErrorKind};
use worldstore_cypher::Span;

/// A result with a [`RuntimeError`].
pub type Result<T, E = RuntimeError> = std::result::Result<T, E>;

/// What went wrong while a query ran: the class and detail that the openCypher TCK has for it, and the place.
#[derive(Debug)]
pub struct RuntimeError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    class: ErrorClass,
    detail: ErrorDetail,
    message: String,
    span: Option<Span>,
    source: Option<Error>,
}

macro_rules! names {
    ($(#[$outer:meta])* $type:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$doc])* $name,)*
        }

        impl $type {
            /// The name, as the openCypher TCK writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

names! {
    /// The class of a mistake.
    ErrorClass {
        /// A value has the wrong type.
        TypeError,
        /// A calculation has no result.
        ArithmeticError,
        /// A value is out of its range.
        ArgumentError,
        /// A node or relationship is not there any more.
        EntityNotFound,
        /// What is asked for contradicts what is there.
        ConstraintVerificationFailed,
        /// The statement makes no sense with these values.
        SemanticError,
        /// A mistake of the statement that shows when it runs.
        SyntaxError,
        /// A parameter is not given.
        ParameterMissing,
        /// A procedure cannot be called.
        ProcedureError,
        /// A limit was reached: memory, rows, time.
        LimitError,
        /// The engine cannot do this.
        Unsupported,
        /// The graph failed; the source says why.
        GraphError,
    }
}

names! {
    /// What the mistake is.
    ErrorDetail {
        /// A value that the operation does not take.
        InvalidArgumentValue,
        /// A value of a type that the operation does not take.
        InvalidArgumentType,
        /// A number out of its range.
        NumberOutOfRange,
        /// A negative number where none can be.
        NegativeIntegerArgument,
        /// Another number of arguments is needed.
        InvalidNumberOfArguments,
        /// An integer that needs more than 64 bits.
        IntegerOverflow,
        /// Division of an integer by zero.
        DivisionByZero,
        /// The entity was deleted in this query.
        DeletedEntityAccess,
        /// A map is asked for something that is no text.
        MapElementAccessByNonString,
        /// A list is asked for something that is no integer.
        ListElementAccessByNonInteger,
        /// A value that no property can have.
        InvalidPropertyType,
        /// `MERGE` with a null.
        MergeReadOwnWrites,
        /// A node still has relationships.
        DeleteConnectedNode,
        /// A parameter is not given.
        MissingParameter,
        /// A procedure is not known.
        ProcedureNotFound,
        /// A function is not known.
        UnknownFunction,
        /// A variable is not known.
        UndefinedVariable,
        /// A regular expression that cannot be read.
        InvalidRegularExpression,
        /// A value is larger or deeper than allowed.
        ValueTooLarge,
        /// The rows at hand need more memory than allowed.
        MemoryExceeded,
        /// There are more rows than allowed.
        RowsExceeded,
        /// The time is over.
        DeadlineExceeded,
        /// The caller gave up.
        Cancelled,
        /// The construct is not supported.
        NotSupported,
        /// The graph failed.
        GraphFailed,
    }
}

impl RuntimeError {
    /// A mistake; the message is lower case without full stop.
    pub fn new(class: ErrorClass, detail: ErrorDetail, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { class, detail, message: message.into(), span: None, source: None }))
    }

    /// A value has a type that does not fit.
    pub fn argument_type(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::TypeError, ErrorDetail::InvalidArgumentType, message)
    }

    /// A value of the right type does not fit.
    pub fn argument_value(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::TypeError, ErrorDetail::InvalidArgumentValue, message)
    }

    /// A value is too large; `limit` in bytes.
    pub fn too_large(limit: u64) -> Self {
        let message = format!("a value is larger than the limit of {limit} bytes");
        Self::new(ErrorClass::LimitError, ErrorDetail::ValueTooLarge, message)
    }

    /// An integer does not fit into 64 bits.
    pub fn overflow() -> Self {
        Self::new(ErrorClass::ArithmeticError, ErrorDetail::IntegerOverflow, "the integer does not fit into 64 bits")
    }

    /// The construct cannot be executed.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Unsupported, ErrorDetail::NotSupported, message)
    }

    /// Says where in the statement, unless that was said before.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// The class.
    pub fn class(&self) -> ErrorClass {
        self.0.class
    }

    /// What it is.
    pub fn detail(&self) -> ErrorDetail {
        self.0.detail
    }

    /// What is wrong: lower case, no full stop.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the statement, in bytes; none if no place is to blame.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}: {})", self.0.message, self.0.class, self.0.detail)
    }
}

impl StdError for RuntimeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The graph failed.
impl From<Error> for RuntimeError {
    fn from(source: Error) -> Self {
        let mut error = Self::new(ErrorClass::GraphError, ErrorDetail::GraphFailed, "the graph cannot be read");
        error.0.source = Some(source);
        error
    }
}

/// For callers that speak of storage: a failing graph as it failed, anything else as an invalid call.
impl From<RuntimeError> for Error {
    fn from(error: RuntimeError) -> Self {
        let Inner { class, detail, message, source, .. } = *error.0;
        if let Some(source) = source {
            return source;
        }
        let kind = if class == ErrorClass::Unsupported { ErrorKind::Unsupported } else { ErrorKind::Invalid };
        Error::new(kind, message).with("class", class).with("detail", detail)
    }
}
