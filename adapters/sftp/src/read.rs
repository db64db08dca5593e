//! Reading: a file is opened once, and everything comes from that file, whatever its name means later.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt, TryStreamExt};
use worldstore_async::AsyncChunks;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, ReadOptions, ReadReply, Result, check_ranges};

use crate::lookup::{Root, meta_of};
use crate::remote::Limits;
use crate::session::{Handle, Session};
use crate::wire::FileKind;

/// Bytes that one stream asks for ahead of its reader.
pub const WINDOW_BYTES: u64 = 2 << 20;

/// Requests of one call for several ranges that are in flight together. What they bring is held anyway.
const RANGES_IN_FLIGHT: usize = 64;

/// An open object.
struct Open {
    session: Arc<Session>,
    file: Handle,
    key: Key,
    meta: ObjectMeta,
}

async fn open(root: &Root, session: Arc<Session>, key: &Key) -> Result<Open> {
    // A pipe would block the server: only a file is opened.
    root.object(&session, key, "read").await?;
    let failed = |failure: crate::failure::Failure| failure.into_error("read").with("key", key);
    let file = session.open_to_read(&root.path(key.as_str())).await.map_err(failed)?;
    let attrs = session.fstat(&file).await.map_err(failed)?;
    if attrs.kind() != FileKind::File {
        let message = "no such object, the key is a folder or a special file";
        return Err(Error::not_found(message).during("read").with("key", key));
    }
    let meta = meta_of(key, &attrs)?;
    Ok(Open { session, file, key: key.clone(), meta })
}

pub async fn read(
    root: &Root,
    session: Arc<Session>,
    key: &Key,
    options: &ReadOptions,
) -> Result<ReadReply<AsyncChunks>> {
    let limits = session.limits;
    let open = open(root, session, key).await?;
    let range = match &options.range {
        Some(range) => range.resolve(open.meta.size).map_err(|error| error.with("key", key))?,
        None => 0..open.meta.size,
    };
    let meta = open.meta.clone();
    let open = Arc::new(open);
    let chunks = stream::iter(chunks(range.clone(), limits.read_bytes))
        .map(move |part| {
            let open = Arc::clone(&open);
            async move { open.whole(part).await }
        })
        .buffered(depth(limits));
    // After an error the stream ends.
    let body = chunks.scan(false, |ended, chunk| {
        let was_ended = std::mem::replace(ended, chunk.is_err());
        std::future::ready((!was_ended).then_some(chunk))
    });
    Ok(ReadReply::new(meta, range, body.boxed()))
}

pub async fn read_ranges(root: &Root, session: Arc<Session>, key: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let limits = session.limits;
    let open = open(root, session, key).await?;
    check_ranges(ranges, open.meta.size).map_err(|error| error.with("key", key))?;
    let open = &open;
    let wanted: Vec<_> = ranges.iter().flat_map(|range| chunks(range.clone(), limits.read_bytes)).collect();
    let mut parts = stream::iter(wanted).map(|part| open.whole(part)).buffered(RANGES_IN_FLIGHT);
    let lost = || Error::unexpected("a part of a range was not read").with("key", key);
    let mut answers = Vec::with_capacity(ranges.len());
    for range in ranges {
        let length = range.end - range.start;
        let answer = match length.div_ceil(limits.read_bytes) {
            0 => Bytes::new(),
            1 => parts.try_next().await?.ok_or_else(lost)?,
            count => {
                let mut whole = BytesMut::with_capacity(length as usize);
                for _ in 0..count {
                    whole.extend_from_slice(&parts.try_next().await?.ok_or_else(lost)?);
                }
                whole.freeze()
            }
        };
        answers.push(answer);
    }
    Ok(answers)
}

fn depth(limits: Limits) -> usize {
    (WINDOW_BYTES / limits.read_bytes).max(1) as usize
}

/// A range in parts of at most so many bytes.
fn chunks(range: Range<u64>, bytes_max: u64) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range.step_by(bytes_max as usize).map(move |start| start..end.min(start + bytes_max))
}

impl Open {
    /// All bytes of a part, however the server cuts them.
    async fn whole(&self, part: Range<u64>) -> Result<Bytes> {
        let first = self.some(part.clone()).await?;
        if first.len() as u64 == part.end - part.start {
            return Ok(first);
        }
        let mut bytes = BytesMut::from(first);
        while (bytes.len() as u64) < part.end - part.start {
            let more = self.some(part.start + bytes.len() as u64..part.end).await?;
            bytes.extend_from_slice(&more);
        }
        Ok(bytes.freeze())
    }

    async fn some(&self, part: Range<u64>) -> Result<Bytes> {
        let read = self.session.read_some(&self.file, part.start, part.end - part.start).await;
        let bytes = read.map_err(|failure| failure.into_error("read").with("key", &self.key))?;
        match bytes.is_empty() {
            true => {
                let message = "file is shorter than when it was opened";
                Err(Error::new(ErrorKind::Corrupt, message).during("read").with("key", &self.key))
            }
            false => Ok(bytes),
        }
    }
}
