//! Retry: which failures are tried again, how long it waits, and what it makes of lost replies.

use super::*;
use Event::{Fail, FailLast, Lose, LoseAndReplace, Overtake, Pass};

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "service unavailable")
}

fn retry(inner: &Arc<Scripted>, clock: &Arc<ManualClock>, options: RetryOptions) -> AsyncRetryBackend {
    let clock = Arc::clone(clock);
    AsyncRetryBackend::with_clock(Arc::new(SyncBackendAdapter::new(inner.clone())), options, clock, Dice::new(7))
}

async fn stat(backend: &dyn AsyncBackend) -> Result<ObjectMeta> {
    backend.stat(&key("a"), &StatOptions::default()).await
}

#[tokio::test]
async fn attempts_are_counted_and_pauses_jitter_below_a_doubling_bound() {
    let (inner, clock) = (Scripted::new((0..9).map(|_| Fail(unavailable()))), clock());
    let options = RetryOptions::default().with_attempts_max(6).with_pauses(ms(100), ms(700));
    let error = stat(&retry(&inner, &clock, options)).await.unwrap_err();
    assert_eq!(error.to_string(), "unavailable: service unavailable, attempts: 6");
    assert_eq!(inner.calls().len(), 6);
    let (slept, bounds) = (clock.slept(), [100, 200, 400, 700, 700]);
    assert_eq!(slept.len(), bounds.len());
    assert!(slept.iter().zip(bounds).all(|(slept, bound)| *slept <= ms(bound)), "{slept:?}");
    assert!(slept.iter().any(|slept| *slept > ms(0)));
}

#[tokio::test]
async fn no_attempt_begins_after_the_budget() {
    let (inner, clock) = (Scripted::new((0..999).map(|_| Fail(unavailable()))), clock());
    let options = RetryOptions::default().with_attempts_max(1_000).with_elapsed_max(Duration::from_secs(30));
    stat(&retry(&inner, &clock, options)).await.unwrap_err();
    let total: Duration = clock.slept().iter().sum();
    assert!(total <= Duration::from_secs(30) && total > Duration::from_secs(15), "{total:?}");
    assert!(inner.calls().len() < 100);
}

#[tokio::test]
async fn the_service_says_how_long_to_wait_and_is_heard_within_the_budget() {
    let asks = |seconds| Fail(unavailable().with_retry_after(Duration::from_secs(seconds)));
    let (inner, clock) = (Scripted::new([asks(20), asks(100)]), clock());
    let error = stat(&retry(&inner, &clock, RetryOptions::default())).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(100)));
    assert_eq!(clock.slept(), [Duration::from_secs(20)]);
}

/// As services answer: 409 in flight, 429 and 503 for a while; 412, 404, 403, 500 as they are.
#[tokio::test]
async fn failures_are_tried_again_by_class() {
    let passing = [ErrorKind::Conflict, ErrorKind::Unavailable];
    let lasting = [
        ErrorKind::ConditionFailed,
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::Unexpected,
        ErrorKind::Invalid,
        ErrorKind::Corrupt,
        ErrorKind::StorageFull,
    ];
    for kind in passing.into_iter().chain(lasting) {
        let inner = Scripted::new([Fail(Error::new(kind, "scripted"))]);
        let backend = retry(&inner, &clock(), RetryOptions::default());
        let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::if_absent()).await;
        match passing.contains(&kind) {
            true => assert!(matches!(outcome, Ok(Outcome::Applied(_))), "{kind}"),
            false => assert_eq!(outcome.unwrap_err().kind(), kind),
        }
        assert_eq!(inner.calls().len(), 1 + usize::from(passing.contains(&kind)), "{kind}");
    }
}

#[tokio::test]
async fn a_lost_reply_to_a_conditional_write_is_settled_by_its_token() {
    let inner = Scripted::new([Lose, Lose]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::if_absent()).await.unwrap();
    let Outcome::Applied(meta) = outcome else { panic!("{outcome:?}") };
    let version = meta.version.unwrap();
    let options = WriteOptions::default().with_condition(Condition::IfMatch(version.clone()));
    let outcome = backend.write(&key("a"), "two".into(), &options).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)));
    assert_eq!(content(&backend, "a").await, b"two");
    // A condition that is really false is a rejection, and nothing is settled.
    assert_eq!(backend.write(&key("a"), "three".into(), &options).await.unwrap(), Outcome::Rejected);
    assert_eq!(inner.calls(), ["write", "settle", "write", "settle", "write"]);
}

#[tokio::test]
async fn a_conditional_write_that_never_arrived_is_made_again() {
    // The first write of each pair is lost on the way there, and nobody knows.
    let lost = || Fail(Error::new(ErrorKind::OutcomeUnknown, "connection reset"));
    let inner = Scripted::new([lost(), Pass, lost(), Pass]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::if_absent()).await.unwrap();
    let Outcome::Applied(meta) = outcome else { panic!("{outcome:?}") };
    let options = WriteOptions::default().with_condition(Condition::IfMatch(meta.version.unwrap()));
    let outcome = backend.write(&key("a"), "two".into(), &options).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(inner.calls(), ["write", "settle", "write", "write", "settle", "write"]);
}

#[tokio::test]
async fn a_rejection_after_a_failure_may_be_by_our_own_attempt() {
    // The first attempt fails although it takes effect, as behind a proxy that gives up.
    let inner = Scripted::new([Lose]);
    let token = WriteToken::new("mine").unwrap();
    let options = WriteOptions::if_absent().with_token(token.clone());
    let _ = inner.inner.write(&key("a"), "one".into(), &options).unwrap();
    inner.befalls_next(Fail(unavailable()));
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let outcome = backend.write(&key("a"), "one".into(), &options).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_rejection_after_a_failure_that_changed_nothing_is_one_and_after_a_lost_reply_nobody_can_tell() {
    let lost = Error::new(ErrorKind::OutcomeUnknown, "connection reset");
    for (failure, expected) in [(unavailable(), Outcome::Rejected), (lost, Outcome::Unknown)] {
        let inner = Scripted::new([Fail(failure), Overtake]);
        let backend = retry(&inner, &clock(), RetryOptions::default());
        let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::if_absent()).await.unwrap();
        assert_eq!(outcome, expected);
        assert_eq!(inner.calls().last(), Some(&"settle"));
    }
}

#[tokio::test]
async fn what_nobody_can_tell_stays_unknown() {
    // Another writer has replaced what the lost write may have written.
    let inner = Scripted::new([LoseAndReplace]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let outcome = backend.write(&key("a"), "one".into(), &WriteOptions::if_absent()).await.unwrap();
    assert_eq!(outcome, Outcome::Unknown);
    assert_eq!(content(&backend, "a").await, b"another's");

    assert_eq!(inner.calls(), ["write", "settle"]);
    let inner = Scripted::new([Pass, LoseAndReplace]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let options =
        WriteOptions::default().with_condition(Condition::IfMatch(put(&backend, "a", "0").await.version.unwrap()));
    assert_eq!(backend.write(&key("a"), "1".into(), &options).await.unwrap(), Outcome::Unknown);
    assert_eq!(inner.calls(), ["write", "write", "settle"], "nothing is written over what another has written");

    // Without tokens nothing settles a write, and what may still arrive is not sent twice.
    let inner = Scripted::without_tokens([Lose, Lose]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    for options in [WriteOptions::if_absent(), WriteOptions::default()] {
        assert_eq!(backend.write(&key("a"), "one".into(), &options).await.unwrap(), Outcome::Unknown);
    }
    assert_eq!(inner.calls(), ["write", "write"]);
}

#[tokio::test]
async fn a_write_without_a_condition_is_settled_and_never_made_over_what_another_has_written() {
    let inner = Scripted::new([Lose, LoseAndReplace]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    let write = async || backend.write(&key("a"), "one".into(), &WriteOptions::default()).await.unwrap();
    assert!(matches!(write().await, Outcome::Applied(_)));
    assert_eq!(write().await, Outcome::Unknown);
    assert_eq!(content(&backend, "a").await, b"another's");
    assert_eq!(inner.calls(), ["write", "settle", "write", "settle"]);
}

#[tokio::test]
async fn moves_and_deletes_are_repeated_until_they_may_have_happened() {
    let inner = Scripted::new([Pass, Fail(unavailable()), Lose, Fail(unavailable()), Lose, Fail(unavailable()), Lose]);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    put(&backend, "a", "one").await;
    let copied = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await;
    assert_eq!(copied.unwrap(), Outcome::Unknown);
    let renamed = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).await;
    assert_eq!(renamed.unwrap(), Outcome::Unknown);
    let deleted = backend.delete(&[key("b"), key("none")], &DeleteOptions::default()).await.unwrap();
    let unknown =
        |answer: &Deleted| matches!(answer, Deleted::Failed(error) if error.kind() == ErrorKind::OutcomeUnknown);
    assert!(deleted.len() == 2 && deleted.iter().all(unknown), "{deleted:?}");
    let calls = ["write", "copy", "copy", "rename", "rename", "delete", "delete"];
    assert_eq!(inner.calls(), calls);
}

#[tokio::test]
async fn an_unknown_copy_does_not_become_a_failure() {
    let inner = Scripted::new([Lose, Fail(Error::not_found("the source is gone by now"))]);
    inner.befalls_next(Pass);
    let backend = retry(&inner, &clock(), RetryOptions::default());
    put(&backend, "a", "one").await;
    let copied = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await;
    assert_eq!(copied.unwrap(), Outcome::Unknown);
}

#[tokio::test]
async fn the_answers_of_a_delete_outlive_the_failure_of_a_later_attempt() {
    let lost = || Error::new(ErrorKind::OutcomeUnknown, "connection reset");
    let refused = || Error::new(ErrorKind::PermissionDenied, "no more");
    for (script, expected, calls) in [
        (vec![FailLast(unavailable()), Pass], None, 2),
        (vec![FailLast(unavailable()), Fail(refused())], Some(ErrorKind::Unavailable), 2),
        (vec![FailLast(unavailable()), Fail(lost())], Some(ErrorKind::OutcomeUnknown), 2),
        (vec![FailLast(lost()), Fail(refused())], Some(ErrorKind::OutcomeUnknown), 1),
    ] {
        let inner = Scripted::new(script);
        for name in ["a", "b"] {
            let _ = inner.inner.write(&key(name), "x".into(), &WriteOptions::default()).unwrap();
        }
        let backend = retry(&inner, &clock(), RetryOptions::default());
        let answers = backend.delete(&[key("a"), key("b")], &DeleteOptions::default()).await.unwrap();
        let [Deleted::Deleted, last] = &answers[..] else { panic!("{answers:?}") };
        let failed = if let Deleted::Failed(error) = last { Some(error.kind()) } else { None };
        assert_eq!((failed, inner.calls().len()), (expected, calls));
    }
}

#[tokio::test]
async fn a_broken_body_goes_on_where_it_broke_in_the_same_state() {
    let body: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    for seed in 0..20 {
        let inner = memory();
        put(&*inner, "a", body.clone()).await;
        let faults = FaultOptions::new(seed).with(Class::Read, Odds::default().with_short_read(0.8));
        let attempts = Arc::new(Metrics::default());
        let options = RetryOptions::default().with_attempts_max(100).with_elapsed_max(Duration::MAX);
        let build = |metrics| {
            let stack = AsyncStack::new(Arc::clone(&inner)).clock(clock()).attempt_metrics(metrics);
            stack.faults(faults).retry_seeded(options, seed).build()
        };
        let backend = build(Arc::clone(&attempts));
        assert_eq!(content(&*backend, "a").await, body);
        let range = ReadOptions::default().with_range(ReadRange::Bounded(10..50_000));
        assert_eq!(content_with(&*backend, "a", &range).await.unwrap(), &body[10..50_000]);
        assert!(attempts.snapshot().bytes_read <= 100_000 + 49_990, "nothing is read twice");
    }
}

#[tokio::test]
async fn a_body_does_not_go_on_in_another_state() {
    let inner = memory();
    put(&*inner, "a", vec![1; 1_000]).await;
    let faults = FaultOptions::new(3).with(Class::Read, Odds::default().with_short_read(1.0));
    let backend = AsyncStack::new(Arc::clone(&inner))
        .clock(clock())
        .faults(faults)
        .retry_seeded(RetryOptions::default(), 3)
        .build();
    let reply = backend.read(&key("a"), &ReadOptions::default()).await.unwrap();
    put(&*inner, "a", vec![2; 1_000]).await;
    let read = reply.body.try_collect::<Vec<_>>().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConditionFailed);
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_settled_and_a_torn_one_is_an_error() {
    for (odds, expected) in [(Odds::default().with_lost_reply(1.0), true), (Odds::default().with_torn(1.0), false)] {
        let inner = memory();
        let backend = AsyncStack::new(Arc::clone(&inner))
            .clock(clock())
            .faults(FaultOptions::new(1).with(Class::Commit, odds))
            .retry(RetryOptions::default())
            .build();
        let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
        writer.write("one".into()).await.unwrap();
        let outcome = writer.commit().await;
        match expected {
            true => assert!(matches!(outcome, Ok(Outcome::Applied(_))), "{outcome:?}"),
            false => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable),
        }
        assert_eq!(stat(&*inner).await.is_ok(), expected);
    }
}
