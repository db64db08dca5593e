//! Reads temporal values from text, as ISO 8601 writes them.

use super::duration::Amounts;
use super::zone::OFFSET_MAX;
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, SECOND, Time, Zone};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};

/// The text is none of these.
fn unreadable(what: &str, text: &str) -> RuntimeError {
    let shown: String = text.chars().take(60).collect();
    let message = format!("`{shown}` is no {what}");
    RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message)
}

/// `2015-07-21`, `20150721`, `2015-07`, `201507`, `2015-W30-2`, `2015W302`, `2015-W30`, `2015-202`, `2015202`, `2015`;
/// with a sign years may have up to nine digits.
pub(super) fn date(text: &str) -> Result<Date> {
    date_parts(text).ok_or_else(|| unreadable("date", text))?
}

fn date_parts(text: &str) -> Option<Result<Date>> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let length = if unsigned.len() == text.len() { 4 } else { digits };
    if !(4..=9).contains(&length) || digits < length {
        return None;
    }
    let year = sign * number(unsigned.get(..length)?)?;
    let rest = unsigned.get(length..)?;
    let is_extended = rest.starts_with('-');
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    if let Some(week) = rest.strip_prefix('W') {
        let (week, day) = (week.get(..2)?, week.get(2..)?);
        let day = if is_extended && !day.is_empty() { day.strip_prefix('-')? } else { day };
        let day = if day.is_empty() { 1 } else { sized(day, 1)? };
        return Some(Date::from_week(year, number(week)?, day));
    }
    if let Some((month, day)) = rest.split_once('-').filter(|_| is_extended) {
        return Some(Date::new(year, sized(month, 2)?, sized(day, 2)?));
    }
    match rest.len() {
        0 if !is_extended => Some(Date::new(year, 1, 1)),
        2 => Some(Date::new(year, number(rest)?, 1)),
        3 => Some(Date::from_ordinal(year, number(rest)?)),
        4 if !is_extended => Some(Date::new(year, number(rest.get(..2)?)?, number(rest.get(2..)?)?)),
        _ => None,
    }
}

/// Digits and nothing else.
fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn sized(text: &str, length: usize) -> Option<i64> {
    number(text).filter(|_| text.len() == length)
}

/// `21:40:32.142`, `214032.142`, `21:40`, `2140`, `21`.
pub(super) fn local_time(text: &str) -> Result<LocalTime> {
    time_parts(text).ok_or_else(|| unreadable("time", text))?
}

fn time_parts(text: &str) -> Option<Result<LocalTime>> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
        None => (text, 0),
    };
    let parts: Vec<&str> = match whole.contains(':') {
        true => whole.split(':').collect(),
        false => (0..whole.len()).step_by(2).map(|start| whole.get(start..start + 2)).collect::<Option<_>>()?,
    };
    let numbers = parts.iter().map(|part| sized(part, 2)).collect::<Option<Vec<i64>>>()?;
    let (hour, minute, second) = match numbers.as_slice() {
        [hour, minute, second] => (*hour, *minute, *second),
        [hour, minute] if fraction == 0 => (*hour, *minute, 0),
        [hour] if fraction == 0 => (*hour, 0, 0),
        _ => return None,
    };
    Some(LocalTime::new(hour, minute, second, fraction))
}

/// Digits behind a point, as nanoseconds; digits beyond nine are left out.
fn nanoseconds(fraction: &str) -> Option<i64> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{fraction:0<9}").get(..9).and_then(number) } else { None }
}

/// `Z`, `+01:00`, `+0100`, `+01`, `+01:00:30`, `+010030`, as seconds east of UTC.
pub(super) fn offset(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let plain = text.get(1..)?.replace(':', "");
    let part = |start: usize| match plain.get(start..start + 2) {
        Some(part) => number(part),
        None => Some(0),
    };
    if !matches!(plain.len(), 2 | 4 | 6) {
        return None;
    }
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    let total = i32::try_from((hours * 60 + minutes) * 60 + seconds).ok()?;
    (minutes < 60 && seconds < 60 && total <= OFFSET_MAX).then_some(sign * total)
}

/// A time of day with its offset, which is UTC if it is missing.
pub(super) fn time(text: &str) -> Result<Time> {
    let (local, zone) = split_zone(text);
    let offset = match zone {
        Some(zone) => offset(zone).ok_or_else(|| unreadable("time", text))?,
        None => 0,
    };
    Ok(Time::new(local_time(local)?, offset))
}

/// Divides in front of `Z`, `+` or `-`.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    match text.find(['Z', 'z', '+', '-']) {
        Some(place) => (&text[..place], Some(&text[place..])),
        None => (text, None),
    }
}

/// A date, and a time behind `T`; midnight without it.
pub(super) fn local_date_time(text: &str) -> Result<LocalDateTime> {
    match text.split_once('T') {
        Some((day, clock)) => Ok(LocalDateTime::new(date(day)?, local_time(clock)?)),
        None => Ok(LocalDateTime::new(date(text)?, LocalTime::MIDNIGHT)),
    }
}

/// A date and a time with offset, region in square brackets, or both. UTC if there is none.
pub(super) fn date_time(text: &str) -> Result<DateTime> {
    let (text, region) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((text, region)) => (text, Some(Zone::parse(region)?)),
        None => (text, None),
    };
    let (day, clock) = text.split_once('T').unwrap_or((text, "00"));
    let (local, zone) = split_zone(clock);
    let local = LocalDateTime::new(date(day)?, local_time(local)?);
    let offset = zone.map(|zone| offset(zone).ok_or_else(|| unreadable("date and time", text))).transpose()?;
    match (offset, region) {
        (Some(offset), Some(region)) => DateTime::with_offset(local, offset, region),
        (Some(offset), None) => DateTime::new(local, Zone::Offset(offset)),
        (None, Some(region)) => DateTime::new(local, region),
        (None, None) => DateTime::new(local, Zone::UTC),
    }
}

/// `P12Y5M14DT16H12M70.5S`, `P2.5W`, `P2012-02-02T14:37:21.545`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let body = rest.strip_prefix('P').filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| unreadable("duration", text))?;
    let units = || unit_parts(body).ok_or_else(|| unreadable("duration", text))?;
    let duration = match calendar_parts(body) {
        Some(duration) => duration?,
        None => units()?,
    };
    if sign < 0 { duration.negated() } else { Ok(duration) }
}

/// `2012-02-02T14:37:21.545`: years, months, days, and a time.
fn calendar_parts(body: &str) -> Option<Result<Duration>> {
    let (day, clock) = body.split_once('T').map_or((body, None), |(day, clock)| (day, Some(clock)));
    let mut parts = day.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let nanos = match clock.map(time_parts) {
        None => 0,
        Some(time) => match time? {
            Ok(time) => i128::from(time.nanos()),
            Err(error) => return Some(Err(error)),
        },
    };
    Some(Duration::new(year.checked_mul(12)?.checked_add(month)?, day, nanos))
}

fn unit_parts(body: &str) -> Option<Result<Duration>> {
    let (calendar, clock) = body.split_once('T').map_or((body, None), |(calendar, clock)| (calendar, Some(clock)));
    if clock.is_some_and(str::is_empty) {
        return None;
    }
    let mut amounts = Amounts::default();
    let mut units = amounts_of(calendar, "YMWD")?.into_iter().map(|(unit, number)| (unit, number, false));
    let clock = amounts_of(clock.unwrap_or_default(), "HMS")?;
    let all = units.by_ref().chain(clock.into_iter().map(|(unit, number)| (unit, number, true)));
    for (unit, number, is_clock) in all {
        if let Err(error) = add(&mut amounts, unit, number, is_clock) {
            return Some(Err(error));
        }
    }
    Some(amounts.duration())
}

/// Numbers, each with its unit; every unit once, in the order of `units`.
fn amounts_of<'a>(text: &'a str, units: &str) -> Option<Vec<(char, &'a str)>> {
    let mut found = Vec::new();
    let mut units = units.chars();
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let unit = rest[length..].chars().next()?;
        units.by_ref().find(|known| *known == unit)?;
        let number = &rest[..length];
        number.parse::<f64>().ok().filter(|number| number.is_finite())?;
        found.push((unit, number));
        rest = &rest[length + 1..];
    }
    Some(found)
}

fn add(amounts: &mut Amounts, unit: char, number: &str, is_clock: bool) -> Result<()> {
    let whole = number.parse::<i64>().ok().map(i128::from);
    let float = number.parse::<f64>().unwrap_or(f64::NAN);
    let second = i128::from(SECOND);
    match (unit, whole) {
        ('Y', Some(whole)) => amounts.months += whole * 12,
        ('Y', None) => amounts.add_months(float * 12.0)?,
        ('M', Some(whole)) if !is_clock => amounts.months += whole,
        ('M', None) if !is_clock => amounts.add_months(float)?,
        ('W', Some(whole)) => amounts.days += whole * 7,
        ('W', None) => amounts.add_days(float * 7.0)?,
        ('D', Some(whole)) => amounts.days += whole,
        ('D', None) => amounts.add_days(float)?,
        ('H', Some(whole)) => amounts.nanos += whole * 3600 * second,
        ('H', None) => amounts.add_seconds(float * 3600.0)?,
        ('M', Some(whole)) => amounts.nanos += whole * 60 * second,
        ('M', None) => amounts.add_seconds(float * 60.0)?,
        (_, Some(whole)) => amounts.nanos += whole * second,
        (_, None) => amounts.nanos += seconds(number).ok_or_else(|| unreadable("number of seconds", number))?,
    }
    Ok(())
}

/// A decimal number of seconds, as nanoseconds, without rounding on the way.
fn seconds(text: &str) -> Option<i128> {
    let (sign, unsigned) =
        text.strip_prefix('-').map_or((1, text.strip_prefix('+').unwrap_or(text)), |rest| (-1, rest));
    let (whole, fraction) = unsigned.split_once('.')?;
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    Some(sign * (i128::from(whole) * i128::from(SECOND) + i128::from(nanoseconds(fraction)?)))
}
