//! Heads as the scripts write them, and damaged ones.

use worldstore_core::{ErrorKind, Key};

use super::Head;

#[test]
fn heads_are_read_and_damage_is_told() {
    let key = Key::new("a").unwrap();
    let head = Head::parse(&key, b"17 5 1000000 - 0 0 =token").unwrap();
    assert_eq!((head.meta.size, head.token.as_deref(), head.pieces), (5, Some("token"), None));
    let head = Head::parse(&key, b"17 25 1000000 16 3 10 -").unwrap();
    assert_eq!((head.token, head.pieces.unwrap().count), (None, 3));
    assert_eq!(Head::parse(&key, b"17 5 1 - 0 0 =-").unwrap().token.as_deref(), Some("-"));
    let damaged: [&[u8]; 6] = [b"", b"17", b"17 x 1 - 0 0 -", b"17 25 1 16 2 10 -", b"17 25 1 16 3 0 -", b"\xff"];
    for text in damaged {
        assert_eq!(Head::parse(&key, text).unwrap_err().kind(), ErrorKind::Corrupt, "{text:?}");
    }
}
