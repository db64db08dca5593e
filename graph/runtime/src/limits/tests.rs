//! Limits are kept, and say which of them was reached.

use std::time::{Duration, Instant};

use super::{Cancel, Limits, Meter};
use crate::error::ErrorDetail;

#[test]
fn without_limits_everything_goes() {
    let meter = Meter::default();
    meter.holder().add(u64::MAX).unwrap();
    for _ in 0..1_000 {
        meter.tick().unwrap();
        meter.row().unwrap();
    }
}

#[test]
fn memory_is_given_back() {
    let meter = Meter::new(Limits::default().with_memory(100));
    let mut first = meter.holder();
    first.add(60).unwrap();
    let mut second = meter.holder();
    assert_eq!(second.add(41).unwrap_err().detail(), ErrorDetail::MemoryExceeded);
    first.subtract(20);
    second.add(60).unwrap();
    drop(second);
    first.add(60).unwrap();
}

#[test]
fn rows_are_counted() {
    let meter = Meter::new(Limits::default().with_rows(2));
    meter.row().unwrap();
    meter.row().unwrap();
    assert_eq!(meter.row().unwrap_err().detail(), ErrorDetail::RowsExceeded);
}

#[test]
fn a_deadline_shows_after_some_ticks() {
    let past = Instant::now().checked_sub(Duration::from_millis(1)).unwrap();
    let meter = Meter::new(Limits::default().with_deadline(past));
    assert_eq!(meter.look().unwrap_err().detail(), ErrorDetail::DeadlineExceeded);
    let error = (0..100).find_map(|_| meter.tick().err()).unwrap();
    assert_eq!(error.detail(), ErrorDetail::DeadlineExceeded);
}

#[test]
fn the_caller_may_stop_from_another_thread() {
    let cancel = Cancel::default();
    let meter = Meter::new(Limits::default().with_cancel(cancel.clone()));
    meter.tick().unwrap();
    std::thread::spawn(move || cancel.cancel()).join().unwrap();
    assert_eq!(meter.tick().unwrap_err().detail(), ErrorDetail::Cancelled);
}
