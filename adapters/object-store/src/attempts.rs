//! What the wire saw of a call: object_store hides status codes and retries, and both decide what is known of a change.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

tokio::task_local! {
    static ATTEMPTS: Arc<Mutex<Seen>>;
}

/// The requests of one call, as far as they were watched. Nothing is watched for stores that do not use HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// The status of the last reply.
    pub status: Option<u16>,
    /// At least one request was sent through a watched client.
    pub watched: bool,
    /// A request may have taken effect although no reply said so.
    pub unclear: bool,
}

/// Runs a call and tells what its requests met.
pub(crate) async fn watched<Value>(call: impl Future<Output = Value>) -> (Value, Seen) {
    let attempts = Arc::default();
    let value = ATTEMPTS.scope(Arc::clone(&attempts), call).await;
    let seen = *attempts.lock().unwrap_or_else(PoisonError::into_inner);
    (value, seen)
}

#[cfg(feature = "s3")]
fn note(change: impl FnOnce(&mut Seen)) {
    // Requests outside a watched call, such as those for credentials, are nobody's concern.
    let _ = ATTEMPTS.try_with(|attempts| {
        let mut seen = attempts.lock().unwrap_or_else(PoisonError::into_inner);
        seen.watched = true;
        change(&mut seen);
    });
}

/// Notes a reply. A server error leaves open what happened, except "not implemented".
#[cfg(feature = "s3")]
pub(crate) fn replied(status: u16) {
    note(|seen| {
        seen.status = Some(status);
        seen.unclear |= status >= 500 && status != 501;
    });
}

/// Notes that a request left and no reply came.
#[cfg(feature = "s3")]
pub(crate) fn lost() {
    note(|seen| {
        seen.status = None;
        seen.unclear = true;
    });
}

/// Notes that a request never left.
#[cfg(feature = "s3")]
pub(crate) fn not_sent() {
    note(|seen| seen.status = None);
}
