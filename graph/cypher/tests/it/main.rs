//! Properties of the parser and the printer over random trees and texts.

#[allow(clippy::panic, reason = "a new kind of tree must fail the tests, not be skipped")]
mod erase;
mod examples;
mod hostile;
mod roundtrip;
mod tck;
mod trees;
