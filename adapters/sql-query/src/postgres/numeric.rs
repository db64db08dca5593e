//! Numerics: decimal numbers of any size, from their binary format to decimals of one scale.
//!
//! The format is four 16-bit numbers (digits, weight, sign, scale), then the digits, each from 0 to 9,999. The first
//! one counts ten thousand to the power of the weight.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Decimal256Array};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, i256};
use worldstore_core::{Error, ErrorKind, Result};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// A decimal number: the mantissa, divided by ten to the power of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numeric {
    mantissa: i256,
    scale: u16,
}

impl Numeric {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let words: Vec<u16> = bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]])).collect();
        let [count, weight, sign, scale, digits @ ..] = &words[..] else { return Err(broken()) };
        if digits.len() != usize::from(*count)
            || !bytes.len().is_multiple_of(2)
            || digits.iter().any(|digit| *digit > 9_999)
        {
            return Err(broken());
        }
        let mut mantissa = i256::ZERO;
        for digit in digits {
            mantissa = checked(mantissa.checked_mul(i256::from_i128(10_000)))?;
            mantissa = checked(mantissa.checked_add(i256::from_i128((*digit).into())))?;
        }
        // Ten to the power of this is what the last digit counts, in units of the scale.
        let exponent = 4 * (i32::from(*weight as i16) - digits.len() as i32 + 1) + i32::from(*scale);
        let mantissa = match exponent {
            _ if mantissa == i256::ZERO => mantissa,
            0.. => checked(mantissa.checked_mul(power(exponent as u32)?))?,
            // Digits behind the scale are zeros.
            _ => checked(mantissa.checked_div(power(exponent.unsigned_abs())?))?,
        };
        match *sign {
            POSITIVE => Ok(Self { mantissa, scale: *scale }),
            NEGATIVE => Ok(Self { mantissa: mantissa.wrapping_neg(), scale: *scale }),
            _ => Err(Error::unsupported("numeric is infinite or no number")),
        }
    }

    fn at_scale(self, scale: u16) -> Result<i256> {
        checked(self.mantissa.checked_mul(power(u32::from(scale.saturating_sub(self.scale)))?))
    }
}

/// A column of decimals with the largest scale of its values: of 38 digits if they fit, else of 76.
pub(crate) fn array(values: &[Option<Numeric>]) -> Result<ArrayRef> {
    let scale = values.iter().flatten().map(|value| value.scale).max().unwrap_or(0);
    let rescale = |value: &Option<Numeric>| value.map(|value| value.at_scale(scale)).transpose();
    let values = values.iter().map(rescale).collect::<Result<Vec<_>>>()?;
    let fits = |digits: u8| -> Result<bool> {
        let limit = power(digits.into())?;
        Ok(scale <= u16::from(digits)
            && values.iter().flatten().all(|value| *value < limit && *value > limit.wrapping_neg()))
    };
    let failed = |error| Error::unexpected("the decimals do not fit").caused_by(error);
    if fits(DECIMAL128_MAX_PRECISION)? {
        let narrow: Decimal128Array = values.iter().map(|value| value.and_then(i256::to_i128)).collect();
        let array = narrow.with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale as i8).map_err(failed)?;
        return Ok(Arc::new(array));
    }
    if fits(DECIMAL256_MAX_PRECISION)? {
        let wide: Decimal256Array = values.into_iter().collect();
        let array = wide.with_precision_and_scale(DECIMAL256_MAX_PRECISION, scale as i8).map_err(failed)?;
        return Ok(Arc::new(array));
    }
    Err(too_large())
}

fn power(exponent: u32) -> Result<i256> {
    checked(i256::from_i128(10).checked_pow(exponent))
}

fn checked(value: Option<i256>) -> Result<i256> {
    value.ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::unsupported("numeric has more than 76 digits: cast it to text")
}

fn broken() -> Error {
    Error::new(ErrorKind::Corrupt, "numeric is not in its binary format")
}
