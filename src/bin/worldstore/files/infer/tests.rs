//! Types of columns, by their texts.

use super::*;

fn guessed(texts: &[&str]) -> DataType {
    let mut guess = Guess::default();
    texts.iter().for_each(|text| guess.look(text));
    guess.data_type()
}

#[test]
fn numbers_are_those_that_stay_as_they_were_written() {
    for (texts, expected) in [
        (["1", "-2"].as_slice(), DataType::Int64),
        (&["1", "18446744073709551615"], DataType::UInt64),
        (&["-1", "18446744073709551615"], DataType::Utf8),
        (&["18446744073709551616"], DataType::Utf8),
        (&["00501", "10001"], DataType::Utf8),
        (&["+1"], DataType::Utf8),
        (&["-0"], DataType::Utf8),
        (&["1", "0.5", "-2.50", "1e3"], DataType::Float64),
        (&["0.10000000000000001"], DataType::Float64),
        (&["0.100000000000000000001"], DataType::Utf8),
        (&["9007199254740993", "0.5"], DataType::Utf8),
        (&["36028797018963970", "0.5"], DataType::Utf8),
        (&["1e400"], DataType::Utf8),
        (&["1e-400"], DataType::Utf8),
        (&["007.5"], DataType::Utf8),
        (&["NaN"], DataType::Utf8),
        (&["true", "FALSE"], DataType::Boolean),
        (&["true", "1"], DataType::Utf8),
        (&[], DataType::Null),
        (&[""], DataType::Utf8),
        (&["", "1"], DataType::Int64),
    ] {
        assert_eq!(guessed(texts), expected, "{texts:?}");
    }
}

#[test]
fn times_keep_their_zone_and_all_digits() {
    let time = |unit, is_zoned: bool| DataType::Timestamp(unit, is_zoned.then(|| "UTC".into()));
    for (texts, expected) in [
        (["2024-02-29"].as_slice(), DataType::Date32),
        (&["2023-02-29"], DataType::Utf8),
        (&["2024-02-29", "2024-02-29T10:00:00"], DataType::Utf8),
        (&["2024-02-29T10:00:00", "2024-02-29 10:00:00.25"], time(TimeUnit::Millisecond, false)),
        (&["2024-02-29T10:00:00.123456789"], time(TimeUnit::Nanosecond, false)),
        (&["2024-02-29T10:00:00.1234567891"], DataType::Utf8),
        (&["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.000001+02:00"], time(TimeUnit::Microsecond, true)),
        (&["2024-02-29T10:00:00Z", "2024-02-29T10:00:00"], DataType::Utf8),
        (&["2024-02-29T10:00:00 Europe/Berlin"], DataType::Utf8),
        (&["2024-02-29T24:00:00"], DataType::Utf8),
    ] {
        assert_eq!(guessed(texts), expected, "{texts:?}");
    }
}
