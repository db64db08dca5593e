//! Headers that lie, and headers with bytes changed at random: an error or tensors within the file, never a panic.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;
use worldstore_core::ErrorKind;

use super::*;

fn file(header: &str, data: &[u8]) -> Bytes {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    Bytes::from(bytes)
}

const GOOD: &str = r#"{"__metadata__":{"made":"by hand"},"b":{"dtype":"I16","shape":[2],"data_offsets":[8,12]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"none":{"dtype":"U8","shape":[0,7],"data_offsets":[12,12]}}"#;

#[test]
fn a_row_is_a_tensor() {
    let data: Vec<u8> = (0..12).collect();
    let (_, batches) = read(&file(GOOD, &data)).unwrap();
    let batch = &batches[0];
    assert_eq!(batch.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b", "none"]);
    assert_eq!(batch.column(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["F32", "I16", "U8"]);
    let shapes = batch.column(2).as_list::<i32>();
    assert_eq!(shapes.value(0).as_primitive::<Int64Type>().values(), &[1, 2]);
    let bytes = batch.column(3).as_binary::<i64>();
    assert_eq!((bytes.value(0), bytes.value(1), bytes.value(2)), (&data[..8], &data[8..], &[][..]));
}

#[test]
fn headers_that_lie_are_refused() {
    let of = |header: &str, data: usize| read(&file(header, &vec![0; data])).unwrap_err();
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    for (header, data) in [
        (tensor("F32", "[2]", "[0,4]"), 4),
        (tensor("F32", "[1]", "[0,4]"), 8),
        (tensor("F32", "[1]", "[4,8]"), 8),
        (tensor("F32", "[1]", "[4,0]"), 4),
        (tensor("F32", "[1]", "[0,18446744073709551615]"), 4),
        (tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0),
        (tensor("U8", "[18446744073709551615,0]", "[0,0]"), 0),
        (tensor("F32", "[-1]", "[0,4]"), 4),
        (tensor("F32", "[1.5]", "[0,4]"), 4),
        (tensor("F32", "[1]", "[0]"), 4),
        ("[]".to_owned(), 0),
        ("{".to_owned(), 0),
        (r#"{"a":1}"#.to_owned(), 0),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), 0),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), 0),
        (
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
                .to_owned(),
            2,
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#
                .to_owned(),
            3,
        ),
    ] {
        let error = of(&header, data);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}: {error}", header.chars().take(90).collect::<String>());
    }
    let error = of(&tensor("F33", "[1]", "[0,4]"), 4);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("F33"), "{error}");
}

#[test]
fn lengths_are_checked_before_anything_is_read() {
    for (length, file_bytes) in [(u64::MAX, 100), (100_000_001, u64::MAX), (93, 100), (u64::MAX - 7, u64::MAX)] {
        assert_eq!(check_length(&length.to_le_bytes(), file_bytes).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(check_length(&92_u64.to_le_bytes(), 100).unwrap(), 92);
    assert_eq!(check_length(&[0; 3], 3).unwrap_err().kind(), ErrorKind::Corrupt);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn changed_headers_are_answered(changes in prop::collection::vec((0..300_usize, any::<u8>()), 1..6), cut in 0..300_usize) {
        let mut bytes = file(GOOD, &[7; 12]).to_vec();
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if cut < bytes.len() && cut % 5 == 0 {
            bytes.truncate(cut);
        }
        match read(&Bytes::from(bytes.clone())) {
            Ok((_, batches)) => {
                let data = batches[0].column(3).as_binary::<i64>();
                let held: usize = (0..data.len()).map(|row| data.value(row).len()).sum();
                prop_assert!(held <= bytes.len());
            }
            Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported)),
        }
    }

    #[test]
    fn numbers_of_a_header_are_answered(shape in prop::collection::vec(any::<u64>(), 0..4), from in any::<u64>(), to in any::<u64>(), data in 0..64_usize) {
        let header = format!(r#"{{"a":{{"dtype":"F64","shape":{shape:?},"data_offsets":[{from},{to}]}}}}"#);
        let answered = read(&file(&header, &vec![0; data]));
        prop_assert!(answered.is_ok() == (from == 0 && to == data as u64 && shape.iter().try_fold(8, |all: u64, one| all.checked_mul(*one)) == Some(data as u64)));
    }
}
