//! Listing: heads in byte order.

use std::ops::Bound;

use super::change::Shared;
use super::head::{HEADS, Head, head_key};
use super::stretch::{Stretch, page_by_stretches};
use super::{OrderedKv, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::listing::Start;
use crate::ops::{ListOptions, ListPage, ObjectMeta};

/// Takes one page.
pub(super) fn page<Map: OrderedKv>(shared: &Shared<Map>, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
    page_by_stretches(prefix, options, |stretch| scan(shared, stretch))
}

fn scan<Map: OrderedKv>(shared: &Shared<Map>, stretch: &Stretch) -> Result<Vec<ObjectMeta>> {
    let (Start::At(text) | Start::After(text)) = &stretch.start;
    let from = head_key(text);
    let from = match stretch.start {
        Start::At(_) => Bound::Included(from.as_slice()),
        Start::After(_) => Bound::Excluded(from.as_slice()),
    };
    let end = stretch.end.as_ref().map_or_else(|| HEADS.1.to_vec(), |end| head_key(end));
    let mut found = Vec::new();
    shared.map.scan(from, &end, &mut |key, value| {
        found.push(object(&key[1..], value)?);
        Ok(if found.len() < stretch.limit { Scan::On } else { Scan::Stop })
    })?;
    Ok(found)
}

fn object(key: &[u8], value: &[u8]) -> Result<ObjectMeta> {
    let text = std::str::from_utf8(key).ok();
    let key = text.and_then(|text| Key::new(text).ok()).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "a stored key is none").with("key", String::from_utf8_lossy(key))
    })?;
    Head::decode(value).map(|head| head.meta(&key)).map_err(|error| error.with("key", key))
}
