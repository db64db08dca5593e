//! Changes by key: what joins and groups begin with.

use worldstore_core::Result;

use crate::encode;
use crate::row::Row;
use crate::store::Keys;
use crate::store::keys::head;
use crate::weight::Weight;

/// A changed row with its key.
pub(crate) struct Keyed<'a, K, T> {
    /// The first bytes of the encoded key, which mostly decide the order.
    head: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) key: K,
    pub(crate) row: &'a T,
    pub(crate) weight: Weight,
}

impl<K, T: Row> Keyed<'_, K, T> {
    /// The entry of a table whose key is the key and then the row.
    #[expect(clippy::type_complexity, reason = "a closure has no name to make a type with")]
    pub(crate) fn entry(&self) -> (impl FnOnce(&mut Vec<u8>) -> Result<()>, (&K, &T), Weight) {
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(self.bytes);
            encode::encode_into(self.row, out)
        };
        (write, (&self.key, self.row), self.weight)
    }
}

/// Finds the key of each row and sorts by the encoded keys, which are put into `bytes`.
pub(crate) fn by_key<'a, T: Row, K: Row>(
    rows: &'a [(T, Weight)],
    bytes: &'a mut Keys,
    key: impl Fn(&T) -> K,
) -> Result<Vec<Keyed<'a, K, T>>> {
    *bytes = Keys::with_capacity(rows.len(), rows.len() * 12);
    let mut keys = Vec::with_capacity(rows.len());
    for (row, _) in rows {
        let key = key(row);
        bytes.push_with(|out| encode::encode_into(&key, out))?;
        keys.push(key);
    }
    let bytes: &'a Keys = bytes;
    let keyed = rows.iter().zip(bytes.iter()).zip(keys);
    let keyed =
        keyed.map(|(((row, weight), bytes), key)| Keyed { head: head(bytes), bytes, key, row, weight: *weight });
    let mut keyed: Vec<_> = keyed.collect();
    keyed.sort_by(|left, right| left.head.cmp(&right.head).then_with(|| left.bytes.cmp(right.bytes)));
    Ok(keyed)
}

/// The groups of rows with one key.
pub(crate) fn groups<'k, 'a, K, T>(keyed: &'k [Keyed<'a, K, T>]) -> Vec<&'k [Keyed<'a, K, T>]> {
    keyed.chunk_by(|left, right| left.head == right.head && left.bytes == right.bytes).collect()
}

/// The encoded key of a group.
pub(crate) fn key_of<'k, K, T>(group: &'k [Keyed<'_, K, T>]) -> &'k [u8] {
    group.first().map_or(&[], |first| first.bytes)
}

/// The encoded key of each group.
pub(crate) fn prefixes<'k, K, T>(groups: &[&'k [Keyed<'_, K, T>]]) -> Vec<&'k [u8]> {
    groups.iter().map(|group| key_of(group)).collect()
}

/// What follows the key in the key of an entry.
pub(crate) fn behind_key<'e>(entry: &'e [u8], key: &[u8]) -> &'e [u8] {
    entry.get(key.len()..).unwrap_or_default()
}
