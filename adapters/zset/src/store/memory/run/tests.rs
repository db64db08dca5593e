//! Runs of keys in any order, with weights as large as they come.

use super::Run;
use crate::store::Keys;
use crate::weight::Weight;

fn run(entries: &[(&[u8], Weight)]) -> Run {
    let mut keys = Keys::new();
    entries.iter().for_each(|(key, _)| keys.push(key));
    Run::new(keys, entries.iter().map(|(_, weight)| *weight).collect())
}

fn entries(run: &Run) -> Vec<(&[u8], Weight)> {
    (0..run.len()).map(|index| (run.key(index), run.weight(index))).collect()
}

#[test]
fn keys_that_share_their_first_bytes_are_told_apart() {
    let made =
        run(&[(b"12345678b", 1), (b"12345678", 2), (b"12345678a", 3), (b"1234567", 4), (b"1234567\0", 5), (b"", 6)]);
    let sorted: [(&[u8], Weight); 6] =
        [(b"", 6), (b"1234567", 4), (b"1234567\0", 5), (b"12345678", 2), (b"12345678a", 3), (b"12345678b", 1)];
    assert_eq!(entries(&made), sorted);
    for (index, (key, _)) in sorted.iter().enumerate() {
        for from in 0..=index {
            assert_eq!(made.seek(from, key), index, "{key:?} from {from}");
        }
    }
    assert_eq!(made.seek(0, b"12345678aa"), 5);
    assert_eq!(made.seek(0, b"2"), 6);
}

#[test]
fn equal_keys_add_up_and_cancel() {
    let made = run(&[(b"b", 1), (b"a", 2), (b"b", -1), (b"c", 0), (b"a", 3)]);
    assert_eq!(entries(&made), [(b"a".as_slice(), 5)]);
    let merged = Run::merged(&run(&[(b"a", 1), (b"c", 4)]), &run(&[(b"a", -1), (b"b", 2), (b"d", 3)]));
    assert_eq!(entries(&merged), [(b"b".as_slice(), 2), (b"c".as_slice(), 4), (b"d".as_slice(), 3)]);
}

#[test]
fn a_sum_that_leaves_the_range_stands_in_pieces_until_it_is_back() {
    let high = run(&[(b"a", Weight::MAX), (b"b", 1)]);
    let over = Run::merged(&high, &run(&[(b"a", Weight::MAX)]));
    assert!(over.repeats());
    assert_eq!(entries(&over), [(b"a".as_slice(), Weight::MAX), (b"a".as_slice(), Weight::MAX), (b"b".as_slice(), 1)]);
    let (mut at, mut sum) = (0, 0);
    over.sum_equal(&mut at, &mut sum);
    assert_eq!((at, sum), (2, 2 * i128::from(Weight::MAX)));
    let back = Run::merged(&run(&[(b"a", -Weight::MAX)]), &over);
    assert_eq!(entries(&back), [(b"a".as_slice(), Weight::MAX), (b"b".as_slice(), 1)]);
}
