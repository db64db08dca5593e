//! Settings that all services over HTTP share.

use worldstore_core::Result;
use worldstore_object_store::{Connection, Transport};

use crate::registry::Settings;

/// Deadlines, retries and transport; what is not set keeps its default.
pub fn connection(settings: &Settings) -> Result<Connection> {
    let mut connection = Connection::default();
    if settings.flag("allow_http")? == Some(true) {
        connection = connection.with_transport(Transport::HttpAllowed);
    }
    if let Some(timeout) = settings.millis("connect_timeout_ms")? {
        connection = connection.with_connect_timeout(timeout);
    }
    if let Some(timeout) = settings.millis("request_timeout_ms")? {
        connection = connection.with_request_timeout(timeout);
    }
    let retries_max = match settings.number("retries_max")? {
        Some(number) => usize::try_from(number).map_err(|_| settings.wrong("retries_max", "setting is too large"))?,
        None => connection.retries_max,
    };
    let retry_budget = settings.millis("retry_budget_ms")?.unwrap_or(connection.retry_budget);
    Ok(connection.with_retries(retries_max, retry_budget))
}
