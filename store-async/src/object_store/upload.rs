//! Multipart uploads over a writer that takes its parts in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::lock::Mutex;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use worldstore_core::{Condition, Error, ErrorKind, Key};

use super::error::to_object_store;
use crate::backend::AsyncWriter;

/// An upload whose parts may arrive in any order. A part that is early waits in memory for those before it; how many
/// can be early is for the caller to bound, by the parts that it has under way.
#[derive(Debug)]
pub(super) struct Upload {
    key: Key,
    parts: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// None after an end, or after a failure: the object then cannot be finished.
    writer: Option<Box<dyn AsyncWriter>>,
    written: u64,
    early: BTreeMap<u64, PutPayload>,
}

impl Upload {
    pub fn new(key: Key, writer: Box<dyn AsyncWriter>) -> Self {
        let state = State { writer: Some(writer), written: 0, early: BTreeMap::new() };
        Self { key, parts: 0, state: Arc::new(Mutex::new(state)) }
    }
}

impl State {
    async fn put(&mut self, part: u64, payload: PutPayload) -> worldstore_core::Result<()> {
        self.early.insert(part, payload);
        while let Some(payload) = self.early.remove(&self.written) {
            let mut writer = self.writer.take().ok_or_else(broken)?;
            for chunk in payload {
                writer.write(chunk).await?;
            }
            self.writer = Some(writer);
            self.written += 1;
        }
        Ok(())
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Poisoned, "the upload failed or ended before")
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, state) = (self.parts, Arc::clone(&self.state));
        self.parts += 1;
        Box::pin(async move { state.lock().await.put(part, data).await.map_err(to_object_store) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut state = self.state.lock().await;
        if state.written != self.parts {
            let missing = Error::invalid("a part of the upload was not awaited").with("key", &self.key);
            return Err(to_object_store(missing));
        }
        let writer = state.writer.take().ok_or_else(|| to_object_store(broken().with("key", &self.key)))?;
        let outcome = writer.commit().await.map_err(to_object_store)?;
        let meta = outcome.applied(&self.key, &Condition::None).map_err(to_object_store)?;
        Ok(PutResult { e_tag: meta.version.map(|version| version.to_string()), version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        match self.state.lock().await.writer.take() {
            Some(writer) => writer.abort().await.map_err(to_object_store),
            None => Ok(()),
        }
    }
}
