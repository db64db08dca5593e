//! Short and long keys are one order.

use super::{INLINE_BYTES_MAX, Key};

#[test]
fn keys_of_all_lengths_compare_as_their_bytes() {
    assert_eq!(size_of::<Key>(), 32);
    let lengths = [0, 1, INLINE_BYTES_MAX - 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 300];
    let all: Vec<Vec<u8>> = lengths.iter().flat_map(|length| [0, 1, 255].map(|byte| vec![byte; *length])).collect();
    for left in &all {
        assert_eq!(Key::new(left).bytes(), left);
        for right in &all {
            assert_eq!(Key::new(left).cmp(&Key::new(right)), left.cmp(right));
        }
    }
}
