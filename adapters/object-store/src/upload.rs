//! The writer: small objects at once, large ones in parts, conditions at the commit.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path;
use object_store::{MultipartUpload, PutMultipartOptions, PutPayload, UploadPart};
use worldstore_async::AsyncWriter;
use worldstore_core::{Condition, Error, ErrorKind, Key, ObjectMeta, Outcome, Result, WriteOptions};

use crate::attempts::{guarded, watched};
use crate::backend::ObjectStoreBackend;
use crate::write::{Failed, Token};

/// Parts that are under way at once; with the one being filled this bounds a writer's memory.
const PARTS_AT_ONCE: usize = 4;

/// What S3 allows.
const PARTS_MAX: u64 = 10_000;

/// An object in the making. Until its commit it exists nowhere, or as parts of an upload that nobody can read.
pub(crate) struct ObjectWriter {
    backend: ObjectStoreBackend,
    key: Key,
    path: Path,
    condition: Condition,
    token: Token,
    buffer: Vec<Bytes>,
    buffered: usize,
    size: u64,
    state: State,
    /// Set while a write is under way: one that was dropped in the middle has lost bytes, or would send them twice.
    is_writing: bool,
}

enum State {
    /// Everything is in the buffer.
    Small,
    /// All but the buffer has been sent.
    Parts(Box<Parts>),
    /// A part failed, a limit was passed, or a write was dropped before its end.
    Failed(Option<Box<Parts>>),
    /// Committed or aborted.
    Over,
}

struct Parts {
    upload: Box<dyn MultipartUpload>,
    under_way: FuturesUnordered<UploadPart>,
    count: u64,
}

impl ObjectWriter {
    pub fn new(backend: ObjectStoreBackend, key: Key, path: Path, options: &WriteOptions) -> Self {
        let (condition, token) = (options.condition.clone(), Token::new(options, backend.capability));
        let (buffer, state) = (Vec::new(), State::Small);
        Self { backend, key, path, condition, token, buffer, buffered: 0, size: 0, state, is_writing: false }
    }

    fn error(&self, error: object_store::Error, seen: crate::attempts::Seen) -> Error {
        self.backend.error("write", self.key.as_str(), error, seen)
    }

    fn refuse(&self, message: &'static str, limit: u64) -> Error {
        Error::unsupported(message).with("backend", &self.backend).with("key", &self.key).with("limit", limit)
    }

    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.size += chunk.len() as u64;
        self.buffered += chunk.len();
        self.buffer.push(chunk);
        if !self.backend.protocol.commits_under(&self.condition) {
            let max = self.backend.conditional_bytes_max;
            return match self.buffered > max {
                true => {
                    Err(self.refuse("an object with a condition is sent at once and cannot be so large", max as u64))
                }
                false => Ok(()),
            };
        }
        // All parts but the last have one size: some services insist on it. The last one must not be empty.
        while self.buffered > self.backend.part_bytes {
            let part = self.take(self.backend.part_bytes);
            self.send(part).await?;
        }
        Ok(())
    }

    /// Takes bytes from the front of the buffer, without copying them.
    fn take(&mut self, bytes: usize) -> PutPayload {
        let (mut left, mut full) = (bytes, 0);
        let mut taken = Vec::new();
        for chunk in &mut self.buffer {
            let cut = left.min(chunk.len());
            taken.push(chunk.split_to(cut));
            left -= cut;
            match chunk.is_empty() {
                true => full += 1,
                false => break,
            }
        }
        self.buffer.drain(..full);
        self.buffered -= bytes - left;
        PutPayload::from_iter(taken)
    }

    async fn send(&mut self, part: PutPayload) -> Result<()> {
        if matches!(self.state, State::Small) {
            let options = PutMultipartOptions { attributes: self.token.attributes(), ..Default::default() };
            let (upload, seen) = watched(self.backend.store.put_multipart_opts(&self.path, options)).await;
            let upload = upload.map_err(|error| self.error(error, seen))?;
            self.state = State::Parts(Box::new(Parts { upload, under_way: FuturesUnordered::new(), count: 0 }));
        }
        let State::Parts(parts) = &mut self.state else { return Err(self.over()) };
        if parts.count == PARTS_MAX {
            return Err(self.refuse("an object cannot have so many parts", PARTS_MAX));
        }
        parts.count += 1;
        parts.under_way.push(parts.upload.put_part(part));
        self.wait(PARTS_AT_ONCE - 1).await
    }

    /// Sends what is buffered as a part, however small.
    pub async fn send_rest(&mut self) -> Result<()> {
        let rest = self.take(self.buffered);
        self.send(rest).await
    }

    /// Waits until at most so many parts are under way.
    async fn wait(&mut self, most: usize) -> Result<()> {
        let State::Parts(parts) = &mut self.state else { return Ok(()) };
        let waiting = async {
            while parts.under_way.len() > most {
                parts.under_way.try_next().await?;
            }
            Ok(())
        };
        let (waited, seen) = watched(waiting).await;
        waited.map_err(|error| self.error(error, seen))
    }

    fn over(&self) -> Error {
        Error::new(ErrorKind::Poisoned, "the writer failed or ended before").with("key", &self.key)
    }

    /// Fails if a write was dropped before its end.
    fn check_written(&mut self) {
        if std::mem::replace(&mut self.is_writing, false) {
            self.fail();
        }
    }

    fn fail(&mut self) {
        (self.buffer, self.buffered) = (Vec::new(), 0);
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Parts(parts) | State::Failed(Some(parts)) => State::Failed(Some(parts)),
            _ => State::Failed(None),
        };
    }

    /// Finishes an upload under its condition. Unless it may have been published, its parts are to be removed.
    async fn complete(&mut self) -> Result<Outcome> {
        if let Condition::IfMatch(version) = &self.condition
            && self.backend.protocol.single(version).is_none()
        {
            return Ok(Outcome::Rejected);
        }
        if self.buffered > 0 {
            self.send_rest().await?;
        }
        self.wait(0).await?;
        let State::Parts(parts) = &mut self.state else { return Err(self.over()) };
        let guard = self.backend.protocol.commit_guard(&self.condition);
        let (result, seen) = guarded(guard, parts.upload.complete()).await;
        match result {
            Ok(put) => {
                self.state = State::Over;
                let meta = ObjectMeta::new(self.key.clone(), self.size);
                Ok(Outcome::Applied(self.backend.versioned(meta, put.e_tag, put.version)))
            }
            Err(error) => {
                let (key, path, condition, token) = (&self.key, &self.path, &self.condition, &self.token);
                // An upload that is not there may be one that has ended: its object says so.
                if seen.status == Some(404)
                    && let applied @ Outcome::Applied(_) = self.backend.look_for(path, token).await
                {
                    self.state = State::Over;
                    return Ok(applied);
                }
                let change = Failed { operation: "write", key, path, condition, token };
                let settled = self.backend.settle_failed(change, error, seen).await;
                // What may have been published is left alone.
                if matches!(settled, Ok(Outcome::Applied(_) | Outcome::Unknown)) {
                    self.state = State::Over;
                }
                settled
            }
        }
    }

    async fn discard(&mut self) -> Result<()> {
        (self.buffer, self.buffered) = (Vec::new(), 0);
        let state = std::mem::replace(&mut self.state, State::Over);
        let (State::Parts(mut parts) | State::Failed(Some(mut parts))) = state else { return Ok(()) };
        // A part that arrives after the abort would stay behind.
        while let Some(_sent) = futures::StreamExt::next(&mut parts.under_way).await {}
        let (aborted, seen) = watched(parts.upload.abort()).await;
        aborted.map_err(|error| self.error(error, seen).with("left_behind", "parts of an unfinished upload"))
    }
}

impl fmt::Debug for ObjectWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectWriter")
            .field("key", &self.key)
            .field("condition", &self.condition)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AsyncWriter for ObjectWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.check_written();
        if matches!(self.state, State::Failed(_) | State::Over) {
            return Err(self.over());
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.is_writing = true;
        let appended = self.append(chunk).await;
        self.is_writing = false;
        if appended.is_err() {
            self.fail();
        }
        appended
    }

    async fn commit(mut self: Box<Self>) -> Result<Outcome> {
        self.check_written();
        let committed = match &self.state {
            State::Small => {
                let payload = self.take(self.buffered);
                self.state = State::Over;
                return self.backend.put(&self.key, payload, &self.condition, &self.token).await;
            }
            State::Parts(_) => self.complete().await,
            State::Failed(_) | State::Over => Err(self.over()),
        };
        match committed {
            Ok(Outcome::Rejected) => {
                // Parts that cannot be removed now are left to the bucket's rule; the answer is no other for it.
                let _ = self.discard().await;
                Ok(Outcome::Rejected)
            }
            Ok(outcome) => Ok(outcome),
            Err(error) => match self.discard().await {
                Ok(()) => Err(error),
                Err(_) => Err(error.with("left_behind", "parts of an unfinished upload")),
            },
        }
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.discard().await
    }
}

impl Drop for ObjectWriter {
    /// Removes the parts in the background. Outside a runtime they stay, unreadable, until the bucket's rule for
    /// unfinished uploads removes them.
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Over);
        let (State::Parts(mut parts) | State::Failed(Some(mut parts))) = state else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                while let Some(_sent) = futures::StreamExt::next(&mut parts.under_way).await {}
                // Nobody is left to hear of a failure.
                let _ = parts.upload.abort().await;
            });
        }
    }
}
