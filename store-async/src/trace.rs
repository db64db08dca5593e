//! Work that is awaited under a span, which says how it failed.

use tracing::{Instrument, Span};
use worldstore_core::Result;
use worldstore_core::wrap::failed;

/// Awaits work under a span, in which an error is noted as [`failed`] does.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use worldstore_async::trace::traced;
///
/// let span = tracing::debug_span!("count", "error.message" = tracing::field::Empty);
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
