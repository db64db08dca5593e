//! The wrappers, each over memory, by a clock that a test moves.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::backend::Backend;
use crate::conformance::{self, Event, Scripted};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::memory::Memory;
use crate::ops::*;

mod caching;
mod kit;
mod notes;
mod numbers;
mod retrying;
mod spans;
mod stacking;
mod tiering;
mod watching;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn memory() -> Arc<dyn Backend> {
    Arc::new(Memory::new())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs the kit, which must pass.
fn conforms(backend: &dyn Backend) -> conformance::Report {
    conformance::run(backend, &Prefix::new("kit").unwrap()).into_result().unwrap()
}

fn put(backend: &dyn Backend, name: &str, body: impl Into<Bytes>) -> ObjectMeta {
    let key = key(name);
    let outcome = backend.write(&key, body.into(), &WriteOptions::default()).unwrap();
    outcome.applied(&key, &Condition::None).unwrap()
}

fn content_with(backend: &dyn Backend, name: &str, options: &ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), options)?;
    Ok(reply.body.collect::<Result<Vec<_>>>()?.concat())
}

fn content(backend: &dyn Backend, name: &str) -> Vec<u8> {
    content_with(backend, name, &ReadOptions::default()).unwrap()
}
