//! Tests of the first message.

use super::*;

#[test]
fn the_first_message_tells_its_length_and_the_version() {
    let message = startup();
    assert_eq!(message[..4], u32::try_from(message.len()).unwrap().to_be_bytes());
    assert_eq!(message[4..8], [0, 3, 0, 0]);
    assert_eq!(&message[8..], b"user\0worldstore\0database\0postgres\0\0");
}
