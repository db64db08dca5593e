//! Outcomes that are unclear, late, repeated or bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::stub::{Act, Stub};
use super::{append, expected, folder, open, payloads};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind};
use crate::memory::{Memory, Moment, Verdict};
use crate::planted::Bug;
use crate::wal::{RecordKind, Wal, WalOptions};
use crate::wrap::{Class, FaultBackend, FaultOptions, Odds};

/// What must come out as if nothing had happened.
const LINES: [&[Act]; 8] = [
    &[Act::Lost],
    &[Act::Unanswered],
    &[Act::Late],
    &[Act::LateBehind],
    &[Act::Twice],
    &[Act::Fails],
    &[Act::Fails, Act::Unanswered],
    &[Act::Late, Act::Lost, Act::LateBehind],
];

/// True if both openings and appends come through every bad line.
fn comes_through(bugs: &[Bug]) -> Result<(), String> {
    for tokens in [true, false] {
        for line in LINES {
            let stub = Arc::new(Stub::new(tokens));
            let backend: Arc<dyn Backend> = stub.clone();
            let options = bugs.iter().fold(WalOptions::new(), |options, bug| options.with_planted(*bug));
            let told = |error: Error| format!("tokens {tokens}, {line:?}: {error}");
            for round in 0..2 {
                stub.plan(line);
                let (wal, recovery) =
                    Wal::open_objects(Arc::clone(&backend), folder(), options.clone()).map_err(told)?;
                let first = 2 * round + 1;
                if (recovery.first, recovery.last) != (1, first - 1) {
                    return Err(format!("tokens {tokens}, {line:?}: {recovery:?}"));
                }
                for seq in first..first + 2 {
                    stub.plan(line);
                    wal.append_durable(RecordKind::DATA, format!("a{seq}")).map_err(told)?;
                }
                if payloads(&wal, 0).map_err(told)? != expected("a", 1..=first + 1) {
                    return Err(format!("tokens {tokens}, {line:?}: other records"));
                }
                wal.close().map_err(told)?;
            }
            assert!(stub.fired.load(Ordering::Relaxed) >= 6, "the line was bad");
        }
    }
    Ok(())
}

#[test]
fn writes_that_are_lost_late_repeated_or_unanswered_are_made_once() {
    assert_eq!(comes_through(&[]), Ok(()));
}

#[test]
fn planted_bugs_in_settling_are_found() {
    for bug in [Bug::ExistsIsForeign, Bug::UnknownIsFailed] {
        assert!(comes_through(&[bug]).is_err(), "{bug}");
    }
}

#[test]
fn a_line_that_stays_bad_poisons_and_opening_again_tells() {
    // The last attempt arrives before the fence of who opens next, behind it, or never.
    for (last_attempt, last) in [(Act::Late, 3), (Act::LateBehind, 2), (Act::Lost, 2)] {
        let stub = Arc::new(Stub::new(true));
        let backend: Arc<dyn Backend> = stub.clone();
        let (wal, _) = open(&backend).unwrap();
        append(&wal, "a", 2);
        stub.plan(&[[Act::Lost; 7].as_slice(), &[last_attempt]].concat());
        let told = wal.append_durable(RecordKind::DATA, "a3").unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Poisoned, "{told}");
        assert_eq!(wal.append(RecordKind::DATA, "x").unwrap_err().kind(), ErrorKind::Poisoned);
        drop(wal);
        let (wal, recovery) = open(&backend).unwrap();
        append(&wal, "b", 1);
        assert_eq!(recovery.last, last);
        assert_eq!(payloads(&wal, 0).unwrap(), [expected("a", 1..=last), expected("b", last + 1..=last + 1)].concat());
    }
}

#[test]
fn a_full_store_refuses_and_goes_on_with_the_same_number() {
    let full = Arc::new(AtomicU64::new(0));
    let fills = Arc::clone(&full);
    let memory = Memory::new().with_hook(move |event| match (event.operation, event.moment) {
        ("write", Moment::Before) if fills.load(Ordering::Relaxed) > 0 => {
            fills.fetch_sub(1, Ordering::Relaxed);
            Verdict::Fail(Error::new(ErrorKind::StorageFull, "no room"))
        }
        _ => Verdict::Pass,
    });
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 1);
    full.store(1, Ordering::Relaxed);
    assert_eq!(wal.append_durable(RecordKind::DATA, "a2").unwrap_err().kind(), ErrorKind::StorageFull);
    while wal.append_durable(RecordKind::DATA, "a2").is_err() {
        assert_eq!(full.load(Ordering::Relaxed), 0, "it is asked again");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(payloads(&wal, 0).unwrap(), expected("a", 1..=2));
}

#[test]
fn random_faults_lose_and_double_nothing() {
    let odds = Odds::default().with_error(0.2).with_lost_reply(0.2);
    let mut passes = 0;
    for seed in 0..20 {
        let memory: Arc<dyn Backend> = Arc::new(Memory::new());
        let bad = FaultOptions::new(seed).with(Class::Write, odds).with(Class::List, Odds::default().with_error(0.2));
        let faulty: Arc<dyn Backend> = Arc::new(FaultBackend::new(Arc::clone(&memory), bad));
        let mut acknowledged = Vec::new();
        for epoch in 0..4 {
            // Opening reads without trying again: that is for a retrying wrapper.
            let Ok((wal, _)) = open(&faulty) else { continue };
            for _ in 0..5 {
                let payload = format!("{epoch}-{}", wal.last() + 1);
                match wal.append_durable(RecordKind::DATA, payload.clone()) {
                    Ok(seq) => acknowledged.push((seq, payload)),
                    Err(_) => break,
                }
            }
        }
        let (wal, recovery) = open(&memory).unwrap();
        let all = payloads(&wal, 0).unwrap();
        assert!(all.iter().map(|(seq, _)| *seq).eq(1..=recovery.last), "seed {seed}: dense");
        assert!(acknowledged.iter().all(|record| all.contains(record)), "seed {seed}: nothing is lost");
        passes += acknowledged.len();
    }
    assert!(passes > 50, "{passes} records were acknowledged");
}
