//! Functions of numbers.

use std::f64::consts;

use super::refused;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::Env;
use crate::value::Value;

pub(super) fn call(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    match arguments {
        [] => Ok(constant(name, env)),
        [value] => of_one(name, value),
        [left, right] => of_two(name, left, right),
        [Value::Float(_) | Value::Int(_) | Value::Null, _, _] if name == "round" => round_by_mode(arguments),
        _ => Ok(None),
    }
}

fn constant(name: &str, env: &Env<'_>) -> Option<Value> {
    Some(match name {
        "pi" => consts::PI.into(),
        "e" => consts::E.into(),
        // The upper 53 bits, as a fraction.
        "rand" => ((env.context().random() >> 11) as f64 / (1u64 << 53) as f64).into(),
        "randomuuid" => uuid(env).into(),
        _ => return None,
    })
}

/// A UUID of version 4.
fn uuid(env: &Env<'_>) -> String {
    let (high, low) = (env.context().random(), env.context().random());
    let high = (high & !0xF000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let (first, second, third) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
    format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
}

fn of_one(name: &str, value: &Value) -> Result<Option<Value>> {
    let function: fn(f64) -> f64 = match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "round" => nearest,
        "sign" => |float| if float == 0.0 { 0.0 } else { float.signum() },
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "log" => f64::ln,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "cot" => |float| float.tan().recip(),
        "coth" => |float| float.tanh().recip(),
        "degrees" => f64::to_degrees,
        "radians" => f64::to_radians,
        "haversin" => |float| (1.0 - float.cos()) / 2.0,
        "isnan" => |float| f64::from(u8::from(float.is_nan())),
        _ => return Ok(None),
    };
    Ok(Some(match (name, value) {
        (_, Value::Null) => Value::Null,
        ("abs", Value::Int(int)) => Value::Int(int.checked_abs().ok_or_else(RuntimeError::overflow)?),
        ("sign", Value::Int(int)) => Value::Int(int.signum()),
        ("sign", Value::Float(float)) => Value::Int(function(*float) as i64),
        ("isnan", Value::Int(_)) => Value::Bool(false),
        ("isnan", Value::Float(float)) => Value::Bool(float.is_nan()),
        (_, Value::Int(int)) => Value::Float(function(*int as f64)),
        (_, Value::Float(float)) => Value::Float(function(*float)),
        (_, other) => return Err(refused(name, other)),
    }))
}

/// The nearest whole number; of two, the greater one. The sum with a half would be rounded itself.
fn nearest(float: f64) -> f64 {
    let below = float.floor();
    if float - below >= 0.5 { below + 1.0 } else { below }
}

fn of_two(name: &str, left: &Value, right: &Value) -> Result<Option<Value>> {
    if !matches!(name, "atan2" | "pow" | "round") {
        return Ok(None);
    }
    if left.is_null() || right.is_null() {
        return Ok(Some(Value::Null));
    }
    let float = |value: &Value| value.as_float().ok_or_else(|| refused(name, value));
    let (first, second) = (float(left)?, float(right)?);
    Ok(Some(Value::Float(match name {
        "atan2" => first.atan2(second),
        "pow" => first.powf(second),
        _ => rounded(first, digits(right)?, "HALF_UP")?,
    })))
}

fn round_by_mode(arguments: &[Value]) -> Result<Option<Value>> {
    if arguments.iter().any(Value::is_null) {
        return Ok(Some(Value::Null));
    }
    let [value, precision, mode] = arguments else { return Ok(None) };
    let mode = mode.as_text().ok_or_else(|| refused("round", mode))?;
    let value = value.as_float().ok_or_else(|| refused("round", value))?;
    Ok(Some(Value::Float(rounded(value, digits(precision)?, mode)?)))
}

fn digits(precision: &Value) -> Result<i32> {
    let out_of_range = || {
        let message = "the digits of `round` are from 0 to 300";
        RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::NumberOutOfRange, message)
    };
    match precision {
        Value::Int(digits @ 0..=300) => Ok(*digits as i32),
        Value::Int(_) => Err(out_of_range()),
        other => Err(refused("round", other)),
    }
}

fn rounded(value: f64, digits: i32, mode: &str) -> Result<f64> {
    let scale = 10f64.powi(digits);
    let scaled = value * scale;
    if !scaled.is_finite() {
        return Ok(value);
    }
    let is_half = (scaled.fract().abs() - 0.5).abs() < 1e-9;
    let result = match mode.to_ascii_uppercase().as_str() {
        "UP" => scaled.abs().ceil().copysign(scaled),
        "DOWN" => scaled.trunc(),
        "CEILING" => scaled.ceil(),
        "FLOOR" => scaled.floor(),
        "HALF_UP" => scaled.round(),
        "HALF_DOWN" if is_half => scaled.trunc(),
        "HALF_DOWN" => scaled.round(),
        "HALF_EVEN" => scaled.round_ties_even(),
        _ => {
            let message = format!("there is no way `{mode}` to round");
            return Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message));
        }
    };
    Ok(result / scale)
}
