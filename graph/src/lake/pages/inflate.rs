//! Compressed pages: one decompressor for all pages of a scan, into buffers that are used again.

use parquet::basic::Compression;
use worldstore_core::{Error, ErrorKind, Result};
use zstd::bulk::Decompressor;

use super::damaged;

/// The most bytes that one byte of a page becomes, by codec: what claims more is not believed, so that nothing is
/// allocated for it.
const SNAPPY_RATIO_MAX: usize = 64;
const LZ4_RATIO_MAX: usize = 256;
const ZSTD_RATIO_MAX: usize = 64 << 10;

/// A codec that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Plain,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// The codec of a column; none if it is another.
    pub fn of(compression: Compression) -> Option<Self> {
        match compression {
            Compression::UNCOMPRESSED => Some(Self::Plain),
            Compression::SNAPPY => Some(Self::Snappy),
            Compression::LZ4_RAW => Some(Self::Lz4),
            Compression::ZSTD(_) => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Decompresses, and keeps what that needs from one page to the next.
#[derive(Default)]
pub(super) struct Inflater {
    zstd: Option<Decompressor<'static>>,
    snappy: snap::raw::Decoder,
}

impl Inflater {
    /// Makes so many bytes of these, and puts them in place of what `into` held.
    ///
    /// # Errors
    /// `Corrupt` if they become something else.
    pub fn inflate(&mut self, codec: Codec, bytes: &[u8], inflated: usize, into: &mut Vec<u8>) -> Result<()> {
        let ratio = match codec {
            Codec::Plain => 1,
            Codec::Snappy => SNAPPY_RATIO_MAX,
            Codec::Lz4 => LZ4_RATIO_MAX,
            Codec::Zstd => ZSTD_RATIO_MAX,
        };
        if inflated > bytes.len().saturating_mul(ratio) {
            return Err(damaged("a page claims to become more than its bytes can"));
        }
        into.clear();
        let made = match codec {
            Codec::Plain => {
                into.extend_from_slice(bytes);
                bytes.len()
            }
            Codec::Zstd => {
                into.reserve_exact(inflated);
                let zstd = match &mut self.zstd {
                    Some(zstd) => zstd,
                    none => none.insert(Decompressor::new().map_err(undone)?),
                };
                zstd.decompress_to_buffer(bytes, into).map_err(undone)?
            }
            Codec::Snappy => {
                into.resize(inflated, 0);
                self.snappy.decompress(bytes, into).map_err(undone)?
            }
            Codec::Lz4 => {
                into.resize(inflated, 0);
                lz4_flex::block::decompress_into(bytes, into).map_err(undone)?
            }
        };
        match made == inflated {
            true => Ok(()),
            false => Err(damaged("a page becomes more or less than it claims").with("bytes", made)),
        }
    }
}

fn undone(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Corrupt, "a page cannot be decompressed").caused_by(source)
}
