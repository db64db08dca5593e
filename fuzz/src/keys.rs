//! Keys of objects, folders, and Hive partitions in them.

use worldstore_core::hive;
use worldstore_core::key::{KEY_BYTES_MAX, Key, Prefix};

/// A text is a key as it stands, or none: what a key may not have is in none of them.
pub fn keys(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = Key::new(text) {
        assert_eq!(key.as_str(), text, "a key is never rewritten");
        assert!(text.len() <= KEY_BYTES_MAX);
        assert!(!text.contains('\\') && !text.chars().any(char::is_control));
        assert!(text.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
        let parent = key.parent();
        match parent.is_root() {
            true => assert_eq!(key.name(), text),
            false => assert_eq!(format!("{parent}/{}", key.name()), text),
        }
    }
    if let Ok(prefix) = Prefix::new(text) {
        assert_eq!(prefix.as_str(), text, "a folder is never rewritten");
        assert_eq!(prefix.is_root(), text.is_empty());
        assert_eq!(Key::new(text).is_ok(), !text.is_empty(), "a folder could hold an object of its name");
    }
}

/// What was read of partitions is written and read again as the same, and a column reads as its type says.
pub fn hive(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(partitions) = hive::parse(text) else { return };
    for (name, value) in &partitions {
        let segment = match hive::segment(name, value.as_deref()) {
            Ok(segment) => segment,
            Err(error) => panic!("{name:?} was read and cannot be written: {error}"),
        };
        assert_eq!(hive::parse_segment(&segment).ok(), Some((name.clone(), value.clone())));
        let kind = hive::infer([value.as_deref()]);
        let Ok(read) = kind.read(value.as_deref()) else { panic!("{value:?} is not of its own type {kind}") };
        assert_eq!(read.text(), *value, "a typed value loses nothing of its text");
    }
}
