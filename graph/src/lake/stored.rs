//! The stored catalog of footers: what is known of the files of a label, in one object, so that a graph that is opened
//! again counts and leaves out without opening any file.
//!
//! ```text
//! "WSFOOTER" | version u32 = 1 | body | CRC-32C of all before, u32
//! body: address text | folders: u8 is_known, u8 is_settled, u32 n, n × (folder text, time)
//!     | columns: u32 n, n × (name text, Arrow type text) | path columns: u32 n, n × (name text, u8 kind)
//!     | files: u32 n, n × (key text, size u64, version? text, modified? time), ascending by key
//!     | path values: for each path column, n × u8 is_there, then n × value (i64, i32, u8 or text)
//!     | row groups: n × u32 row groups of a file (all ones: its footer is not known), sum × rows u64
//!     | for each column: u8 kind, sum × u8 flags, sum × nulls u64, sum × smallest, sum × greatest value
//! text: u32 bytes, UTF-8 | time: i64 seconds from 1970, u32 nanoseconds | x?: u8 0, or 1 and x
//! ```
//!
//! Numbers are little-endian. The object is a cache of what the files say: each entry counts for a file of this key, size,
//! version and time only, and one that cannot be read is refused, told and made anew.

mod decode;
mod encode;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use worldstore_async::AsyncBackend;
use worldstore_core::lake::{LakeColumn, LakeUri};
use worldstore_core::{Error, ErrorKind, Key, Prefix, ReadOptions, Result, WriteOptions};

use super::folders::FolderState;
use super::listing::Listing;
use super::summary::Summaries;
use crate::io_stats::Counters;

/// What a stored catalog begins with.
const MAGIC: &[u8; 8] = b"WSFOOTER";
/// The version of the format.
const VERSION: u32 = 1;
/// The number of row groups of a file whose footer is not known.
const NOT_KNOWN: u32 = u32::MAX;
/// The largest catalog that is read, in bytes.
const BYTES_MAX: u64 = 4 << 30;

/// What is known of a label.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The times of its folders, from before it was listed.
    pub folders: Option<FolderState>,
    /// The columns in the files.
    pub columns: SchemaRef,
    /// The columns in the path.
    pub path_columns: Vec<LakeColumn>,
    /// All files.
    pub listing: Listing,
    pub summaries: Summaries,
}

impl Stored {
    /// Writes what is known of the files of a listing.
    ///
    /// # Errors
    /// `Unsupported` if a column has a type that cannot be written.
    pub fn encode(
        address: &LakeUri,
        folders: Option<&FolderState>,
        columns: &SchemaRef,
        path_columns: &[LakeColumn],
        listing: &Listing,
        summaries: &Summaries,
    ) -> Result<Bytes> {
        let mut body = encode::Body::new();
        body.text(&address.to_string())?;
        body.folders(folders)?;
        body.columns(columns, path_columns)?;
        body.files(listing)?;
        body.row_groups(columns, listing, summaries)?;
        Ok(body.finish())
    }

    /// Reads what is known of the files of an address.
    ///
    /// # Errors
    /// `Corrupt` for whatever is not exactly what [`encode`](Self::encode) writes; `Unsupported` for another version;
    /// `Invalid` if it is of another address.
    pub fn decode(bytes: &[u8], address: &LakeUri) -> Result<Self> {
        let mut body = decode::Body::open(bytes)?;
        let of = body.text()?;
        if of != address.to_string() {
            return Err(Error::invalid("this is the catalog of another address")
                .with("got", of)
                .with("expected", address));
        }
        let folders = body.folders()?;
        let (columns, path_columns) = body.columns()?;
        let listing = body.files(&path_columns)?;
        let summaries = body.row_groups(&columns, &listing)?;
        body.end()?;
        Ok(Self { folders, columns, path_columns, listing, summaries })
    }
}

/// Where catalogs of footers are kept.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub backend: Arc<dyn AsyncBackend>,
    pub folder: Prefix,
}

impl Place {
    /// The catalog of an address, if there is one that can be read. One that is damaged is told and not used.
    pub async fn load(&self, address: &LakeUri, counters: &Counters) -> Option<Stored> {
        let loaded = async {
            let bytes = self.read(&self.key(address)?).await?;
            counters.add_catalog_bytes(bytes.len() as u64);
            Stored::decode(&bytes, address)
        };
        match loaded.await {
            Ok(stored) => Some(stored),
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                tracing::warn!(target: "worldstore", %error, %address, "the stored catalog of footers is not used, footers are read again");
                None
            }
        }
    }

    /// Writes the catalog of an address, in the place of the one before.
    pub async fn save(&self, address: &LakeUri, bytes: Bytes) -> Result<()> {
        let key = self.key(address)?;
        self.backend.write(&key, bytes, &WriteOptions::default()).await.map(|_| ())
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        let reply = self.backend.read(key, &ReadOptions::default()).await?;
        if reply.meta.size > BYTES_MAX {
            return Err(Error::new(ErrorKind::Corrupt, "this is too long for a catalog of footers").with("key", key));
        }
        let append = |mut all: BytesMut, chunk: Bytes| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        };
        Ok(reply.body.try_fold(BytesMut::new(), append).await?.freeze())
    }

    /// The name of a catalog: the address, with all but letters, digits, `-` and `.` as `_` and two digits.
    fn key(&self, address: &LakeUri) -> Result<Key> {
        let mut name = String::new();
        for byte in format!("{}/{}", address.bucket, address.template).bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' => name.push(char::from(byte)),
                _ => name.push_str(&format!("_{byte:02x}")),
            }
        }
        self.folder.key(format!("{name}.footers"))
    }
}

#[cfg(test)]
mod tests;
