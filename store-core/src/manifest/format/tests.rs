//! What is accepted as a manifest, and what is not.

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::blocks::{Block, CommitId};
use crate::manifest::{Entry, File, Pin};

fn sample() -> Manifest {
    let hash = Hash::of(b"x");
    let block = Block { hash, length: 1, generation: 2 };
    let file = File { key: "data/1.parquet".into(), length: 9, hash };
    let entry = Entry::new("trades", "v3", hash).with_watermark(12).with_files(vec![file]).with_blocks(vec![block]);
    Manifest {
        number: 7,
        epoch: 2,
        commit: CommitId::from_bytes([0xab; 16]),
        parent: Some(Hash::of(b"parent")),
        collections: 2,
        created_ms: 1_700_000_000_000,
        writer: "one".into(),
        entries: vec![entry],
        properties: BTreeMap::from([("tick".into(), "9".into())]),
        pins: BTreeMap::from([("best".into(), Pin { number: 5, hash, expires_ms: None })]),
        floor: 6,
    }
}

/// The bytes of a file with this JSON and a first line that fits.
fn file(json: &str) -> Vec<u8> {
    format!("{}{json}", header(Hash::of(json.as_bytes()), json.len() as u64)).into_bytes()
}

fn refusal(bytes: &[u8]) -> String {
    let error = decode(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    format!("{error:?}")
}

#[test]
fn the_format_is_this() {
    let (bytes, _) = encode(&sample()).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap().replace(",\"", ",\n\"");
    expect![[r#"
        worldstore manifest 1 blake3=96e05f96408303727ab3b322653f7a114deb58b4719f7a3f0d20d4c6da46aba4 bytes=727
        {"number":7,
        "epoch":2,
        "commit":"abababababababababababababababab",
        "parent":"ebdea6058df2230dc25b7a7c7b487b470c508c2e0a5119c96893c443de3a9e79",
        "collections":2,
        "created_ms":1700000000000,
        "writer":"one",
        "entries":[{"name":"trades",
        "version":"v3",
        "watermark":12,
        "content":"3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5",
        "files":[{"key":"data/1.parquet",
        "length":9,
        "hash":"3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5"}],
        "blocks":[{"hash":"3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5",
        "length":1,
        "generation":2}]}],
        "properties":{"tick":"9"},
        "pins":{"best":{"number":5,
        "hash":"3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5",
        "expires_ms":null}},
        "floor":6}"#]]
    .assert_eq(&text);
}

#[test]
fn what_is_written_is_read() {
    let manifest = sample();
    let (bytes, hash) = encode(&manifest).unwrap();
    assert_eq!(decode(&bytes).unwrap(), Stored { manifest, hash });
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (bytes, _) = encode(&sample()).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.to_vec();
            bad[place] ^= 1 << bit;
            assert!(decode(&bad).is_err(), "bit {bit} of byte {place}");
        }
        assert!(decode(&bytes[..place]).is_err(), "cut at {place}");
    }
    assert!(decode(&[&bytes[..], b" "].concat()).is_err());
}

#[test]
fn the_first_line_has_one_form() {
    let (bytes, hash) = encode(&sample()).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (line, json) = text.split_once('\n').unwrap();
    let length = json.len();
    for bad in [
        format!("{line}\r"),
        format!(" {line}"),
        line.replace("manifest 1", "manifest 2"),
        format!("worldstore manifest 1 blake3={hash} bytes=+{length}"),
        format!("worldstore manifest 1 blake3={hash} bytes=0{length}"),
        format!("worldstore manifest 1 blake3={hash} bytes={}", u64::MAX),
        format!("worldstore manifest 1 blake3={hash} bytes=99999999999999999999999"),
        String::new(),
        "x".repeat(1000),
    ] {
        assert!(decode(format!("{bad}\n{json}").as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn what_says_that_it_is_too_long_is_refused_by_its_first_line() {
    let line = header(Hash::of(b""), MANIFEST_BYTES_MAX + 1);
    assert!(refusal(line.as_bytes()).contains("too long"));
}

#[test]
fn json_has_one_form() {
    let (bytes, _) = encode(&sample()).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let json = text.split_once('\n').unwrap().1;
    assert!(decode(&file(json)).is_ok());
    let parted = json.replacen(r#"{"number":7,"epoch":2,"#, r#"{"epoch":2,"number":7,"#, 1);
    for bad in [
        json.replacen(":7", ": 7", 1),
        parted,
        json.replacen(r#""tick":"9""#, r#""tick":"8","tick":"9""#, 1),
        json.replacen(r#""floor":6"#, r#""floor":6,"more":1"#, 1),
        json.replacen(r#""floor":6"#, r#""floor":6,"floor":6"#, 1),
        json.replacen(r#","floor":6"#, "", 1),
        json.replacen(r#","expires_ms":null"#, "", 1),
        json.replacen(":7", ":7.0", 1),
        json.replacen("one", "on\\u0065", 1),
    ] {
        assert_ne!(bad, json);
        let _ = refusal(&file(&bad));
    }
}

#[test]
fn rules_are_kept_on_both_sides() {
    let breaks: [fn(&mut Manifest); 15] = [
        |manifest| manifest.number = 0,
        |manifest| manifest.number = 1 << 53,
        |manifest| manifest.epoch = u64::MAX,
        |manifest| manifest.parent = None,
        |manifest| manifest.floor = 0,
        |manifest| manifest.floor = 8,
        |manifest| manifest.writer = "a\nb".into(),
        |manifest| manifest.entries.push(manifest.entries[0].clone()),
        |manifest| manifest.entries[0].name.clear(),
        |manifest| manifest.entries[0].files[0].key = "../up".into(),
        |manifest| manifest.entries[0].blocks[0].generation = 3,
        |manifest| manifest.entries[0].blocks[0].length = 0,
        |manifest| manifest.entries[0].blocks[0].length = u64::MAX,
        |manifest| manifest.pins.values_mut().for_each(|pin| pin.number = 7),
        |manifest| drop(manifest.properties.insert(String::new(), String::new())),
    ];
    for (place, damage) in breaks.into_iter().enumerate() {
        let mut manifest = sample();
        damage(&mut manifest);
        assert_eq!(encode(&manifest).unwrap_err().kind(), ErrorKind::Invalid, "rule {place}");
        let json = String::from_utf8(json(&manifest).unwrap()).unwrap();
        let _ = refusal(&file(&json));
    }
}

#[test]
fn deep_json_is_an_error_and_no_overflow() {
    let deep = format!("{}{}", r#"{"number":"#, "[".repeat(1_000_000));
    let _ = refusal(&file(&deep));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_json_is_refused_or_comes_out_as_it_went_in(json in ".{0,200}") {
        prop_assert!(decode(&file(&json)).is_err());
    }

    #[test]
    fn any_texts_survive(name in "[^\\p{Cc}]{1,30}", value in ".{0,30}", number in 8_u64..1 << 53, watermark in any::<u64>()) {
        let mut manifest = sample();
        manifest.number = number;
        manifest.entries[0].name = name.clone();
        manifest.entries[0].watermark = watermark;
        manifest.properties.insert(name, value);
        let (bytes, hash) = encode(&manifest).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), Stored { manifest, hash });
    }
}
