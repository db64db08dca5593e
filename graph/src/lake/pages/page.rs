//! Pages: where the rows of a column lie, and what is made of one of them.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Encoding;
use worldstore_core::{Error, Result};

use super::damaged;
use super::delta;
use super::header::{Header, Kind, header};
use super::inflate::{Codec, Inflater};
use super::layout::Layout;
use super::runs::{Run, run, unpack_runs};

/// Buffers that are kept for the pages to come.
const SPARE_MAX: usize = 64;

/// A stretch of a column as it lies in the file.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Pages, one after the other, from the head of the first on.
    Pages {
        /// The pages.
        bytes: Bytes,
        /// Their rows, if it is known how many there are.
        rows: Option<usize>,
    },
    /// Pages that were not read because none of their rows is asked for.
    Left {
        /// The rows of those pages.
        rows: usize,
    },
}

/// What pages are decoded with, and what is kept from one to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    inflater: Inflater,
    bodies: Vec<Vec<u8>>,
    positions: Vec<Vec<u32>>,
    levels: Vec<u32>,
}

/// A number of four or eight bytes; what it means does not matter here.
pub(super) trait Word: Copy + Default + 'static {
    const BYTES: usize;

    /// The number whose lowest byte is the first; zero if there are fewer or more.
    fn of(bytes: &[u8]) -> Self;

    /// Appends the lowest bytes of a number.
    fn put(value: i64, bytes: &mut Vec<u8>);
}

impl Word for u32 {
    const BYTES: usize = 4;

    fn of(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(0, Self::from_le_bytes)
    }

    fn put(value: i64, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&(value as Self).to_le_bytes());
    }
}

impl Word for u64 {
    const BYTES: usize = 8;

    fn of(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(0, Self::from_le_bytes)
    }

    fn put(value: i64, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&(value as Self).to_le_bytes());
    }
}

/// A page, not yet decompressed.
#[derive(Debug)]
pub(super) struct Page {
    pub rows: Range<usize>,
    /// None if it was not read.
    stored: Option<(Header, Bytes)>,
}

/// The values of a page.
#[derive(Debug)]
pub(super) struct Loaded {
    /// For each row which value it has; in their order if none.
    pub positions: Option<Vec<u32>>,
    /// Values of the page itself; those of the dictionary if none.
    pub body: Option<Body>,
    /// The position of null, if some row is null.
    pub null: Option<u32>,
}

/// Values as they lie in a page.
#[derive(Debug)]
pub(super) enum Body {
    Made { bytes: Vec<u8>, from: usize },
    Stored(Bytes),
}

impl Body {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Made { bytes, from } => bytes.get(*from..).unwrap_or_default(),
            Self::Stored(bytes) => bytes,
        }
    }
}

/// The dictionary of a column, as it is stored, and its pages: all of them are looked at, none is decompressed.
pub(super) struct Pages {
    pub dictionary: Option<(Header, Bytes)>,
    pub pages: Vec<Page>,
}

impl Pages {
    /// Finds the pages of a column that has so many rows.
    pub fn find(parts: impl IntoIterator<Item = Part>, rows: usize) -> Result<Self> {
        let mut found = Self { dictionary: None, pages: Vec::new() };
        let mut first = 0_usize;
        let end_of = |first: usize, count: usize| match first.checked_add(count).filter(|end| *end <= rows) {
            Some(end) => Ok(end),
            None => Err(damaged("pages have more rows than their row group")),
        };
        for part in parts {
            let (mut bytes, known) = match part {
                Part::Pages { bytes, rows } => (bytes, rows.map(|rows| first.saturating_add(rows))),
                Part::Left { rows } => {
                    let end = end_of(first, rows)?;
                    found.pages.push(Page { rows: first..end, stored: None });
                    first = end;
                    continue;
                }
            };
            while !bytes.is_empty() && first < rows {
                let (head, length) = header(&bytes)?;
                let end = length.checked_add(head.stored).filter(|end| *end <= bytes.len());
                let end = end.ok_or_else(|| damaged("a page is longer than its column"))?;
                let stored = bytes.slice(length..end);
                bytes = bytes.slice(end..);
                match head.kind {
                    Kind::Other => {}
                    Kind::Dictionary { .. } if found.dictionary.is_some() || first > 0 => {
                        return Err(damaged("a dictionary is not the first page of its column"));
                    }
                    Kind::Dictionary { .. } => found.dictionary = Some((head, stored)),
                    Kind::Data { rows: 0, .. } | Kind::DataV2 { rows: 0, .. } => {}
                    Kind::Data { rows, .. } | Kind::DataV2 { rows, .. } => {
                        let end = end_of(first, rows)?;
                        found.pages.push(Page { rows: first..end, stored: Some((head, stored)) });
                        first = end;
                    }
                }
            }
            if known.is_some_and(|end| end != first) {
                return Err(damaged("pages have other rows than their index says"));
            }
        }
        match first == rows {
            true => Ok(found),
            false => Err(damaged("pages have fewer rows than their row group")),
        }
    }
}

impl Page {
    /// True if its values are numbers of a dictionary.
    pub fn is_numbered(&self) -> bool {
        let Some((Header { kind: Kind::Data { encoding, .. } | Kind::DataV2 { encoding, .. }, .. }, _)) = &self.stored
        else {
            return false;
        };
        matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
    }

    /// Decompresses it and takes it apart. A dictionary of so many values belongs to it.
    pub fn load<W: Word>(&self, layout: &Layout, values: Option<usize>, scratch: &mut Scratch) -> Result<Loaded> {
        let (head, stored) = self.stored.as_ref().ok_or_else(|| Error::unexpected("a page was not read"))?;
        let rows = self.rows.len();
        let (encoding, body) = match head.kind {
            Kind::Data { encoding, has_runs, .. } => {
                let body = scratch.inflate(layout.codec, stored, head.inflated)?;
                if !layout.is_nullable {
                    scratch.no_levels();
                    (encoding, body)
                } else if has_runs {
                    (encoding, scratch.leading_levels(body, rows)?)
                } else {
                    return Err(damaged("levels of a page are no runs"));
                }
            }
            Kind::DataV2 { encoding, repetition, definition, is_compressed, .. } => {
                let levels = repetition.checked_add(definition).filter(|levels| *levels <= stored.len());
                let levels = levels.ok_or_else(|| damaged("levels of a page are longer than the page"))?;
                let inflated = head.inflated.checked_sub(levels);
                let inflated = inflated.ok_or_else(|| damaged("levels of a page are longer than the page"))?;
                match layout.is_nullable {
                    true => scratch.read_levels(stored.get(repetition..levels).unwrap_or_default(), rows)?,
                    false => scratch.no_levels(),
                }
                let codec = if is_compressed { layout.codec } else { Codec::Plain };
                // What is empty may be stored as nothing, which no codec makes of it.
                let codec = if inflated == 0 && stored.len() == levels { Codec::Plain } else { codec };
                (encoding, scratch.inflate(codec, &stored.slice(levels..), inflated)?)
            }
            _ => return Err(damaged("a page holds no rows")),
        };
        scratch.values::<W>(encoding, body, rows, values)
    }
}

/// The values of a dictionary, and a null behind them.
pub(super) fn dictionary<W: Word>(stored: &(Header, Bytes), layout: &Layout, scratch: &mut Scratch) -> Result<Vec<W>> {
    let (head, bytes) = stored;
    let Kind::Dictionary { values, encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY } = head.kind else {
        return Err(damaged("a dictionary is encoded in a way that none is"));
    };
    let body = scratch.inflate(layout.codec, bytes, head.inflated)?;
    let length = values.checked_mul(W::BYTES).and_then(|length| body.bytes().get(..length));
    let plain = length.ok_or_else(|| damaged("a dictionary has fewer values than it claims"))?;
    let made = plain.chunks_exact(W::BYTES).map(W::of).chain([W::default()]).collect();
    scratch.keep_body(body);
    Ok(made)
}

impl Scratch {
    fn inflate(&mut self, codec: Codec, stored: &Bytes, inflated: usize) -> Result<Body> {
        if codec == Codec::Plain {
            return match stored.len() == inflated {
                true => Ok(Body::Stored(stored.clone())),
                false => Err(damaged("a page becomes more or less than it claims")),
            };
        }
        let mut bytes = self.bodies.pop().unwrap_or_default();
        self.inflater.inflate(codec, stored, inflated, &mut bytes)?;
        Ok(Body::Made { bytes, from: 0 })
    }

    /// Levels that lie before the values, with their length.
    fn leading_levels(&mut self, body: Body, rows: usize) -> Result<Body> {
        let short = || damaged("levels of a page are longer than the page");
        let (length, rest) = body.bytes().split_at_checked(4).ok_or_else(short)?;
        let length = u32::of(length) as usize;
        self.read_levels(rest.get(..length).ok_or_else(short)?, rows)?;
        Ok(match body {
            Body::Made { bytes, from } => Body::Made { bytes, from: from + 4 + length },
            Body::Stored(bytes) => Body::Stored(bytes.slice(4 + length..)),
        })
    }

    fn no_levels(&mut self) {
        self.levels.clear();
    }

    /// Reads levels; leaves none if no row is null.
    fn read_levels(&mut self, bytes: &[u8], rows: usize) -> Result<()> {
        self.levels.clear();
        match run(bytes, 1)?.0 {
            Run::Repeated { value: 1, count } if count >= rows => Ok(()),
            _ => {
                unpack_runs(bytes, 1, rows, &mut self.levels)?;
                match self.levels.iter().all(|level| *level <= 1) {
                    true => Ok(()),
                    false => Err(damaged("a level of a page is too high")),
                }
            }
        }
    }

    /// Takes the values of a page apart, after its levels.
    fn values<W: Word>(
        &mut self,
        encoding: Encoding,
        body: Body,
        rows: usize,
        dictionary: Option<usize>,
    ) -> Result<Loaded> {
        let count = if self.levels.is_empty() { rows } else { self.levels.iter().sum::<u32>() as usize };
        let few = || damaged("a page has fewer values than it claims");
        let (packed, body, null) = match encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let values = dictionary.ok_or_else(|| damaged("a page refers to a dictionary that is not there"))?;
                let packed = self.numbers(body.bytes(), count, values)?;
                self.keep_body(body);
                (Some(packed), None, values)
            }
            Encoding::PLAIN => (None, Some(body), count),
            Encoding::BYTE_STREAM_SPLIT => (None, Some(self.joined::<W>(body, count)?), count),
            Encoding::DELTA_BINARY_PACKED => {
                let mut bytes = self.bodies.pop().unwrap_or_default();
                bytes.clear();
                delta::unpack(body.bytes(), count, |value| W::put(value, &mut bytes))?;
                self.keep_body(body);
                (None, Some(Body::Made { bytes, from: 0 }), count)
            }
            _ => return Err(damaged("a page is encoded in a way that its column does not name")),
        };
        if let Some(body) = &body {
            let length = count.checked_mul(W::BYTES).filter(|length| *length <= body.bytes().len());
            length.ok_or_else(few)?;
        }
        let null = u32::try_from(null).map_err(|_| damaged("a page has too many values"))?;
        Ok(match self.levels.is_empty() {
            true => Loaded { positions: packed, body, null: None },
            false => Loaded { positions: Some(self.spread(packed, null)), body, null: Some(null) },
        })
    }

    /// The numbers of values in a dictionary of so many.
    fn numbers(&mut self, bytes: &[u8], count: usize, values: usize) -> Result<Vec<u32>> {
        let mut numbers = self.positions.pop().unwrap_or_default();
        numbers.clear();
        if count == 0 {
            return Ok(numbers);
        }
        let (width, runs) = bytes.split_first().ok_or_else(|| damaged("a page has no values"))?;
        if *width > 32 {
            return Err(damaged("numbers of values are too wide"));
        }
        unpack_runs(runs, u32::from(*width), count, &mut numbers)?;
        // Without an early end, so that several are compared at once.
        let end = u32::try_from(values).unwrap_or(u32::MAX);
        match numbers.iter().fold(false, |is_beyond, number| is_beyond | (*number >= end)) {
            false => Ok(numbers),
            true => Err(damaged("a page refers to a value that its dictionary has not")),
        }
    }

    /// Positions of values for all rows, nulls among them.
    fn spread(&mut self, packed: Option<Vec<u32>>, null: u32) -> Vec<u32> {
        let mut spread = self.positions.pop().unwrap_or_default();
        spread.clear();
        match packed {
            Some(packed) => {
                let mut packed_values = packed.iter().copied();
                let place = |level: &u32| if *level == 1 { packed_values.next().unwrap_or(null) } else { null };
                spread.extend(self.levels.iter().map(place));
                self.keep_positions(packed);
            }
            None => {
                let mut next = 0;
                spread.extend(self.levels.iter().map(|level| {
                    let position = if *level == 1 { next } else { null };
                    next += *level;
                    position
                }));
            }
        }
        spread
    }

    /// Bytes of values that lie apart, the first bytes of all before the second ones, put together.
    fn joined<W: Word>(&mut self, body: Body, count: usize) -> Result<Body> {
        let mut bytes = self.bodies.pop().unwrap_or_default();
        bytes.clear();
        if body.bytes().len() != count.saturating_mul(W::BYTES) {
            return Err(damaged("a page has fewer or more values than it claims"));
        }
        bytes.resize(body.bytes().len(), 0);
        if count > 0 {
            for (index, stream) in body.bytes().chunks_exact(count).enumerate() {
                let places = bytes.iter_mut().skip(index).step_by(W::BYTES);
                places.zip(stream).for_each(|(place, byte)| *place = *byte);
            }
        }
        self.keep_body(body);
        Ok(Body::Made { bytes, from: 0 })
    }

    /// Takes back what a page was decoded into.
    pub(super) fn keep(&mut self, loaded: Loaded) {
        loaded.positions.into_iter().for_each(|positions| self.keep_positions(positions));
        loaded.body.into_iter().for_each(|body| self.keep_body(body));
    }

    fn keep_positions(&mut self, positions: Vec<u32>) {
        if self.positions.len() < SPARE_MAX {
            self.positions.push(positions);
        }
    }

    fn keep_body(&mut self, body: Body) {
        match body {
            Body::Made { bytes, .. } if self.bodies.len() < SPARE_MAX => self.bodies.push(bytes),
            _ => {}
        }
    }
}
