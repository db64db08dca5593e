//! A column of a row group: which rows fulfil a condition, and the values of those that are left.

use std::ops::Range;

use arrow::array::{ArrayRef, BooleanArray, NullBufferBuilder, make_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use worldstore_core::{Error, Result};

use super::layout::Layout;
use super::mask::Mask;
use super::page::{Body, Loaded, Page, Pages, Part, Scratch, Word, dictionary};

/// Rows are looked at one by one if at most one in so many is left.
const SPARSE_SHARE: usize = 8;

/// A condition on one column. What it says of a value depends on nothing else.
pub(crate) trait Test {
    /// For each value whether it fulfils the condition; null is as good as no.
    ///
    /// # Errors
    /// Those of evaluating it.
    fn keeps(&self, values: &ArrayRef) -> Result<BooleanArray>;
}

/// A column of a row group, whose rows are asked for in their order.
pub(crate) trait Column: Send {
    /// The part of the values that fulfil a condition, from 0 to 1, as far as a dictionary tells without any page.
    ///
    /// # Errors
    /// `Corrupt` if there is no such dictionary; those of the condition.
    fn weigh(&mut self, test: &dyn Test) -> Result<f64>;

    /// Takes out rows that do not fulfil the condition that was weighed.
    ///
    /// # Errors
    /// `Corrupt` if pages are damaged; those of the condition.
    fn narrow(&mut self, test: &dyn Test, mask: &mut Mask, scratch: &mut Scratch) -> Result<()>;

    /// Appends the values of those of these rows that are left.
    ///
    /// # Errors
    /// `Corrupt` if pages are damaged.
    fn append(&mut self, rows: Range<usize>, mask: &Mask, scratch: &mut Scratch) -> Result<()>;

    /// Gives back what was decoded of rows before this one.
    fn release(&mut self, before: usize, scratch: &mut Scratch);

    /// What was appended since this was asked last.
    ///
    /// # Errors
    /// `Unexpected` if the type of the column has not these values.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// Opens a column of a row group: looks at the heads of its pages, and decodes its dictionary.
///
/// # Errors
/// `Corrupt` if pages do not fit together.
pub(crate) fn open(
    layout: Layout,
    parts: impl IntoIterator<Item = Part>,
    scratch: &mut Scratch,
) -> Result<Box<dyn Column>> {
    Ok(match layout.is_wide {
        true => Box::new(Numbers::<u64>::open(layout, parts, scratch)?),
        false => Box::new(Numbers::<u32>::open(layout, parts, scratch)?),
    })
}

/// Numbers of one width.
struct Numbers<W> {
    layout: Layout,
    /// The values of the dictionary, and one for null; none if there is no dictionary.
    dictionary: Option<Vec<W>>,
    pages: Vec<(Page, Option<Loaded>)>,
    /// For each value of the dictionary, and for null, whether it fulfils the condition.
    kept: Option<Kept>,
    values: Vec<W>,
    nulls: NullBufferBuilder,
}

/// What a condition says of the values of a dictionary.
enum Kept {
    All,
    None,
    /// One or zero for each value.
    Some(Vec<u8>),
}

impl<W: Word + ArrowNativeType + Send> Numbers<W> {
    fn open(layout: Layout, parts: impl IntoIterator<Item = Part>, scratch: &mut Scratch) -> Result<Self> {
        let found = Pages::find(parts, layout.rows)?;
        let stored = found.dictionary.as_ref();
        let dictionary = stored.map(|stored| dictionary(stored, &layout, scratch)).transpose()?;
        let pages = found.pages.into_iter().map(|page| (page, None)).collect();
        let (values, nulls) = (Vec::new(), NullBufferBuilder::new(0));
        Ok(Self { layout, dictionary, pages, kept: None, values, nulls })
    }

    fn array(&self, values: Vec<W>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        array(&self.layout.data_type, values, nulls)
    }
}

impl<W: Word + ArrowNativeType + Send> Column for Numbers<W> {
    fn weigh(&mut self, test: &dyn Test) -> Result<f64> {
        let Some(dictionary) = &self.dictionary else { return Ok(0.5) };
        let last = dictionary.len() - 1;
        let nulls = NullBuffer::from_iter((0..=last).map(|index| index < last));
        let kept = test.keeps(&self.array(dictionary.clone(), Some(nulls))?)?;
        let kept: Vec<u8> = (0..dictionary.len()).map(|index| u8::from(is_kept(&kept, index))).collect();
        let asked = if self.layout.is_nullable { &kept[..] } else { kept.get(..last).unwrap_or_default() };
        let share = asked.iter().map(|one| usize::from(*one)).sum::<usize>() as f64 / (asked.len().max(1)) as f64;
        self.kept = Some(match (asked.contains(&0), asked.contains(&1)) {
            (false, _) => Kept::All,
            (_, false) => Kept::None,
            _ => Kept::Some(kept),
        });
        Ok(share)
    }

    fn narrow(&mut self, test: &dyn Test, mask: &mut Mask, scratch: &mut Scratch) -> Result<()> {
        let data_type = &self.layout.data_type;
        let values = self.dictionary.as_ref().map(|dictionary| dictionary.len() - 1);
        for (page, loaded) in &mut self.pages {
            let left = mask.count(page.rows.clone());
            if left == 0 {
                continue;
            }
            if let (true, Some(Kept::All | Kept::None)) = (page.is_numbered(), &self.kept) {
                if let Some(Kept::None) = self.kept {
                    mask.clear(page.rows.clone());
                }
                continue;
            }
            let loaded = match loaded {
                Some(loaded) => loaded,
                none => none.insert(page.load::<W>(&self.layout, values, scratch)?),
            };
            match (&self.kept, &loaded.positions, &loaded.body) {
                (Some(Kept::Some(kept)), Some(positions), None) => numbered(&page.rows, positions, kept, left, mask),
                _ => {
                    let (mut values, mut nulls) = (Vec::with_capacity(left), NullBufferBuilder::new(left));
                    let dictionary = self.dictionary.as_deref().unwrap_or_default();
                    gather(loaded, dictionary, &page.rows, page.rows.clone(), mask, &mut values, &mut nulls);
                    let kept = test.keeps(&array(data_type, values, nulls.finish())?)?;
                    let mut next = 0..;
                    mask.retain(page.rows.clone(), |_| next.next().is_some_and(|index| is_kept(&kept, index)));
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, rows: Range<usize>, mask: &Mask, scratch: &mut Scratch) -> Result<()> {
        let values = self.dictionary.as_ref().map(|dictionary| dictionary.len() - 1);
        let dictionary = self.dictionary.as_deref().unwrap_or_default();
        let from = self.pages.partition_point(|(page, _)| page.rows.end <= rows.start);
        for (page, loaded) in self.pages.iter_mut().skip(from) {
            if page.rows.start >= rows.end {
                break;
            }
            let here = rows.start.max(page.rows.start)..rows.end.min(page.rows.end);
            if mask.count(here.clone()) == 0 {
                continue;
            }
            let loaded = match loaded {
                Some(loaded) => loaded,
                none => none.insert(page.load::<W>(&self.layout, values, scratch)?),
            };
            gather(loaded, dictionary, &page.rows, here, mask, &mut self.values, &mut self.nulls);
        }
        Ok(())
    }

    fn release(&mut self, before: usize, scratch: &mut Scratch) {
        for (page, loaded) in &mut self.pages {
            if page.rows.end > before {
                return;
            }
            loaded.take().into_iter().for_each(|loaded| scratch.keep(loaded));
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let values = std::mem::take(&mut self.values);
        let nulls = self.nulls.finish();
        self.array(values, nulls)
    }
}

fn is_kept(kept: &BooleanArray, index: usize) -> bool {
    use arrow::array::Array;
    index < kept.len() && kept.is_valid(index) && kept.value(index)
}

/// Takes out the rows of a page whose value in the dictionary is not kept.
fn numbered(rows: &Range<usize>, positions: &[u32], kept: &[u8], left: usize, mask: &mut Mask) {
    let is_kept = |position: &u32| kept.get(*position as usize).copied().unwrap_or(0);
    if left * SPARSE_SHARE <= rows.len() {
        return mask.retain(rows.clone(), |row| positions.get(row - rows.start).is_some_and(|one| is_kept(one) == 1));
    }
    let bits = positions.chunks(64).map(|positions| {
        let mut word = 0;
        for (index, position) in positions.iter().enumerate() {
            word |= u64::from(is_kept(position)) << index;
        }
        word
    });
    mask.keep(rows.start, rows.len(), bits);
}

/// Appends the values of those of some rows of a page that are left.
fn gather<W: Word>(
    loaded: &Loaded,
    dictionary: &[W],
    page: &Range<usize>,
    rows: Range<usize>,
    mask: &Mask,
    values: &mut Vec<W>,
    nulls: &mut NullBufferBuilder,
) {
    let left = mask.count(rows.clone());
    values.reserve(left);
    let bytes = loaded.body.as_ref().map(Body::bytes);
    let inside = rows.start - page.start..rows.end - page.start;
    let plain = |bytes: &[u8], at: usize| bytes.get(at * W::BYTES..(at + 1) * W::BYTES).map(W::of).unwrap_or_default();
    let known = |position: &u32| dictionary.get(*position as usize).copied().unwrap_or_default();
    let all = left == rows.len();
    let each = || mask.each(rows.clone()).map(|row| row - page.start);
    match (&loaded.positions, bytes) {
        (Some(positions), None) if all => {
            values.extend(positions.get(inside.clone()).unwrap_or_default().iter().map(known))
        }
        (Some(positions), None) => values.extend(each().map(|row| positions.get(row).map(known).unwrap_or_default())),
        (None, Some(bytes)) if all => {
            let bytes = bytes.get(inside.start * W::BYTES..inside.end * W::BYTES).unwrap_or_default();
            values.extend(bytes.chunks_exact(W::BYTES).map(W::of));
        }
        (None, Some(bytes)) => values.extend(each().map(|row| plain(bytes, row))),
        (Some(positions), Some(bytes)) => {
            values
                .extend(each().map(|row| positions.get(row).map(|at| plain(bytes, *at as usize)).unwrap_or_default()));
        }
        (None, None) => {}
    }
    match (loaded.null, &loaded.positions) {
        (Some(null), Some(positions)) => each().for_each(|row| nulls.append(positions.get(row) != Some(&null))),
        _ => nulls.append_n_non_nulls(left),
    }
}

/// An array of a type that is made of such numbers.
fn array<W: ArrowNativeType>(data_type: &DataType, values: Vec<W>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let length = values.len();
    let low = |value: &W| value.as_usize();
    let buffer = match data_type {
        DataType::Int8 | DataType::UInt8 => Buffer::from_iter(values.iter().map(|value| low(value) as u8)),
        DataType::Int16 | DataType::UInt16 => Buffer::from_iter(values.iter().map(|value| low(value) as u16)),
        _ => Buffer::from_vec(values),
    };
    let data = arrow::array::ArrayData::builder(data_type.clone()).len(length).add_buffer(buffer).nulls(nulls).build();
    data.map(make_array)
        .map_err(|source| Error::unexpected("a column has not the values of its type").caused_by(source))
}
