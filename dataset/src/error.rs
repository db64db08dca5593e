//! Errors of Arrow and Parquet as ours.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use worldstore_core::{Error, ErrorKind};

/// What Arrow could not do with rows that were checked before.
pub(crate) fn arrow(source: ArrowError) -> Error {
    Error::unexpected("rows could not be handled").caused_by(source)
}

/// What a file of ours does not hold as it should.
pub(crate) fn corrupt(path: &str, source: ParquetError) -> Error {
    match found(&source) {
        Some(error) => error,
        None => {
            Error::new(ErrorKind::Corrupt, "data file cannot be read as Parquet").with("file", path).caused_by(source)
        }
    }
}

/// What went wrong while Parquet was written: the store's own error, if it is one.
pub(crate) fn unwritten(path: &str, source: ParquetError) -> Error {
    match found(&source) {
        Some(error) => error,
        None => Error::unexpected("rows could not be written as Parquet").with("file", path).caused_by(source),
    }
}

/// The error of a store inside of one of Parquet, with its kind.
fn found(source: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut cause = Some(source);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let ours = match inner {
            Some(inner) => inner.downcast_ref::<Error>(),
            None => error.downcast_ref::<Error>(),
        };
        if let Some(ours) = ours {
            let mut own = Error::new(ours.kind(), ours.message()).retry_as(ours.retry());
            for (name, value) in ours.context() {
                own = own.with(name, value);
            }
            return Some(own.caused_by(format!("{ours:?}")));
        }
        cause = error.source();
    }
    None
}
