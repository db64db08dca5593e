//! Changes by key: what joins and groups begin with.

use worldstore_core::Result;

use crate::encode;
use crate::row::Row;
use crate::store::KeyRange;
use crate::weight::Weight;

/// A changed row with its key.
pub(crate) struct Keyed<'a, K, T> {
    /// The first bytes of the encoded key, which mostly decide the order.
    head: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) key: K,
    pub(crate) row: &'a T,
    pub(crate) weight: Weight,
}

impl<K, T: Row> Keyed<'_, K, T> {
    /// The entry of a table whose key is the key and then the row.
    pub(crate) fn entry(&self) -> Result<(Vec<u8>, (&K, &T), Weight)> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 24);
        bytes.extend_from_slice(&self.bytes);
        encode::encode_into(self.row, &mut bytes)?;
        Ok((bytes, (&self.key, self.row), self.weight))
    }
}

/// Finds the key of each row and sorts by the encoded keys.
pub(crate) fn by_key<'a, T: Row, K: Row>(
    rows: &'a [(T, Weight)],
    key: impl Fn(&T) -> K,
) -> Result<Vec<Keyed<'a, K, T>>> {
    let keyed = rows.iter().map(|(row, weight)| {
        let key = key(row);
        let bytes = encode::encode(&key)?;
        Ok(Keyed { head: head(&bytes), bytes, key, row, weight: *weight })
    });
    let mut keyed: Vec<_> = keyed.collect::<Result<_>>()?;
    keyed.sort_by(|left, right| left.head.cmp(&right.head).then_with(|| left.bytes.cmp(&right.bytes)));
    Ok(keyed)
}

/// The first bytes as a number: where two differ, so do the bytes, in the same order.
fn head(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    u64::from_be_bytes(first)
}

/// The groups of rows with one key.
pub(crate) fn groups<'k, 'a, K, T>(keyed: &'k [Keyed<'a, K, T>]) -> Vec<&'k [Keyed<'a, K, T>]> {
    keyed.chunk_by(|left, right| left.head == right.head && left.bytes == right.bytes).collect()
}

/// The encoded key of a group.
pub(crate) fn key_of<'k, K, T>(group: &'k [Keyed<'_, K, T>]) -> &'k [u8] {
    group.first().map_or(&[], |first| first.bytes.as_slice())
}

/// A range for each group: all entries of a table that begin with its key.
pub(crate) fn prefixes<K, T>(groups: &[&[Keyed<'_, K, T>]]) -> Vec<KeyRange> {
    groups.iter().map(|group| KeyRange::prefix(key_of(group))).collect()
}

/// What follows the key in the key of an entry.
pub(crate) fn behind_key<'e>(entry: &'e [u8], key: &[u8]) -> &'e [u8] {
    entry.get(key.len()..).unwrap_or_default()
}
