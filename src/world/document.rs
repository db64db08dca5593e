//! Small JSON documents in a byte store.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use worldstore_async::AsyncBackend;
use worldstore_core::ops::{DeleteOptions, Deleted};
use worldstore_core::{Condition, Error, ErrorKind, Key, ListOptions, Prefix, ReadOptions, Result, WriteOptions};

/// The longest document that is read, in bytes.
const BYTES_MAX: u64 = 1 << 20;
/// What the keys of documents end with that lie in a folder.
const ENDING: &str = ".json";

/// Writes a document, if there is none.
pub(super) async fn create(backend: &Arc<dyn AsyncBackend>, key: &str, document: &impl Serialize) -> Result<()> {
    let key = Key::new(key)?;
    let outcome = backend.write(&key, text(document)?, &WriteOptions::if_absent()).await?;
    outcome.applied(&key, &Condition::IfAbsent).map(|_| ())
}

/// Writes a document in the place of what is there.
pub(super) async fn replace(backend: &Arc<dyn AsyncBackend>, key: &str, document: &impl Serialize) -> Result<()> {
    let key = Key::new(key)?;
    let options = WriteOptions::default();
    let outcome = backend.write(&key, text(document)?, &options).await?;
    outcome.applied(&key, &options.condition).map(|_| ())
}

/// Removes a document. There is none afterwards, whether or not there was one.
pub(super) async fn remove(backend: &Arc<dyn AsyncBackend>, key: &str) -> Result<()> {
    let key = Key::new(key)?;
    for deleted in backend.delete(std::slice::from_ref(&key), &DeleteOptions::default()).await? {
        if let Deleted::Failed(error) = deleted {
            return Err(error.with("key", &key));
        }
    }
    Ok(())
}

fn text(document: &impl Serialize) -> Result<Bytes> {
    let text = serde_json::to_vec_pretty(document);
    let text = text.map_err(|source| Error::unexpected("document cannot be written as JSON").caused_by(source))?;
    Ok(Bytes::from(text))
}

/// Reads a document.
pub(super) async fn read<Document: DeserializeOwned>(backend: &Arc<dyn AsyncBackend>, key: &str) -> Result<Document> {
    let key = Key::new(key)?;
    let reply = backend.read(&key, &ReadOptions::default()).await?;
    let corrupt = |message: &str| Error::new(ErrorKind::Corrupt, message).with("key", &key);
    if reply.meta.size > BYTES_MAX {
        return Err(corrupt("document is too long").with("bytes", reply.meta.size).with("bytes_max", BYTES_MAX));
    }
    let append = |mut text: BytesMut, chunk: Bytes| async move {
        text.extend_from_slice(&chunk);
        Ok(text)
    };
    let text = reply.body.try_fold(BytesMut::new(), append).await?;
    serde_json::from_slice(&text).map_err(|source| corrupt("document cannot be understood").caused_by(source))
}

/// The names of the documents in a folder.
pub(super) async fn names(backend: &Arc<dyn AsyncBackend>, folder: &str) -> Result<Vec<String>> {
    let folder = Prefix::new(folder)?;
    let mut options = ListOptions::default().one_level();
    let mut names = Vec::new();
    loop {
        let page = backend.list(&folder, &options).await?;
        let found = page.objects.iter().filter_map(|object| object.key.name().strip_suffix(ENDING));
        names.extend(found.map(str::to_owned));
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return Ok(names),
        }
    }
}
