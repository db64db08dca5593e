//! Arithmetic on ranges of numbers, always widened, never narrowed.

use super::{Function, Limits, Operation};

/// It can be a number.
pub(super) const VALUE: u8 = 1;
/// It can be null.
pub(super) const NULL: u8 = 2;
/// It can be NaN.
pub(super) const NAN: u8 = 4;

/// Whole numbers up to here are the same as floats.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// What a number can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub low: f64,
    pub high: f64,
    /// Of [`VALUE`], [`NULL`] and [`NAN`]; without [`VALUE`], the bounds mean nothing.
    pub may: u8,
}

/// The greatest float that is not above a whole number.
pub(super) fn below(value: i64) -> f64 {
    let near = value as f64;
    if near as i128 > i128::from(value) { near.next_down() } else { near }
}

/// The smallest float that is not below a whole number.
pub(super) fn above(value: i64) -> f64 {
    let near = value as f64;
    if (near as i128) < i128::from(value) { near.next_up() } else { near }
}

impl Number {
    /// Both operands are in their ranges, the result is in its own.
    pub fn combine(self, operation: Operation, other: Self, limits: Limits) -> Self {
        let (a, b, c, d) = (self.low, self.high, other.low, other.high);
        let is_infinite = [a, b, c, d].iter().any(|bound| bound.is_infinite());
        let mut nan = (self.may | other.may) & NAN != 0 || is_infinite;
        let (low, high) = match operation {
            Operation::Add => (a + c, b + d),
            Operation::Subtract => (a - d, b - c),
            Operation::Multiply => ends([a * c, a * d, b * c, b * d]),
            Operation::Divide if limits != Limits::Float => whole(),
            Operation::Divide if c <= 0.0 && d >= 0.0 => {
                nan = true;
                whole()
            }
            Operation::Divide => ends([a / c, a / d, b / c, b / d]),
        };
        self.with(low, high, limits).joined(self.may, other.may, nan && limits == Limits::Float)
    }

    /// A function of a number in its range.
    pub fn apply(self, function: Function, limits: Limits) -> Self {
        let (low, high) = (self.low, self.high);
        let mut nan = self.may & NAN != 0;
        let (low, high) = match function {
            Function::Negate => (-high, -low),
            Function::Abs if low <= 0.0 && high >= 0.0 => (0.0, (-low).max(high)),
            Function::Abs => (low.abs().min(high.abs()), low.abs().max(high.abs())),
            Function::Square if low <= 0.0 && high >= 0.0 => (0.0, (low * low).max(high * high)),
            Function::Square => ((low * low).min(high * high), (low * low).max(high * high)),
            Function::Sqrt if high < 0.0 => {
                let nan = if self.may & (VALUE | NAN) != 0 { NAN } else { 0 };
                return Self { low, high, may: (self.may & NULL) | nan };
            }
            Function::Sqrt => {
                nan |= low < 0.0;
                (if low > 0.0 { low.sqrt() } else { -0.0 }, high.sqrt())
            }
            Function::Floor => (low.floor(), high.floor()),
            Function::Ceil => (low.ceil(), high.ceil()),
            Function::Cast => (low, high),
        };
        let is_exact = matches!(function, Function::Negate | Function::Abs | Function::Floor | Function::Ceil);
        let result = match is_exact && limits == Limits::Float {
            true => Self { low: zero_below(low), high: zero_above(high), may: 0 },
            false => self.with(low, high, limits),
        };
        result.joined(self.may, VALUE, nan && limits == Limits::Float)
    }

    /// A range of results, rounded outwards; the whole of the type if it can leave that.
    fn with(self, low: f64, high: f64, limits: Limits) -> Self {
        let (low, high) = if low.is_nan() || high.is_nan() { whole() } else { (low, high) };
        let (low, high) = match limits {
            Limits::Float => (zero_below(low.next_down()), zero_above(high.next_up())),
            Limits::Int { low: least, high: most } if low < least || high > most => whole(),
            Limits::Int { .. } => {
                let is_exact = |bound: f64| bound.abs() < EXACT_MAX;
                // Whole numbers have one zero.
                let (low, high) = (low + 0.0, high + 0.0);
                (if is_exact(low) { low } else { low.next_down() }, if is_exact(high) { high } else { high.next_up() })
            }
        };
        Self { low, high, may: 0 }
    }

    fn joined(mut self, one: u8, other: u8, nan: bool) -> Self {
        let is_value = one & VALUE != 0 && other & VALUE != 0;
        let is_real = one & (VALUE | NAN) != 0 && other & (VALUE | NAN) != 0;
        self.may = if is_value { VALUE } else { 0 };
        self.may |= (one | other) & NULL;
        self.may |= if nan && is_real { NAN } else { 0 };
        self
    }
}

fn whole() -> (f64, f64) {
    (f64::NEG_INFINITY, f64::INFINITY)
}

/// The ends of all products or quotients of ends.
fn ends(all: [f64; 4]) -> (f64, f64) {
    if all.iter().any(|end| end.is_nan()) {
        return whole();
    }
    (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

fn zero_below(low: f64) -> f64 {
    if low == 0.0 { -0.0 } else { low }
}

fn zero_above(high: f64) -> f64 {
    if high == 0.0 { 0.0 } else { high }
}
