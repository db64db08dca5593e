//! Reading a catalog of footers: every count is checked against what is left before anything is made room for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use worldstore_core::hive::HiveType;
use worldstore_core::lake::LakeColumn;
use worldstore_core::{Error, ErrorKind, Key, ObjectMeta, Prefix, Result, Version};

use super::super::bounds::{Bounds, HIGH, HIGH_EXACT, Kind, LOW, LOW_EXACT, NULLS, TEXT_BYTES_MAX, Texts, Values};
use super::super::folders::FolderState;
use super::super::listing::{Listing, batch};
use super::super::summary::Summaries;
use super::{MAGIC, NOT_KNOWN, VERSION};

/// The longest text of a type, in bytes: parsing one goes as deep as it has brackets.
const TYPE_BYTES_MAX: usize = 512;

/// What is left of a catalog.
pub(super) struct Body<'bytes> {
    left: &'bytes [u8],
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

impl<'bytes> Body<'bytes> {
    /// Checks what a catalog begins and ends with.
    pub fn open(bytes: &'bytes [u8]) -> Result<Self> {
        let (all, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| corrupt("a catalog of footers is cut off"))?;
        let mut body = Self { left: all };
        if body.take(MAGIC.len())? != MAGIC {
            return Err(corrupt("this is no catalog of footers"));
        }
        let version = body.u32()?;
        if version != VERSION {
            let error = Error::unsupported("a catalog of footers of a version that is not known");
            return Err(error.with("version", version).with("known", VERSION));
        }
        match crc32c::crc32c(all) == u32::from_le_bytes(*sum) {
            true => Ok(body),
            false => Err(corrupt("the sum of a catalog of footers is wrong")),
        }
    }

    pub fn end(&self) -> Result<()> {
        match self.left.is_empty() {
            true => Ok(()),
            false => Err(corrupt("something follows a catalog of footers")),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'bytes [u8]> {
        let (taken, left) =
            self.left.split_at_checked(bytes).ok_or_else(|| corrupt("a catalog of footers is cut off"))?;
        self.left = left;
        Ok(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> Result<[u8; BYTES]> {
        let (taken, left) = self.left.split_first_chunk().ok_or_else(|| corrupt("a catalog of footers is cut off"))?;
        self.left = left;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.number()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.number()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.number()?))
    }

    fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(corrupt("a mark in a catalog of footers is neither 0 nor 1")),
        }
    }

    /// A number of things, each of at least so many bytes.
    fn count(&mut self, bytes_each: usize) -> Result<usize> {
        let count = self.u32()? as usize;
        match count.checked_mul(bytes_each) {
            Some(bytes) if bytes <= self.left.len() => Ok(count),
            _ => Err(corrupt("a catalog of footers counts more than it holds")),
        }
    }

    /// So many numbers of so many bytes each.
    fn numbers<const BYTES: usize, Item>(&mut self, count: usize, read: fn([u8; BYTES]) -> Item) -> Result<Vec<Item>> {
        let bytes =
            count.checked_mul(BYTES).ok_or_else(|| corrupt("a catalog of footers counts more than it holds"))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<BYTES>();
        Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
    }

    pub fn text(&mut self) -> Result<&'bytes str> {
        let bytes = self.count(1)?;
        std::str::from_utf8(self.take(bytes)?).map_err(|_| corrupt("a text in a catalog of footers is no UTF-8"))
    }

    fn time(&mut self) -> Result<SystemTime> {
        let (seconds, nanoseconds) = (self.u64()?.cast_signed(), self.u32()?);
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let time = match seconds < 0 {
            true => SystemTime::UNIX_EPOCH.checked_sub(whole),
            false => SystemTime::UNIX_EPOCH.checked_add(whole),
        };
        let time = time.filter(|_| nanoseconds < 1_000_000_000);
        time.and_then(|time| time.checked_add(Duration::from_nanos(u64::from(nanoseconds))))
            .ok_or_else(|| corrupt("a time in a catalog of footers is none"))
    }

    pub fn folders(&mut self) -> Result<Option<FolderState>> {
        let (is_known, is_settled) = (self.flag()?, self.flag()?);
        let folders = (0..self.count(16)?).map(|_| Ok((prefix(self.text()?)?, self.time()?)));
        let folders = folders.collect::<Result<Vec<_>>>()?;
        match is_known || (folders.is_empty() && !is_settled) {
            true => Ok(is_known.then_some(FolderState { folders, is_settled })),
            false => Err(corrupt("a catalog of footers has folders that it does not know")),
        }
    }

    pub fn columns(&mut self) -> Result<(SchemaRef, Vec<LakeColumn>)> {
        let fields = (0..self.count(8)?).map(|_| {
            let (name, text) = (self.text()?, self.text()?);
            let data_type = if text.len() <= TYPE_BYTES_MAX { text.parse::<DataType>().ok() } else { None };
            let data_type = data_type.ok_or_else(|| corrupt("a catalog of footers has a column of no type"))?;
            Ok(Field::new(name, data_type, true))
        });
        let columns = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
        let path_columns = (0..self.count(5)?).map(|_| {
            let name = self.text()?;
            let kind = match self.u8()? {
                0 => HiveType::Bool,
                1 => HiveType::Int,
                2 => HiveType::Date,
                3 => HiveType::Text,
                _ => return Err(corrupt("a catalog of footers has a column of no type")),
            };
            Ok(LakeColumn::new(name, kind))
        });
        let path_columns = path_columns.collect::<Result<Vec<_>>>()?;
        let mut names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        names.extend(path_columns.iter().map(|column| column.name.as_str()));
        names.sort_unstable();
        match names.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(corrupt("a catalog of footers has two columns of one name")),
            false => Ok((columns, path_columns)),
        }
    }

    pub fn files(&mut self, path_columns: &[LakeColumn]) -> Result<Listing> {
        let count = self.count(14)?;
        let mut files: Vec<ObjectMeta> = Vec::with_capacity(count);
        for _ in 0..count {
            let key = Key::new(self.text()?)
                .map_err(|source| corrupt("a key in a catalog of footers is none").caused_by(source))?;
            if files.last().is_some_and(|before| before.key >= key) {
                return Err(corrupt("files in a catalog of footers are not in order"));
            }
            let mut file = ObjectMeta::new(key, self.u64()?);
            if self.flag()? {
                file = file.with_version(Version::new(self.text()?));
            }
            if self.flag()? {
                file = file.with_modified(self.time()?);
            }
            files.push(file);
        }
        let arrays = path_columns.iter().map(|column| self.array(column.kind, count)).collect::<Result<Vec<_>>>()?;
        Ok(Listing::of(files, batch(path_columns, arrays, count)?))
    }

    /// The values of a path column.
    fn array(&mut self, kind: HiveType, count: usize) -> Result<ArrayRef> {
        let there = self.take(count)?;
        if there.iter().any(|flag| *flag > 1) {
            return Err(corrupt("a mark in a catalog of footers is neither 0 nor 1"));
        }
        let is_there = |index: usize| there.get(index) == Some(&1);
        Ok(match kind {
            HiveType::Int => {
                let values = self.numbers(count, i64::from_le_bytes)?.into_iter().enumerate();
                Arc::new(values.map(|(index, value)| is_there(index).then_some(value)).collect::<Int64Array>())
            }
            HiveType::Date => {
                let values = self.numbers(count, i32::from_le_bytes)?.into_iter().enumerate();
                Arc::new(values.map(|(index, value)| is_there(index).then_some(value)).collect::<Date32Array>())
            }
            HiveType::Bool => {
                let values = (0..count).map(|index| self.flag().map(|value| is_there(index).then_some(value)));
                Arc::new(values.collect::<Result<BooleanArray>>()?)
            }
            _ => {
                let values = (0..count).map(|index| self.text().map(|value| is_there(index).then_some(value)));
                Arc::new(values.collect::<Result<StringArray>>()?)
            }
        })
    }

    pub fn row_groups(&mut self, columns: &SchemaRef, listing: &Listing) -> Result<Summaries> {
        let counts = self.numbers(listing.files.len(), u32::from_le_bytes)?;
        let known = counts.iter().filter(|count| **count != NOT_KNOWN);
        let sum = known.fold(0_u64, |sum, count| sum + u64::from(*count));
        let sum = usize::try_from(sum).ok().filter(|sum| u32::try_from(*sum).is_ok());
        let sum = sum.ok_or_else(|| corrupt("a catalog of footers counts more than it holds"))?;
        let mut summaries = Summaries::new(Arc::clone(columns));
        summaries.rows = self.numbers(sum, u64::from_le_bytes)?;
        for bounds in &mut summaries.columns {
            *bounds = self.bounds(bounds.kind, sum)?;
        }
        let mut start = 0;
        for (file, count) in listing.files.iter().zip(counts).filter(|(_, count)| *count != NOT_KNOWN) {
            summaries.enter_stored(file, start..start + count);
            start += count;
        }
        Ok(summaries)
    }

    fn bounds(&mut self, expected: Kind, row_groups: usize) -> Result<Bounds> {
        let kind = match self.u8()? {
            0 => Kind::Int,
            1 => Kind::Float,
            2 => Kind::Text,
            3 => Kind::Nothing,
            _ => return Err(corrupt("a catalog of footers has bounds of no kind")),
        };
        let known = self.take(row_groups)?.to_vec();
        let all = LOW | HIGH | LOW_EXACT | HIGH_EXACT | NULLS;
        let is_odd = |flags: &u8| {
            flags & !all != 0 || flags & (LOW | LOW_EXACT) == LOW_EXACT || flags & (HIGH | HIGH_EXACT) == HIGH_EXACT
        };
        if kind != expected || known.iter().any(is_odd) {
            return Err(corrupt("bounds in a catalog of footers are not those of their column"));
        }
        let nulls = self.numbers(row_groups, u64::from_le_bytes)?;
        let (low, high) = (self.values(kind, row_groups)?, self.values(kind, row_groups)?);
        if let (Values::Float(low), Values::Float(high)) = (&low, &high)
            && low.iter().chain(high).any(|bound| bound.is_nan())
        {
            return Err(corrupt("a bound in a catalog of footers is NaN"));
        }
        Ok(Bounds { kind, known, nulls, low, high })
    }

    fn values(&mut self, kind: Kind, row_groups: usize) -> Result<Values> {
        Ok(match kind {
            Kind::Int => Values::Int(self.numbers(row_groups, i64::from_le_bytes)?),
            Kind::Float => Values::Float(self.numbers(row_groups, f64::from_le_bytes)?),
            Kind::Text => {
                let mut texts = Texts::default();
                for _ in 0..row_groups {
                    let text = self.text()?;
                    if text.len() > TEXT_BYTES_MAX || texts.text.len() + text.len() > u32::MAX as usize {
                        return Err(corrupt("a text in a catalog of footers is too long"));
                    }
                    texts.push(text);
                }
                Values::Text(texts)
            }
            Kind::Nothing => Values::Nothing,
        })
    }
}

fn prefix(text: &str) -> Result<Prefix> {
    match text.is_empty() {
        true => Ok(Prefix::root()),
        false => {
            Prefix::new(text).map_err(|source| corrupt("a folder in a catalog of footers is none").caused_by(source))
        }
    }
}
