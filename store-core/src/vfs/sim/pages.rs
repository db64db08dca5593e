//! The bytes of a file, in pages that are shared between copies; a page that is not there holds zeros.

use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: usize = 4096;

type Page = [u8; PAGE];

static ZEROS: Page = [0; PAGE];

/// The bytes of a file. A clone costs a counter, whatever the length.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    length: u64,
    pages: Arc<BTreeMap<u64, Arc<Page>>>,
}

/// A part of a page that lies in a range of a file.
struct Part {
    page: u64,
    from: usize,
    to: usize,
}

/// The parts of pages that make up a range.
fn parts(position: u64, length: u64) -> impl Iterator<Item = Part> {
    let (size, end) = (PAGE as u64, position + length);
    let mut at = position;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let page = at / size;
            let part = Part { page, from: (at % size) as usize, to: (end - page * size).min(size) as usize };
            at = (page + 1) * size;
            part
        })
    })
}

/// True if all bytes are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(PAGE).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

impl Pages {
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads what there is, and tells how many bytes.
    pub fn read(&self, buffer: &mut [u8], position: u64) -> usize {
        let length = self.length.saturating_sub(position).min(buffer.len() as u64);
        let mut done = 0;
        for part in parts(position, length) {
            let target = &mut buffer[done..done + part.to - part.from];
            match self.pages.get(&part.page) {
                Some(page) => target.copy_from_slice(&page[part.from..part.to]),
                None => target.fill(0),
            }
            done += part.to - part.from;
        }
        done
    }

    /// Writes, and makes the file longer where the bytes reach beyond its end.
    pub fn write(&mut self, position: u64, bytes: &[u8]) {
        let mut done = 0;
        let pages = Arc::make_mut(&mut self.pages);
        for part in parts(position, bytes.len() as u64) {
            let source = &bytes[done..done + part.to - part.from];
            done += source.len();
            if pages.contains_key(&part.page) || source != &ZEROS[..source.len()] {
                let page = pages.entry(part.page).or_insert_with(|| Arc::new(ZEROS));
                Arc::make_mut(page)[part.from..part.to].copy_from_slice(source);
            }
        }
        self.grow(position + bytes.len() as u64);
    }

    /// Writes zeros.
    pub fn zero(&mut self, position: u64, length: u64) {
        self.erase(position, length);
        self.grow(position + length);
    }

    /// Makes the file at least so long.
    pub fn grow(&mut self, length: u64) {
        self.length = self.length.max(length);
    }

    /// Cuts the file, or makes it longer with zeros.
    pub fn set_length(&mut self, length: u64) {
        if length < self.length {
            self.erase(length, self.length - length);
        }
        self.length = length;
    }

    /// Turns what there is in a range to zeros; the length stays.
    fn erase(&mut self, position: u64, length: u64) {
        let (first, end) = (position / PAGE as u64, (position + length).div_ceil(PAGE as u64));
        if self.pages.range(first..end).next().is_none() {
            return;
        }
        let pages = Arc::make_mut(&mut self.pages);
        let there: Vec<u64> = pages.range(first..end).map(|(page, _)| *page).collect();
        for number in there {
            let start = number * PAGE as u64;
            let from = position.saturating_sub(start) as usize;
            let to = (position + length - start).min(PAGE as u64) as usize;
            if (from, to) == (0, PAGE) {
                pages.remove(&number);
            } else if let Some(page) = pages.get_mut(&number) {
                Arc::make_mut(page)[from..to].fill(0);
            }
        }
    }
}
