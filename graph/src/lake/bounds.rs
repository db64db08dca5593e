//! What footers say of one column: smallest and greatest value and nulls, one entry per row group.

use arrow::datatypes::{DataType, TimeUnit};
use parquet::file::statistics::Statistics;

/// Longest text that is kept as a bound, in bytes; a longer one counts as not known.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// The smallest value is known, or at least one that is not greater.
pub(crate) const LOW: u8 = 1;
/// The greatest value is known, or at least one that is not smaller.
pub(crate) const HIGH: u8 = 2;
/// The smallest value is a value of the row group.
pub(crate) const LOW_EXACT: u8 = 4;
/// The greatest value is a value of the row group.
pub(crate) const HIGH_EXACT: u8 = 8;
/// The number of nulls is known.
pub(crate) const NULLS: u8 = 16;

/// How bounds of a column are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers, days and times in the unit of the column, booleans as 0 and 1.
    Int,
    /// Floats; NaN is in no bound.
    Float,
    /// Texts in byte order.
    Text,
    /// Nothing but nulls.
    Nothing,
}

impl Kind {
    /// The kind for a type of a column.
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) => Self::Int,
            DataType::Time32(_) | DataType::Time64(_) => Self::Int,
            number if number.is_integer() => Self::Int,
            DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) if Self::of(value) == Self::Text => Self::Text,
            _ => Self::Nothing,
        }
    }
}

/// Texts one behind the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Texts {
    pub ends: Vec<u32>,
    pub text: String,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The text at an index; empty if there is none.
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// Values of one kind, one per row group; those that are not known are there as zero or empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text(Texts),
    Nothing,
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int(Vec::new()),
            Kind::Float => Self::Float(Vec::new()),
            Kind::Text => Self::Text(Texts::default()),
            Kind::Nothing => Self::Nothing,
        }
    }

    fn push(&mut self, value: Option<&Value>) {
        match (self, value) {
            (Self::Int(values), Some(Value::Int(value))) => values.push(*value),
            (Self::Int(values), _) => values.push(0),
            (Self::Float(values), Some(Value::Float(value))) => values.push(*value),
            (Self::Float(values), _) => values.push(0.0),
            (Self::Text(values), Some(Value::Text(value))) => values.push(value),
            (Self::Text(values), _) => values.push(""),
            (Self::Nothing, _) => {}
        }
    }

    fn get(&self, index: usize) -> Option<Value> {
        match self {
            Self::Int(values) => values.get(index).copied().map(Value::Int),
            Self::Float(values) => values.get(index).copied().map(Value::Float),
            Self::Text(values) => Some(Value::Text(values.get(index).to_owned())),
            Self::Nothing => None,
        }
    }
}

/// A bound.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Value {
    Int(i64),
    Float(f64),
    Text(String),
}

/// One column, one entry per row group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds {
    pub kind: Kind,
    /// What is known, as the flags above.
    pub known: Vec<u8>,
    pub nulls: Vec<u64>,
    pub low: Values,
    pub high: Values,
}

impl Bounds {
    pub fn new(kind: Kind) -> Self {
        Self { kind, known: Vec::new(), nulls: Vec::new(), low: Values::new(kind), high: Values::new(kind) }
    }

    /// Adds a row group with statistics, or without.
    pub fn push(&mut self, data_type: &DataType, statistics: Option<&Statistics>) {
        let nulls = statistics.and_then(Statistics::null_count_opt);
        // Deprecated bounds have an order that nobody can tell.
        let usable = statistics.filter(|statistics| !statistics.is_min_max_deprecated());
        let (low, high) = usable.map_or((None, None), |statistics| values(self.kind, data_type, statistics));
        let exact = |is_exact: fn(&Statistics) -> bool| match self.kind {
            // Only texts are ever cut.
            Kind::Int => true,
            Kind::Text => usable.is_some_and(is_exact),
            Kind::Float | Kind::Nothing => false,
        };
        let mut known = 0;
        known |= if low.is_some() { LOW } else { 0 };
        known |= if high.is_some() { HIGH } else { 0 };
        known |= if low.is_some() && exact(Statistics::min_is_exact) { LOW_EXACT } else { 0 };
        known |= if high.is_some() && exact(Statistics::max_is_exact) { HIGH_EXACT } else { 0 };
        known |= if nulls.is_some() { NULLS } else { 0 };
        self.put(known, nulls.unwrap_or(0), low.as_ref(), high.as_ref());
    }

    /// Adds a row group that has no such column, which reads as null.
    pub fn push_missing(&mut self, rows: u64) {
        self.put(NULLS, rows, None, None);
    }

    /// Adds an entry of another column.
    pub fn push_from(&mut self, other: &Self, index: usize) {
        let known = other.known.get(index).copied().unwrap_or(0);
        let nulls = other.nulls.get(index).copied().unwrap_or(0);
        self.put(known, nulls, other.low.get(index).as_ref(), other.high.get(index).as_ref());
    }

    fn put(&mut self, known: u8, nulls: u64, low: Option<&Value>, high: Option<&Value>) {
        self.known.push(known);
        self.nulls.push(nulls);
        self.low.push(low);
        self.high.push(high);
    }

    pub fn has(&self, index: usize, flags: u8) -> bool {
        self.known.get(index).is_some_and(|known| known & flags == flags)
    }

    /// Number of nulls in a row group, if it is known.
    pub fn nulls(&self, index: usize) -> Option<u64> {
        self.nulls.get(index).copied().filter(|_| self.has(index, NULLS))
    }
}

/// Smallest and greatest value, as far as they are there and mean something.
fn values(kind: Kind, data_type: &DataType, statistics: &Statistics) -> (Option<Value>, Option<Value>) {
    let int = |low: Option<i64>, high: Option<i64>| (low.map(Value::Int), high.map(Value::Int));
    let float = |low: Option<f64>, high: Option<f64>| {
        let real = |value: Option<f64>| value.filter(|value| !value.is_nan());
        // Either zero may stand for both.
        let low = real(low).map(|low| Value::Float(if low == 0.0 { -0.0 } else { low }));
        (low, real(high).map(|high| Value::Float(if high == 0.0 { 0.0 } else { high })))
    };
    let text = |bytes: Option<&[u8]>| {
        let short = bytes.filter(|bytes| bytes.len() <= TEXT_BYTES_MAX);
        short.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(|text| Value::Text(text.to_owned()))
    };
    match (kind, statistics) {
        (Kind::Int, Statistics::Boolean(of)) if *data_type == DataType::Boolean => {
            int(of.min_opt().map(|value| i64::from(*value)), of.max_opt().map(|value| i64::from(*value)))
        }
        (Kind::Int, Statistics::Int32(of)) if is_narrow(data_type) => {
            let wide = |value: &i32| match data_type {
                // The bits of an unsigned number lie in a signed one.
                DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => i64::from(value.cast_unsigned()),
                _ => i64::from(*value),
            };
            int(of.min_opt().map(wide), of.max_opt().map(wide))
        }
        (Kind::Int, Statistics::Int64(of)) if !is_narrow(data_type) => {
            let wide = |value: &i64| match data_type {
                DataType::UInt64 => i64::try_from(value.cast_unsigned()).ok(),
                _ => Some(*value),
            };
            int(of.min_opt().and_then(wide), of.max_opt().and_then(wide))
        }
        (Kind::Float, Statistics::Float(of)) if *data_type == DataType::Float32 => {
            float(of.min_opt().map(|value| f64::from(*value)), of.max_opt().map(|value| f64::from(*value)))
        }
        (Kind::Float, Statistics::Double(of)) if *data_type == DataType::Float64 => {
            float(of.min_opt().copied(), of.max_opt().copied())
        }
        (Kind::Text, Statistics::ByteArray(of)) => (text(of.min_bytes_opt()), text(of.max_bytes_opt())),
        _ => (None, None),
    }
}

/// True for types that files keep in 32 bits.
fn is_narrow(data_type: &DataType) -> bool {
    let signed = matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32);
    let unsigned = matches!(data_type, DataType::UInt8 | DataType::UInt16 | DataType::UInt32);
    signed
        || unsigned
        || matches!(data_type, DataType::Date32 | DataType::Time32(TimeUnit::Second | TimeUnit::Millisecond))
}
