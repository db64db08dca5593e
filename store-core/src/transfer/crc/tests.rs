//! Against the vectors of RFC 3720, appendix B.4, and bit by bit.

use proptest::prelude::*;

use super::*;

#[test]
fn published_vectors() {
    assert_eq!(Crc32c::of(b"").value(), 0);
    assert_eq!(Crc32c::of(b"123456789").value(), 0xe306_9283);
    assert_eq!(Crc32c::of(&[0; 32]).value(), 0x8a91_36aa);
    assert_eq!(Crc32c::of(&[0xff; 32]).value(), 0x62a8_ab43);
    let rising: Vec<u8> = (0..32).collect();
    assert_eq!(Crc32c::of(&rising).value(), 0x46dd_794e);
    assert_eq!(Crc32c::of(&rising).to_string(), "46dd794e");
}

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

fn bit_by_bit(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    !crc
}

proptest! {
    #[test]
    fn pieces_make_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let (first, rest) = bytes.split_at(at.index(bytes.len() + 1));
        let mut crc = Crc32c::of(first);
        crc.update(rest);
        prop_assert_eq!(crc.value(), bit_by_bit(&bytes));
    }
}
