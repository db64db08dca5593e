//! The stack: one order, whatever the order of the calls.

use super::*;

type Step = fn(Stack) -> Stack;

const STEPS: &[Step] = &[
    |stack| stack.read_only(),
    |stack| stack.prefix(Prefix::new("p").unwrap()),
    |stack| stack.metrics(Arc::default()),
    |stack| stack.cache(CacheOptions::default()),
    |stack| stack.checksum(Arc::new(MemoryDigests::new())),
    |stack| stack.retry(RetryOptions::default()),
    |stack| stack.limit(LimitOptions::default()),
    |stack| stack.attempt_metrics(Arc::default()),
    |stack| stack.trace(),
    |stack| stack.attempt_trace(),
    |stack| stack.faults(FaultOptions::default()),
];

const ORDER: &str =
    "read_only(prefix(trace(metrics(cache(checksum(retry(limit(trace(metrics(fault(memory))))))))), p))";

fn built(steps: impl Iterator<Item = Step>, backend: &Arc<dyn Backend>) -> String {
    steps.fold(Stack::new(Arc::clone(backend)), |stack, step| step(stack)).build().to_string()
}

/// Calls `visit` with every order of the places from `fixed` on, by Heap's algorithm.
fn permute(places: &mut Vec<usize>, length: usize, visit: &mut impl FnMut(&[usize])) {
    if length <= 1 {
        visit(places);
        return;
    }
    for place in 0..length {
        permute(places, length - 1, visit);
        places.swap(if length.is_multiple_of(2) { place } else { 0 }, length - 1);
    }
}

#[test]
fn every_order_of_calls_builds_the_same_order() {
    let backend = memory();
    // Every order of each seven steps that follow one another around the circle, the rest behind them.
    for first in 0..STEPS.len() {
        let circle: Vec<Step> = STEPS.iter().cycle().skip(first).take(STEPS.len()).copied().collect();
        let mut orders = 0;
        permute(&mut (0..7).collect(), 7, &mut |places| {
            let steps = places.iter().copied().chain(7..STEPS.len()).map(|place| circle[place]);
            assert_eq!(built(steps, &backend), ORDER);
            orders += 1;
        });
        assert_eq!(orders, 5_040);
    }
    // And any order of all.
    let dice = Dice::new(5);
    for _ in 0..2_000 {
        let mut steps = STEPS.to_vec();
        (1..steps.len()).rev().for_each(|last| steps.swap(last, dice.below(last as u64 + 1) as usize));
        assert_eq!(built(steps.into_iter(), &backend), ORDER);
    }
}

#[test]
fn a_full_stack_conforms() {
    let stack = Stack::new(memory())
        .prefix(Prefix::new("below/here").unwrap())
        .metrics(Arc::default())
        .cache(CacheOptions::default())
        .checksum(Arc::new(MemoryDigests::new()))
        .retry(RetryOptions::default())
        .limit(LimitOptions::default().with_calls_max(2))
        .attempt_metrics(Arc::default());
    conforms(&*stack.build());
}

#[test]
fn a_hit_of_the_cache_is_a_call_and_no_attempt() {
    let (calls, attempts) = (Arc::new(Metrics::default()), Arc::new(Metrics::default()));
    let backend = Stack::new(memory())
        .attempt_metrics(Arc::clone(&attempts))
        .cache(CacheOptions::default())
        .metrics(Arc::clone(&calls))
        .build();
    put(&*backend, "a", "one");
    for _ in 0..4 {
        content(&*backend, "a");
    }
    let read = |metrics: &Metrics| metrics.snapshot().calls_of(Operation::Read);
    assert_eq!((read(&calls), read(&attempts)), (4, 1));
}
