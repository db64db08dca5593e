//! Heads of pages: what a page holds and how long it is, in Thrift's compact protocol.
//!
//! Nothing in a head is trusted: lengths are compared with the bytes that are there before anything is made of them.

use parquet::basic::Encoding;
use worldstore_core::Result;

use super::damaged;

/// Structures within structures that are passed over; a head has two.
const DEPTH_MAX: usize = 8;
/// The number of the encoding of levels as runs.
const RUNS: i64 = 3;

/// The head of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    /// Bytes that follow the head.
    pub stored: usize,
    /// Bytes that they become.
    pub inflated: usize,
}

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The values to which others refer by number.
    Dictionary { values: usize, encoding: Encoding },
    /// Rows of the first version: levels and values are compressed together. Levels are runs, or are as nobody writes them.
    Data { rows: usize, encoding: Encoding, has_runs: bool },
    /// Rows of the second version: levels lie before the values, as they are.
    DataV2 { rows: usize, encoding: Encoding, repetition: usize, definition: usize, is_compressed: bool },
    /// Something else, which is passed over.
    Other,
}

/// Reads the head at the beginning of these bytes, and tells how long it is.
///
/// # Errors
/// `Corrupt` if there is none.
pub(super) fn header(bytes: &[u8]) -> Result<(Header, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let (mut kind, mut inflated, mut stored) = (None, None, None);
    let (mut data, mut data_v2, mut dictionary) = (None, None, None);
    let mut last = 0;
    while let Some((field, wire)) = reader.field(&mut last)? {
        match (field, wire) {
            (1, Wire::Number) => kind = Some(reader.number()?),
            (2, Wire::Number) => inflated = Some(reader.count()?),
            (3, Wire::Number) => stored = Some(reader.count()?),
            (5, Wire::Struct) => data = Some(reader.plain_fields()?),
            (7, Wire::Struct) => dictionary = Some(reader.plain_fields()?),
            (8, Wire::Struct) => data_v2 = Some(reader.plain_fields()?),
            (_, wire) => reader.pass(wire, DEPTH_MAX)?,
        }
    }
    let kind = match (kind, data, dictionary, data_v2) {
        (Some(0), Some(fields), ..) => {
            Kind::Data { rows: fields.count(1)?, encoding: fields.encoding(2)?, has_runs: fields.number(3)? == RUNS }
        }
        (Some(2), _, Some(fields), _) => Kind::Dictionary { values: fields.count(1)?, encoding: fields.encoding(2)? },
        (Some(3), .., Some(fields)) => Kind::DataV2 {
            rows: fields.count(1)?,
            encoding: fields.encoding(4)?,
            definition: fields.count(5)?,
            repetition: fields.count(6)?,
            is_compressed: fields.number(7).map_or(true, |truth| truth != 0),
        },
        (Some(1), ..) => Kind::Other,
        _ => return Err(damaged("a page has no head")),
    };
    match (stored, inflated) {
        (Some(stored), Some(inflated)) => Ok((Header { kind, stored, inflated }, reader.at)),
        _ => Err(damaged("a page has no length")),
    }
}

/// What follows in a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Truth(bool),
    Byte,
    Number,
    Double,
    Text,
    List,
    Map,
    Struct,
}

/// The numbers and truth values of a structure, by the numbers of their fields.
struct Fields([Option<i64>; 9]);

impl Fields {
    fn number(&self, field: usize) -> Result<i64> {
        self.0.get(field).copied().flatten().ok_or_else(|| damaged("the head of a page misses a field"))
    }

    fn count(&self, field: usize) -> Result<usize> {
        count(self.number(field)?)
    }

    fn encoding(&self, field: usize) -> Result<Encoding> {
        Ok(match self.number(field)? {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            5 => Encoding::DELTA_BINARY_PACKED,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            _ => return Err(damaged("a page is encoded in a way that its column does not name")),
        })
    }
}

fn count(number: i64) -> Result<usize> {
    usize::try_from(number).map_err(|_| damaged("the head of a page counts below zero"))
}

struct Reader<'bytes> {
    bytes: &'bytes [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(ended)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("a number in the head of a page does not end"))
    }

    fn number(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn count(&mut self) -> Result<usize> {
        count(self.number()?)
    }

    fn jump(&mut self, bytes: u64) -> Result<()> {
        let left = self.bytes.len() - self.at;
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= left).ok_or_else(ended)?;
        self.at += bytes;
        Ok(())
    }

    /// The next field of a structure; none at its end.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, Wire)>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            0 => self.number()?,
            step => last.wrapping_add(i64::from(step)),
        };
        Ok(Some((*last, wire(head & 0x0f)?)))
    }

    fn plain_fields(&mut self) -> Result<Fields> {
        let (mut fields, mut last) = ([None; 9], 0);
        while let Some((field, wire)) = self.field(&mut last)? {
            let value = match wire {
                Wire::Truth(truth) => i64::from(truth),
                Wire::Number => self.number()?,
                other => {
                    self.pass(other, DEPTH_MAX)?;
                    continue;
                }
            };
            if let Some(place) = usize::try_from(field).ok().and_then(|field| fields.get_mut(field)) {
                *place = Some(value);
            }
        }
        Ok(Fields(fields))
    }

    fn pass(&mut self, wire: Wire, depth: usize) -> Result<()> {
        let depth = depth.checked_sub(1).ok_or_else(|| damaged("the head of a page is too deep"))?;
        match wire {
            Wire::Truth(_) => {}
            Wire::Byte => self.jump(1)?,
            Wire::Number => drop(self.varint()?),
            Wire::Double => self.jump(8)?,
            Wire::Text => {
                let length = self.varint()?;
                self.jump(length)?;
            }
            Wire::Struct => {
                let mut last = 0;
                while let Some((_, wire)) = self.field(&mut last)? {
                    self.pass(wire, depth)?;
                }
            }
            Wire::List | Wire::Map => return Err(damaged("the head of a page holds what none has")),
        }
        Ok(())
    }
}

fn wire(code: u8) -> Result<Wire> {
    Ok(match code {
        1 => Wire::Truth(true),
        2 => Wire::Truth(false),
        3 => Wire::Byte,
        4..=6 => Wire::Number,
        7 => Wire::Double,
        8 => Wire::Text,
        9 | 10 => Wire::List,
        11 => Wire::Map,
        12 => Wire::Struct,
        _ => return Err(damaged("the head of a page holds a field of no known type")),
    })
}

fn ended() -> worldstore_core::Error {
    damaged("the head of a page ends too early")
}
