//! Pins come back, and whatever is damaged means nothing.

use std::io::Write;

use super::*;

fn pin() -> Pin {
    Pin { size: 9, version: "\"v\n1\"".into(), done: 4, checksum: Crc32c::of(b"1234") }
}

#[test]
fn a_pin_comes_back_and_a_damaged_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pin");
    assert_eq!(Pin::load(&path).unwrap(), None);
    pin().store(&path, Durability::Full).unwrap();
    assert_eq!(Pin::load(&path).unwrap(), Some(pin()));
    let text = pin().to_string();
    for end in 0..text.find("\"v").unwrap() - 1 {
        assert_eq!(Pin::parse(&text[..end]), None, "cut at {end}");
    }
    assert_eq!(Pin::parse(&text.replace("\n4\n", "\n10\n")), None, "more than there is");
    assert_eq!(Pin::parse(&text.replace("pin 1", "pin 2")), None);
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_eq!(Pin::load(&path).unwrap(), None);
}

#[test]
fn only_what_can_be_trusted_is_taken_up() {
    let take = |bytes: &[u8], stored: Option<Pin>, version: &str, size: u64| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let source = Pin { size, version: version.into(), done: 0, checksum: Crc32c::new() };
        let pin = take_up(&mut file, stored, source).unwrap();
        assert_eq!(file.metadata().unwrap().len(), pin.done);
        assert_eq!(file.stream_position().unwrap(), pin.done);
        pin.done
    };
    let version = pin().version;
    assert_eq!(take(b"1234567", Some(pin()), &version, 9), 4, "what came after the pin is not trusted");
    assert_eq!(take(b"1234", Some(pin()), &version, 9), 4);
    assert_eq!(take(b"123", Some(pin()), &version, 9), 0, "too short");
    assert_eq!(take(b"1x34", Some(pin()), &version, 9), 0, "damaged");
    assert_eq!(take(b"1234", Some(pin()), "other", 9), 0, "the source has changed");
    assert_eq!(take(b"1234", Some(pin()), &version, 8), 0, "the source has another size");
    assert_eq!(take(b"1234", None, &version, 9), 0);
}
