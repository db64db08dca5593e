//! Pools of connections, and the schemas that programs keep their tables in.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use worldstore_core::{Error, Result};

/// Longer is as good as for ever, and further than the clock reaches.
const WAIT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Bytes of the longest name of a [schema](check_schema): PostgreSQL cuts names off at 63, and the tables need some.
pub const SCHEMA_BYTES_MAX: usize = 48;

/// A pool of at least one connection, where a call waits so long for one that is free.
///
/// # Errors
/// `Unsupported` outside of a tokio runtime, where the client would panic.
pub fn pool_options(connections_max: u32, acquire_timeout: Duration) -> Result<PgPoolOptions> {
    tokio::runtime::Handle::try_current()
        .map_err(|error| Error::unsupported("there is no tokio runtime here").caused_by(error))?;
    Ok(PgPoolOptions::new().max_connections(connections_max.max(1)).acquire_timeout(acquire_timeout.min(WAIT_MAX)))
}

/// A time as the server's settings `statement_timeout` and `lock_timeout` take it: milliseconds, from 1 to 24 days. Zero would be
/// none.
///
/// ```
/// use std::time::Duration;
/// use worldstore_db_common::postgres::milliseconds;
///
/// assert_eq!(milliseconds(Duration::from_secs(2)), "2000");
/// assert_eq!(milliseconds(Duration::ZERO), "1");
/// assert_eq!(milliseconds(Duration::MAX), "2147483647");
/// ```
pub fn milliseconds(time: Duration) -> String {
    time.as_millis().clamp(1, i32::MAX as u128).to_string()
}

/// Checks the name of a schema that holds a program's tables; `setting` is what its users call it.
///
/// # Errors
/// `Invalid` unless it has 1 to [`SCHEMA_BYTES_MAX`] small letters, digits and `_`, begins with a letter, and not with `pg_`.
pub fn check_schema(setting: &'static str, name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    match first && name.bytes().all(legal) && name.len() <= SCHEMA_BYTES_MAX && !name.starts_with("pg_") {
        true => Ok(()),
        false => {
            let rule =
                "a schema has 1 to 48 small letters, digits and underscores after a letter, and not pg_ in front";
            Err(Error::invalid(rule).with(setting, name))
        }
    }
}
