//! Merging of ranges.

use super::*;

#[test]
fn near_ranges_become_one_request_and_far_ones_do_not() {
    let far = 10 * GAP_BYTES;
    assert_eq!(groups_of(&[far..far + 4, 8..10, 5..5, 0..4, 2..9]), [0..10, far..far + 4]);
    assert_eq!(groups_of(&[0..4, 4 + GAP_BYTES..9 + GAP_BYTES]), vec![0..9 + GAP_BYTES; 1]);
    assert_eq!(groups_of(&[0..4, 5 + GAP_BYTES..9 + GAP_BYTES]), [0..4, 5 + GAP_BYTES..9 + GAP_BYTES]);
}

#[test]
fn a_body_of_another_length_is_an_error() {
    let body = |sizes: &[usize]| {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
        let whole = whole(stream::iter(chunks).boxed(), 5);
        futures::executor::block_on(whole.try_collect::<Vec<_>>())
    };
    assert_eq!(body(&[2, 3]).expect("the length fits").len(), 2);
    for wrong in [&[2, 2][..], &[3, 3], &[]] {
        assert_eq!(body(wrong).expect_err("the length is wrong").kind(), ErrorKind::Unexpected);
    }
}
