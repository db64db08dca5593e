//! Numbers as they are written, whatever type can hold them.

/// A number in digits: equal to another one if both mean the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Number {
    is_negative: bool,
    /// Without zeros before and behind; empty for zero.
    digits: String,
    /// The power of ten that the last digit counts.
    exponent: i64,
}

impl Number {
    /// Reads digits with an optional sign, point and exponent. Words as `NaN` are none.
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let kept = digits.trim_end_matches('0');
        let cut = i64::try_from(digits.len() - kept.len()).ok()?;
        let exponent = power.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(cut)?;
        let digits = kept.trim_start_matches('0').to_owned();
        let is_zero = digits.is_empty();
        Some(Self {
            is_negative: text.starts_with('-') && !is_zero,
            digits,
            exponent: if is_zero { 0 } else { exponent },
        })
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The digits of a whole number that has no more of them than any integer; none for others.
    pub fn whole(&self) -> Option<String> {
        const DIGITS: usize = 80;
        let zeros =
            usize::try_from(self.exponent).ok().filter(|zeros| zeros.saturating_add(self.digits.len()) < DIGITS)?;
        match self.is_zero() {
            true => Some("0".to_owned()),
            false => Some(format!("{}{}{}", if self.is_negative { "-" } else { "" }, self.digits, "0".repeat(zeros))),
        }
    }
}

/// True for digits alone, with a sign or without.
pub fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// True if a whole number is the same as a float: it comes back from it.
pub fn comes_back(text: &str, float: f64) -> bool {
    // Within these bounds a float as an integer is exact.
    float.abs() < 1e38 && text.parse::<i128>().is_ok_and(|number| float as i128 == number)
}

#[cfg(test)]
mod tests;
