//! Work that is awaited under a span, which says how it failed.

use tracing::{Instrument, Span};
use worldstore_core::{Error, Result};

/// Awaits work under a span. Of an error it records `error.type`, the [kind](worldstore_core::ErrorKind), `error`, its
/// text, and `otel.status_code`, as far as the span has these fields.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use worldstore_async::trace::traced;
///
/// let span = tracing::debug_span!("count", error = tracing::field::Empty);
/// let counted = traced(span, async { Ok::<_, worldstore_core::Error>(3) }).await;
/// assert_eq!(counted.unwrap(), 3);
/// # });
/// ```
///
/// # Errors
/// Those of the work.
pub async fn traced<Value>(span: Span, work: impl Future<Output = Result<Value>>) -> Result<Value> {
    work.instrument(span.clone()).await.inspect_err(|error| failed(&span, error))
}

/// Records an error in a span.
pub fn failed(span: &Span, error: &Error) {
    span.record("error.type", error.kind().as_str());
    span.record("error", tracing::field::display(error));
    span.record("otel.status_code", "ERROR");
}
