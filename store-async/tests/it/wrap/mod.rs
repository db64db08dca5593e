//! The wrappers, each over memory, by a clock that a test moves.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use worldstore_async::wrap::*;
use worldstore_async::{AsyncBackend, SyncBackendAdapter, conformance};
use worldstore_core::conformance::{Event, Scripted};
use worldstore_core::ops::*;
use worldstore_core::wrap::*;
use worldstore_core::{Backend, Error, ErrorKind, Key, Memory, Prefix, Result, Writer};

mod caching;
mod kit;
mod late;
mod ledger;
#[path = "../../../../store-core/src/wrap/tests/notes.rs"]
mod notes;
mod retrying;
mod spans;
mod stacking;
mod tiering;
mod watching;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn memory() -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs the kit, which must pass.
async fn conforms(backend: &dyn AsyncBackend) -> worldstore_core::conformance::Report {
    conformance::run(backend, &Prefix::new("kit").unwrap()).await.into_result().unwrap()
}

async fn put(backend: &dyn AsyncBackend, name: &str, body: impl Into<Bytes>) -> ObjectMeta {
    let key = key(name);
    let outcome = backend.write(&key, body.into(), &WriteOptions::default()).await.unwrap();
    outcome.applied(&key, &Condition::None).unwrap()
}

async fn content_with(backend: &dyn AsyncBackend, name: &str, options: &ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), options).await?;
    Ok(reply.body.try_collect::<Vec<_>>().await?.concat())
}

async fn content(backend: &dyn AsyncBackend, name: &str) -> Vec<u8> {
    content_with(backend, name, &ReadOptions::default()).await.unwrap()
}
