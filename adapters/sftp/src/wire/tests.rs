//! Packets as the draft lays them out, and what is done with those that are not.

use super::*;

fn packet(kind: u8, id: u32, body: &[u8]) -> Bytes {
    let mut packet = BytesMut::new();
    packet.put_u8(kind);
    packet.put_u32(id);
    packet.put_slice(body);
    packet.freeze()
}

#[test]
fn a_request_is_laid_out_as_the_draft_says() {
    let sent = Request::new(kind::OPEN).bytes(b"/a").u32(flags::READ).u32(0).encode(7);
    assert_eq!(&sent[..], b"\0\0\0\x13\x03\0\0\0\x07\0\0\0\x02/a\0\0\0\x01\0\0\0\0");
    let sent = Request::new(kind::MKDIR).bytes(b"/a").mode(0o700).encode(1);
    assert_eq!(&sent[..], b"\0\0\0\x13\x0e\0\0\0\x01\0\0\0\x02/a\0\0\0\x04\0\0\x01\xc0");
    let sent = Request::extended("x@y").u64(1).encode(2);
    assert_eq!(&sent[..], b"\0\0\0\x14\xc8\0\0\0\x02\0\0\0\x03x@y\0\0\0\0\0\0\0\x01");
}

#[test]
fn packets_are_taken_one_by_one_however_they_come_in() {
    let mut input = BytesMut::new();
    let all = [&b"\0\0\0\x05\x65\0\0\0\x01"[..], b"\0\0\0\x06\x66\0\0\0\x02x"].concat();
    let mut taken = Vec::new();
    for byte in all {
        input.put_u8(byte);
        taken.extend(take_packet(&mut input).unwrap());
    }
    assert_eq!(taken, [&b"\x65\0\0\0\x01"[..], b"\x66\0\0\0\x02x"]);
    for length in [0, 4, PACKET_BYTES_MAX as u32 + 1, u32::MAX] {
        assert!(take_packet(&mut BytesMut::from(&length.to_be_bytes()[..])).is_err(), "{length}");
    }
}

#[test]
fn replies_are_read_with_every_attribute() {
    let mut attrs = vec![0x80, 0, 0, 0x0f];
    attrs.extend(9_u64.to_be_bytes());
    attrs.extend([0; 8]);
    attrs.extend(0o100_644_u32.to_be_bytes());
    attrs.extend([0, 0, 0, 1, 0, 0, 0, 2]);
    attrs.extend(b"\0\0\0\x01\0\0\0\x01k\0\0\0\x01v");
    let expected = Attrs { size: Some(9), mode: Some(0o100_644), modified: Some(2) };
    assert_eq!(parse(packet(105, 3, &attrs)), Ok((3, Parsed::Attrs(expected))));
    assert_eq!(expected.kind(), FileKind::File);
    let names = [&b"\0\0\0\x01\0\0\0\x02\xff/\0\0\0\0"[..], &attrs].concat();
    let entry = Entry { name: Bytes::from_static(b"\xff/"), attrs: expected };
    assert_eq!(parse(packet(104, 4, &names)), Ok((4, Parsed::Names(vec![entry]))));
    let handle = Parsed::Handle(Bytes::from_static(b"\0\0\0\x80"));
    assert_eq!(parse(packet(102, 5, b"\0\0\0\x04\0\0\0\x80")), Ok((5, handle)), "bytes stay bytes");
    let short = Parsed::Status { code: 4, message: String::new() };
    assert_eq!(parse(packet(101, 6, b"\0\0\0\x04")), Ok((6, short)), "some leave the message out");
    let version = parse_version(Bytes::from_static(b"\x02\0\0\0\x03\0\0\0\x01x\0\0\0\x011")).unwrap();
    assert_eq!(version, (3, vec![(Bytes::from_static(b"x"), Bytes::from_static(b"1"))]));
}

#[test]
fn whatever_is_cut_off_is_an_error_and_no_panic() {
    let mut attrs = b"\x80\0\0\x0f".to_vec();
    attrs.extend([1; 40]);
    for kind in 0..=255 {
        for body in [&attrs[..], &[0xff; 30], &[0; 30], b"\0\0\0\x02\0\0\0\x09"] {
            for end in 0..body.len() {
                let _ = parse(packet(kind, 1, &body[..end]));
                let _ = parse_version(packet(kind, 1, &body[..end]));
            }
        }
    }
    for body in [&b"\0\0\0\x05abcd"[..], b"\xff\xff\xff\xff", b"\0\0"] {
        for kind in [102, 103] {
            assert!(parse(packet(kind, 1, body)).is_err());
        }
    }
    assert!(parse(packet(104, 1, b"\xff\xff\xff\xff\0\0\0\0")).is_err(), "a count is not believed");
    assert!(parse(packet(99, 1, b"")).is_err());
    assert!(parse(Bytes::new()).is_err());
}
