//! Room on the stack for what plans a statement: it calls itself once for each level.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Enough for statements of 500 levels without optimisation. Of it, only what is used becomes memory.
const STACK_BYTES: usize = 64 << 20;
/// A stack that has so much left is not left.
const LEFT_BYTES: usize = STACK_BYTES / 2;

/// Runs work that calls itself often: with a stack of its own of 64 MiB, unless this one has half as much left.
pub fn with_room<Answer>(work: impl FnOnce() -> Answer) -> Answer {
    stacker::maybe_grow(LEFT_BYTES, STACK_BYTES, work)
}

/// A future that is polled and dropped as [`with_room`] runs work: for plans of DataFusion with many levels, which need more
/// than the 2 MiB of a runtime's threads.
///
/// ```
/// use worldstore_datafusion::Roomy;
///
/// fn depth(levels: u32) -> u32 {
///     if levels == 0 { 0 } else { std::hint::black_box([1_u32; 64])[0] + depth(levels - 1) }
/// }
/// let depth = futures::executor::block_on(Roomy::new(async { depth(50_000) }));
/// assert_eq!(depth, 50_000);
/// ```
#[derive(Debug)]
pub struct Roomy<F>(Option<Pin<Box<F>>>);

impl<F> Roomy<F> {
    /// The same future, with room.
    pub fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Roomy<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut self.0 {
            Some(future) => with_room(|| future.as_mut().poll(context)),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Roomy<F> {
    fn drop(&mut self) {
        with_room(|| drop(self.0.take()));
    }
}
