//! Columns of any type, with values at the edges of what a type has.

use std::sync::Arc;

use proptest::prelude::*;
use worldstore::arrow::array::*;
use worldstore::arrow::buffer::{Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use worldstore::arrow::compute::cast;
use worldstore::arrow::datatypes::*;

/// Types of values without parts.
fn plain() -> impl Strategy<Value = DataType> {
    use DataType::*;
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut types = vec![
        Null,
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Date32,
        Date64,
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        BinaryView,
    ];
    types.extend([0, 1, 16].map(FixedSizeBinary));
    types.extend([Decimal32(9, 2), Decimal64(18, 0), Decimal256(40, 3), Decimal256(76, -1)]);
    types.extend(
        [(1, 0), (5, 2), (9, 9), (10, -2), (18, 3), (19, 0), (38, 10), (38, 38)].map(|(p, s)| Decimal128(p, s)),
    );
    types.extend([IntervalUnit::YearMonth, IntervalUnit::DayTime, IntervalUnit::MonthDayNano].map(Interval));
    types.extend([Time32(units[0]), Time32(units[1]), Time64(units[2]), Time64(units[3])]);
    for unit in units {
        types.push(Duration(unit));
        types.extend(
            [None, Some("UTC"), Some("+00:00"), Some("+02:00")].map(|zone| Timestamp(unit, zone.map(Into::into))),
        );
    }
    prop::sample::select(types)
}

fn keys() -> impl Strategy<Value = DataType> {
    use DataType::*;
    prop::sample::select(vec![Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64])
}

/// Types of any kind.
pub fn types() -> impl Strategy<Value = DataType> {
    let field = |name: &'static str, inner: BoxedStrategy<DataType>| {
        (inner, any::<bool>()).prop_map(move |(data_type, nullable)| Field::new(name, data_type, nullable))
    };
    plain().prop_recursive(2, 8, 3, move |inner| {
        let inner = inner.boxed();
        let item = field("item", inner.clone()).prop_map(Arc::new).boxed();
        let parts = prop::collection::vec((inner.clone(), any::<bool>()), 0..3);
        let parts = parts.prop_map(|parts| {
            let named = parts.into_iter().enumerate();
            named.map(|(number, (data_type, nullable))| Field::new(format!("p{number}"), data_type, nullable)).collect()
        });
        let pair = (plain(), inner.clone(), any::<bool>()).prop_map(|(key, value, nullable)| {
            let parts = vec![Field::new("key", key, false), Field::new("value", value, nullable)];
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(parts.into()), false)), false)
        });
        prop_oneof![
            item.clone().prop_map(DataType::List),
            item.clone().prop_map(DataType::LargeList),
            (item, 0..3_i32).prop_map(|(item, length)| DataType::FixedSizeList(item, length)),
            parts.prop_map(DataType::Struct),
            pair,
            (keys(), plain()).prop_map(|(key, value)| DataType::Dictionary(Box::new(key), Box::new(value))),
        ]
    })
}

/// Chance, from a seed.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn nulls(&mut self, rows: usize, nullable: bool) -> Option<NullBuffer> {
        let some = nullable && self.below(2) == 0;
        some.then(|| (0..rows).map(|_| self.below(3) > 0).collect())
    }
}

/// A column, which may be a part of longer arrays.
pub fn column(data_type: &DataType, rows: usize, nullable: bool, chance: &mut Chance) -> Option<ArrayRef> {
    let (before, behind) = (chance.below(2), chance.below(2));
    let whole = array(data_type, before + rows + behind, nullable, chance)?;
    Some(whole.slice(before, rows))
}

/// None for what Arrow itself does not have.
fn array(data_type: &DataType, rows: usize, nullable: bool, chance: &mut Chance) -> Option<ArrayRef> {
    use DataType::*;
    Some(match data_type {
        Null => match nullable {
            true => new_null_array(&Null, rows),
            false => return None,
        },
        Boolean => {
            let values = (0..rows).map(|_| chance.below(2) == 0).collect();
            Arc::new(BooleanArray::new(values, chance.nulls(rows, nullable)))
        }
        Utf8 | LargeUtf8 | Utf8View => cast(&texts(rows, nullable, chance), data_type).ok()?,
        Binary | LargeBinary | BinaryView => {
            let values: Vec<Vec<u8>> = (0..rows).map(|_| vec![chance.next() as u8; chance.below(30)]).collect();
            let values = BinaryArray::from_iter_values(values);
            let (offsets, values, _) = values.into_parts();
            cast(&BinaryArray::new(offsets, values, chance.nulls(rows, nullable)), data_type).ok()?
        }
        FixedSizeBinary(width) => {
            let values: Vec<u8> = (0..rows * *width as usize).map(|_| chance.next() as u8).collect();
            let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(Buffer::from(values));
            make_array(data.nulls(chance.nulls(rows, nullable)).build().ok()?)
        }
        List(_) | LargeList(_) | FixedSizeList(..) | Struct(_) | Map(..) | Dictionary(..) => {
            return composed(data_type, rows, nullable, chance);
        }
        _ => numbers(data_type, rows, nullable, chance)?,
    })
}

fn texts(rows: usize, nullable: bool, chance: &mut Chance) -> StringArray {
    let long = "long ".repeat(40);
    let texts = ["", "a", "ü\n", "\0", "\u{10ffff}", "it's \"5%\" of _\\", &long];
    let values = StringArray::from_iter_values((0..rows).map(|_| texts[chance.below(texts.len())]));
    let (offsets, values, _) = values.into_parts();
    StringArray::new(offsets, values, chance.nulls(rows, nullable))
}

/// Numbers of all kinds, by their bits: none, all, the greatest, the least, one, and any.
fn numbers(data_type: &DataType, rows: usize, nullable: bool, chance: &mut Chance) -> Option<ArrayRef> {
    let width = data_type.primitive_width()?;
    let mut bytes = Vec::with_capacity(rows * width);
    for _ in 0..rows {
        let (fill, low, high) = match chance.below(8) {
            0 => (0, 0, 0),
            1 => (0xff, 0xff, 0xff),
            2 => (0xff, 0xff, 0x7f),
            3 => (0, 0, 0x80),
            4 => (0, 1, 0),
            5 => (0, 1, 0x80),
            6 => (0, chance.next() as u8, 0),
            _ => (chance.next() as u8, chance.next() as u8, chance.next() as u8),
        };
        let mut value = vec![fill; width];
        value[width - 1] = high;
        value[0] = low;
        bytes.extend(value);
    }
    // Aligned as the widest numbers have to be.
    let mut buffer = MutableBuffer::new(bytes.len());
    buffer.extend_from_slice(&bytes);
    let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(buffer.into());
    data.nulls(chance.nulls(rows, nullable)).build().ok().map(make_array)
}

fn composed(data_type: &DataType, rows: usize, nullable: bool, chance: &mut Chance) -> Option<ArrayRef> {
    use DataType::*;
    let lengths = |chance: &mut Chance| (0..rows).map(|_| chance.below(3)).collect::<Vec<_>>();
    Some(match data_type {
        List(item) => {
            let lengths = lengths(chance);
            let values = array(item.data_type(), lengths.iter().sum(), item.is_nullable(), chance)?;
            let nulls = chance.nulls(rows, nullable);
            Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), values, nulls).ok()?)
        }
        LargeList(item) => {
            let lengths = lengths(chance);
            let values = array(item.data_type(), lengths.iter().sum(), item.is_nullable(), chance)?;
            let nulls = chance.nulls(rows, nullable);
            Arc::new(LargeListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), values, nulls).ok()?)
        }
        FixedSizeList(item, length) => {
            let values = array(item.data_type(), rows * *length as usize, item.is_nullable(), chance)?;
            let nulls = chance.nulls(rows, nullable);
            Arc::new(FixedSizeListArray::try_new_with_length(item.clone(), *length, values, nulls, rows).ok()?)
        }
        Struct(fields) => {
            let parts = fields.iter().map(|field| array(field.data_type(), rows, field.is_nullable(), chance));
            let parts = parts.collect::<Option<Vec<_>>>()?;
            let nulls = chance.nulls(rows, nullable);
            Arc::new(StructArray::try_new_with_length(fields.clone(), parts, nulls, rows).ok()?)
        }
        Map(entries, sorted) => {
            let lengths = lengths(chance);
            let parts = composed(entries.data_type(), lengths.iter().sum(), false, chance)?;
            let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), chance.nulls(rows, nullable));
            let parts = parts.as_struct().clone();
            Arc::new(MapArray::try_new(entries.clone(), offsets, parts, nulls, *sorted).ok()?)
        }
        Dictionary(key, value) => dictionary(key, value, rows, nullable, chance)?,
        _ => return None,
    })
}

fn dictionary(key: &DataType, value: &DataType, rows: usize, nullable: bool, chance: &mut Chance) -> Option<ArrayRef> {
    let count = 1 + chance.below(4);
    // A null may be in the dictionary, also where none is allowed.
    let hides = nullable || chance.below(8) == 0;
    let values = array(value, count, hides, chance)?;
    let nulls = chance.nulls(rows, nullable);
    macro_rules! of {
        ($type:ty) => {{
            let keys: Vec<_> = (0..rows).map(|_| chance.below(count) as _).collect();
            let keys = PrimitiveArray::<$type>::new(ScalarBuffer::from(keys), nulls);
            Arc::new(DictionaryArray::try_new(keys, values).ok()?) as ArrayRef
        }};
    }
    Some(match key {
        DataType::Int8 => of!(Int8Type),
        DataType::Int16 => of!(Int16Type),
        DataType::Int32 => of!(Int32Type),
        DataType::Int64 => of!(Int64Type),
        DataType::UInt8 => of!(UInt8Type),
        DataType::UInt16 => of!(UInt16Type),
        DataType::UInt32 => of!(UInt32Type),
        _ => of!(UInt64Type),
    })
}
