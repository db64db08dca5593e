//! Traces against a plain map: random steps, some of them undone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Part, Seeker, Trace};
use crate::store::{Keys, Order, Visit, behind};
use crate::weight::Weight;

type Entries = Vec<(Vec<u8>, Weight)>;

fn append(trace: &mut Trace, changes: &[(Vec<u8>, Weight)]) -> worldstore_core::Result<()> {
    let mut keys = Keys::new();
    changes.iter().for_each(|(key, _)| keys.push(key));
    trace.append(keys, changes.iter().map(|(_, weight)| *weight).collect())
}

fn seen(trace: &Trace, seeker: &mut Seeker, part: Part<'_>, order: Order, count: usize) -> Entries {
    let mut entries = Entries::new();
    let visit = &mut |key: &[u8], weight| {
        entries.push((key.to_vec(), weight));
        Ok(if entries.len() == count { Visit::Enough } else { Visit::Next })
    };
    trace.visit(seeker, part, order, visit).unwrap();
    entries
}

fn all(trace: &Trace) -> Entries {
    seen(trace, &mut Seeker::default(), Part::Prefix(&[]), Order::Ascending, usize::MAX)
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(7), Just(255)], 0..10)
}

fn steps() -> impl Strategy<Value = Vec<(Entries, bool)>> {
    let changes = proptest::collection::vec((key(), -2..3_i64), 0..12);
    proptest::collection::vec((changes, prop::bool::weighted(0.8)), 1..24)
}

proptest! {
    #[test]
    fn a_trace_is_a_map(steps in steps(), probes in proptest::collection::vec(key(), 1..8)) {
        let (mut trace, mut map) = (Trace::default(), BTreeMap::<Vec<u8>, Weight>::new());
        for (changes, is_kept) in steps {
            append(&mut trace, &changes).unwrap();
            if !is_kept {
                trace.undo();
                continue;
            }
            changes.into_iter().for_each(|(key, weight)| *map.entry(key).or_default() += weight);
            map.retain(|_, weight| *weight != 0);
            let expected: Entries = map.clone().into_iter().collect();
            prop_assert_eq!(all(&trace), expected.clone());
            trace.settle();
            prop_assert_eq!(all(&trace), expected.clone());
            let mut seeker = Seeker::default();
            for probe in &probes {
                prop_assert_eq!(trace.weight(probe).unwrap(), map.get(probe).copied().unwrap_or(0));
                let with: Entries = expected.iter().filter(|(key, _)| key.starts_with(probe)).cloned().collect();
                prop_assert_eq!(seen(&trace, &mut seeker, Part::Prefix(probe), Order::Ascending, usize::MAX), with.clone());
                let end = behind(probe);
                let mut last = seen(&trace, &mut seeker, Part::Range(probe, end.as_deref()), Order::Descending, 2);
                last.reverse();
                prop_assert_eq!(last.as_slice(), &with[with.len().saturating_sub(2)..]);
            }
        }
    }
}

#[test]
fn sums_are_exact_at_the_ends_of_the_range() {
    let key = || b"a".to_vec();
    let mut trace = Trace::default();
    for change in [Weight::MIN, Weight::MAX, Weight::MAX, 1] {
        append(&mut trace, &[(key(), change)]).unwrap();
        trace.settle();
    }
    assert_eq!(all(&trace), [(key(), Weight::MAX)]);
    let error = append(&mut trace, &[(b"b".to_vec(), 3), (key(), 1)]).unwrap_err();
    assert!(error.to_string().contains("leaves the range of 64 bits"), "{error}");
    assert_eq!(all(&trace), [(key(), Weight::MAX)]);
    append(&mut trace, &[(b"b".to_vec(), 3), (key(), -1)]).unwrap();
    assert_eq!(all(&trace), [(key(), Weight::MAX - 1), (b"b".to_vec(), 3)]);
}

#[test]
fn runs_stay_few_and_entries_that_cancel_go() {
    let mut trace = Trace::default();
    for number in 0..1_000_u32 {
        append(&mut trace, &[(number.to_be_bytes().to_vec(), 1)]).unwrap();
        trace.settle();
        assert!(trace.settled.len() <= 11, "{}", trace.settled.len());
    }
    // Each step takes the first one out, so scans from the front meet more and more that has gone.
    for number in 0..700_u32 {
        let first = seen(&trace, &mut Seeker::default(), Part::Prefix(&[]), Order::Ascending, 1);
        assert_eq!(first, [(number.to_be_bytes().to_vec(), 1)]);
        append(&mut trace, &[(number.to_be_bytes().to_vec(), -1)]).unwrap();
        trace.settle();
    }
    let left: usize = trace.settled.iter().map(super::Run::len).sum();
    assert!(left < 700, "{left} entries for 300 keys");
}
