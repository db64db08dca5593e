//! Stamps only grow, come after what was heard, and sort as their bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::{Clock, MILLIS_MAX, Stamp};

/// What happens to one of three nodes: its wall clock stands so, and it may have got the last stamp of another.
fn steps() -> impl Strategy<Value = Vec<(usize, u64, Option<usize>)>> {
    proptest::collection::vec((0..3_usize, 0..50_u64, proptest::option::of(0..3_usize)), 1..200)
}

proptest! {
    #[test]
    fn stamps_grow_and_follow_what_was_heard(steps in steps()) {
        let mut clocks: Vec<_> = (0..3).map(|node| Clock::new(node).with_drift_max(Duration::from_millis(1_000))).collect();
        let mut last: Vec<Option<Stamp>> = vec![None; 3];
        let mut all = Vec::new();
        for (node, wall, from) in steps {
            let heard = from.and_then(|from| last[from]);
            let stamp = match heard {
                Some(heard) => clocks[node].observe(heard, wall).unwrap(),
                None => clocks[node].stamp(wall).unwrap(),
            };
            prop_assert!(last[node].is_none_or(|before| stamp > before));
            prop_assert!(heard.is_none_or(|heard| stamp > heard));
            prop_assert!(stamp.millis() >= wall);
            prop_assert_eq!(Stamp::from_bytes(stamp.to_bytes()), stamp);
            last[node] = Some(stamp);
            all.push(stamp);
        }
        let mut by_bytes = all.clone();
        by_bytes.sort_by_key(|stamp| stamp.to_bytes());
        all.sort();
        prop_assert_eq!(&all, &by_bytes);
        all.dedup();
        prop_assert_eq!(all.len(), by_bytes.len());
    }

    #[test]
    fn any_bytes_are_a_stamp(bytes in any::<[u8; 16]>()) {
        prop_assert_eq!(Stamp::from_bytes(bytes).to_bytes(), bytes);
    }
}

#[test]
fn a_clock_far_ahead_is_refused_and_changes_nothing() {
    let mut ahead = Clock::new(1);
    let heard = ahead.stamp(1_501).unwrap();
    let mut clock = Clock::new(2);
    let before = clock.stamp(1_000).unwrap();
    let refused = clock.observe(heard, 1_000).unwrap_err();
    assert!(refused.to_string().contains("too far ahead"), "{refused}");
    assert_eq!(clock.last(), Some(before));
    assert!(clock.observe(heard, 1_001).unwrap() > heard);
}

#[test]
fn a_clock_that_is_opened_again_goes_on_above() {
    let mut clock = Clock::new(7);
    let last = clock.stamp(10_000).unwrap();
    let mut again = Clock::above(7, last);
    assert!(again.stamp(3).unwrap() > last);
}

#[test]
fn a_full_millisecond_goes_into_the_next() {
    let mut clock = Clock::new(0);
    let mut last = clock.stamp(9).unwrap();
    for _ in 0..=u16::MAX {
        let stamp = clock.stamp(9).unwrap();
        assert!(stamp > last);
        last = stamp;
    }
    assert_eq!((last.millis(), last.counter()), (10, 0));
}

#[test]
fn there_is_an_end_of_time() {
    let mut clock = Clock::new(0);
    assert!(clock.stamp(MILLIS_MAX + 1).is_err());
    let last = clock.stamp(MILLIS_MAX).unwrap();
    assert!(clock.stamp(0).unwrap() > last);
}
