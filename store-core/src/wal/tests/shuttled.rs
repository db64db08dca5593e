//! The engine under a scheduler that tries orders of threads: no acknowledgement comes early, no wake-up is lost.
//!
//! The files of the engine are compiled once more here, with the scheduler's threads and locks.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64 as Plain, Ordering as Order};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;

use self::engine::{Appended, Engine, Flusher, Settings};
use super::super::sink::{Ending, Failure, Pending, Sink};
use super::super::{format, options, sink, stats};
use crate::error::{Error, ErrorKind};
use crate::planted::{Bug, Planted};
use options::OverBudget;

#[allow(clippy::duplicate_mod, dead_code, unused_imports, reason = "the same files on other threads and locks")]
#[path = "../engine/mod.rs"]
mod engine;

/// As the module of this name beside the engine.
mod sync {
    pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(super) use shuttle::thread;
    pub(super) use std::sync::Arc;
}

use sync::{Arc, thread};

/// The number at which a sink fails, and how.
type Fails = Option<(u64, fn(Error) -> Failure)>;
/// What a thread does.
type Work = Box<dyn FnOnce(&Arc<Engine>, &Plain) + Send>;

/// Keeps how far it is durable, and takes its time.
struct Slow {
    durable: Arc<Plain>,
    /// Records that it takes at once.
    part: usize,
    fails: Fails,
}

impl Sink for Slow {
    fn write(&mut self, group: &[Pending], first: u64) -> Result<usize, Failure> {
        assert_eq!(first, self.durable.load(Order::SeqCst) + 1, "numbers are dense");
        thread::yield_now();
        let count = group.len().min(self.part);
        let last = first + count as u64 - 1;
        if let Some((_, fail)) = self.fails.filter(|(at, _)| (first..=last).contains(at)) {
            self.fails = None;
            return Err(fail(Error::new(ErrorKind::StorageFull, "no room")));
        }
        self.durable.store(last, Order::SeqCst);
        Ok(count)
    }

    fn check(&mut self) -> Result<(), Failure> {
        thread::yield_now();
        Ok(())
    }

    fn make_room(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn turn(&mut self, _: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn close(&mut self, _: Ending) -> Result<(), Failure> {
        Ok(())
    }
}

fn settings() -> Settings {
    Settings {
        queue_bytes: 1 << 20,
        log_bytes: None,
        group_bytes: 100,
        gather: Duration::ZERO,
        lead_within: Duration::MAX,
        over: OverBudget::Block,
        flusher: Flusher::Thread,
        planted: Planted::NONE,
    }
}

struct Run {
    engine: Arc<Engine>,
    durable: Arc<Plain>,
    flusher: Option<thread::JoinHandle<()>>,
}

impl Run {
    fn new(settings: Settings, fails: Fails) -> Self {
        let durable = Arc::new(Plain::new(0));
        let sink = Slow { durable: Arc::clone(&durable), part: 2, fails };
        let engine = Engine::new(Box::new(sink), 0, 0, settings);
        let flusher = engine.start().unwrap();
        Self { engine, durable, flusher }
    }

    /// Runs each of these in a thread, and closes the log.
    fn threads(mut self, works: Vec<Work>) {
        let threads: Vec<_> = works
            .into_iter()
            .map(|work| {
                let (engine, durable) = (Arc::clone(&self.engine), Arc::clone(&self.durable));
                thread::spawn(move || work(&engine, &durable))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let flusher = self.flusher.take();
        let closed = self.engine.close(|| flusher.into_iter().for_each(|flusher| flusher.join().unwrap()));
        if closed.is_ok() {
            assert_eq!(self.engine.last(), self.durable.load(Order::SeqCst), "all is written in the end");
        }
    }
}

fn append(engine: &Arc<Engine>) -> Appended {
    engine.append(1, Bytes::from_static(b"0123456789"), OverBudget::Block).unwrap()
}

/// Appends and waits.
fn waits(engine: &Arc<Engine>, durable: &Plain) {
    let seq = append(engine).wait().unwrap();
    assert!(seq <= durable.load(Order::SeqCst) && seq <= engine.durable(), "acknowledged before it was durable");
}

/// Appends and leads.
fn leads(engine: &Arc<Engine>, durable: &Plain) {
    let seq = engine.append_durable(1, Bytes::new()).unwrap();
    assert!(seq <= durable.load(Order::SeqCst) && seq <= engine.durable(), "acknowledged before it was durable");
}

/// Appends as async code does.
fn awaits(engine: &Arc<Engine>, durable: &Plain) {
    let seq = shuttle::future::block_on(append(engine)).unwrap();
    assert!(seq <= durable.load(Order::SeqCst), "acknowledged before it was durable");
}

/// Appends as a task does that leads.
fn awaits_and_leads(engine: &Arc<Engine>, durable: &Plain) {
    let appended = loop {
        match engine.append_awaited(1, Bytes::from_static(b"0123456789")) {
            Ok(appended) => break appended,
            // Over budget.
            Err(error) if error.kind() == ErrorKind::Unavailable => engine.room(10).unwrap().wait().unwrap(),
            Err(error) => panic!("{error}"),
        }
    };
    let seq = shuttle::future::block_on(appended).unwrap();
    assert!(seq <= durable.load(Order::SeqCst) && seq <= engine.durable(), "acknowledged before it was durable");
}

/// Appends as a task that is cancelled after it was asked so many times; others see its record.
fn cancelled<const POLLS: usize>(engine: &Arc<Engine>, durable: &Plain) {
    let Ok(mut appended) = engine.append_awaited(1, Bytes::new()) else { return };
    let seq = appended.seq();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS {
        let _ = Pin::new(&mut appended).poll(&mut context);
    }
    drop(appended);
    // Nobody waits for it, in any way that the log knows of.
    while engine.durable() < seq {
        thread::yield_now();
    }
    assert!(seq <= durable.load(Order::SeqCst), "told to be durable before it was");
}

/// Appends and goes away; the watermark is waited for.
fn leaves(engine: &Arc<Engine>, durable: &Plain) {
    let seq = append(engine).seq();
    engine.until_durable(seq).unwrap().wait().unwrap();
    assert!(seq <= durable.load(Order::SeqCst), "acknowledged before it was durable");
}

/// A trim that has no room for what it must write. Records are not concerned.
fn fails_to_trim(engine: &Arc<Engine>, _: &Plain) {
    engine.trimmed(0, &Err(Failure::refused(Error::new(ErrorKind::StorageFull, "no room"))));
}

fn all() -> Vec<Work> {
    let appends: [Work; 5] =
        [Box::new(waits), Box::new(leads), Box::new(awaits), Box::new(awaits_and_leads), Box::new(leaves)];
    appends.into_iter().chain([Box::new(fails_to_trim) as Work]).collect()
}

const SCHEDULES: usize = 600;

fn tried(run: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}

#[test]
fn no_acknowledgement_is_early_and_no_wake_up_lost() {
    tried(|| Run::new(settings(), None).threads(all()));
}

#[test]
fn callers_lead_without_a_flusher() {
    tried(|| Run::new(Settings { flusher: Flusher::Callers, ..settings() }, None).threads(all()));
}

#[test]
fn a_budget_for_one_record_lets_all_through() {
    for flusher in [Flusher::Thread, Flusher::Callers] {
        let settings = Settings { queue_bytes: 60, flusher, ..settings() };
        let run = move || Run::new(settings.clone(), None).threads(all());
        shuttle::check_random(run, SCHEDULES);
    }
}

#[test]
fn dropped_records_are_written() {
    tried(|| {
        let work = |engine: &Arc<Engine>, _: &Plain| drop(append(engine));
        Run::new(settings(), None).threads(vec![Box::new(work), Box::new(work), Box::new(waits)]);
    });
}

#[test]
fn tasks_lead_and_may_go_away() {
    tried(|| {
        let works: Vec<Work> = vec![Box::new(awaits_and_leads), Box::new(cancelled::<1>), Box::new(awaits_and_leads)];
        Run::new(settings(), None).threads(works);
    });
    for work in [cancelled::<0>, cancelled::<1>, cancelled::<2>] {
        shuttle::check_random(move || Run::new(settings(), None).threads(vec![Box::new(work)]), SCHEDULES);
    }
}

#[test]
fn tasks_that_must_not_lead_leave_it_to_the_flusher() {
    tried(|| {
        let settings = Settings { lead_within: Duration::ZERO, ..settings() };
        let works: Vec<Work> = vec![Box::new(awaits_and_leads), Box::new(cancelled::<1>), Box::new(waits)];
        Run::new(settings, None).threads(works);
    });
}

#[test]
fn a_failure_reaches_everyone() {
    tried(|| {
        let work = |engine: &Arc<Engine>, durable: &Plain| {
            let outcome = engine.append(1, Bytes::new(), OverBudget::Block).and_then(|appended| appended.wait());
            match outcome {
                Ok(seq) => assert!(seq <= durable.load(Order::SeqCst) && seq < 2),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Poisoned),
            }
        };
        let run = Run::new(settings(), Some((2, Failure::fatal)));
        run.threads(vec![Box::new(work), Box::new(work), Box::new(work)]);
    });
}

#[test]
fn a_refusal_gives_the_number_again() {
    tried(|| {
        let work = |engine: &Arc<Engine>, durable: &Plain| {
            let outcome = engine.append(1, Bytes::new(), OverBudget::Block).and_then(|appended| appended.wait());
            match outcome {
                Ok(seq) => assert!(seq <= durable.load(Order::SeqCst)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::StorageFull);
                    // Whoever waits for room is told of it.
                    engine.room(0).unwrap().wait().unwrap();
                }
            }
        };
        let run = Run::new(settings(), Some((2, Failure::refused)));
        run.threads(vec![Box::new(work), Box::new(work), Box::new(work)]);
    });
}

/// The test sees what it looks for.
#[test]
#[should_panic(expected = "acknowledged before it was durable")]
fn an_early_acknowledgement_is_seen() {
    let settings = Settings { planted: Planted::from(Bug::AckBeforeSync), ..settings() };
    shuttle::check_random(move || Run::new(settings.clone(), None).threads(all()), SCHEDULES);
}
