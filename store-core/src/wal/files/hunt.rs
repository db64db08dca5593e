//! Looking for frames where there should be none: what tells a torn tail from damage, and finds what can be salvaged.

use super::{BLOCK_BYTES, failed, read_all};
use crate::error::{Error, ErrorKind, Result};
use crate::vfs::File;
use crate::wal::format::{FRAME_BYTES, FrameHeader, Place};

/// How many times the searched bytes are read at most. Bytes that look like headers, without being any, would make a
/// search quadratic.
const READS_MAX: u64 = 64;
/// Where these stand no frame begins, but maybe in the last ones.
const ZEROS: [u8; 4096 + FRAME_BYTES] = [0; 4096 + FRAME_BYTES];

/// A search in a file behind a position.
#[derive(Debug)]
pub(super) struct Hunt<'a, F> {
    file: &'a F,
    place: Place,
    from: u64,
    length: u64,
    /// Bytes that may still be read for checksums.
    budget: u64,
}

impl<'a, F: File> Hunt<'a, F> {
    pub(super) fn new(file: &'a F, place: Place, from: u64, length: u64) -> Self {
        let budget = length.saturating_sub(from).saturating_mul(READS_MAX);
        Self { file, place, from, length, budget }
    }

    /// The first frame behind the position that is wanted and has the right checksum.
    pub(super) fn find(
        &mut self,
        name: &str,
        mut wanted: impl FnMut(&FrameHeader) -> bool,
    ) -> Result<Option<(u64, FrameHeader)>> {
        let (file, length) = (self.file, self.length);
        let mut found = None;
        blocks(file, self.from, length, FRAME_BYTES, name, |start, block| {
            let mut at = 0;
            while at < block.len() {
                if block.get(at..at + ZEROS.len()) == Some(&ZEROS) {
                    at += ZEROS.len() - FRAME_BYTES;
                    continue;
                }
                let offset = start + at as u64;
                let Some(head) = block.get(at..).and_then(|rest| rest.first_chunk::<FRAME_BYTES>()) else { break };
                at += 8;
                let Ok(header) = FrameHeader::decode(head) else { continue };
                let fits = header.frame_bytes() as u64 <= length - offset;
                if offset > self.from && fits && wanted(&header) && self.is_right(&header, head, offset, name)? {
                    found = Some((offset, header));
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(found)
    }

    /// Where the bytes that are not zero end; the position if there are none.
    pub(super) fn end(&self, name: &str) -> Result<u64> {
        let mut end = self.from;
        blocks(self.file, self.from, self.length, 0, name, |start, block| {
            if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
                end = start + last as u64 + 1;
            }
            Ok(true)
        })?;
        Ok(end)
    }

    fn is_right(&mut self, header: &FrameHeader, head: &[u8], offset: u64, name: &str) -> Result<bool> {
        let end = offset + (FRAME_BYTES as u64) + u64::from(header.length);
        self.budget = self.budget.checked_sub(u64::from(header.length)).ok_or_else(|| {
            let message = "too many bytes look like records to tell a torn tail from damage";
            Error::new(ErrorKind::Corrupt, message).with("file", name).with("offset", self.from)
        })?;
        let mut crc = self.place.crc(offset, head.get(8..).unwrap_or_default(), []);
        blocks(self.file, offset + FRAME_BYTES as u64, end, 0, name, |_, block| {
            crc = crc32c::crc32c_append(crc, block);
            Ok(true)
        })?;
        Ok(crc == header.crc)
    }
}

/// Shows the bytes of a part of a file, block by block, until it is told to stop. Each block has the first `overlap`
/// bytes of the next one at its end.
fn blocks<F: File>(
    file: &F,
    from: u64,
    to: u64,
    overlap: usize,
    name: &str,
    mut show: impl FnMut(u64, &[u8]) -> Result<bool>,
) -> Result<()> {
    let mut start = from;
    let mut buffer = vec![0; (to.saturating_sub(from)).min((BLOCK_BYTES + overlap) as u64) as usize];
    while start < to {
        let most = (to - start).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..most).unwrap_or_default();
        let count = read_all(file, part, start).map_err(|source| failed("read", source, name))?;
        if count == 0 || !show(start, part.get(..count).unwrap_or_default())? {
            break;
        }
        start += BLOCK_BYTES as u64;
    }
    Ok(())
}
