//! The encoding keeps the order, comes back, and survives hostile bytes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use worldstore_core::ErrorKind;

use super::{Desc, decode, decode_prefix, encode};
use crate::Real;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: i8,
    number: i64,
    huge: i128,
    natural: u64,
    vast: u128,
    real: Real,
    letter: char,
    text: String,
    maybe: Option<Option<i32>>,
    list: Vec<String>,
    map: BTreeMap<i16, String>,
    set: BTreeSet<u8>,
    pair: (u16, [i32; 2]),
    kind: Kind,
    down: Desc<(String, i64)>,
    nothing: (),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(i64),
    Pair(String, Desc<u8>),
    Named { list: Vec<Kind> },
}

fn text() -> impl Strategy<Value = String> {
    vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('\u{ff}'), any::<char>()], 0..4)
        .prop_map(String::from_iter)
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -300..300_i64, (0..63_u32).prop_map(|shift| 1 << shift), Just(i64::MIN)]
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        integer().prop_map(Kind::New),
        (text(), any::<u8>()).prop_map(|(text, byte)| Kind::Pair(text, Desc(byte))),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| vec(inner, 0..3).prop_map(|list| Kind::Named { list }))
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = (any::<bool>(), any::<i8>(), integer(), any::<i128>(), any::<u64>(), any::<u128>(), any::<f64>());
    let texts = (any::<char>(), text(), any::<Option<Option<i32>>>(), vec(text(), 0..3));
    let rest = (btree_map(any::<i16>(), text(), 0..3), btree_set(any::<u8>(), 0..3), any::<(u16, [i32; 2])>(), kind());
    (numbers, texts, rest, (text(), integer())).prop_map(|(numbers, texts, rest, down)| {
        let (flag, small, number, huge, natural, vast, real) = numbers;
        let (letter, text, maybe, list) = texts;
        let (map, set, pair, kind) = rest;
        let (real, down, nothing) = (Real(real), Desc(down), ());
        Everything {
            flag,
            small,
            number,
            huge,
            natural,
            vast,
            real,
            letter,
            text,
            maybe,
            list,
            map,
            set,
            pair,
            kind,
            down,
            nothing,
        }
    })
}

/// One value and a second one that differs in few places, so that late fields decide too.
fn two() -> impl Strategy<Value = (Everything, Everything)> {
    (everything(), everything(), 0..16_usize).prop_map(|(first, mut second, keep)| {
        let source = first.clone();
        if keep > 0 {
            (second.flag, second.small) = (source.flag, source.small);
        }
        if keep > 4 {
            (second.number, second.huge, second.natural, second.vast) =
                (source.number, source.huge, source.natural, source.vast);
        }
        if keep > 8 {
            (second.real, second.letter, second.text, second.maybe) =
                (source.real, source.letter, source.text, source.maybe);
        }
        if keep > 12 {
            (second.list, second.map, second.set, second.pair, second.kind) =
                (source.list, source.map, source.set, source.pair, source.kind);
        }
        (first, second)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bytes_sort_as_values_do((left, right) in two()) {
        prop_assert_eq!(encode(&left).unwrap().cmp(&encode(&right).unwrap()), left.cmp(&right));
    }

    #[test]
    fn each_part_sorts_by_itself(left in (integer(), text(), kind()), right in (integer(), text(), kind())) {
        prop_assert_eq!(encode(&left.0).unwrap().cmp(&encode(&right.0).unwrap()), left.0.cmp(&right.0));
        prop_assert_eq!(encode(&left.1).unwrap().cmp(&encode(&right.1).unwrap()), left.1.cmp(&right.1));
        prop_assert_eq!(encode(&left.2).unwrap().cmp(&encode(&right.2).unwrap()), left.2.cmp(&right.2));
        let (down, up) = (Desc(left.1), Desc(right.1));
        prop_assert_eq!(encode(&down).unwrap().cmp(&encode(&up).unwrap()), down.cmp(&up));
    }

    #[test]
    fn values_come_back_and_end_by_themselves(value in everything(), tail in vec(any::<u8>(), 0..9)) {
        let mut bytes = encode(&value).unwrap();
        prop_assert_eq!(&decode::<Everything>(&bytes).unwrap(), &value);
        for end in 0..bytes.len() {
            let error = decode::<Everything>(&bytes[..end]).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        bytes.extend(&tail);
        let (read, rest) = decode_prefix::<Everything>(&bytes).unwrap();
        prop_assert_eq!((&read, rest), (&value, tail.as_slice()));
    }

    #[test]
    fn hostile_bytes_are_errors_or_values(bytes in vec(any::<u8>(), 0..200)) {
        if let Err(error) = decode::<Everything>(&bytes) {
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        if let Ok(kind) = decode::<Kind>(&bytes) {
            prop_assert_eq!(encode(&kind).unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_errors_or_other_values(value in kind(), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = encode(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = decode::<Kind>(&bytes) {
            prop_assert_ne!(read, value);
        }
    }
}

#[test]
fn integers_have_one_encoding_whatever_their_width() {
    assert_eq!(encode(&5_u8).unwrap(), encode(&5_i128).unwrap());
    assert_eq!(decode::<i128>(&encode(&-7_i8).unwrap()).unwrap(), -7);
    assert_eq!(decode::<u8>(&encode(&300_u16).unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(decode::<u32>(&encode(&-1).unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    // A leading zero would be a second encoding of 5.
    assert_eq!(decode::<u32>(&[0x82, 0, 5]).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn values_that_nest_too_deeply_are_refused_on_both_sides() {
    let mut kind = Kind::Unit;
    for _ in 0..200 {
        kind = Kind::Named { list: vec![kind] };
    }
    assert_eq!(encode(&kind).unwrap_err().kind(), ErrorKind::Invalid);
    let bytes = [0x81, 3, 1].repeat(100_000);
    assert_eq!(decode::<Kind>(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn types_that_need_to_describe_themselves_cannot_be_read() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
    }
    #[derive(Serialize)]
    struct Gaps {
        #[serde(skip_serializing_if = "Option::is_none")]
        sometimes: Option<i64>,
    }
    assert_eq!(decode::<Either>(&encode(&Either::Number(1)).unwrap()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(encode(&Gaps { sometimes: None }).unwrap_err().kind(), ErrorKind::Invalid);
}
