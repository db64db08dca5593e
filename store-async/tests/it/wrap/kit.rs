//! Every wrapper conforms, alone and stacked, and with faults below a retry.

use super::*;

#[tokio::test]
async fn each_wrapper_conforms_and_answers_as_memory_does() {
    let expected = conforms(&*memory()).await.transcript();
    let wrappers: Vec<Arc<dyn AsyncBackend>> = vec![
        Arc::new(AsyncPrefixBackend::new(memory(), Prefix::new("some/folder").unwrap())),
        Arc::new(AsyncPrefixBackend::new(memory(), Prefix::root())),
        Arc::new(AsyncRetryBackend::new(memory(), RetryOptions::default())),
        Arc::new(AsyncFaultBackend::new(memory(), FaultOptions::default())),
        Arc::new(AsyncMetricsBackend::new(memory(), Arc::default())),
        Arc::new(AsyncTraceBackend::new(memory(), TraceScope::Call)),
        Arc::new(AsyncLimitBackend::new(memory(), LimitOptions::default().with_calls_max(1))),
        Arc::new(AsyncCacheBackend::new(memory(), CacheOptions::default())),
        // A few entries, most objects too large.
        Arc::new(AsyncCacheBackend::new(memory(), CacheOptions::default().with_bytes_max(700).with_entry_bytes_max(9))),
        Arc::new(AsyncTieredBackend::open(memory(), memory(), TierOptions::default()).await.unwrap()),
        Arc::new(
            AsyncTieredBackend::open(memory(), memory(), TierOptions::default().with_bytes_max(700)).await.unwrap(),
        ),
        Arc::new(AsyncChecksumBackend::new(memory(), Arc::new(MemoryDigests::new()))),
        Arc::new(AsyncLedgerBackend::new(memory())),
        Arc::new(AsyncLedgerBackend::with_entries_max(memory(), 2)),
        Arc::new(AsyncTimeoutBackend::new(memory(), TimeoutOptions::new(Duration::from_secs(600)))),
    ];
    for wrapper in wrappers {
        assert_eq!(conforms(&*wrapper).await.transcript(), expected, "{wrapper}");
    }
}

#[tokio::test]
async fn read_only_conforms_as_what_refuses_every_change() {
    let backend = AsyncReadOnlyBackend::new(memory());
    conforms(&backend).await;
    assert!(!backend.info().capability.write && backend.info().capability.versions);
}

/// Errors of every call, lost replies where they can be settled, broken bodies: nothing of it shows above a retry.
///
/// Appends, commits and aborts do not fail, for no retry can mend a writer; replies of moves and of deletes with a
/// condition are not lost, for nothing can settle them.
#[tokio::test]
async fn faults_below_a_retry_do_not_show() {
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
        let backend = AsyncStack::new(memory())
            .clock(clock())
            .retry_seeded(RetryOptions::default().with_attempts_max(30).with_elapsed_max(Duration::MAX), seed)
            .faults(faults)
            .metrics(Arc::clone(&above))
            .attempt_metrics(Arc::clone(&below))
            .build();
        let report = conforms(&*backend).await;
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

#[tokio::test]
async fn faults_without_a_retry_do_show() {
    let backend = AsyncFaultBackend::with_clock(
        memory(),
        FaultOptions::new(1).everywhere(Odds::default().with_error(0.2)),
        clock(),
    );
    let report = conformance::run(&backend, &Prefix::new("kit").unwrap()).await;
    assert!(report.failed().count() > 10);
}
