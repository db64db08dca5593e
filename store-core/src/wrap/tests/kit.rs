//! Every wrapper conforms, alone and stacked, and with faults below a retry.

use super::*;

#[test]
fn each_wrapper_conforms_and_answers_as_memory_does() {
    let expected = conforms(&*memory()).transcript();
    let wrappers: Vec<Arc<dyn Backend>> = vec![
        Arc::new(PrefixBackend::new(memory(), Prefix::new("some/folder").unwrap())),
        Arc::new(PrefixBackend::new(memory(), Prefix::root())),
        Arc::new(RetryBackend::new(memory(), RetryOptions::default())),
        Arc::new(FaultBackend::new(memory(), FaultOptions::default())),
        Arc::new(MetricsBackend::new(memory(), Arc::default())),
        Arc::new(TraceBackend::new(memory(), TraceScope::Call)),
        Arc::new(LimitBackend::new(memory(), LimitOptions::default().with_calls_max(1))),
        Arc::new(CacheBackend::new(memory(), CacheOptions::default())),
        // A few entries, most objects too large.
        Arc::new(CacheBackend::new(memory(), CacheOptions::default().with_bytes_max(700).with_entry_bytes_max(9))),
        Arc::new(TieredBackend::open(memory(), memory(), TierOptions::default()).unwrap()),
        Arc::new(TieredBackend::open(memory(), memory(), TierOptions::default().with_bytes_max(700)).unwrap()),
        Arc::new(ChecksumBackend::new(memory(), Arc::new(MemoryDigests::new()))),
    ];
    for wrapper in wrappers {
        assert_eq!(conforms(&*wrapper).transcript(), expected, "{wrapper}");
    }
}

#[test]
fn read_only_conforms_as_what_refuses_every_change() {
    let backend = ReadOnlyBackend::new(memory());
    conforms(&backend);
    assert!(!backend.info().capability.write && backend.info().capability.versions);
}

/// Errors of every call, lost replies where they can be settled, broken bodies: nothing of it shows above a retry.
///
/// Appends, commits and aborts do not fail, for no retry can mend a writer; replies of moves and of deletes with a
/// condition are not lost, for nothing can settle them.
#[test]
fn faults_below_a_retry_do_not_show() {
    let errors = Odds::default().with_error(0.2);
    let (mut calls, mut attempts) = (0, 0);
    for seed in 0..3 {
        let faults = FaultOptions::new(seed)
            .everywhere(errors.with_lost_reply(0.2).with_short_read(0.2).with_latency(0.2, ms(50)))
            .with(Class::Append, Odds::default())
            .with(Class::Commit, Odds::default().with_lost_reply(0.2))
            .with(Class::Delete, errors)
            .with(Class::Move, errors);
        let (above, below) = (Arc::new(Metrics::default()), Arc::new(Metrics::default()));
        let backend = Stack::new(memory())
            .clock(clock())
            .retry_seeded(RetryOptions::default().with_attempts_max(30).with_elapsed_max(Duration::MAX), seed)
            .faults(faults)
            .metrics(Arc::clone(&above))
            .attempt_metrics(Arc::clone(&below))
            .build();
        let report = conforms(&*backend);
        assert!(report.transcript().lines().count() > 400);
        let (above, below) = (above.snapshot(), below.snapshot());
        assert_eq!((above.in_flight, below.in_flight), (0, 0));
        assert_eq!((above.errors_of(ErrorKind::Unavailable), above.unknown), (0, 0));
        assert!(below.errors_of(ErrorKind::Unavailable) > 100 && below.unknown > 10, "{below:?}");
        calls += above.calls_total();
        attempts += below.calls_total();
    }
    assert!(attempts > calls * 12 / 10, "{calls} calls, {attempts} attempts");
}

#[test]
fn faults_without_a_retry_do_show() {
    let backend =
        FaultBackend::with_clock(memory(), FaultOptions::new(1).everywhere(Odds::default().with_error(0.2)), clock());
    let report = conformance::run(&backend, &Prefix::new("kit").unwrap());
    assert!(report.failed().count() > 10);
}

/// Bodies do not break here: one that does while its object is replaced cannot go on, and says so.
#[test]
fn races_have_one_winner_through_a_stack_with_faults() {
    let stack = Stack::new(memory())
        .clock(clock())
        .cache(CacheOptions::default())
        .retry(RetryOptions::default().with_attempts_max(30).with_elapsed_max(Duration::MAX))
        .limit(LimitOptions::default().with_calls_max(3))
        .faults(
            FaultOptions::new(1)
                .everywhere(Odds::default().with_error(0.2))
                .with(Class::Append, Odds::default())
                .with(Class::Commit, Odds::default()),
        );
    conformance::race(stack.build(), &Prefix::new("kit").unwrap()).into_result().unwrap();
}
