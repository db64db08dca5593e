//! What the wire saw of a call, and what it adds to it: object_store hides status codes, headers and retries, and they
//! decide what is known of a change.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    static ATTEMPTS: Arc<Mutex<Seen>>;
    static GUARD: Arc<Mutex<Guard>>;
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
    /// How long the last reply asks to wait.
    pub retry_after: Option<Duration>,
    /// What the last reply says beyond its status.
    pub hint: Option<Hint>,
}

/// What a reply says beyond its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Azure: the blob exists although it should not.
    BlobExists,
    /// Azure: the blocks of this upload are gone, for another write to the blob has thrown them away.
    BlocksGone,
    /// The address is that of a folder: the server adds a slash.
    Folder,
    /// Azure: the copy has begun and goes on.
    CopyGoesOn,
    /// Azure: the copy has begun and came to nothing.
    CopyFailed,
}

/// A header on one request of a call that object_store does not know of.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The method of the request.
    pub method: &'static str,
    /// A part of its query; empty matches every query.
    pub query: &'static str,
    /// A header to set, or to leave out.
    pub header: (&'static str, Option<String>),
    /// It is sent once, although object_store would send it again.
    pub once: bool,
    /// It has been sent.
    pub sent: bool,
}

impl Guard {
    /// Sets a header of the request with this method and query, or takes it out.
    pub fn new(method: &'static str, query: &'static str, name: &'static str, value: Option<String>) -> Self {
        Self { method, query, header: (name, value), once: false, sent: false }
    }

    /// Lets the request pass once.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }
}

/// Runs a call and tells what its requests met.
pub(crate) async fn watched<Value>(call: impl Future<Output = Value>) -> (Value, Seen) {
    let attempts = Arc::default();
    let value = ATTEMPTS.scope(Arc::clone(&attempts), call).await;
    let seen = *attempts.lock().unwrap_or_else(PoisonError::into_inner);
    (value, seen)
}

/// As [`watched`], with a guarded request if there is a guard.
pub(crate) async fn guarded<Value>(guard: Option<Guard>, call: impl Future<Output = Value>) -> (Value, Seen) {
    match guard {
        Some(guard) => GUARD.scope(Arc::new(Mutex::new(guard)), watched(call)).await,
        None => watched(call).await,
    }
}

/// Hands out the guard of this call, if there is one.
#[cfg(feature = "cloud")]
pub(crate) fn with_guard<Value>(act: impl FnOnce(&mut Guard) -> Value) -> Option<Value> {
    GUARD.try_with(|guard| act(&mut guard.lock().unwrap_or_else(PoisonError::into_inner))).ok()
}

#[cfg(feature = "cloud")]
fn note(change: impl FnOnce(&mut Seen)) {
    // Requests outside a watched call are nobody's concern.
    let _ = ATTEMPTS.try_with(|attempts| {
        let mut seen = attempts.lock().unwrap_or_else(PoisonError::into_inner);
        seen.watched = true;
        change(&mut seen);
    });
}

/// Notes that something else was asked for, such as credentials: nothing of the change was sent by it.
#[cfg(feature = "cloud")]
pub(crate) fn aside() {
    note(|_| {});
}

/// Notes a reply. A server error leaves open what happened, except "not implemented"; so does a success that the request
/// was repeated after, because its body was an error or did not arrive.
#[cfg(feature = "cloud")]
pub(crate) fn replied(status: u16, retry_after: Option<Duration>, hint: Option<Hint>) {
    note(|seen| {
        seen.unclear |= seen.status.is_some_and(|earlier| (200..300).contains(&earlier));
        (seen.status, seen.retry_after, seen.hint) = (Some(status), retry_after, hint);
        seen.unclear |= status >= 500 && status != 501;
    });
}

/// Notes that a request left and no reply came.
#[cfg(feature = "cloud")]
pub(crate) fn lost() {
    note(|seen| {
        seen.status = None;
        seen.unclear = true;
    });
}

/// Notes that a request never left.
#[cfg(feature = "cloud")]
pub(crate) fn not_sent() {
    note(|seen| seen.status = None);
}
