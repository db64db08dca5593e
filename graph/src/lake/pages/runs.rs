//! Runs of small numbers: as often as they repeat, or packed into as few bits as the greatest needs.
//!
//! Numbers of dictionary values and levels are stored so:
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE>.

use worldstore_core::Result;

use super::damaged;

/// Numbers that are unpacked at once.
const GROUP: usize = 8;
/// Bytes that a group may touch: eight numbers of 32 bits, and what is read beyond the last.
const WINDOW: usize = 40;

/// Appends so many numbers of a width, at most 32 bits.
///
/// # Errors
/// `Corrupt` if there are fewer.
pub(super) fn unpack_runs(mut bytes: &[u8], width: u32, count: usize, into: &mut Vec<u32>) -> Result<()> {
    let end = into.len() + count;
    while into.len() < end {
        let (run, rest) = run(bytes, width)?;
        bytes = rest;
        let left = end - into.len();
        match run {
            Run::Repeated { value, count } => {
                let count = count.min(left);
                into.resize(into.len() + count, value);
            }
            Run::Packed { packed, count } => unpack(packed, width, count.min(left), into),
        }
    }
    Ok(())
}

/// One run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run<'bytes> {
    Repeated {
        value: u32,
        count: usize,
    },
    /// Eight or a multiple of it; the last run may have more numbers than are there.
    Packed {
        packed: &'bytes [u8],
        count: usize,
    },
}

/// The first run of these bytes, and what follows it.
///
/// # Errors
/// `Corrupt` if it is empty or longer than the bytes.
pub(super) fn run(bytes: &[u8], width: u32) -> Result<(Run<'_>, &[u8])> {
    let short = || damaged("runs end too early");
    let (head, bytes) = varint(bytes)?;
    let count = (head >> 1) as usize;
    if count == 0 {
        return Err(damaged("a run is empty"));
    }
    if head & 1 == 0 {
        let (value, rest) = bytes.split_at_checked((width as usize).div_ceil(8)).ok_or_else(short)?;
        let value = value.iter().rev().fold(0, |value, byte| (value << 8) | u32::from(*byte));
        return Ok((Run::Repeated { value, count }, rest));
    }
    // What lies beyond the last number of a page need not be stored.
    let stored = count.saturating_mul(width as usize).min(bytes.len());
    let (packed, rest) = bytes.split_at_checked(stored).ok_or_else(short)?;
    let count = match width {
        0 => count.saturating_mul(GROUP),
        width => count.saturating_mul(GROUP).min(packed.len() * 8 / width as usize),
    };
    match count {
        0 => Err(short()),
        count => Ok((Run::Packed { packed, count }, rest)),
    }
}

fn varint(bytes: &[u8]) -> Result<(u32, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| damaged("a run is too long"))?;
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    Err(damaged("runs end too early"))
}

/// Appends so many packed numbers, which are there.
fn unpack(packed: &[u8], width: u32, count: usize, into: &mut Vec<u32>) {
    macro_rules! widths {
        ($($width:literal)*) => {
            match width {
                $($width => unpack_width::<$width>(packed, count, into),)*
                _ => {}
            }
        };
    }
    widths!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

fn unpack_width<const WIDTH: usize>(packed: &[u8], count: usize, into: &mut Vec<u32>) {
    let start = into.len();
    into.resize(start + count, 0);
    let Some(out) = into.get_mut(start..) else { return };
    let mut at = 0;
    for numbers in out.chunks_mut(GROUP) {
        let mut padded = [0; WINDOW];
        let window = match packed.get(at..at + WINDOW).and_then(|window| window.try_into().ok()) {
            Some(window) => window,
            None => {
                let rest = packed.get(at..).unwrap_or_default();
                let there = rest.len().min(WINDOW);
                padded[..there].copy_from_slice(&rest[..there]);
                &padded
            }
        };
        let group = group::<WIDTH>(window);
        match <&mut [u32; GROUP]>::try_from(&mut *numbers) {
            Ok(numbers) => *numbers = group,
            Err(_) => numbers.iter_mut().zip(group).for_each(|(number, value)| *number = value),
        }
        at += WIDTH;
    }
}

/// Eight numbers, at places that are known when this is compiled.
#[inline(always)]
fn group<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u32; GROUP] {
    let mask = ((1_u64 << WIDTH) - 1) as u32;
    std::array::from_fn(|index| {
        let bit = index * WIDTH;
        let mut word = [0; 8];
        word.copy_from_slice(&window[bit / 8..bit / 8 + 8]);
        (u64::from_le_bytes(word) >> (bit % 8)) as u32 & mask
    })
}
