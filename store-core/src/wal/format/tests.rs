//! The format byte by byte, and any bytes whatever.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

const LOG: LogId = LogId([0x11; 16]);

fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_header_byte_by_byte() {
    let header = SegmentHeader { log: LOG, number: 2, first: 3, epoch: 4 };
    expect![[r#"
        57535457414c0d0a0100000040000000
        11111111111111111111111111111111
        02000000000000000300000000000000
        0400000000000000000000004dc1f1ba"#]]
    .assert_eq(&hex(&header.encode()));
    assert_eq!(SegmentHeader::decode(&header.encode()).unwrap(), header);
}

#[test]
fn a_mark_byte_by_byte() {
    let mark = EpochMark { log: LOG, epoch: 5, first: 6 };
    expect![[r#"
        57535445504f0d0a0100000000000000
        11111111111111111111111111111111
        05000000000000000600000000000000
        0000000067f6b348"#]]
    .assert_eq(&hex(&mark.encode()));
    assert_eq!(EpochMark::decode(&mark.encode()).unwrap(), mark);
}

#[test]
fn a_frame_byte_by_byte() {
    let place = Place::new(&LOG, 2);
    let head = FrameHeader::new(7, 1, 8, 9, 3).encode(&place, 64, b"abc");
    let bytes = [&head[..], b"abc\0\0\0\0\0"].concat();
    expect![[r#"
        03000000a52df2060700000001000000
        08000000000000000900000000000000
        6162630000000000"#]]
    .assert_eq(&hex(&bytes));
    let Decoded::Frame(frame) = Decoded::at(&place, 64, &bytes) else { panic!("no frame") };
    assert_eq!((frame.payload, frame.header.seq, frame.header.group()), (&b"abc"[..], 8, Some(7)));
    assert_eq!(Decoded::at(&place, 72, &bytes), Decoded::Bad(Fault::Checksum));
    assert_eq!(Decoded::at(&Place::new(&LOG, 3), 64, &bytes), Decoded::Bad(Fault::Checksum));
    assert_eq!(Decoded::at(&Place::new(&LogId([0x12; 16]), 2), 64, &bytes), Decoded::Bad(Fault::Checksum));
    assert_eq!(Decoded::at(&place, 64, &bytes[..20]), Decoded::Short(32));
    assert_eq!(Decoded::at(&place, 64, &bytes[..39]), Decoded::Short(40));
}

#[test]
fn what_is_no_frame() {
    let place = Place::new(&LOG, 2);
    let head = FrameHeader::new(7, 1, 8, 9, 0).encode(&place, 64, b"");
    let bad = |at: usize, byte: u8| {
        let mut head = head;
        head[at] = byte;
        Decoded::at(&place, 64, &head)
            == Decoded::Bad(match at {
                0..4 => Fault::Length,
                8 => Fault::Kind,
                9..12 => Fault::Reserved,
                _ => Fault::Checksum,
            })
    };
    assert!(
        bad(3, 0xff) && bad(8, 0) && bad(8, 131) && bad(9, 1) && bad(11, 1) && bad(12, 0) && bad(16, 9) && bad(4, 0)
    );
    assert_eq!(Decoded::at(&place, 64, &[0; 64]), Decoded::Bad(Fault::Unwritten));
    assert_eq!(FrameHeader::new(1, 5, 4, 1, 0).group(), None);
}

#[test]
fn what_is_no_header() {
    let bytes = SegmentHeader { log: LOG, number: 2, first: 3, epoch: 4 }.encode();
    let mark = EpochMark { log: LOG, epoch: 5, first: 6 }.encode();
    for at in 0..bytes.len() {
        let mut bytes = bytes;
        bytes[at] ^= 1;
        assert_eq!(SegmentHeader::decode(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(SegmentHeader::decode(&bytes[..at]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    for at in 0..mark.len() {
        let mut mark = mark;
        mark[at] ^= 1;
        assert_eq!(EpochMark::decode(&mark).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(EpochMark::decode(&mark[..at]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    // A later version, whole.
    let mut later = bytes;
    later[8] = 2;
    let crc = crc32c::crc32c(&later[..60]);
    later[60..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(SegmentHeader::decode(&later).unwrap_err().kind(), ErrorKind::Unsupported);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), offset: u64, kind: u8) {
        let place = Place::new(&LOG, offset);
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(8) {
            *byte = kind;
        }
        match Decoded::at(&place, offset, &bytes) {
            Decoded::Frame(frame) => prop_assert!(frame.payload.len() < bytes.len()),
            Decoded::Short(needed) => prop_assert!(needed > bytes.len() && needed <= frame_bytes(PAYLOAD_BYTES_MAX)),
            Decoded::Bad(_) => {}
        }
        let _ = SegmentHeader::decode(&bytes);
        let _ = EpochMark::decode(&bytes);
    }

    #[test]
    fn what_was_encoded_is_decoded(
        payload in prop::collection::vec(any::<u8>(), 0..200), kind in 1..=127_u8, index: u32, seq: u64, epoch: u64,
        offset: u64, flipped in 0..8 * 32_usize,
    ) {
        let place = Place::new(&LOG, 1);
        let header = FrameHeader::new(kind, index, seq, epoch, payload.len() as u32);
        let mut bytes = header.encode(&place, offset, &payload).to_vec();
        bytes.extend_from_slice(&payload);
        bytes.resize(frame_bytes(payload.len()), 0);
        let Decoded::Frame(frame) = Decoded::at(&place, offset, &bytes) else { panic!("no frame") };
        prop_assert_eq!(FrameHeader { crc: 0, ..frame.header }, header);
        prop_assert_eq!(frame.payload, &payload[..]);
        bytes[flipped / 8] ^= 1 << (flipped % 8);
        prop_assert!(!matches!(Decoded::at(&place, offset, &bytes), Decoded::Frame(_)));
    }
}
