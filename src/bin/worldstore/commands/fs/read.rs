//! `cat` and `head`.

use futures::TryStreamExt;
use worldstore::core::{ReadOptions, ReadRange};
use worldstore::storage::Root;
use worldstore::{Error, ErrorKind, Registry, Result};

use super::address::Address;
use crate::output::bytes;

pub async fn cat(uri: &str, range: Option<&str>, registry: &Registry) -> Result<()> {
    let mut options = ReadOptions::default();
    options.range = range.map(parse_range).transpose()?;
    print(&Address::object(registry, uri, Root::Existing).await?, &options).await
}

pub async fn head(uri: &str, lines: u64, bytes_max: Option<u64>, registry: &Registry) -> Result<()> {
    let object = Address::object(registry, uri, Root::Existing).await?;
    if let Some(end) = bytes_max {
        return print(&object, &ReadOptions::default().with_range(ReadRange::Bounded(0..end))).await;
    }
    let mut body = object.store.read(&object.path, &ReadOptions::default()).await?.body;
    let mut left = lines;
    while left > 0
        && let Some(chunk) = body.try_next().await?
    {
        let mut end = 0;
        while left > 0 && end < chunk.len() {
            let newline = chunk[end..].iter().position(|byte| *byte == b'\n');
            end = newline.map_or(chunk.len(), |at| end + at + 1);
            left -= u64::from(newline.is_some());
        }
        bytes(&chunk[..end])?;
    }
    Ok(())
}

/// Of what others say about objects, `--json` makes lines of objects. These are the bytes.
pub fn no_json() -> Error {
    Error::invalid("cat and head print bytes as they are, --json is for what tells of objects")
        .with("see", "fs stat --json")
}

async fn print(object: &Address, options: &ReadOptions) -> Result<()> {
    let mut reply = object.store.read(&object.path, options).await?;
    let mut left = reply.range.end - reply.range.start;
    while let Some(chunk) = reply.body.try_next().await? {
        left = left.saturating_sub(chunk.len() as u64);
        bytes(&chunk)?;
    }
    match left {
        0 => Ok(()),
        missing => Err(cut_short(&object.path, missing)),
    }
}

/// A body that ended too early.
fn cut_short(key: &str, missing: u64) -> Error {
    Error::new(ErrorKind::Unavailable, "the object's body ended early").with("key", key).with("missing_bytes", missing)
}

fn parse_range(text: &str) -> Result<ReadRange> {
    let wrong = || Error::invalid("a range must be like `A..B`, `A..`, `..B` or `-N`, in bytes").with("range", text);
    let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse::<u64>().map_err(|_| wrong()),
        false => Err(wrong()),
    };
    if let Some(last) = text.strip_prefix('-') {
        return Ok(ReadRange::Last(number(last)?));
    }
    match text.split_once("..").ok_or_else(wrong)? {
        ("", "") => Err(wrong()),
        ("", end) => Ok(ReadRange::Bounded(0..number(end)?)),
        (start, "") => Ok(ReadRange::From(number(start)?)),
        (start, end) => Ok(ReadRange::Bounded(number(start)?..number(end)?)),
    }
}
